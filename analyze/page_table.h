/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PAGE_TABLE_H
#define ANALYZE_PAGE_TABLE_H

/*
 * The kernel's own page tables, with 4 levels or 5 (SDM vol. 3, 4.5).  They map
 * all that the kernel has: memory, text, vmalloc areas and with them modules.
 */

#include <stdbool.h>

#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

/* Where x86-64 maps the kernel's text (Documentation/arch/x86/x86_64/mm.rst) */
#define START_KERNEL_MAP	0xffffffff80000000ULL

struct page_table {
	uint64_t root;		/* physical address of the top table */
	uint64_t root_va;	/* and where the kernel has it */
	unsigned int levels;
	uint64_t sme_mask;	/* the bit in entries that says "encrypted", or 0 */
};

/*
 * Find the tables by vmcoreinfo.  @phys_base, where the kernel's text is, is what
 * the dump's headers have, for kernels whose vmcoreinfo does not tell; NULL for
 * nothing.
 */
struct error *page_table_init(const struct vmcoreinfo *info, const uint64_t *phys_base,
			      struct page_table *ret);

/* Whether the tables map themselves to where they are, as only the right ones do. */
bool page_table_is_consistent(const struct page_table *table, const struct memory *mem);

/* Where @va is in physical memory. @mem is read at physical addresses alone. */
struct error *page_table_translate(const struct page_table *table, const struct memory *mem,
				   uint64_t va, uint64_t *ret);

#endif
