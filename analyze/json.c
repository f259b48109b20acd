// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/analysis.h"

#include <inttypes.h>
#include <string.h>

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

/* null: not known. */
static json_t *bits_json(unsigned int bits)
{
	return bits ? json_integer(bits) : json_null();
}

static json_t *kernel_json(const struct analysis *analysis)
{
	return json_pack("{s:o, s:o, s:o, s:o}",
			 "release", text_json(analysis->release),
			 "crash_time", analysis->crashed ? json_integer(analysis->crash_time)
							 : json_null(),
			 "panic", optional_json(analysis->crash.panic),
			 "maxphyaddr", bits_json(analysis->kvm.maxphyaddr));
}

static json_t *msr_json(uint64_t value)
{
	return value == KDT_NO_MSR ? json_null() : address_json(value);
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

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:s, s:o, "
			 "s:o, s:o, s:o}",
			 "state", evidence_state_name(data->state),
			 "delivery", evidence_delivery_name(data->delivery),
			 "point", optional_json(data->point),
			 "probe", optional_json(data->probe),
			 "via", evidence_via_name(data->via),
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
			 "vmcs", seen,
			 "efer", msr_json(data->efer),
			 "vm_cr", msr_json(data->vm_cr),
			 "vm_hsave_pa", msr_json(data->vm_hsave_pa));
}

/* NULL is for what is not known. */
static json_t *word_json(const char *word)
{
	return word ? json_string(word) : json_null();
}

static json_t *crash_json(const struct analysis *analysis)
{
	const struct crash *crash = &analysis->crash;
	const char *source = *crash->step ? crash->step_is_evidence ? "evidence" : "list" : NULL;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "cpu", cpu_json(crash->cpu),
			 "oops", optional_json(crash->oops),
			 "interrupted_cpu", cpu_json(crash->interrupted_cpu),
			 "at", optional_json(crash->at),
			 "at_source", word_json(at_source_name(crash->at_source)),
			 "step", optional_json(crash->step),
			 "step_source", word_json(source));
}

/* The VMCSes in forward order of a list. */
static json_t *list_json(const struct analysis *analysis, const struct list_walk *walk)
{
	json_t *list = json_array();

	for (size_t i = 0; i < walk->nr; i++) {
		const struct loaded_vmcs *loaded = kvm_find_link(&analysis->kvm,
								 walk->node[i].addr);

		if (loaded)
			json_array_append_new(list, physical_json(loaded->vmcs));
	}
	return list;
}

static json_t *node_json(const struct analysis *analysis, const struct list_node *node)
{
	const struct loaded_vmcs *loaded = kvm_find_link(&analysis->kvm, node->addr);

	return json_pack("{s:o, s:o, s:o, s:o}",
			 "vmcs", loaded ? physical_json(loaded->vmcs) : json_null(),
			 "address", address_json(node->addr),
			 "next", address_json(node->next),
			 "prev", address_json(node->prev));
}

/* The list's head and then its entries in forward order. */
static json_t *nodes_json(const struct analysis *analysis, const struct list_walk *walk)
{
	json_t *nodes = json_array();

	json_array_append_new(nodes, node_json(analysis, &walk->head));
	for (size_t i = 0; i < walk->nr; i++)
		json_array_append_new(nodes, node_json(analysis, &walk->node[i]));
	return nodes;
}

static json_t *current_json(const struct analysis *analysis, const struct kvm_cpu *cpu)
{
	if (cpu->current < 0)
		return json_null();
	return physical_json(analysis->kvm.loaded[cpu->current].vmcs);
}

static json_t *cpu_state_json(const struct analysis *analysis, const struct cpu_state *cpu)
{
	return json_pack("{s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "cpu", (int)cpu->nr,
			 "online", cpu->online,
			 "crashed", (int)cpu->nr == analysis->cpus.crashed,
			 "registers", word_json(cpu_registers_name(cpu->registers)),
			 "at", optional_json(cpu->at),
			 "at_source", word_json(at_source_name(cpu->at_source)),
			 "pid", cpu->pid == NO_PID ? json_null() : json_integer(cpu->pid),
			 "comm", optional_json(cpu->comm),
			 "vmx_operation", cpu->vmxe_known ? json_boolean(cpu->vmxe) : json_null(),
			 "callback", word_json(analysis_callback(analysis, cpu->nr)),
			 "svme_after", cpu->svme_known ? json_boolean(cpu->svme) : json_null());
}

