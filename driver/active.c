// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCSes that are active on a CPU, by the instructions that it executes and
 * never by what KVM thinks of them: VMPTRLD makes a VMCS active, so does VM entry
 * for the one that the VMCS link pointer names, and nothing but VMCLEAR ends it
 * (SDM, "Software Use of Virtual-Machine Control Structures"). A VMCS that was
 * moved to another CPU, and VMXOFF, leave it active.
 */
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/vmx.h>

#include "dry.h"
#include "kdt.h"

void kdt_pa_set_clear(struct kdt_pa_set *set)
{
	set->nr = 0;
	set->overflow = false;
}

static unsigned int kdt_pa_set_find(const struct kdt_pa_set *set, u64 pa)
{
	unsigned int i = 0;

	while (i < set->nr && set->pa[i] != pa)
		i++;
	return i;
}

bool kdt_pa_set_has(const struct kdt_pa_set *set, u64 pa)
{
	return kdt_pa_set_find(set, pa) < set->nr;
}

void kdt_pa_set_add(struct kdt_pa_set *set, u64 pa)
{
	if (kdt_pa_set_has(set, pa))
		return;
	if (set->nr == KDT_MAX_ACTIVE)
		set->overflow = true;
	else
		set->pa[set->nr++] = pa;
}

static void kdt_pa_set_remove(struct kdt_pa_set *set, u64 pa)
{
	unsigned int i = kdt_pa_set_find(set, pa);

	if (i < set->nr)
		set->pa[i] = set->pa[--set->nr];
}

/* The CPU has done it, with success. @pa is the operand, if there is one. */
void kdt_active_follow(struct kdt_active *active, enum kdt_effect effect, u64 pa)
{
	switch (effect) {
	case KDT_NO_EFFECT:
		break;
	case KDT_VMPTRLD:
		kdt_pa_set_add(&active->vmcs, pa);
		break;
	case KDT_VMCLEAR:
		kdt_pa_set_remove(&active->vmcs, pa);
		break;
	case KDT_VMXON:
		active->vmx = true;
		break;
	case KDT_AFTER_VMXOFF:
		active->vmx = false;
		break;
	}
}

/* The CPU is about to do a VM entry. */
void kdt_active_enter(struct kdt_active *active)
{
	u64 link = KDT_NO_PA;

	if (!active->vmx)
		return;
	/* Left as it is if there is no current VMCS, or no VMX operation after all. */
	asm volatile("1: vmread %1, %0\n2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (link) : "r" ((u64)VMCS_LINK_POINTER) : "cc");
	if (link != KDT_NO_PA)
		kdt_pa_set_add(&active->vmcs, link);
}

static bool kdt_assume_entry(const struct kdt_evidence_vmcs *entry, void *data)
{
	struct kdt_pa_set *set = data;

	kdt_pa_set_add(set, entry->vmcs);
	if (entry->shadow_vmcs != KDT_NO_PA && entry->launched)
		kdt_pa_set_add(set, entry->shadow_vmcs);
	return true;
}

/*
 * What this CPU did before it could be followed has to be believed: that active
 * are the current VMCS and those on KVM's list, with their shadow VMCSes if there
 * has been a VM entry. Called with IRQs off, so that no list is half-done.
 */
void kdt_active_assume(struct kdt_active *active)
{
	u64 vmptr;

	kdt_pa_set_clear(&active->vmcs);
	active->vmx = kdt_vmptrst(&vmptr);
	if (vmptr != KDT_NO_PA)
		kdt_pa_set_add(&active->vmcs, vmptr);
	kdt_walk_list(kdt_assume_entry, &active->vmcs, NULL);
}
