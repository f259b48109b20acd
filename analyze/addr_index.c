// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/addr_index.h"

#include <stdlib.h>

void addr_index_deinit(struct addr_index *index)
{
	free(index->slot);
	*index = (struct addr_index){};
}

/* Addresses differ in few bits and are aligned: let each bit change all others. */
static size_t hash(uint64_t addr)
{
	addr = (addr ^ addr >> 31) * 0x9e3779b97f4a7c15ULL;
	addr = (addr ^ addr >> 29) * 0xbf58476d1ce4e5b9ULL;
	return addr ^ addr >> 32;
}

/* The slot of @addr, or the free one where it belongs; there is always a free one. */
static struct addr_slot *find_slot(const struct addr_index *index, uint64_t addr)
{
	for (size_t i = hash(addr);; i++) {
		struct addr_slot *slot = &index->slot[i & (index->nr_slots - 1)];

		if (!slot->used || slot->addr == addr)
			return slot;
	}
}

static struct error *grow(struct addr_index *index)
{
	struct addr_index grown = {
		.nr_slots = index->nr_slots ? index->nr_slots * 2 : 64,
		.nr = index->nr,
	};

	grown.slot = calloc(grown.nr_slots, sizeof(*grown.slot));
	if (!grown.slot)
		return &error_no_memory;
	for (size_t i = 0; i < index->nr_slots; i++) {
		if (index->slot[i].used)
			*find_slot(&grown, index->slot[i].addr) = index->slot[i];
	}
	free(index->slot);
	*index = grown;
	return NULL;
}

struct error *addr_index_add(struct addr_index *index, uint64_t addr, size_t element)
{
	struct error *err = 2 * index->nr >= index->nr_slots ? grow(index) : NULL;

	if (err)
		return err;
	struct addr_slot *slot = find_slot(index, addr);

	if (!slot->used) {
		*slot = (struct addr_slot){ addr, element + 1 };
		index->nr++;
	}
	return NULL;
}

bool addr_index_find(const struct addr_index *index, uint64_t addr, size_t *ret)
{
	if (!index->nr_slots)
		return false;
	const struct addr_slot *slot = find_slot(index, addr);

	if (!slot->used)
		return false;
	*ret = slot->used - 1;
	return true;
}
