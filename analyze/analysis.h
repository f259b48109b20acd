/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ANALYSIS_H
#define ANALYZE_ANALYSIS_H

/* Everything that was found out about a dump; the dump itself is closed by then. */

#include "analyze/analyze.h"
#include "analyze/cpu_state.h"
#include "analyze/crash.h"
#include "analyze/dumpfile.h"
#include "analyze/placement.h"

struct analysis {
	char *path;
	struct dumpfile file;
	char release[65];	/* of the kernel */
	bool crashed;
	uint64_t crash_time;	/* seconds since 1970, if crashed */
	struct cpu_states cpus;	/* kvm.cpu, if any, has the same CPUs in the same order */
	struct crash crash;
	char *printk;		/* the last lines of the kernel log, "" for none */
	struct kvm_state kvm;
	bool *odd_list;		/* of each of kvm.cpu: not as list_add() or list_del() leave it */
	struct vmclear_log log;
	struct evidence evidence;
	char point_ip[160];	/* evidence.point_ip and nmi_ip in symbols */
	char nmi_ip[160];
	struct vmcs_layouts layouts;
	struct vmcs *vmcs;
	size_t nr_vmcs;
	struct placement *placement;
	size_t nr_placements;
	struct findings findings;
	struct verdict_result result;
};

/*
 * What the emergency callback did on the CPU @nr: "walked", "skipped" or
 * "not-run" by the VMCLEAR log.  Without one, of a CPU that had VMCSes and so
 * was in VMX operation: "ran" if it left that, "not-run" if it did not.  NULL:
 * nothing tells.
 */
const char *analysis_callback(const struct analysis *analysis, int nr);

#endif
