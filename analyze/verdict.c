// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyze/svm.h"

/* Hosts have more CPUs than fit in a line. */
#define MAX_CPUS_NAMED	8

__attribute__((format(printf, 3, 4)))
static void decide(struct verdict_result *ret, enum verdict verdict, const char *format, ...)
{
	va_list ap;

	ret->verdict = verdict;
	va_start(ap, format);
	vsnprintf(ret->summary, sizeof(ret->summary), format, ap);
	va_end(ap);
}

static size_t count_state(const struct verdict_input *input, enum vmcs_state state)
{
	size_t nr = 0;

	for (size_t i = 0; i < input->nr; i++)
		nr += input->vmcs[i].state == state;
	return nr;
}

static bool is_launched(const struct vmcs *vmcs)
{
	return vmcs->kind != VMCS_SHADOW &&
	       (vmcs->loaded->launched || vmcs->oracle[ORACLE_IMAGE].answer == ANSWER_NOT_CLEARED);
}

static size_t count_launched(const struct verdict_input *input, enum vmcs_state state)
{
	size_t nr = 0;

	for (size_t i = 0; i < input->nr; i++)
		nr += input->vmcs[i].state == state && is_launched(&input->vmcs[i]);
	return nr;
}

static size_t count_on_cpu(const struct verdict_input *input, enum vmcs_state state, int cpu)
{
	size_t nr = 0;

	for (size_t i = 0; i < input->nr; i++)
		nr += input->vmcs[i].state == state && vmcs_cpu(&input->vmcs[i]) == cpu;
	return nr;
}

static bool is_named(const int *named, size_t nr, int cpu)
{
	for (size_t i = 0; i < nr; i++) {
		if (named[i] == cpu)
			return true;
	}
	return false;
}

/* " (CPU 1: 3, CPU 0: 1)", in the order in which the CPUs come up. */
static void append_cpus(const struct verdict_input *input, enum vmcs_state state,
			struct verdict_result *ret)
{
	FILE *out = fmemopen(ret->summary, sizeof(ret->summary), "a");
	int named[MAX_CPUS_NAMED];
	size_t nr = 0;

	if (!out)
		return;
	for (size_t i = 0; i < input->nr; i++) {
		int cpu = vmcs_cpu(&input->vmcs[i]);

		if (input->vmcs[i].state != state || is_named(named, nr, cpu))
			continue;
		if (nr == MAX_CPUS_NAMED) {
			fprintf(out, ", ...");
			break;
		}
		fprintf(out, "%s", nr ? ", " : " (");
		named[nr++] = cpu;
		if (cpu == NO_CPU)
			fprintf(out, "no CPU: %zu", count_on_cpu(input, state, cpu));
		else
			fprintf(out, "CPU %d: %zu", cpu, count_on_cpu(input, state, cpu));
	}
	if (nr)
		fputc(')', out);
	fclose(out);
}

static const char *plural(size_t nr)
{
	return nr == 1 ? "" : "es";
}

static void decide_fail(const struct verdict_input *input, size_t bad, struct verdict_result *ret)
{
	size_t loaded = input->nr - count_state(input, VMCS_NEVER_LOADED);
	size_t launched = count_launched(input, VMCS_NOT_CLEARED) +
			  count_launched(input, VMCS_CLEARED) +
			  count_launched(input, VMCS_UNKNOWN);

	decide(ret, VERDICT_FAIL, "%zu of %zu %s VMCS%s not cleared", bad, loaded,
	       launched == loaded ? "launched" : "loaded", plural(loaded));
	append_cpus(input, VMCS_NOT_CLEARED, ret);
}

static void decide_pass(const struct verdict_input *input, size_t good, struct verdict_result *ret)
{
	size_t launched = count_launched(input, VMCS_CLEARED);

	if (launched == good)
		decide(ret, VERDICT_PASS, "all %zu launched VMCS%s cleared", good, plural(good));
	else
		decide(ret, VERDICT_PASS, "all %zu loaded VMCS%s cleared, %zu of them launched", good,
		       plural(good), launched);
	append_cpus(input, VMCS_CLEARED, ret);
}

static const struct vmcs *first_disagreement(const struct verdict_input *input)
{
	for (size_t i = 0; i < input->nr; i++) {
		if (input->vmcs[i].disagreement)
			return &input->vmcs[i];
	}
	return NULL;
}

static bool victim_had_launched(const struct verdict_input *input)
{
	int victim = input->evidence->data.victim_cpu;

	for (size_t i = 0; i < input->nr; i++) {
		const struct vmcs *vmcs = &input->vmcs[i];

		if (vmcs->state != VMCS_NEVER_LOADED && is_launched(vmcs) &&
		    vmcs_cpu(vmcs) == victim)
			return true;
	}
	return false;
}

