// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/crosscheck.h"

#include <inttypes.h>

static void check_entry(const struct kdt_evidence_vmcs *seen, const struct vmcs *vmcs,
			const struct addr_index *by_pa, struct findings *findings)
{
	size_t i;

	if (!addr_index_find(by_pa, seen->vmcs, &i)) {
		findings_add(findings, FINDING_DOUBT,
			     "the driver saw VMCS %#" PRIx64 ", which the dump does not have",
			     (uint64_t)seen->vmcs);
		return;
	}
	const struct vmcs *found = &vmcs[i];

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
	case KDT_LET_GO:
		findings_add(findings, FINDING_NOTE,
			     "the victim was going offline and took no crash NMI: it went on from the point by itself");
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

static void check_snapshot(const struct kdt_evidence *data, const struct vmcs *vmcs,
			   const struct addr_index *by_pa, struct findings *findings)
{
	size_t i;

	for (__u32 seen = 0; seen < data->nr_vmcs; seen++)
		check_entry(&data->vmcs[seen], vmcs, by_pa, findings);
	if (data->vmptr != KDT_NO_PA && !addr_index_find(by_pa, data->vmptr, &i))
		findings_add(findings, FINDING_DOUBT,
			     "VMCS %#" PRIx64 " was current on CPU %u when the driver looked, and the dump does not have it",
			     (uint64_t)data->vmptr, data->victim_cpu);
	if (data->list == KDT_LIST_TRUNCATED || data->list == KDT_LIST_BAD_POINTER)
		findings_add(findings, FINDING_NOTE, "the driver's own walk of the list of CPU %u: %s",
			     data->victim_cpu, evidence_list_name(data->list));
}

struct error *crosscheck_evidence(const struct evidence *evidence, const struct vmcs *vmcs,
				  size_t nr, struct findings *findings)
{
	struct addr_index by_pa = {};
	struct error *err = NULL;

	if (!evidence->present)
		return NULL;
	check_state(&evidence->data, findings);
	if (!evidence_fired(evidence))
		return NULL;
	for (size_t i = 0; i < nr && !err; i++)
		err = addr_index_add(&by_pa, vmcs[i].pa, i);
	if (!err)
		check_snapshot(&evidence->data, vmcs, &by_pa, findings);
	addr_index_deinit(&by_pa);
	return err;
}
