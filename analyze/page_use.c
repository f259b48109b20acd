// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/page_use.h"

#include <string.h>

#define PAGE_SHIFT	12
/* Physical addresses have no more bits (SDM vol. 3, 4.1.4). */
#define MAXPHYADDR_MAX	52
/* struct page has 64 bytes, more with debug options. */
#define MAX_PAGE_STRUCT	256
/* Free blocks have up to 1 << MAX_ORDER pages; 10 unless configured otherwise. */
#define MAX_ORDER	10

static bool find_offset(const struct vmcoreinfo *info, const char *member, uint64_t size,
			uint64_t *ret)
{
	return vmcoreinfo_number(info, "OFFSET", member, ret) && *ret < size &&
	       size - *ret >= sizeof(uint64_t);
}

void page_finder_init(const struct kernel *kernel, struct page_finder *ret)
{
	const struct vmcoreinfo *info = kernel->info;
	struct page_finder finder = { .mem = kernel->memory };
	uint64_t vmemmap_base, buddy;

	*ret = finder;
	if (!vmcoreinfo_number(info, "SIZE", "page", &finder.size) ||
	    finder.size > MAX_PAGE_STRUCT ||
	    !find_offset(info, "page._refcount", finder.size, &finder.refcount) ||
	    !find_offset(info, "page._mapcount", finder.size, &finder.mapcount) ||
	    !find_offset(info, "page.private", finder.size, &finder.private) ||
	    !find_offset(info, "page.compound_head", finder.size, &finder.compound_head) ||
	    !vmcoreinfo_number(info, "NUMBER", "PAGE_BUDDY_MAPCOUNT_VALUE", &buddy) ||
	    !symbol_table_find(&kernel->symbols, "vmemmap_base", &vmemmap_base))
		return;
	struct error *err = memory_read_u64(finder.mem, vmemmap_base, &finder.vmemmap);

	finder.buddy = buddy;
	finder.known = !err;
	error_free(err);
	*ret = finder;
}

/* The struct page at @addr into MAX_PAGE_STRUCT bytes. Return: whether it is there. */
static bool read_page(const struct page_finder *finder, uint64_t addr, uint8_t *ret)
{
	struct error *err = memory_read(finder->mem, addr, ret, finder->size);

	error_free(err);
	return !err;
}

static uint64_t get_u64(const uint8_t *page, uint64_t offset)
{
	uint64_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

/* Only the first page of a free block is marked, and has the block's order in ->private. */
static bool in_free_block(const struct page_finder *finder, uint64_t pfn)
{
	uint8_t page[MAX_PAGE_STRUCT];

	for (unsigned int order = 0; order <= MAX_ORDER; order++) {
		uint64_t first = pfn & ~0ULL << order;

		if (order && first == (pfn & ~0ULL << (order - 1)))
			continue;
		if (read_page(finder, finder->vmemmap + first * finder->size, page) &&
		    get_u32(page, finder->mapcount) == finder->buddy &&
		    pfn - first < 1ULL << (get_u64(page, finder->private) & 63))
			return true;
	}
	return false;
}

enum page_use page_find_use(const struct page_finder *finder, uint64_t pa)
{
	uint64_t pfn = pa >> PAGE_SHIFT;
	uint8_t page[MAX_PAGE_STRUCT];

	if (!finder->known || pa >> MAXPHYADDR_MAX ||
	    !read_page(finder, finder->vmemmap + pfn * finder->size, page))
		return PAGE_UNKNOWN;
	if (in_free_block(finder, pfn))
		return PAGE_BUDDY;
	uint64_t head = get_u64(page, finder->compound_head);

	/* Bit 0 marks a page behind the first of a compound page, which alone is counted. */
	if (head & 1 && !read_page(finder, head - 1, page))
		return PAGE_UNKNOWN;
	return get_u32(page, finder->refcount) ? PAGE_USED : PAGE_UNREFERENCED;
}
