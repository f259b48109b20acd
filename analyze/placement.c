// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/placement.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct placement *left = a, *right = b;

	if (left->vm != right->vm)
		return left->vm < right->vm ? -1 : 1;
	return left->cpu < right->cpu ? -1 : left->cpu > right->cpu;
}

/* Add up neighbours that are for the same VM and CPU. Return: how many are left. */
static size_t merge(struct placement *placement, size_t nr)
{
	size_t last = 0;

	for (size_t i = 1; i < nr; i++) {
		if (compare(&placement[last], &placement[i])) {
			placement[++last] = placement[i];
			continue;
		}
		placement[last].nr += placement[i].nr;
		placement[last].bad += placement[i].bad;
	}
	return nr ? last + 1 : 0;
}

struct error *placement_find(const struct kvm_state *kvm, const struct vmcs *vmcs, size_t nr_vmcs,
			     struct placement **ret, size_t *ret_nr)
{
	struct placement *placement = calloc(nr_vmcs, sizeof(*placement));
	size_t nr = 0;

	if (nr_vmcs && !placement)
		return &error_no_memory;
	for (size_t i = 0; i < nr_vmcs; i++) {
		if (vmcs[i].loaded->vcpu < 0)
			continue;
		placement[nr++] = (struct placement){
			.vm = kvm->vcpu[vmcs[i].loaded->vcpu].vm,
			.cpu = vmcs_cpu(&vmcs[i]),
			.nr = 1,
			.bad = vmcs[i].state == VMCS_NOT_CLEARED || vmcs[i].state == VMCS_UNKNOWN,
		};
	}
	if (nr)
		qsort(placement, nr, sizeof(*placement), compare);
	*ret = placement;
	*ret_nr = merge(placement, nr);
	return NULL;
}