static json_t *vmx_json(const struct analysis *analysis, const struct kvm_cpu *cpu)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:o}",
			 "current_vmcs", current_json(analysis, cpu),
			 "vmxon_region", physical_json(cpu->vmxon),
			 "list", list_json(analysis, &cpu->list),
			 "list_end", list_end_name(cpu->list.end),
			 "list_backward", list_json(analysis, &cpu->back),
			 "list_backward_end", list_end_name(cpu->back.end),
			 "nodes", nodes_json(analysis, &cpu->list));
}

static json_t *no_vmx_json(void)
{
	return json_pack("{s:n, s:n, s:[], s:n, s:[], s:n, s:[]}", "current_vmcs",
			 "vmxon_region", "list", "list_end", "list_backward",
			 "list_backward_end", "nodes");
}

static json_t *cpus_json(const struct analysis *analysis)
{
	const struct kvm_state *kvm = &analysis->kvm;
	json_t *cpus = json_array();

	for (size_t i = 0; i < analysis->cpus.nr; i++) {
		json_t *object = cpu_state_json(analysis, &analysis->cpus.cpu[i]);
		json_t *vmx = kvm->nr_cpus ? vmx_json(analysis, &kvm->cpu[i]) : no_vmx_json();

		json_object_update(object, vmx);
		json_decref(vmx);
		json_array_append_new(cpus, object);
	}
	return cpus;
}

/* The list operations that were under way. */
static json_t *operations_json(const struct kvm_state *kvm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];
		const struct list_operation operation = list_operation_of(loaded);

		if (operation.name)
			json_array_append_new(list, json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}",
				"operation", operation.name,
				"stores", (int)operation.stores,
				"cpu", cpu_json(loaded->list_cpu),
				"vmcs", physical_json(loaded->vmcs),
				"next", address_json(loaded->link.next),
				"prev", address_json(loaded->link.prev)));
	}
	return list;
}

/* *@next is the first placement of VM @vm, and becomes that of another one. */
static json_t *placements_json(const struct analysis *analysis, size_t vm, size_t *next)
{
	json_t *list = json_array();

	for (; *next < analysis->nr_placements && analysis->placement[*next].vm == vm; ++*next) {
		const struct placement *placement = &analysis->placement[*next];

		json_array_append_new(list, json_pack("{s:o, s:i, s:i}",
						      "cpu", cpu_json(placement->cpu),
						      "vmcs", (int)placement->nr,
						      "not_known_cleared", (int)placement->bad));
	}
	return list;
}

static json_t *vms_json(const struct analysis *analysis)
{
	json_t *vms = json_array();
	size_t next = 0;

	for (size_t i = 0; i < analysis->kvm.nr_vms; i++) {
		const struct kvm_vm *vm = &analysis->kvm.vm[i];

		json_array_append_new(vms, json_pack("{s:i, s:o, s:i, s:o, s:i, s:o}",
						     "vm", (int)i,
						     "address", address_json(vm->addr),
						     "pid", vm->pid,
						     "comm", optional_json(vm->comm),
						     "vcpus", (int)vm->nr_vcpus,
						     "placement",
						     placements_json(analysis, i, &next)));
	}
	return vms;
}

/* The end of the kernel log, an element a line. */
static json_t *log_json(const char *log)
{
	json_t *list = json_array();

	for (const char *line = log; *line; line += strcspn(line, "\n") + 1) {
		char text[512];

		snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
		json_array_append_new(list, text_json(text));
	}
	return list;
}

static json_t *oracles_json(const struct vmcs *vmcs)
{
	json_t *oracles = json_object();

	for (int i = 0; i < NR_ORACLES; i++)
		json_object_set_new(oracles, oracle_name(i),
				    json_pack("{s:s, s:s, s:s}",
					      "answer", answer_name(vmcs->oracle[i].answer),
					      "word", vmcs->oracle[i].word,
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
		static const char *const keys[] = { "vm", "vcpu", "pid", "comm", "tid",
						     "maxphyaddr" };

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
	json_object_set_new(object, "maxphyaddr", bits_json(vcpu->maxphyaddr));
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
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "schema", JSON_SCHEMA,
			 "verdict", verdict_name(analysis->result.verdict),
			 "summary", text_json(analysis->result.summary),
			 "dump", dump_file_json(analysis),
			 "kernel", kernel_json(analysis),
			 "crash", crash_json(analysis),
			 "evidence", evidence_json(analysis),
			 "cpus", cpus_json(analysis),
			 "operations", operations_json(&analysis->kvm),
			 "vms", vms_json(analysis),
			 "vmcs", vmcses_json(analysis),
			 "findings", findings_json(analysis),
			 "log", log_json(analysis->printk));
}
