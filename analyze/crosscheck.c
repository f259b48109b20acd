// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/crosscheck.h"

#include <inttypes.h>

static const struct vmcs *find_vmcs(const struct vmcs *vmcs, size_t nr, uint64_t pa)
{
	for (size_t i = 0; i < nr; i++) {
		if (vmcs[i].pa == pa)
			return &vmcs[i];
	}
	return NULL;
}

static void check_entry(const struct kdt_evidence_vmcs *seen, const struct vmcs *vmcs, size_t nr,
			struct findings *findings)
{
	const struct vmcs *found = find_vmcs(vmcs, nr, seen->vmcs);

	if (!found) {
		findings_add(findings, FINDING_DOUBT,
			     "the driver saw VMCS %#" PRIx64 ", which the dump does not have",
			     (uint64_t)seen->vmcs);
		return;
	}
	if (found->loaded->cpu != seen->cpu || found->loaded->launched != !!seen->launched)
		findings_add(findings, FINDING_DOUBT,
			     "VMCS %#" PRIx64 " is on CPU %d, %slaunched; the driver saw it on CPU %d, %slaunched",
			     (uint64_t)seen->vmcs, found->loaded->cpu,
			     found->loaded->launched ? "" : "not ", seen->cpu,
			     seen->launched ? "" : "not ");
}

static void check_state(const struct kdt_evidence *data, struct findings *findings)
{
	switch (data->state) {
	case KDT_IDLE:
		findings_add(findings, FINDING_NOTE, "the driver was loaded but not armed");
		break;
	case KDT_ARMED:
		findings_add(findings, FINDING_DOUBT,
			     "the driver was armed, but no CPU reached the crash point: the crash is another one");
		break;
	case KDT_NMI_LOST:
		findings_add(findings, FINDING_DOUBT,
			     "the driver's NMI did not arrive and the victim was let go: the crash is another one");
		break;
	case KDT_HELD:
	case KDT_NMI_SENT:
	case KDT_NMI_TAKEN:
		break;
	default:
		findings_add(findings, FINDING_DOUBT, "the driver's evidence has the unknown state %u",
			     data->state);
	}
}

void crosscheck_evidence(const struct evidence *evidence, const struct vmcs *vmcs, size_t nr,
			 struct findings *findings)
{
	const struct kdt_evidence *data = &evidence->data;

	if (!evidence->present)
		return;
	check_state(data, findings);
	if (!evidence_fired(evidence))
		return;
	for (__u32 i = 0; i < data->nr_vmcs; i++)
		check_entry(&data->vmcs[i], vmcs, nr, findings);
	if (data->vmptr != KDT_NO_PA && !find_vmcs(vmcs, nr, data->vmptr))
		findings_add(findings, FINDING_DOUBT,
			     "VMCS %#" PRIx64 " was current on CPU %u when the driver looked, and the dump does not have it",
			     (uint64_t)data->vmptr, data->victim_cpu);
	if (data->list == KDT_LIST_TRUNCATED || data->list == KDT_LIST_BAD_POINTER)
		findings_add(findings, FINDING_NOTE, "the driver's own walk of the list of CPU %u: %s",
			     data->victim_cpu, evidence_list_name(data->list));
}
