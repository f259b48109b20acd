/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_POINTS_VMX_H
#define TESTS_UNIT_POINTS_VMX_H

/* Structures of the module in vmx.c, with offsets of their own. */

#include <stdbool.h>

struct list_head {
	struct list_head *next, *prev;
};

struct vmcs;

struct loaded_vmcs {
	struct vmcs *vmcs;
	struct vmcs *shadow_vmcs;
	unsigned long msr_bitmap;
	int cpu;
	bool nmi_known_unmasked;
	bool launched;
	struct list_head loaded_vmcss_on_cpu_link;
};

struct vcpu_vmx {
	unsigned long regs[3];
	int other_cpu;		/* at the offset of loaded_vmcs->cpu */
	struct loaded_vmcs *loaded_vmcs;
};

#endif
