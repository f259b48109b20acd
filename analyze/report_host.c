// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/report.h"

#include <inttypes.h>

#include "analyze/list_drawing.h"

/* From this many CPUs on, those that nothing happened to are counted, not listed. */
#define MANY_CPUS	16

/* Lists that are drawn: of odd ones, and how many entries there may be to draw all. */
#define MAX_DRAWINGS	8
#define FEW_LISTS	4
#define FEW_ENTRIES	12

/* NULL if kvm_intel was not loaded. */
static const struct kvm_cpu *kvm_cpu_at(const struct analysis *analysis, size_t i)
{
	return i < analysis->kvm.nr_cpus ? &analysis->kvm.cpu[i] : NULL;
}

static const char *cpu_word(const struct analysis *analysis, const struct cpu_state *cpu)
{
	if ((int)cpu->nr == analysis->cpus.crashed)
		return "crashed";
	if (!cpu->online)
		return "offline";
	if (cpu->registers >= REGISTERS_SAVED)
		return "stopped";
	return analysis->crashed && cpu->registers == REGISTERS_NONE ? "no-NMI" : "online";
}

/* "3", "3 loop", or "-" if kvm_intel was not loaded. */
static void format_list(const struct kvm_cpu *cpu, char *ret, size_t size)
{
	static const char *const ends[] = {
		[LIST_COMPLETE] = "",
		[LIST_UNINITIALISED] = " null",
		[LIST_LOOP] = " loop",
		[LIST_WILD] = " wild",
		[LIST_TOO_LONG] = " endless",
	};

	if (cpu)
		snprintf(ret, size, "%zu%s", cpu->list.nr, ends[cpu->list.end]);
	else
		snprintf(ret, size, "-");
}

/* As any CPU of a host that crashes, and with no VMCS. */
static bool is_ordinary(const struct analysis *analysis, size_t i)
{
	const struct cpu_state *cpu = &analysis->cpus.cpu[i];
	const struct kvm_cpu *kvm_cpu = kvm_cpu_at(analysis, i);
	const char *callback = analysis_callback(analysis, cpu->nr);

	return (int)cpu->nr != analysis->cpus.crashed && cpu->registers != REGISTERS_NONE &&
	       !cpu->vmxe && !cpu->svme && (!callback || *callback == 'w') &&
	       (!kvm_cpu || (!kvm_cpu->list.nr && !analysis->odd_list[i]));
}

/* After the crash. */
static const char *svm_word(const struct cpu_state *cpu)
{
	return !cpu->svme_known ? "-" : cpu->svme ? "on" : "off";
}

static void print_cpu(const struct analysis *analysis, size_t i, FILE *out)
{
	const struct cpu_state *cpu = &analysis->cpus.cpu[i];
	const char *callback = analysis_callback(analysis, cpu->nr);
	char list[40], pid[16] = "-";

	format_list(kvm_cpu_at(analysis, i), list, sizeof(list));
	if (cpu->pid != NO_PID)
		snprintf(pid, sizeof(pid), "%d", cpu->pid);
	fprintf(out, "%3u %-7s %-3s %-8s %-7s %6s %-15s %s\n", cpu->nr, cpu_word(analysis, cpu),
		analysis->kvm.amd ? svm_word(cpu) : !cpu->vmxe_known ? "-" : cpu->vmxe ? "in" : "out",
		callback ? callback : "-",
		list, pid, *cpu->comm ? cpu->comm : "-", *cpu->at ? cpu->at : "-");
}

