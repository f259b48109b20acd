/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ADDR_INDEX_H
#define ANALYZE_ADDR_INDEX_H

/*
 * Which element of an array belongs to an address, or to another number, in
 * constant time.  The array may move and grow: its indices are kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

struct addr_slot {
	uint64_t addr;
	size_t used;	/* index + 1, 0: free */
};

/* All zero: empty. */
struct addr_index {
	struct addr_slot *slot;	/* open addressing */
	size_t nr_slots;	/* a power of two */
	size_t nr;
};

void addr_index_deinit(struct addr_index *index);

/* Of several elements of one address, the first one added is found. */
struct error *addr_index_add(struct addr_index *index, uint64_t addr, size_t element);

/* Return: whether there is one; *@ret is written only then. */
bool addr_index_find(const struct addr_index *index, uint64_t addr, size_t *ret);

#endif
