// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the memory of the VMCSes can be what KVM takes it for. */
#include <inttypes.h>
#include <stdio.h>

#include "analyze/kvm_walk.h"
#include "analyze/page_use.h"

/* VMCS regions and VMXON regions are aligned to 4 KiB (SDM vol. 3, 25.2 and 25.11.5). */
#define REGION_SIZE	4096

struct checker {
	const struct walk *walk;
	struct page_finder pages;
	struct addr_index regions;	/* by physical address; the element tells whose */
};

/* Elements of checker.regions: VMCS and shadow VMCS of each loaded VMCS, then VMXON regions. */
static void name_owner(const struct kvm_state *state, size_t element, char *ret, size_t size)
{
	if (element >= 2 * state->nr_loaded)
		snprintf(ret, size, "CPU %u as its VMXON region",
			 state->cpu[element - 2 * state->nr_loaded].nr);
	else
		snprintf(ret, size, "the loaded VMCS at %#" PRIx64 "%s",
			 state->loaded[element / 2].addr,
			 element % 2 ? " as its shadow VMCS" : "");
}

static struct error *check_sharing(struct checker *checker, uint64_t pa, size_t element)
{
	const struct kvm_state *state = checker->walk->state;
	char first[80], second[80];
	size_t known;

	if (!addr_index_find(&checker->regions, pa, &known))
		return addr_index_add(&checker->regions, pa, element);
	name_owner(state, known, first, sizeof(first));
	name_owner(state, element, second, sizeof(second));
	findings_add(checker->walk->findings, FINDING_DOUBT,
		     "VMCS %#" PRIx64 " is in use twice: by %s and by %s", pa, first, second);
	return NULL;
}

static void check_freed(const struct checker *checker, uint64_t pa, size_t element)
{
	enum page_use use = page_find_use(&checker->pages, pa);
	char owner[80];

	if (use != PAGE_BUDDY && use != PAGE_UNREFERENCED)
		return;
	name_owner(checker->walk->state, element, owner, sizeof(owner));
	findings_add(checker->walk->findings, FINDING_DOUBT,
		     "VMCS %#" PRIx64 " is in a freed page, but still in use by %s", pa, owner);
}

static struct error *check_region(struct checker *checker, uint64_t pa, size_t element)
{
	char owner[80];

	if (pa == NO_PA)
		return NULL;
	if (pa % REGION_SIZE) {
		name_owner(checker->walk->state, element, owner, sizeof(owner));
		findings_add(checker->walk->findings, FINDING_DOUBT,
			     "VMCS %#" PRIx64 " of %s is not aligned to %d bytes", pa, owner,
			     REGION_SIZE);
	}
	check_freed(checker, pa, element);
	return check_sharing(checker, pa, element);
}

/* Slabs need not be counted, so only a page that the allocator has back is surely free. */
static void check_struct(const struct checker *checker, const struct loaded_vmcs *loaded)
{
	uint64_t pa;
	struct error *err = checker->walk->mem->to_physical(checker->walk->mem, loaded->addr, &pa);

	if (!err && page_find_use(&checker->pages, pa) == PAGE_BUDDY)
		findings_add(checker->walk->findings, FINDING_DOUBT,
			     "the loaded VMCS at %#" PRIx64 " is in a freed page", loaded->addr);
	error_free(err);
}

static struct error *check_all(struct checker *checker)
{
	const struct kvm_state *state = checker->walk->state;
	struct error *err = NULL;

	for (size_t i = 0; i < state->nr_loaded && !err; i++) {
		check_struct(checker, &state->loaded[i]);
		err = check_region(checker, state->loaded[i].vmcs, 2 * i);
		if (!err)
			err = check_region(checker, state->loaded[i].shadow_vmcs, 2 * i + 1);
	}
	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = check_region(checker, state->cpu[i].vmxon, 2 * state->nr_loaded + i);
	return err;
}

struct error *kvm_check_regions(const struct walk *walk)
{
	struct checker checker = { .walk = walk };

	page_finder_init(walk->kernel, &checker.pages);
	struct error *err = check_all(&checker);

	addr_index_deinit(&checker.regions);
	return err;
}
