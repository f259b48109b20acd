// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/report.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "analyze/cleanup.h"
#include "analyze/svm.h"

/* Of a damaged host every VMCS may seem to be half way on or off a list. */
#define MAX_STEPS	8

static void print_verdict(const struct analysis *analysis, FILE *out)
{
	for (const char *c = verdict_name(analysis->result.verdict); *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, ": %s\n\n", analysis->result.summary);
}

static void print_dump(const struct analysis *analysis, FILE *out)
{
	fprintf(out, "dump      %s, %s%s\n", analysis->path, analysis->file.name,
		analysis->file.incomplete ? ", incomplete" : "");
	fprintf(out, "kernel    %s", analysis->release);
	if (analysis->crashed) {
		time_t when = analysis->crash_time;
		struct tm tm;
		char text[32];

		if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%F %T UTC", &tm))
			fprintf(out, ", crashed %s", text);
	}
	fputc('\n', out);
	if (*analysis->crash.panic)
		fprintf(out, "panic     %s\n", analysis->crash.panic);
	if (*analysis->crash.oops)
		fprintf(out, "oops      %s\n", analysis->crash.oops);
}

static void print_crash(const struct analysis *analysis, FILE *out)
{
	const struct crash *crash = &analysis->crash;
	const struct cpu_state *cpu = cpu_states_find(&analysis->cpus, crash->cpu);

	if (!cpu)
		return;
	fprintf(out, "crash     CPU %d", crash->cpu);
	if (*cpu->comm)
		fprintf(out, " in task %s (%d)", cpu->comm, cpu->pid);
	if (cpu->registers == REGISTERS_CRASH_PATH)
		fputs("; its saved registers are those of panic()", out);
	fputc('\n', out);
}

/* What the crash interrupted, where the driver does not tell. */
static void print_interrupted(const struct crash *crash, FILE *out)
{
	static const char *const sources[] = {
		[AT_REGISTERS] = "its saved registers",
		[AT_NMI_STACK] = "its NMI stack",
		[AT_LOG] = "the kernel log",
		[AT_EVIDENCE] = "the driver",
	};

	if (crash->at_source != AT_UNKNOWN && crash->at_source != AT_EVIDENCE)
		fprintf(out, "at        %s, CPU %d by %s\n", crash->at, crash->interrupted_cpu,
			sources[crash->at_source]);
}

/* vCPUs that have fewer bits of physical addresses than the host, by their number. */
static void print_maxphyaddr(const struct kvm_state *kvm, FILE *out)
{
	bool any = false;

	for (unsigned int bits = 1; bits < kvm->maxphyaddr; bits++) {
		size_t nr = 0;

		for (size_t i = 0; i < kvm->nr_vcpus; i++)
			nr += kvm->vcpu[i].maxphyaddr == bits;
		if (!nr)
			continue;
		if (!any)
			fprintf(out, "physaddr  %u bits; ", kvm->maxphyaddr);
		fprintf(out, "%s%zu vCPU%s with %u", any ? ", " : "", nr, nr == 1 ? "" : "s", bits);
		any = true;
	}
	if (any)
		fputc('\n', out);
}

/* The list operations that were under way. */
static void print_steps(const struct kvm_state *kvm, FILE *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];
		const struct list_operation operation = list_operation_of(loaded);

		if (!operation.name || nr++ >= MAX_STEPS)
			continue;
		fprintf(out, "step      %s/%u on CPU %d", operation.name, operation.stores,
			loaded->list_cpu);
		if (loaded->vmcs != NO_PA)
			fprintf(out, ", VMCS %#" PRIx64, loaded->vmcs);
		fprintf(out, ": after store %u of 4 of %s()\n", operation.stores, operation.name);
	}
	if (nr > MAX_STEPS)
		fprintf(out, "          and %zu more\n", nr - MAX_STEPS);
}

static void print_msr(const char *name, uint64_t value, FILE *out)
{
	if (value == KDT_NO_MSR)
		fprintf(out, " %s unknown", name);
	else
		fprintf(out, " %s %#" PRIx64, name, value);
}

/* The victim's MSRs at the point. That an NMI was taken there says that GIF was 1. */
static void print_svm(const struct kdt_evidence *data, FILE *out)
{
	fputs("SVM      ", out);
	print_msr("EFER", data->efer, out);
	if (data->efer != KDT_NO_MSR)
		fputs(data->efer & EFER_SVME ? " (SVME)" : " (no SVME)", out);
	print_msr("VM_CR", data->vm_cr, out);
	print_msr("VM_HSAVE_PA", data->vm_hsave_pa, out);
	if (data->state == KDT_NMI_TAKEN)
		fputs(", GIF 1: it took the NMI", out);
	fputc('\n', out);
}

/* The crash as the driver tells it. */
static void print_story(const struct analysis *analysis, FILE *out)
{
	const struct kdt_evidence *data = &analysis->evidence.data;

	if (!analysis->evidence.present)
		return;
	fprintf(out, "point     %s", *data->point ? data->point : "none");
	if (strcmp(data->point, data->probe) && *data->probe)
		fprintf(out, " by %s", data->probe);
	fprintf(out, ", %s\n", evidence_state_name(data->state));
	if (!evidence_fired(&analysis->evidence))
		return;
	fprintf(out, "delivery  %s", evidence_delivery_name(data->delivery));
	if (data->sender_cpu != KDT_NO_CPU)
		fprintf(out, ", sent by CPU %u", data->sender_cpu);
	fprintf(out, "\nvictim    CPU %u in task %s (%d), hit %u\n", data->victim_cpu,
		data->comm, data->pid, data->hits);
	if (*analysis->point_ip)
		fprintf(out, "at        %s\n", analysis->point_ip);
	if (*analysis->nmi_ip)
		fprintf(out, "NMI at    %s\n", analysis->nmi_ip);
	if (analysis->kvm.amd)
		print_svm(data, out);
}

