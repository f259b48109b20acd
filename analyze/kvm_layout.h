/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KVM_LAYOUT_H
#define ANALYZE_KVM_LAYOUT_H

/* Where KVM keeps what the analysis reads, for the kernel in the dump. */

#include "analyze/types.h"

struct loaded_vmcs_layout {
	struct member vmcs, shadow_vmcs, cpu, launched, link;
	bool has_shadow;
};

struct vcpu_layout {
	struct member vcpu;		/* struct kvm_vcpu in struct vcpu_vmx */
	struct member vmcs01, vmcs02;
	struct member loaded_vmcs;	/* points to one of these two */
	struct member id, pid, kvm;	/* in struct kvm_vcpu */
	bool has_maxphyaddr;
	struct member maxphyaddr;	/* likewise */
};

struct vm_layout {
	struct member list;		/* struct list_head in vm_list */
	struct member online_vcpus;
	bool has_xarray;
	struct member xa_head;		/* of vcpu_array, in struct kvm */
	struct member xa_shift, xa_slots;
	struct member vcpus;		/* array of pointers, if !has_xarray */
	bool has_userspace_pid;
	struct member userspace_pid;
};

/* From a struct pid to the task and its name. */
struct task_layout {
	struct member numbers, nr;	/* struct pid, struct upid */
	struct member tasks;		/* hlist heads in struct pid */
	struct member pid_links;	/* hlist nodes in struct task_struct */
	struct member group_leader, tgid, comm;
	struct member list;		/* in the list of all processes */
};

struct kvm_layout {
	struct loaded_vmcs_layout loaded;
	struct vcpu_layout vcpu;
	struct vm_layout vm;
	struct task_layout task;
};

/* All but what only kvm_intel has: loaded, and the rest of vcpu. */
struct error *kvm_layout_find_vms(const struct types *types, struct kvm_layout *ret);
/* All. */
struct error *kvm_layout_find(const struct types *types, struct kvm_layout *ret);

#endif
