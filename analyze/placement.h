/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PLACEMENT_H
#define ANALYZE_PLACEMENT_H

/* Which VM's VMCSes are on which CPU, and in what state. */

#include "analyze/oracle.h"

/* The VMCSes of one VM that were loaded on one CPU. */
struct placement {
	size_t vm;		/* index in kvm_state.vm */
	int cpu;		/* NO_CPU: on none */
	size_t nr;
	size_t bad;		/* of these, not-cleared or unknown */
};

/* By VM and CPU, both ascending; those that no vCPU has are left out. *@ret is the caller's. */
struct error *placement_find(const struct kvm_state *kvm, const struct vmcs *vmcs, size_t nr_vmcs,
			     struct placement **ret, size_t *ret_nr);

#endif