/* Return: whether there is a reason not to believe that all is well. */
static bool decide_inconclusive(const struct verdict_input *input, struct verdict_result *ret)
{
	const enum verdict verdict = VERDICT_INCONCLUSIVE;
	const struct vmcs *split = first_disagreement(input);
	size_t unknown = count_state(input, VMCS_UNKNOWN);
	const struct finding *first = findings_first_doubt(input->findings);

	if (split)
		decide(ret, verdict, "the oracles disagree on VMCS %#" PRIx64, split->pa);
	else if (input->incomplete)
		decide(ret, verdict, "the dump is incomplete: %s", input->incomplete);
	else if (unknown) {
		decide(ret, verdict, "nothing tells whether %zu loaded VMCS%s %s cleared", unknown,
		       plural(unknown), unknown == 1 ? "was" : "were");
		append_cpus(input, VMCS_UNKNOWN, ret);
	} else if (evidence_fired(input->evidence) && !victim_had_launched(input))
		decide(ret, verdict,
		       "nothing was at stake on the victim, CPU %u: it had no launched VMCS",
		       input->evidence->data.victim_cpu);
	else if (first)
		decide(ret, verdict, "%s", first->text);
	else if (!input->intel)
		decide(ret, verdict, "nothing was at stake: kvm_intel was not loaded");
	else if (!count_state(input, VMCS_CLEARED))
		decide(ret, verdict, "nothing was at stake: no VMCS was loaded on any CPU");
	else
		return false;
	return true;
}

static size_t count_run(const struct kvm_state *kvm)
{
	size_t nr = 0;

	for (size_t i = 0; i < kvm->nr_vcpus; i++)
		nr += kvm->vcpu[i].pid != 0;
	return nr;
}

/* The first online CPU of which it is not known whether SVM is off; NO_CPU: none. */
static int find_unknown_svme(const struct cpu_states *cpus)
{
	for (size_t i = 0; i < cpus->nr; i++)
		if (cpus->cpu[i].online && !cpus->cpu[i].svme_known)
			return cpus->cpu[i].nr;
	return NO_CPU;
}

static bool svm_left_on(const struct cpu_states *cpus, struct verdict_result *ret)
{
	size_t nr = 0, known = 0;
	int first = NO_CPU;

	for (size_t i = 0; i < cpus->nr; i++) {
		known += cpus->cpu[i].svme_known;
		if (!cpus->cpu[i].svme)
			continue;
		if (!nr++)
			first = cpus->cpu[i].nr;
	}
	if (nr)
		decide(ret, VERDICT_FAIL, "SVM was left on, EFER.SVME is set: %zu of %zu CPUs, CPU %d %s",
		       nr, known, first, nr > 1 ? "first" : "alone");
	return nr;
}

static void decide_svm(const struct verdict_input *input, struct verdict_result *ret)
{
	const enum verdict verdict = VERDICT_INCONCLUSIVE;
	const struct finding *doubt = findings_first_doubt(input->findings);
	size_t ran = count_run(input->kvm), known = 0;
	int unknown = find_unknown_svme(input->cpus);
	bool svme;

	for (size_t i = 0; i < input->cpus->nr; i++)
		known += input->cpus->cpu[i].svme_known;
	if (svm_left_on(input->cpus, ret))
		return;
	if (input->incomplete)
		decide(ret, verdict, "the dump is incomplete: %s", input->incomplete);
	else if (!svm_at_crash(input->evidence, &svme))
		decide(ret, verdict, "nothing tells whether SVM was on when the host crashed");
	else if (!svme)
		decide(ret, verdict, "nothing was at stake on the victim, CPU %u: SVM was off",
		       input->evidence->data.victim_cpu);
	else if (!ran)
		decide(ret, verdict, "nothing was at stake: no vCPU had run");
	else if (unknown != NO_CPU)
		decide(ret, verdict, "nothing tells whether SVM is off on CPU %d; a file of EFER after "
		       "the crash would (--efer)", unknown);
	else if (doubt)
		decide(ret, verdict, "%s", doubt->text);
	else
		decide(ret, VERDICT_PASS, "SVM was on, with %zu vCPU%s, and is off on all %zu CPUs", ran,
		       ran == 1 ? "" : "s", known);
}

void verdict_decide(const struct verdict_input *input, struct verdict_result *ret)
{
	size_t bad = count_state(input, VMCS_NOT_CLEARED);

	if (!input->crashed)
		decide(ret, VERDICT_INCONCLUSIVE,
		       "the crash path had not run when the dump was taken (no CRASHTIME in vmcoreinfo)");
	else if (input->kvm->amd)
		decide_svm(input, ret);
	else if (bad)
		decide_fail(input, bad, ret);
	else if (!decide_inconclusive(input, ret))
		decide_pass(input, count_state(input, VMCS_CLEARED), ret);
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_PASS] = "pass",
		[VERDICT_FAIL] = "fail",
		[VERDICT_INCONCLUSIVE] = "inconclusive",
	};

	return names[verdict];
}