static void print_owner(const struct analysis *analysis, const struct vmcs *vmcs, FILE *out)
{
	if (vmcs->loaded->vcpu < 0) {
		fprintf(out, "%3s %4s %6s -\n", "-", "-", "-");
		return;
	}
	const struct kvm_vcpu *vcpu = &analysis->kvm.vcpu[vmcs->loaded->vcpu];
	const struct kvm_vm *vm = &analysis->kvm.vm[vcpu->vm];

	fprintf(out, "%3zu %4u %6d %s\n", vcpu->vm, vcpu->id, vm->pid, *vm->comm ? vm->comm : "-");
}

static void print_vmcs(const struct analysis *analysis, const struct vmcs *vmcs, FILE *out)
{
	char cpu[16] = "-";

	if (vmcs_cpu(vmcs) != NO_CPU)
		snprintf(cpu, sizeof(cpu), "%d", vmcs_cpu(vmcs));
	fprintf(out, "%#-12" PRIx64 " %3s %-7s %-12s %-8s %-8s %-8s %-10s %-8s ", vmcs->pa, cpu,
		vmcs_kind_name(vmcs->kind), vmcs_state_name(vmcs->state),
		vmcs->kind == VMCS_SHADOW || vmcs->kind == VMCS_ORPHAN ? "-" : vmcs->loaded->launched ? "yes" : "no",
		vmcs->oracle[ORACLE_IMAGE].word, vmcs->oracle[ORACLE_LOG].word,
		vmcs->oracle[ORACLE_LIST].word, vmcs->oracle[ORACLE_EVIDENCE].word);
	print_owner(analysis, vmcs, out);
}

static void print_table(const struct analysis *analysis, FILE *out)
{
	if (!analysis->nr_vmcs)
		return;
	fprintf(out, "\n%-12s %3s %-7s %-12s %-8s %-8s %-8s %-10s %-8s %3s %4s %6s %s\n", "VMCS",
		"CPU", "KIND", "STATE", "LAUNCHED", "IMAGE", "LOG", "LIST", "EVIDENCE", "VM",
		"VCPU", "PID", "COMMAND");
	for (size_t i = 0; i < analysis->nr_vmcs; i++)
		print_vmcs(analysis, &analysis->vmcs[i], out);
}

/* Why, for each VMCS that is not as it should be. */
static void print_reasons(const struct analysis *analysis, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < analysis->nr_vmcs; i++) {
		const struct vmcs *vmcs = &analysis->vmcs[i];

		if (vmcs->state == VMCS_CLEARED || vmcs->state == VMCS_NEVER_LOADED)
			continue;
		fprintf(out, "%sVMCS %#" PRIx64 " is %s%s:\n", any ? "" : "\n", vmcs->pa,
			vmcs_state_name(vmcs->state),
			vmcs->disagreement ? ", the oracles disagree" : "");
		for (int oracle = 0; oracle < NR_ORACLES; oracle++)
			fprintf(out, "  %-9s %-11s %s\n", oracle_name(oracle),
				answer_name(vmcs->oracle[oracle].answer), vmcs->oracle[oracle].why);
		any = true;
	}
}

static void print_findings(const struct analysis *analysis, FILE *out)
{
	for (size_t i = 0; i < analysis->findings.nr; i++) {
		const struct finding *finding = &analysis->findings.finding[i];

		fprintf(out, "%s%s: %s\n", i ? "" : "\n",
			finding->weight == FINDING_DOUBT ? "doubt" : "note", finding->text);
	}
}

/* The end of the kernel log. */
static void print_log(const struct analysis *analysis, FILE *out)
{
	if (*analysis->printk)
		fprintf(out, "\n%s", analysis->printk);
}

static void print_all(const struct analysis *analysis, enum charset charset, FILE *out)
{
	print_verdict(analysis, out);
	print_dump(analysis, out);
	print_crash(analysis, out);
	print_interrupted(&analysis->crash, out);
	print_steps(&analysis->kvm, out);
	print_story(analysis, out);
	print_maxphyaddr(&analysis->kvm, out);
	report_cpus(analysis, out);
	print_table(analysis, out);
	print_reasons(analysis, out);
	print_findings(analysis, out);
	report_vms(analysis, out);
	report_lists(analysis, charset, out);
	print_log(analysis, out);
}

struct error *analysis_print(const struct analysis *analysis, enum charset charset, FILE *out)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *report = open_memstream(&text, &size);

	if (!report)
		return &error_no_memory;
	print_all(analysis, charset, report);
	bool full = ferror(report);

	full |= fclose(report) == EOF;
	if (full)
		return &error_no_memory;
	charset_write(charset, text, out);
	if (fflush(out) || ferror(out))
		return error_errno(errno, "report: cannot write it");
	return NULL;
}
