/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KVM_H
#define ANALYZE_KVM_H

/*
 * The expected set: every VMCS that KVM had, and what KVM knew about it, seen
 * from each CPU's loaded-VMCS list and from every vCPU.  The crash path changes
 * none of this, so it is as it was when the host crashed.
 */

#include "analyze/addr_index.h"
#include "analyze/cpu_state.h"
#include "analyze/findings.h"
#include "analyze/kernel.h"
#include "analyze/list.h"

#define NO_PA	UINT64_MAX

/* How a loaded VMCS is linked into a CPU's list. */
enum link_state {
	LINK_NONE,		/* on no list, and its CPU field names none */
	LINK_LISTED,		/* the forward walk of its CPU meets it */
	LINK_ADDING,		/* list_add() under way: not yet on the forward list */
	LINK_REMOVING,		/* list_del() under way: still on the forward list */
	LINK_REMOVED,		/* list_del() took it off; its CPU field still names one */
	LINK_LOST,		/* its CPU field names one whose walk does not meet it */
};

/* A struct loaded_vmcs. */
struct loaded_vmcs {
	uint64_t addr;
	uint64_t vmcs_va;
	uint64_t vmcs;		/* physical address of the VMCS region */
	uint64_t shadow_vmcs;	/* physical, NO_PA for none */
	int cpu;		/* the field; NO_CPU: loaded nowhere */
	bool launched;		/* the field */
	struct list_node link;
	enum link_state link_state;
	unsigned int step;	/* of list_add() or list_del(): stores done, 0 if not under way */
	int list_cpu;		/* whose list meets it or was changing; NO_CPU for none */
	int current_cpu;	/* whose current_vmcs it is; NO_CPU for none */
	int vcpu;		/* index in kvm_state.vcpu, -1: no vCPU owns it */
	bool nested;		/* it is the vCPU's vmcs02 */
};

struct kvm_vm {
	uint64_t addr;
	int pid;		/* process that created it, 0 if unknown */
	char comm[16];
	size_t nr_vcpus;
};

struct kvm_vcpu {
	uint64_t addr;
	size_t vm;		/* index in kvm_state.vm */
	unsigned int id;
	int pid;		/* thread that runs it, 0: it never ran */
	char comm[16];
	unsigned int maxphyaddr; /* bits of its physical addresses; 0: not known */
};

struct kvm_cpu {
	unsigned int nr;
	uint64_t current_vmcs;	/* virtual; 0: NULL */
	uint64_t current_pa;	/* the same in physical memory; NO_PA: NULL, or it leads nowhere */
	int current;		/* index in kvm_state.loaded of that VMCS, -1: none has it */
	uint64_t per_cpu;	/* its per-CPU area: the GS base that it has in the kernel */
	uint64_t vmxon;		/* physical address of its VMXON region; NO_PA: none is known */
	struct list_walk list;	/* its loaded-VMCS list forward, as the crash path walks it */
	struct list_walk back;	/* the same backward */
	unsigned int nr_operations; /* that seem to be under way on its list */
};

struct kvm_state {
	bool intel;		/* kvm_intel is there */
	unsigned int maxphyaddr; /* of the host, bits; 0: not known */
	bool amd;		/* kvm_amd is, and not kvm_intel: only VMs and vCPUs are known */
	uint64_t vmexit;	/* vmx_vmexit(), HOST_RIP of each VMCS; 0: not known */
	struct kvm_cpu *cpu;	/* the possible ones */
	size_t nr_cpus;
	struct kvm_vm *vm;
	size_t nr_vms;
	struct kvm_vcpu *vcpu;
	size_t nr_vcpus;
	struct loaded_vmcs *loaded;
	size_t nr_loaded;
	struct addr_index links;	/* loaded by the address of its list_head */
};

/*
 * Odd states go to @findings; an error is what makes the whole set unknown,
 * such as a type that BTF does not have.
 */
struct error *kvm_state_init(const struct kernel *kernel, struct findings *findings,
			     struct kvm_state *ret);
void kvm_state_deinit(struct kvm_state *state);

/* Stands for that of a VMCS that has none: loaded nowhere, on no list, of no vCPU. */
extern const struct loaded_vmcs no_loaded_vmcs;

/* NULL if @nr is no possible CPU. */
const struct kvm_cpu *kvm_find_cpu(const struct kvm_state *state, int nr);

/* The loaded VMCS whose list_head is at @link, or NULL. */
struct loaded_vmcs *kvm_find_link(const struct kvm_state *state, uint64_t link);

#endif
