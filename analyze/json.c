// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/analysis.h"

#include <inttypes.h>

/* Raised when a key goes away or changes its meaning; new keys may come at any time. */
#define JSON_SCHEMA	1

/* Addresses are strings: JSON numbers of most readers have 53 bits. */
static json_t *address_json(uint64_t addr)
{
	return json_sprintf("%#" PRIx64, addr);
}

static json_t *physical_json(uint64_t pa)
{
	return pa == NO_PA ? json_null() : address_json(pa);
}

static json_t *cpu_json(int cpu)
{
	return cpu == NO_CPU ? json_null() : json_integer(cpu);
}

/* What came out of memory need not be UTF-8. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	char ascii[512];
	size_t len = 0;

	for (; text[len] && len < sizeof(ascii) - 1; len++)
		ascii[len] = text[len] & 0x80 ? '?' : text[len];
	return json_stringn(ascii, len);
}

static json_t *optional_json(const char *text)
{
	return *text ? text_json(text) : json_null();
}

static json_t *dump_file_json(const struct analysis *analysis)
{
	return json_pack("{s:o, s:s, s:b, s:o}",
			 "path", text_json(analysis->path),
			 "format", analysis->file.name,
			 "complete", !analysis->file.incomplete,
			 "missing", optional_json(analysis->file.why));
}

static json_t *kernel_json(const struct analysis *analysis)
{
	return json_pack("{s:o, s:o, s:o}",
			 "release", text_json(analysis->release),
			 "crash_time", analysis->crashed ? json_integer(analysis->crash_time)
							 : json_null(),
			 "panic", optional_json(analysis->panic));
}

static json_t *seen_json(const struct kdt_evidence *data)
{
	json_t *list = json_array();

	for (__u32 i = 0; i < data->nr_vmcs; i++) {
		const struct kdt_evidence_vmcs *vmcs = &data->vmcs[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b}",
						      "pa", physical_json(vmcs->vmcs),
						      "shadow", physical_json(vmcs->shadow_vmcs),
						      "cpu", cpu_json(vmcs->cpu),
						      "launched", !!vmcs->launched));
	}
	return list;
}

static json_t *evidence_json(const struct analysis *analysis)
{
	const struct kdt_evidence *data = &analysis->evidence.data;

	if (!analysis->evidence.present)
		return json_null();
	json_t *seen = seen_json(data);

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:s, s:o}",
			 "state", evidence_state_name(data->state),
			 "delivery", evidence_delivery_name(data->delivery),
			 "point", optional_json(data->point),
			 "probe", optional_json(data->probe),
			 "via", data->via == KDT_VIA_KPROBE ? "kprobe" : "hook",
			 "victim_cpu", (int)data->victim_cpu,
			 "sender_cpu", data->sender_cpu == KDT_NO_CPU ? json_null()
				       : json_integer(data->sender_cpu),
			 "hits", (int)data->hits,
			 "pid", (int)data->pid,
			 "comm", optional_json(data->comm),
			 "at", optional_json(analysis->point_ip),
			 "nmi_at", optional_json(analysis->nmi_ip),
			 "current_vmcs", physical_json(data->vmptr),
			 "list", evidence_list_name(data->list),
			 "vmcs", seen);
}

static const char *callback_name(const struct vmclear_log *log, int cpu)
{
	if (vmclear_log_find(log, cpu, VMCLEAR_OP_SKIPPED))
		return "skipped";
	return vmclear_log_find(log, cpu, VMCLEAR_OP_WALK) ? "walked" : "not-run";
}

static const char *list_end_name(enum list_end end)
{
	static const char *const names[] = {
		[LIST_COMPLETE] = "complete",
		[LIST_UNINITIALISED] = "uninitialised",
		[LIST_LOOP] = "loop",
		[LIST_WILD] = "wild-pointer",
		[LIST_TOO_LONG] = "too-long",
	};

	return names[end];
}

/* The VMCSes in forward order of the list of @cpu. */
static json_t *list_json(const struct analysis *analysis, const struct kvm_cpu *cpu)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cpu->list.nr; i++) {
		for (size_t j = 0; j < analysis->kvm.nr_loaded; j++) {
			const struct loaded_vmcs *loaded = &analysis->kvm.loaded[j];

			if (loaded->link.addr == cpu->list.node[i].addr)
				json_array_append_new(list, physical_json(loaded->vmcs));
		}
	}
	return list;
}

static json_t *current_json(const struct analysis *analysis, const struct kvm_cpu *cpu)
{
	for (size_t i = 0; i < analysis->kvm.nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &analysis->kvm.loaded[i];

		if (cpu->current_vmcs && loaded->vmcs_va == cpu->current_vmcs)
			return physical_json(loaded->vmcs);
	}
	return json_null();
}

