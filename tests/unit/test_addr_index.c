// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking up by address: what was added is found, at once, and nothing else. */
#include <stdlib.h>

#include "analyze/addr_index.h"
#include "tests/unit/tap.h"

#define NR	100000

static void add(struct addr_index *index, uint64_t addr, size_t element)
{
	if (addr_index_add(index, addr, element))
		abort();
}

/* Addresses of pages, of cache lines, and numbers: as those that are looked up here. */
static void test_spacing(uint64_t first, uint64_t spacing, const char *fact)
{
	struct addr_index index = {};
	bool good = true;
	size_t found;

	for (size_t i = 0; i < NR; i++)
		add(&index, first + i * spacing, i);
	for (size_t i = 0; i < NR; i++)
		good &= addr_index_find(&index, first + i * spacing, &found) && found == i;
	for (size_t i = NR; i < 2 * NR; i++)
		good &= !addr_index_find(&index, first + i * spacing, &found);
	tap_ok(good, "%s are found, and no others", fact);
	addr_index_deinit(&index);
}

int main(void)
{
	struct addr_index index = {};
	size_t found = 7;

	tap_ok(!addr_index_find(&index, 0, &found) && found == 7, "an empty index has nothing");
	add(&index, 0, 5);
	add(&index, 0, 6);
	tap_ok(addr_index_find(&index, 0, &found) && found == 5,
	       "of two elements of one address the first is found");
	addr_index_deinit(&index);
	test_spacing(0xffff888000000000ULL, 4096, "addresses of pages");
	test_spacing(0xffff888000000000ULL, 64, "addresses of cache lines");
	test_spacing(0xffff888000000000ULL, 1ULL << 30, "addresses a gigabyte apart");
	test_spacing(0, 1, "small numbers");
	return tap_done();
}
