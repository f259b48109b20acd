// SPDX-License-Identifier: GPL-2.0-only
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "kdt.h"

/* Debuggers and the analyser look it up by name. */
struct kdt_evidence kdump_torture_evidence = {
	.magic = KDT_EVIDENCE_MAGIC,
	.version = KDT_EVIDENCE_VERSION,
	.size = sizeof(kdump_torture_evidence),
	.sender_cpu = KDT_NO_CPU,
	.vmptr = KDT_NO_PA,
	.efer = KDT_NO_MSR,
	.vm_cr = KDT_NO_MSR,
	.vm_hsave_pa = KDT_NO_MSR,
};

/* kvm_intel's per-CPU variables, NULL if it is not loaded. */
static struct list_head __percpu *kdt_loaded_vmcss_on_cpu;
static void * __percpu *kdt_current_vmcs;

/* Find the lists of the kvm_intel that is loaded, for kdt_walk_list(). */
bool kdt_find_lists(void)
{
	kdt_loaded_vmcss_on_cpu = (void __percpu *)kdt_symbol("loaded_vmcss_on_cpu");
	return kdt_loaded_vmcss_on_cpu;
}

/* Begin anew, from the knobs. Called before anything can reach the point. */
void kdt_evidence_reset(enum kdt_via via)
{
	struct kdt_evidence *e = &kdump_torture_evidence;

	kdt_find_lists();
	kdt_current_vmcs = (void __percpu *)kdt_symbol("current_vmcs");

	memset_after(e, 0, size);
	e->delivery = kdt_knobs.deliver;
	e->via = via;
	e->victim_cpu = kdt_knobs.cpu;
	e->sender_cpu = KDT_NO_CPU;
	e->vmptr = KDT_NO_PA;
	e->efer = KDT_NO_MSR;
	e->vm_cr = KDT_NO_MSR;
	e->vm_hsave_pa = KDT_NO_MSR;
	strscpy(e->point, kdt_knobs.label[0] ? kdt_knobs.label : kdt_knobs.point,
		sizeof(e->point));
	strscpy(e->probe, kdt_knobs.point, sizeof(e->probe));
}

/* Physical address of a page that the kernel has mapped, as VMCSes are. */
static u64 kdt_vmcs_pa(void *vmcs)
{
	return virt_addr_valid(vmcs) ? virt_to_phys(vmcs) : KDT_NO_PA;
}

/*
 * This CPU's current-VMCS pointer, KDT_NO_PA if there is none. Return: whether it
 * is in VMX operation.
 */
bool kdt_vmptrst(u64 *ret)
{
	bool vmx = false;

	*ret = KDT_NO_PA;
	if (!(__read_cr4() & X86_CR4_VMXE))
		return false;

	/* #UD if VMXE is set, but no VMXON was executed: skip it then. */
	asm volatile("1: vmptrst %0\n"
		     "movb $1, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+m" (*ret), "+m" (vmx) : : "cc");
	return vmx;
}

static bool kdt_read_loaded_vmcs(unsigned long loaded_vmcs,
				 struct kdt_evidence_vmcs *ret)
{
	const struct kdt_layout *layout = &kdt_knobs.layout;
	void *vmcs, *shadow_vmcs;
	u8 launched;
	s32 cpu;

	if (get_kernel_nofault(vmcs, (void **)(loaded_vmcs + layout->vmcs)) ||
	    get_kernel_nofault(shadow_vmcs,
			       (void **)(loaded_vmcs + layout->shadow_vmcs)) ||
	    get_kernel_nofault(cpu, (s32 *)(loaded_vmcs + layout->cpu)) ||
	    get_kernel_nofault(launched, (u8 *)(loaded_vmcs + layout->launched)))
		return false;

	ret->loaded_vmcs = loaded_vmcs;
	ret->vmcs = kdt_vmcs_pa(vmcs);
	ret->shadow_vmcs = shadow_vmcs ? kdt_vmcs_pa(shadow_vmcs) : KDT_NO_PA;
	ret->cpu = cpu;
	ret->launched = launched;
	return true;
}

