/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_VERDICT_H
#define ANALYZE_VERDICT_H

/*
 * The one rule that makes a verdict of everything that was found:
 *
 *   1. A host that had not crashed had nothing to clear yet: inconclusive.
 *   2. One VMCS not cleared: fail, whatever else there is.
 *   3. Inconclusive if oracles disagree, if the dump is incomplete, if nothing
 *      is known of a VMCS that a CPU may have held, if the victim CPU had no
 *      launched VMCS, if no CPU had any, or if anything found casts doubt.
 *   4. Else pass.
 *
 * Of a host with kvm_amd, whose stake is SVM itself (analyze/svm.h):
 *
 *   2. EFER.SVME set on any CPU after the crash: fail.
 *   3. Inconclusive if the dump is incomplete, if it is not known that EFER.SVME
 *      was set on the victim CPU and that a vCPU had run, if it is not known of
 *      each CPU that EFER.SVME is clear, or if anything found casts doubt.
 */

#include "analyze/oracle.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_INCONCLUSIVE,
};

struct verdict_input {
	bool crashed;		/* the kernel went through its crash path */
	bool intel;		/* kvm_intel was there */
	const struct kvm_state *kvm;
	const struct cpu_states *cpus;
	const char *incomplete;	/* what the dump is missing, NULL if nothing */
	const struct vmcs *vmcs;
	size_t nr;
	const struct evidence *evidence;
	const struct findings *findings;
};

struct verdict_result {
	enum verdict verdict;
	char summary[512];	/* "all 4 launched VMCSes cleared (CPU 1: 3, CPU 0: 1)" */
};

void verdict_decide(const struct verdict_input *input, struct verdict_result *ret);

const char *verdict_name(enum verdict verdict);

#endif
