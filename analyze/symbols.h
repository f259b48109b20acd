/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_SYMBOLS_H
#define ANALYZE_SYMBOLS_H

/* A table of symbols: of the kernel or of one module. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

struct symbol {
	uint64_t addr;
	uint32_t name;	/* offset in symbol_table.names */
	uint32_t next;	/* with the same bucket: index + 1, 0: none */
};

struct symbol_table {
	struct symbol *symbol;	/* by address, once symbol_table_index() ran */
	size_t nr;
	char *names;
	size_t names_size;
	uint32_t *bucket;	/* the first symbol in each: index + 1, 0: none */
	size_t nr_buckets;	/* a power of two */
	size_t capacity;
	size_t names_capacity;
};

void symbol_table_deinit(struct symbol_table *table);

/* @name has @len bytes and need not end with a NUL. */
struct error *symbol_table_add(struct symbol_table *table, uint64_t addr,
			       const char *name, size_t len);

/* Must follow the last symbol_table_add(). */
struct error *symbol_table_index(struct symbol_table *table);

/* Of several symbols of one name, the one at the lowest address. */
bool symbol_table_find(const struct symbol_table *table, const char *name,
		       uint64_t *ret);

/*
 * The symbol at or below @addr.
 * Return: its name, owned by @table, or NULL; the distance to it in *@ret_offset.
 */
const char *symbol_table_lookup(const struct symbol_table *table, uint64_t addr,
				uint64_t *ret_offset);

#endif