void report_cpus(const struct analysis *analysis, FILE *out)
{
	size_t ordinary = 0;

	fprintf(out, "\n%3s %-7s %-3s %-8s %-7s %6s %-15s %s\n", "CPU", "STATE",
		analysis->kvm.amd ? "SVM" : "VMX", "CALLBACK", "LISTED", "PID", "TASK", "AT");
	for (size_t i = 0; i < analysis->cpus.nr; i++) {
		const struct kvm_cpu *kvm_cpu = kvm_cpu_at(analysis, i);
		bool idle = !kvm_cpu || (!kvm_cpu->list.nr && !analysis->odd_list[i]);

		if (!analysis->cpus.cpu[i].online && idle)
			continue;
		if (analysis->cpus.nr >= MANY_CPUS && is_ordinary(analysis, i))
			ordinary++;
		else
			print_cpu(analysis, i, out);
	}
	if (ordinary)
		fprintf(out, "and %zu more CPU%s with nothing on %s, not in VMX operation\n",
			ordinary, ordinary == 1 ? "" : "s",
			ordinary == 1 ? "its list" : "their lists");
}

/* Whether the host is so small that every list with entries can be drawn. */
static bool has_few_entries(const struct kvm_state *kvm)
{
	size_t lists = 0, entries = 0;

	for (size_t i = 0; i < kvm->nr_cpus; i++) {
		lists += kvm->cpu[i].list.nr > 0;
		entries += kvm->cpu[i].list.nr;
	}
	return lists <= FEW_LISTS && entries <= FEW_ENTRIES;
}

void report_lists(const struct analysis *analysis, enum charset charset, FILE *out)
{
	const struct kvm_state *kvm = &analysis->kvm;
	bool all = has_few_entries(kvm);
	size_t drawn = 0, left_out = 0;

	for (size_t i = 0; i < kvm->nr_cpus; i++) {
		if (!analysis->odd_list[i] && !(all && kvm->cpu[i].list.nr))
			continue;
		if (drawn == MAX_DRAWINGS) {
			left_out++;
			continue;
		}
		drawn++;
		fputc('\n', out);
		list_draw(analysis, &kvm->cpu[i], charset, out);
	}
	if (left_out)
		fprintf(out, "\n%zu more lists are not whole\n", left_out);
}

/* Return: the first placement of another VM. */
static size_t print_vm(const struct analysis *analysis, size_t vm, size_t first, FILE *out)
{
	const struct kvm_vm *this = &analysis->kvm.vm[vm];
	size_t i = first, bad = 0;
	char pid[16] = "-";

	if (this->pid)
		snprintf(pid, sizeof(pid), "%d", this->pid);
	fprintf(out, "%3zu %6s %5zu %-15s ", vm, pid, this->nr_vcpus,
		*this->comm ? this->comm : "-");
	for (; i < analysis->nr_placements && analysis->placement[i].vm == vm; i++) {
		const struct placement *placement = &analysis->placement[i];

		bad += placement->bad;
		if (placement->cpu == NO_CPU)
			fprintf(out, "%sno CPU: %zu", i == first ? "" : ", ", placement->nr);
		else
			fprintf(out, "%sCPU %d: %zu", i == first ? "" : ", ", placement->cpu,
				placement->nr);
	}
	if (bad)
		fprintf(out, "; %zu not known to be cleared", bad);
	fputs(i == first ? "none\n" : "\n", out);
	return i;
}

/* Then the table of VMCSes is one of VMs. */
static bool has_one_vmcs_each(const struct analysis *analysis)
{
	if (analysis->nr_placements != analysis->kvm.nr_vms)
		return false;
	for (size_t i = 0; i < analysis->nr_placements; i++) {
		if (analysis->placement[i].vm != i || analysis->placement[i].nr != 1)
			return false;
	}
	return true;
}

void report_vms(const struct analysis *analysis, FILE *out)
{
	size_t next = 0;

	if (analysis->kvm.nr_vms < 2 || has_one_vmcs_each(analysis))
		return;
	fprintf(out, "\n%3s %6s %5s %-15s %s\n", "VM", "PID", "VCPUS", "COMMAND", "VMCSES");
	for (size_t i = 0; i < analysis->kvm.nr_vms; i++)
		next = print_vm(analysis, i, next, out);
}