/*
 * Can its pointers be read? If the first and the last byte of them can, the rest
 * can, too: they are on one page or on two.
 */
bool kdt_can_read_loaded_vmcs(unsigned long loaded_vmcs)
{
	const struct kdt_layout *layout = &kdt_knobs.layout;
	unsigned int first = min3(layout->vmcs, layout->shadow_vmcs, layout->list_link);
	unsigned int last = max3(layout->vmcs, layout->shadow_vmcs, layout->list_link) +
			    sizeof(struct list_head) - 1;
	char byte;

	return !get_kernel_nofault(byte, (char *)(loaded_vmcs + first)) &&
	       !get_kernel_nofault(byte, (char *)(loaded_vmcs + last));
}

/*
 * Walk this CPU's list as the crash path does, as long as @visit returns true.
 * *@ret_end, if it is wanted, is the struct loaded_vmcs that it ended at.
 */
enum kdt_list kdt_walk_list(bool (*visit)(const struct kdt_evidence_vmcs *entry,
					  void *data),
			    void *data, unsigned long *ret_end)
{
	struct list_head *head, *pos;

	if (!kdt_loaded_vmcss_on_cpu || !kdt_knobs.layout.known)
		return KDT_LIST_NOT_READ;

	head = raw_cpu_ptr(kdt_loaded_vmcss_on_cpu);
	for (pos = READ_ONCE(head->next); pos != head;) {
		unsigned long loaded_vmcs = (unsigned long)pos - kdt_knobs.layout.list_link;
		struct kdt_evidence_vmcs entry;

		if (ret_end)
			*ret_end = loaded_vmcs;
		if (!kdt_read_loaded_vmcs(loaded_vmcs, &entry) ||
		    get_kernel_nofault(pos, &pos->next))
			return KDT_LIST_BAD_POINTER;
		if (!visit(&entry, data))
			return KDT_LIST_TRUNCATED;
	}
	return KDT_LIST_COMPLETE;
}

static bool kdt_evidence_add(const struct kdt_evidence_vmcs *entry, void *evidence)
{
	struct kdt_evidence *e = evidence;

	if (e->nr_vmcs == KDT_MAX_VMCS)
		return false;
	e->vmcs[e->nr_vmcs++] = *entry;
	return true;
}

static u64 kdt_read_msr(u32 msr)
{
	u64 value;

	return rdmsrl_safe(msr, &value) ? KDT_NO_MSR : value;
}

/*
 * Record what there is at the point. Called on the victim CPU with IRQs off,
 * in any context. @regs is NULL at hooks.
 */
void kdt_evidence_record(unsigned long ip, const struct pt_regs *regs)
{
	struct kdt_evidence *e = &kdump_torture_evidence;

	e->pid = current->pid;
	strscpy(e->comm, current->comm, sizeof(e->comm));
	e->fired_ns = ktime_get_mono_fast_ns();
	e->point_ip = ip;
	if (regs) {
		struct pt_regs *copy = (struct pt_regs *)e->regs;

		BUILD_BUG_ON(sizeof(e->regs) != sizeof(*regs));
		*copy = *regs;
		/* kprobe handlers see the address behind the breakpoint. */
		copy->ip = ip;
		e->has_regs = 1;
	}

	kdt_vmptrst(&e->vmptr);
	if (kdt_current_vmcs)
		e->current_vmcs = (unsigned long)*raw_cpu_ptr(kdt_current_vmcs);
	e->list = kdt_walk_list(kdt_evidence_add, e, NULL);

	e->efer = kdt_read_msr(MSR_EFER);
	if (kdt_cpu_has_svm()) {
		e->vm_cr = kdt_read_msr(MSR_VM_CR);
		e->vm_hsave_pa = kdt_read_msr(MSR_VM_HSAVE_PA);
	}
}
