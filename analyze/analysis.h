/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ANALYSIS_H
#define ANALYZE_ANALYSIS_H

/* Everything that was found out about a dump; the dump itself is closed by then. */

#include "analyze/analyze.h"
#include "analyze/dumpfile.h"

struct analysis {
	char *path;
	struct dumpfile file;
	char release[65];	/* of the kernel */
	bool crashed;
	uint64_t crash_time;	/* seconds since 1970, if crashed */
	char panic[256];	/* the last panic message in the log, or "" */
	struct kvm_state kvm;
	struct vmclear_log log;
	struct evidence evidence;
	char point_ip[160];	/* evidence.point_ip and nmi_ip in symbols */
	char nmi_ip[160];
	struct vmcs *vmcs;
	size_t nr_vmcs;
	struct findings findings;
	struct verdict_result result;
};

#endif
