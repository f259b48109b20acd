// SPDX-License-Identifier: GPL-2.0-or-later
/* Of ranges that overlap, each address has the one that was added last. */
#include <err.h>
#include <stdlib.h>

#include "analyze/extents.h"
#include "tests/unit/tap.h"

#define NR_ADDRESSES	200

static uint64_t seed = 1;

/* xorshift64: the same sequence everywhere */
static uint64_t next_random(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* What the ranges say of each address, written one after another. */
struct model {
	bool known[NR_ADDRESSES];
	uint64_t source[NR_ADDRESSES];
};

static void add(struct extents *extents, struct model *model, uint64_t start, uint64_t size,
		uint64_t source)
{
	if (extents_add(extents, start, size, source))
		errx(2, "no memory");
	for (uint64_t i = 0; i < size; i++) {
		model->known[start + i] = true;
		model->source[start + i] = source == EXTENT_ZERO ? source : source + i;
	}
}

static uint64_t source_of(const struct extent *extent, uint64_t addr)
{
	return extent->source == EXTENT_ZERO ? EXTENT_ZERO : extent->source + addr - extent->start;
}

static bool agrees(const struct extents *extents, const struct model *model)
{
	for (uint64_t addr = 0; addr < NR_ADDRESSES; addr++) {
		const struct extent *extent = extents_find(extents, addr);
		bool known = extent && extent->start <= addr;

		if (known != model->known[addr] ||
		    (known && source_of(extent, addr) != model->source[addr])) {
			tap_diag("address %d differs", (int)addr);
			return false;
		}
	}
	return true;
}

static bool is_sorted(const struct extents *extents)
{
	for (size_t i = 0; i < extents->nr; i++) {
		const struct extent *extent = &extents->extent[i];

		if (extent->start >= extent->end || (i && extent[-1].end > extent->start))
			return false;
	}
	return true;
}

/* Return: whether a set of at most @max random ranges came out as it should. */
static bool try_random(size_t max)
{
	struct extents extents = {};
	struct model model = {};
	size_t nr = next_random(max + 1);

	for (size_t i = 0; i < nr; i++) {
		uint64_t start = next_random(NR_ADDRESSES);

		add(&extents, &model, start, next_random(NR_ADDRESSES - start + 1),
		    next_random(4) ? next_random(100000) : EXTENT_ZERO);
	}
	error_free(extents_index(&extents));
	bool good = is_sorted(&extents) && agrees(&extents, &model);

	extents_deinit(&extents);
	return good;
}

int main(void)
{
	bool few = true, many = true;

	for (int i = 0; i < 2000; i++) {
		few &= try_random(4);
		many &= try_random(60);
	}
	tap_ok(few, "a few ranges: each address has the last that was added for it");
	tap_ok(many, "many ranges: the same");
	struct extents none = {};

	error_free(extents_index(&none));
	tap_ok(!extents_find(&none, 0), "nothing is found where there is nothing");
	return tap_done();
}
