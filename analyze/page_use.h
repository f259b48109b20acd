/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PAGE_USE_H
#define ANALYZE_PAGE_USE_H

/* Whether a page of memory was in use, from its struct page. */

#include "analyze/kernel.h"

enum page_use {
	PAGE_UNKNOWN,		/* the dump has no struct page for it */
	PAGE_USED,
	PAGE_UNREFERENCED,	/* _refcount 0: free, unless it is of a slab */
	PAGE_BUDDY,		/* free, in the lists of the page allocator */
};

/* Where struct page is and what it looks like, by vmcoreinfo. */
struct page_finder {
	const struct memory *mem;
	bool known;
	uint64_t vmemmap;	/* the struct page of physical address 0 */
	uint64_t size;		/* of struct page */
	uint64_t refcount, mapcount, private, compound_head;	/* offsets */
	uint32_t buddy;		/* _mapcount of a free block's first page */
};

void page_finder_init(const struct kernel *kernel, struct page_finder *ret);

/* What is known of the page with physical address @pa. */
enum page_use page_find_use(const struct page_finder *finder, uint64_t pa);

#endif
