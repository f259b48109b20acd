/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_VMCLEAR_LOG_H
#define ANALYZE_VMCLEAR_LOG_H

/*
 * The record that a kernel with the crash-points patch keeps of every VMCLEAR
 * its emergency callback executes.  In the dump it is vmx_crash_log of kvm_intel.
 */

#include "analyze/findings.h"
#include "analyze/kernel.h"

enum vmclear_op {
	VMCLEAR_OP_WALK = 1,	/* the callback was entered on this CPU */
	VMCLEAR_OP_VMCLEAR = 2,
	VMCLEAR_OP_VMXOFF = 3,
	VMCLEAR_OP_SKIPPED = 4,	/* mutant bitmap: the callback left the list alone */
};

enum vmclear_status {
	VMCLEAR_STARTED = 1,	/* and nothing after it: the instruction faulted */
	VMCLEAR_DONE = 2,
	VMCLEAR_FAILED = 3,	/* VMfail */
};

/* As it is in the dump, version 1. */
struct vmclear_log_entry {
	uint64_t pa;
	uint32_t cpu;
	uint8_t op;
	uint8_t status;
	uint8_t shadow;		/* pa is that of a shadow VMCS */
	uint8_t pad;
};

struct vmclear_log {
	bool present;
	bool overflowed;	/* more was done than there was room to record */
	struct vmclear_log_entry *entry;	/* in the order in which it was done */
	size_t nr;
	const struct vmclear_log_entry **sorted;	/* for the functions below */
};

/* A log that cannot be believed is a doubt, none at all is not. */
struct error *vmclear_log_read(const struct kernel *kernel, struct findings *findings,
			       struct vmclear_log *ret);
void vmclear_log_deinit(struct vmclear_log *log);

/* The first entry of CPU @cpu with operation @op, or NULL. */
const struct vmclear_log_entry *vmclear_log_find(const struct vmclear_log *log, int cpu,
						 enum vmclear_op op);

/* The VMCLEAR of the VMCS at @pa by CPU @cpu: one that was done, else any, else NULL. */
const struct vmclear_log_entry *vmclear_log_find_vmclear(const struct vmclear_log *log, int cpu,
							 uint64_t pa);

#endif
