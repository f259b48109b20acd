// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/page_use.h"
#include "analyze/progress_bar.h"

/* The host's own, and those of VMCSes that damage has given another one. */
#define MAX_IDS		8
/* Regions of freed VMCSes stay behind; more than this is no host but noise. */
#define MAX_ORPHANS	4096
/* Codes of VMX aborts are small (SDM vol. 3, 28.7). */
#define MAX_ABORT	0xff

#define SHADOW_BIT	(1U << 31)

struct scan {
	const struct witnesses *witnesses;
	uint32_t id[MAX_IDS];
	size_t nr_ids;
	struct addr_index known;	/* regions that something points to */
	uint64_t orphan[MAX_ORPHANS];
	size_t nr_orphans;
	bool too_many;
	uint64_t nr_pages;
	struct progress_bar bar;
};

static bool has_id(const struct scan *scan, uint32_t id)
{
	for (size_t i = 0; i < scan->nr_ids; i++) {
		if (scan->id[i] == id)
			return true;
	}
	return false;
}

static void add_id(struct scan *scan, uint32_t id)
{
	if (scan->nr_ids < MAX_IDS && !has_id(scan, id))
		scan->id[scan->nr_ids++] = id;
}

/* What KVM took from MSR_IA32_VMX_BASIC for all VMCSes; not all kernels keep it so. */
static void add_kvm_id(const struct kernel *kernel, struct scan *scan)
{
	struct member revision_id;
	uint64_t vmcs_config;
	uint32_t id;

	if (!kernel_find_symbol(kernel, "kvm_intel", "vmcs_config", &vmcs_config) ||
	    !types_find(kernel->types, "vmcs_config", "revision_id", &revision_id))
		return;
	struct error *err = memory_read_u32(kernel->memory, vmcs_config + revision_id.offset,
					    &id);

	if (!err)
		add_id(scan, id);
	error_free(err);
}

/* As alloc_vmcs() makes it, before anything was written back to it. */
static bool is_blank(const uint8_t *page)
{
	return !page[8] && !memcmp(page + 8, page + 9, VMCS_REGION_SIZE - 9);
}

/* KVM sets it to ~0 unless there is a shadow VMCS. */
static bool has_no_link(const struct vmcs_layout *layout, const uint8_t *page)
{
	const struct vmcs_field_place *link = &layout->field[VMCS_LINK_POINTER];
	const uint64_t none = ~0ULL;

	return link->size == sizeof(none) && !memcmp(page + link->offset, &none, sizeof(none));
}

/*
 * Many pages begin with a small number.  One that is a VMCS region is blank, or
 * has what KVM writes into it; of a shadow VMCS the first word is enough.
 */
static bool is_region(const struct scan *scan, const uint8_t *page)
{
	uint32_t first = get_u32(page, 0), id = first & ~SHADOW_BIT;

	if (!has_id(scan, id) || get_u32(page, 4) > MAX_ABORT)
		return false;
	if (first & SHADOW_BIT || is_blank(page) ||
	    vmcs_region_holds(page, scan->witnesses->kvm->vmexit))
		return true;
	const struct vmcs_layout *layout = vmcs_layouts_find(scan->witnesses->layouts, id);

	return layout && has_no_link(layout, page);
}

static void visit(void *arg, uint64_t pa, const void *data, uint64_t done, uint64_t total)
{
	struct scan *scan = arg;
	size_t known;

	progress_bar_update(&scan->bar, done, total);
	scan->nr_pages = done;
	if (!is_region(scan, data) || addr_index_find(&scan->known, pa, &known))
		return;
	if (scan->nr_orphans == MAX_ORPHANS)
		scan->too_many = true;
	else
		scan->orphan[scan->nr_orphans++] = pa;
}

/* Regions that need no search, and the revision ids that they have. */
static struct error *add_known(struct scan *scan, const struct vmcs *vmcs, size_t nr)
{
	const struct kvm_state *kvm = scan->witnesses->kvm;
	struct error *err = NULL;

	for (size_t i = 0; i < nr && !err; i++) {
		if (vmcs[i].image.readable)
			add_id(scan, vmcs[i].image.revision_id);
		err = addr_index_add(&scan->known, vmcs[i].pa, i);
	}
	for (size_t i = 0; i < kvm->nr_cpus && !err; i++)
		err = addr_index_add(&scan->known, kvm->cpu[i].vmxon, nr + i);
	return err;
}

static void search(const struct kernel *kernel, struct scan *scan, struct findings *findings)
{
	if (!scan->nr_ids) {
		findings_add(findings, scan->witnesses->kvm->intel ? FINDING_DOUBT : FINDING_NOTE,
			     "memory was not searched for VMCS regions: the host's revision id is not known");
		return;
	}
	progress_bar_init(&scan->bar, "searching memory");
	struct error *err = kernel->memory->scan(kernel->memory, VMCS_REGION_SIZE, visit, scan);

	progress_bar_deinit(&scan->bar);
	if (err)
		findings_add(findings, FINDING_DOUBT,
			     "the search of memory for VMCS regions did not come to its end: %s",
			     err->message);
	error_free(err);
	if (scan->too_many)
		findings_add(findings, FINDING_DOUBT,
			     "more than %d pages that nothing points to look like VMCS regions: the others are left out",
			     MAX_ORPHANS);
	findings_add(findings, FINDING_NOTE,
		     "%" PRIu64 " pages were searched for VMCS regions: nothing points to %zu",
		     scan->nr_pages, scan->nr_orphans);
}

static void note_orphan(const struct page_finder *pages, const struct vmcs *vmcs,
			struct findings *findings)
{
	static const char *const uses[] = {
		[PAGE_UNKNOWN] = "",
		[PAGE_USED] = ", though its page is in use",
		[PAGE_UNREFERENCED] = "; its page has been freed",
		[PAGE_BUDDY] = "; its page has been freed",
	};

	findings_add(findings, FINDING_NOTE, "VMCS %#" PRIx64 ": nothing points to it any more%s",
		     vmcs->pa, uses[page_find_use(pages, vmcs->pa)]);
}

static struct error *append_orphans(const struct kernel *kernel, const struct scan *scan,
				    struct findings *findings, struct vmcs **vmcs, size_t *nr)
{
	struct vmcs *grown = reallocarray(*vmcs, *nr + scan->nr_orphans + 1, sizeof(*grown));
	struct page_finder pages;

	if (!grown)
		return &error_no_memory;
	*vmcs = grown;
	page_finder_init(kernel, &pages);
	for (size_t i = 0; i < scan->nr_orphans; i++) {
		struct vmcs *orphan = &grown[(*nr)++];

		*orphan = (struct vmcs){
			.pa = scan->orphan[i], .kind = VMCS_ORPHAN, .loaded = &no_loaded_vmcs,
		};
		oracle_look_and_judge(kernel->memory, scan->witnesses, findings, orphan);
		note_orphan(&pages, orphan, findings);
	}
	return NULL;
}

struct error *scan_add_orphans(const struct kernel *kernel, const struct witnesses *witnesses,
			       struct findings *findings, struct vmcs **vmcs, size_t *nr)
{
	struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return &error_no_memory;
	scan->witnesses = witnesses;
	add_kvm_id(kernel, scan);
	struct error *err = add_known(scan, *vmcs, *nr);

	if (!err) {
		search(kernel, scan, findings);
		err = append_orphans(kernel, scan, findings, vmcs, nr);
	}
	addr_index_deinit(&scan->known);
	free(scan);
	return err;
}
