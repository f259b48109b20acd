/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_VALUES_H
#define INJECT_VALUES_H

/*
 * Which values the registers and the stack hold at each instruction of a
 * function, as far as that is needed to say that two of them are the same, or
 * a known distance apart: is what this store writes what that one writes to?
 *
 * A value is a node plus an offset.  Nodes are only compared, never computed;
 * where control flow joins and a register holds two values, it gets a new one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inject/code.h"

struct value {
	uint32_t node;		/* VALUE_CONSTANT: the offset is all there is */
	int64_t offset;
};

#define VALUE_CONSTANT	0

struct store {
	size_t insn;
	struct value address;
	struct value source;	/* all 64 bits of the register it comes from */
	unsigned int size;	/* bytes */
};

struct values;

/* @code must outlive the result. */
struct error *values_create(const struct code *code, struct values **ret);
void values_destroy(struct values *values);

static inline void cleanup_values(struct values **values)
{
	values_destroy(*values);
}

#define _cleanup_values_ __attribute__((__cleanup__(cleanup_values)))

/*
 * Stores to memory other than the function's stack frame, in the order of
 * their addresses.
 */
const struct store *values_stores(const struct values *values, size_t *ret_nr);

static inline bool value_equal(struct value a, struct value b)
{
	return a.node == b.node && a.offset == b.offset;
}

/*
 * Whether @value is the address of @symbol, possibly with something unknown
 * added, as the offset of a CPU is to a per-CPU variable.
 */
bool value_is_symbol(const struct values *values, struct value value,
		     const struct module_symbol *symbol);

/* Whether the node of @value is the function's first argument. */
bool value_is_argument(const struct values *values, struct value value);

/* Whether it was loaded from memory at @offset from some other node. */
bool value_is_loaded(const struct values *values, struct value value,
		     int64_t offset);

#endif
