// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/evidence.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static void end_strings(struct kdt_evidence *data)
{
	data->point[sizeof(data->point) - 1] = '\0';
	data->probe[sizeof(data->probe) - 1] = '\0';
	data->comm[sizeof(data->comm) - 1] = '\0';
}

/* Version 1 had no MSRs behind the VMCSes. */
#define SIZE_1	offsetof(struct kdt_evidence, efer)

static bool is_known(const struct kdt_evidence *data)
{
	return (data->version == KDT_EVIDENCE_VERSION && data->size == sizeof(*data)) ||
	       (data->version == 1 && data->size == SIZE_1);
}

/* Return: whether it can be believed. */
static bool check(const struct kdt_evidence *data, struct findings *findings)
{
	if (memcmp(data->magic, KDT_EVIDENCE_MAGIC, sizeof(data->magic))) {
		findings_add(findings, FINDING_DOUBT,
			     "the driver's evidence does not start with its magic number");
		return false;
	}
	if (!is_known(data)) {
		findings_add(findings, FINDING_DOUBT,
			     "the driver's evidence is of version %u and %u bytes, this analyser knows version %u of %zu bytes and version 1 of %zu: use the analyser that came with the driver",
			     data->version, data->size, KDT_EVIDENCE_VERSION, sizeof(*data),
			     SIZE_1);
		return false;
	}
	if (data->nr_vmcs > KDT_MAX_VMCS) {
		findings_add(findings, FINDING_DOUBT,
			     "the driver's evidence claims %u VMCSes, it has room for %u",
			     data->nr_vmcs, KDT_MAX_VMCS);
		return false;
	}
	return true;
}

struct error *evidence_read(const struct kernel *kernel, struct findings *findings,
			    struct evidence *ret)
{
	uint64_t addr;

	ret->present = false;
	if (!kernel_find_symbol(kernel, "kdump_torture", "kdump_torture_evidence", &addr)) {
		if (kernel_find_module(kernel, "kdump_torture"))
			findings_add(findings, FINDING_DOUBT,
				     "kdump_torture was loaded, but its symbol kdump_torture_evidence is not there");
		return NULL;
	}
	struct error *err = memory_read(kernel->memory, addr, &ret->data, SIZE_1);

	ret->data.efer = ret->data.vm_cr = ret->data.vm_hsave_pa = KDT_NO_MSR;
	if (!err && ret->data.version != 1)
		err = memory_read(kernel->memory, addr + SIZE_1, (char *)&ret->data + SIZE_1,
				  sizeof(ret->data) - SIZE_1);
	if (err) {
		findings_add(findings, FINDING_DOUBT, "the driver's evidence: %s", err->message);
		error_free(err);
		return NULL;
	}
	end_strings(&ret->data);
	ret->present = check(&ret->data, findings);
	return NULL;
}

bool evidence_fired(const struct evidence *evidence)
{
	return evidence->present && evidence->data.state >= KDT_HELD &&
	       evidence->data.state <= KDT_NMI_TAKEN;
}

const struct kdt_evidence_vmcs *evidence_find_vmcs(const struct evidence *evidence, uint64_t pa)
{
	if (!evidence_fired(evidence))
		return NULL;
	for (__u32 i = 0; i < evidence->data.nr_vmcs; i++) {
		if (evidence->data.vmcs[i].vmcs == pa)
			return &evidence->data.vmcs[i];
	}
	return NULL;
}

const char *evidence_state_name(__u32 state)
{
	static const char *const names[] = {
		[KDT_IDLE] = "idle",
		[KDT_ARMED] = "armed",
		[KDT_HELD] = "held",
		[KDT_NMI_SENT] = "nmi-sent",
		[KDT_NMI_TAKEN] = "nmi-taken",
		[KDT_NMI_LOST] = "nmi-lost",
		[KDT_LET_GO] = "let-go",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *evidence_delivery_name(__u32 delivery)
{
	static const char *const names[] = {
		[KDT_DELIVER_SELF] = "self",
		[KDT_DELIVER_REMOTE] = "remote",
		[KDT_DELIVER_SHOOTDOWN] = "shootdown",
	};

	return delivery < ARRAY_SIZE(names) ? names[delivery] : "unknown";
}

const char *evidence_via_name(__u32 via)
{
	static const char *const names[] = {
		[KDT_VIA_HOOK] = "hook",
		[KDT_VIA_KPROBE] = "kprobe",
		[KDT_VIA_NOW] = "now",
	};

	return via < ARRAY_SIZE(names) ? names[via] : "unknown";
}

const char *evidence_list_name(__u32 list)
{
	static const char *const names[] = {
		[KDT_LIST_NOT_READ] = "not-read",
		[KDT_LIST_COMPLETE] = "complete",
		[KDT_LIST_TRUNCATED] = "truncated",
		[KDT_LIST_BAD_POINTER] = "bad-pointer",
	};

	return list < ARRAY_SIZE(names) ? names[list] : "unknown";
}
