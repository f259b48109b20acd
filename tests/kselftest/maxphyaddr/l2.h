/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAXPHYADDR_L2_H
#define MAXPHYADDR_L2_H

/* A guest of the guest, on the KVM selftests' library */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define L2_MAX_ACCESSES	48

struct l2_access {
	uint64_t bit;		/* of the address in the PTE, beside those of a page */
	bool write;		/* to a page that is read-only */
	/* What came of it: an exception in L2, */
	uint64_t vector, error_code, cr2;
	/* or an exit to L1, whose reason is otherwise that of VMCALL or VMMCALL */
	uint64_t exit_reason, qualification, gpa;
	/* Filled in before */
	uint64_t address, page;
};

/* How the hypervisor in L1 runs L2 */
enum l2_how {
	L2_PLAIN,		/* VMX or SVM without nested paging */
	L2_EPT,			/* and with EPT, in which only memory is mapped */
	L2_EPT_PF,		/* which also intercepts #PF with P and without RSVD, as KVM does */
};

bool l2_has(enum l2_how how);

/* Have L2 do @nr accesses, in a VM whose MAXPHYADDR is @maxphyaddr. */
void l2_run(enum l2_how how, unsigned int maxphyaddr, struct l2_access *accesses, size_t nr);

/* Return: L1 has nothing been told of it. */
bool l2_stayed(const struct l2_access *access);

#endif
