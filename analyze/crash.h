/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_CRASH_H
#define ANALYZE_CRASH_H

/* The crash in a few words: on which CPU, why, and what it interrupted. */

#include "analyze/cpu_state.h"
#include "analyze/evidence.h"
#include "analyze/kvm.h"

/* What crash_tell() wants of the log: a panic prints some hundred lines after its message. */
#define CRASH_LOG_LINES	1000

/* A list_add() or list_del() that was under way. */
struct list_operation {
	const char *name;	/* "list_add"; NULL: none */
	unsigned int stores;	/* of its four that were done */
};

struct crash {
	int cpu;		/* NO_CPU: unknown */
	char panic[256];	/* the last panic message in the log, or "" */
	char oops[256];		/* the same of an Oops */
	/* What a crash should interrupt to be of interest here: the CPU at the crash point, */
	int interrupted_cpu;	/* or in a list operation, or else the one that crashed */
	enum at_source at_source;
	char at[160];
	char step[64];		/* OP/STEP as of a crash point, or "" */
	bool step_is_evidence;	/* from the driver, else from the state of the list */
};

/* What crash_tell() looks at. */
struct crash_witnesses {
	const struct cpu_states *cpus;
	const struct kvm_state *kvm;
	const struct evidence *evidence;
	const char *point_ip;	/* evidence's, in symbols */
	const char *log;	/* the end of the kernel log, whole lines, "" for none */
};

void crash_tell(const struct crash_witnesses *witnesses, struct crash *ret);

/* The operation on its list that @loaded was in. */
struct list_operation list_operation_of(const struct loaded_vmcs *loaded);

#endif
