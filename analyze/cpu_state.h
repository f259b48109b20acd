/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_CPU_STATE_H
#define ANALYZE_CPU_STATE_H

/*
 * What became of each CPU in the crash, whether or not the host ran guests:
 * did it stop, where was it interrupted, in which task, did it leave VMX
 * operation.  What the dump does not tell stays unknown; no verdict rests on it.
 */

#include "analyze/findings.h"
#include "analyze/kernel.h"

#define NO_CPU	(-1)
#define NO_PID	(-1)

/* What the kernel's crash notes have of a CPU. */
enum cpu_registers {
	REGISTERS_UNKNOWN,	/* there are no notes, or they are not in the dump */
	REGISTERS_NONE,		/* it saved none: it never got as far in the crash path */
	REGISTERS_SAVED,	/* of the code that the crash interrupted */
	REGISTERS_CRASH_PATH,	/* of the crash path itself: the kernel called panic() there */
};

/* Where cpu_state.at comes from. */
enum at_source {
	AT_UNKNOWN,
	AT_REGISTERS,		/* the CPU's crash note */
	AT_NMI_STACK,		/* what the NMI in which it panicked will return to */
	AT_LOG,			/* the kernel log */
	AT_EVIDENCE,		/* the driver's evidence */
};

struct cpu_state {
	unsigned int nr;
	bool online;
	bool vmxe_known;
	bool vmxe;		/* CR4.VMXE in the kernel's copy: in VMX operation */
	bool svme_known;
	bool svme;		/* EFER.SVME after the crash (analyze/svm.h) */
	enum cpu_registers registers;
	enum at_source at_source;	/* AT_UNKNOWN: @at is "" */
	char at[160];		/* the interrupted instruction, in symbols */
	int pid;		/* of the task, thread id; 0: idle; NO_PID: unknown */
	char comm[16];		/* "": unknown */
};

struct cpu_states {
	struct cpu_state *cpu;	/* the possible CPUs, in ascending order */
	size_t nr;
	int crashed;		/* the CPU that took the kernel down, NO_CPU: unknown */
};

/* An error is that memory ran out. */
struct error *cpu_states_init(const struct kernel *kernel, struct findings *findings,
			      struct cpu_states *ret);
void cpu_states_deinit(struct cpu_states *states);

/* NULL if @nr is no possible CPU. */
const struct cpu_state *cpu_states_find(const struct cpu_states *states, int nr);

/* NULL for what is unknown. */
const char *cpu_registers_name(enum cpu_registers registers);
const char *at_source_name(enum at_source source);

#endif