static json_t *cpus_json(const struct analysis *analysis)
{
	json_t *cpus = json_array();

	for (size_t i = 0; i < analysis->kvm.nr_cpus; i++) {
		const struct kvm_cpu *cpu = &analysis->kvm.cpu[i];

		json_array_append_new(cpus, json_pack(
			"{s:i, s:b, s:o, s:o, s:o, s:o, s:s}",
			"cpu", (int)cpu->nr,
			"online", cpu->online,
			"vmx_operation", cpu->vmxe_known ? json_boolean(cpu->vmxe) : json_null(),
			"callback", analysis->log.present
				    ? json_string(callback_name(&analysis->log, cpu->nr))
				    : json_null(),
			"current_vmcs", current_json(analysis, cpu),
			"list", list_json(analysis, cpu),
			"list_end", list_end_name(cpu->list.end)));
	}
	return cpus;
}

static json_t *vms_json(const struct analysis *analysis)
{
	json_t *vms = json_array();

	for (size_t i = 0; i < analysis->kvm.nr_vms; i++) {
		const struct kvm_vm *vm = &analysis->kvm.vm[i];

		json_array_append_new(vms, json_pack("{s:i, s:o, s:i, s:o}",
						     "vm", (int)i,
						     "address", address_json(vm->addr),
						     "pid", vm->pid,
						     "comm", optional_json(vm->comm)));
	}
	return vms;
}

static json_t *oracles_json(const struct vmcs *vmcs)
{
	json_t *oracles = json_object();

	for (int i = 0; i < NR_ORACLES; i++)
		json_object_set_new(oracles, oracle_name(i),
				    json_pack("{s:s, s:s}",
					      "answer", answer_name(vmcs->oracle[i].answer),
					      "reason", vmcs->oracle[i].why));
	return oracles;
}

static json_t *vmcs_json(const struct analysis *analysis, const struct vmcs *vmcs)
{
	json_t *object = json_pack("{s:o, s:o, s:s, s:s, s:b, s:b, s:b, s:o, s:o}",
				   "pa", address_json(vmcs->pa),
				   "cpu", cpu_json(vmcs_cpu(vmcs)),
				   "kind", vmcs_kind_name(vmcs->kind),
				   "state", vmcs_state_name(vmcs->state),
				   "launched", vmcs->loaded->launched,
				   "at_stake", vmcs->at_stake,
				   "disagreement", vmcs->disagreement,
				   "revision_id", vmcs->image.readable
						  ? address_json(vmcs->image.revision_id)
						  : json_null(),
				   "oracles", oracles_json(vmcs));

	if (vmcs->loaded->vcpu < 0) {
		static const char *const keys[] = { "vm", "vcpu", "pid", "comm", "tid" };

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			json_object_set_new(object, keys[i], json_null());
		return object;
	}
	const struct kvm_vcpu *vcpu = &analysis->kvm.vcpu[vmcs->loaded->vcpu];
	const struct kvm_vm *vm = &analysis->kvm.vm[vcpu->vm];

	json_object_set_new(object, "vm", json_integer(vcpu->vm));
	json_object_set_new(object, "vcpu", json_integer(vcpu->id));
	json_object_set_new(object, "pid", vm->pid ? json_integer(vm->pid) : json_null());
	json_object_set_new(object, "comm", optional_json(vm->comm));
	json_object_set_new(object, "tid", vcpu->pid ? json_integer(vcpu->pid) : json_null());
	return object;
}

static json_t *vmcses_json(const struct analysis *analysis)
{
	json_t *list = json_array();

	for (size_t i = 0; i < analysis->nr_vmcs; i++)
		json_array_append_new(list, vmcs_json(analysis, &analysis->vmcs[i]));
	return list;
}

static json_t *findings_json(const struct analysis *analysis)
{
	json_t *list = json_array();

	for (size_t i = 0; i < analysis->findings.nr; i++) {
		const struct finding *finding = &analysis->findings.finding[i];

		json_array_append_new(list, json_pack("{s:s, s:o}",
			"weight", finding->weight == FINDING_DOUBT ? "doubt" : "note",
			"text", text_json(finding->text)));
	}
	return list;
}

json_t *analysis_json(const struct analysis *analysis)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "schema", JSON_SCHEMA,
			 "verdict", verdict_name(analysis->result.verdict),
			 "summary", text_json(analysis->result.summary),
			 "dump", dump_file_json(analysis),
			 "kernel", kernel_json(analysis),
			 "evidence", evidence_json(analysis),
			 "cpus", cpus_json(analysis),
			 "vms", vms_json(analysis),
			 "vmcs", vmcses_json(analysis),
			 "findings", findings_json(analysis));
}
