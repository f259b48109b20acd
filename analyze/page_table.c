// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/page_table.h"

#include <inttypes.h>

#define PAGE_SHIFT		12
#define LEVEL_BITS		9
#define ENTRY_PRESENT		(1ULL << 0)
#define ENTRY_LARGE		(1ULL << 7)	/* PS, in the levels of 1 GiB and 2 MiB pages */
#define ENTRY_ADDRESS		0x000ffffffffff000ULL

static struct error *find_phys_base(const struct vmcoreinfo *info, const uint64_t *phys_base,
				    uint64_t *ret)
{
	/* Since Linux kernel commit 401721ecd1dc ("kexec: export the value of phys_base instead of symbol address") (in v4.10) */
	if (vmcoreinfo_number(info, "NUMBER", "phys_base", ret))
		return NULL;
	if (!phys_base)
		return error_new("vmcoreinfo has no NUMBER(phys_base), and the dump's headers do not tell it either: the dump is damaged or of another machine than x86-64");
	*ret = *phys_base;
	return NULL;
}

struct error *page_table_init(const struct vmcoreinfo *info, const uint64_t *phys_base,
			      struct page_table *ret)
{
	uint64_t base, root, five_levels = 0, sme_mask = 0;

	/* Linux kernel commit 65ade2f872b4 ("x86/boot/64: Rename init_level4_pgt and early_level4_pgt") (in v4.13) */
	if (!vmcoreinfo_symbol(info, "init_top_pgt", &root) &&
	    !vmcoreinfo_symbol(info, "swapper_pg_dir", &root) &&
	    !vmcoreinfo_symbol(info, "init_level4_pgt", &root))
		return error_new("vmcoreinfo has neither SYMBOL(init_top_pgt) nor SYMBOL(swapper_pg_dir): the dump is damaged or of another machine than x86-64");
	struct error *err = find_phys_base(info, phys_base, &base);

	if (err)
		return err;
	vmcoreinfo_number(info, "NUMBER", "pgtable_l5_enabled", &five_levels);
	vmcoreinfo_number(info, "NUMBER", "sme_mask", &sme_mask);
	*ret = (struct page_table){
		.root = root - START_KERNEL_MAP + base,
		.root_va = root,
		.levels = five_levels ? 5 : 4,
		.sme_mask = sme_mask,
	};
	return NULL;
}

/* Addresses are sign-extended from the top level's highest bit. */
static bool is_canonical(const struct page_table *table, uint64_t va)
{
	unsigned int unused = 64 - PAGE_SHIFT - table->levels * LEVEL_BITS;

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

struct error *page_table_translate(const struct page_table *table, const struct memory *mem,
				   uint64_t va, uint64_t *ret)
{
	uint64_t address = table->root;

	if (!is_canonical(table, va))
		return error_new("virtual address %#" PRIx64 " is not canonical", va);
	for (unsigned int level = table->levels; level; level--) {
		unsigned int shift = PAGE_SHIFT + (level - 1) * LEVEL_BITS;
		uint64_t entry, at = address + (va >> shift) % (1 << LEVEL_BITS) * sizeof(entry);
		struct error *err = mem->read(mem, MEMORY_PHYSICAL, at, &entry, sizeof(entry));

		if (err)
			return error_context(err, "page table of level %u for virtual address %#" PRIx64,
					     level, va);
		if (!(entry & ENTRY_PRESENT))
			return error_new("virtual address %#" PRIx64 " is not mapped", va);
		address = entry & ENTRY_ADDRESS & ~table->sme_mask;
		if (entry & ENTRY_LARGE && (level == 2 || level == 3)) {
			uint64_t offset = (1ULL << shift) - 1;

			*ret = (address & ~offset) + (va & offset);
			return NULL;
		}
	}
	*ret = address + va % (1 << PAGE_SHIFT);
	return NULL;
}

bool page_table_is_consistent(const struct page_table *table, const struct memory *mem)
{
	uint64_t pa;
	struct error *err = page_table_translate(table, mem, table->root_va, &pa);

	error_free(err);
	return !err && pa == table->root;
}
