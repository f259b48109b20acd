/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KVM_WALK_H
#define ANALYZE_KVM_WALK_H

/* What those share that fill in struct kvm_state; for kvm*.c alone. */

#include <stdlib.h>

#include "analyze/kvm.h"
#include "analyze/kvm_layout.h"

/*
 * Bounds that no host reaches and no damage passes, each of all CPUs or VMs
 * together.  What is beyond is a doubt.
 */
#define MAX_VMS		16384
#define MAX_VCPUS	65536
#define MAX_LOADED	65536
#define MAX_LISTED	(2 * MAX_LOADED)	/* forward and backward */
#define MAX_REFUSED	64			/* vCPUs that are there already or too many */

struct walk {
	const struct kernel *kernel;
	const struct memory *mem;
	struct kvm_layout layout;
	struct findings *findings;
	struct kvm_state *state;
	struct addr_index vms;		/* state->vm by address */
	struct addr_index vcpus;	/* state->vcpu by address */
	size_t nr_refused;		/* vCPUs that were not added, each with its doubt */
};

/* Return: @array with room for one more than @nr elements, or NULL. */
static inline void *kvm_grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1) || (nr && nr < 8))
		return array;
	return reallocarray(array, nr ? nr * 2 : 8, size);
}

/* Note as a doubt what could not be read, and free @err: the walk goes on without it. */
void kvm_doubt(struct findings *findings, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The struct loaded_vmcs at @addr, as far as it can be told from it alone. */
struct error *kvm_read_loaded(const struct walk *walk, uint64_t addr, struct loaded_vmcs *ret);
struct error *kvm_add_loaded(const struct walk *walk, const struct loaded_vmcs *loaded);

/* Bits of physical addresses that @member of the structure at @addr says; 0: none that can be. */
unsigned int kvm_read_maxphyaddr(const struct memory *mem, uint64_t addr,
				 const struct member *member);

/* All of vm_list with its vCPUs and their VMCSes. */
struct error *kvm_read_vms(struct walk *walk);
/* The VM at @addr, added if vm_list does not have it. */
struct error *kvm_find_or_add_vm(struct walk *walk, uint64_t addr, size_t *ret);
/* @vm: index in walk->state->vm. A vCPU that is there already is a doubt. */
struct error *kvm_add_vcpu(struct walk *walk, size_t vm, uint64_t addr);
/* Name those VMs after their processes whose vCPUs never ran. */
struct error *kvm_name_vms(const struct walk *walk);

/* How each loaded VMCS is linked; those that only a list has are added. */
struct error *kvm_link_lists(struct walk *walk);

/* Whether each VMCS region can be one: aligned, in use, and of one owner. */
struct error *kvm_check_regions(const struct walk *walk);

#endif
