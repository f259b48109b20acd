// SPDX-License-Identifier: GPL-2.0-only
#include "l2.h"

#include <string.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "svm_util.h"
#include "vmx.h"

#define PF_MASK		0x9	/* P and RSVD */
#define PF_MATCH	0x1
#define STACK_SIZE	4096

/* Shared with L1 and L2, which have copies of their own */
static struct l2_access shared[L2_MAX_ACCESSES];
static uint64_t nr_shared, current, shared_how, is_amd;
static unsigned char stack[STACK_SIZE] __attribute__((aligned(16)));

/* Not by is_amd_cpu(): L2's CPUID is an exit. */
static void leave(void)
{
	if (is_amd)
		asm volatile("vmmcall");
	else
		asm volatile("vmcall");
}

static void handle_pf(struct ex_regs *regs)
{
	struct l2_access *access = &shared[current];

	access->vector = PF_VECTOR;
	access->error_code = regs->error_code;
	asm volatile("mov %%cr2, %0" : "=r"(access->cr2));
	regs->rip = (uint64_t)leave;
}

/* L2: each access from the beginning, for L1 keeps none of L2's registers. */
static void l2_code(void)
{
	const struct l2_access *access = &shared[current];

	if (access->write)
		asm volatile("movb $0, (%0)" :: "r"(access->address) : "memory");
	else
		asm volatile("movb (%0), %%al" :: "r"(access->address) : "rax", "memory");
	leave();
}

static void run_vmx(struct vmx_pages *vmx)
{
	GUEST_ASSERT(prepare_for_vmx_operation(vmx));
	GUEST_ASSERT(load_vmcs(vmx));
	prepare_vmcs(vmx, l2_code, stack + STACK_SIZE);
	/* Where L1 intercepts no #PF, each has to match, and the bit be 0 (SDM 25.2). */
	vmwrite(EXCEPTION_BITMAP, shared_how == L2_EPT_PF ? 1U << PF_VECTOR : 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, shared_how == L2_EPT_PF ? PF_MASK : 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, shared_how == L2_EPT_PF ? PF_MATCH : 0);
	for (current = 0; current < nr_shared; current++) {
		struct l2_access *access = &shared[current];

		vmwrite(GUEST_RIP, (uint64_t)l2_code);
		vmwrite(GUEST_RSP, (uint64_t)stack + STACK_SIZE - 8);
		GUEST_ASSERT(!(current ? vmresume() : vmlaunch()));
		access->exit_reason = vmreadz(VM_EXIT_REASON);
		access->qualification = vmreadz(EXIT_QUALIFICATION);
		access->gpa = vmreadz(GUEST_PHYSICAL_ADDRESS);
		if (access->exit_reason == EXIT_REASON_EXCEPTION_NMI)
			access->error_code = vmreadz(VM_EXIT_INTR_ERROR_CODE);
	}
}

static void run_svm(struct svm_test_data *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	generic_svm_setup(svm, l2_code, stack + STACK_SIZE);
	for (current = 0; current < nr_shared; current++) {
		vmcb->save.rip = (uint64_t)l2_code;
		vmcb->save.rsp = (uint64_t)stack + STACK_SIZE - 8;
		run_guest(vmcb, svm->vmcb_gpa);
		shared[current].exit_reason = vmcb->control.exit_code;
	}
}

static void l1_code(void *pages)
{
	uint64_t cr0;

	/* A page that is read-only is so for the supervisor, too. */
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" :: "r"(cr0 | X86_CR0_WP));
	if (is_amd)
		run_svm(pages);
	else
		run_vmx(pages);
	GUEST_DONE();
}

bool l2_has(enum l2_how how)
{
	if (is_amd_cpu())
		return how == L2_PLAIN && kvm_cpu_has(X86_FEATURE_SVM);
	return kvm_cpu_has(X86_FEATURE_VMX);
}

bool l2_stayed(const struct l2_access *access)
{
	return access->exit_reason == (is_amd_cpu() ? SVM_EXIT_VMMCALL : EXIT_REASON_VMCALL);
}

/* A page of its own for each access, mapped to where there is none */
static void map_accesses(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	for (size_t i = 0; i < nr_shared; i++) {
		struct l2_access *access = &shared[i];
		uint64_t pte;

		access->address = vm_vaddr_alloc_page(vm);
		access->page = addr_gva2gpa(vm, access->address);
		pte = vm_get_page_table_entry(vm, vcpu, access->address);
		if (access->write)
			pte &= ~2ULL;
		vm_set_page_table_entry(vm, vcpu, access->address, pte | 1ULL << access->bit);
	}
}

void l2_run(enum l2_how how, unsigned int maxphyaddr, struct l2_access *accesses, size_t nr)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, l1_code);
	struct vmx_pages *vmx;
	vm_vaddr_t pages;
	struct ucall uc;

	TEST_ASSERT(nr <= L2_MAX_ACCESSES, "too many accesses");
	memcpy(shared, accesses, nr * sizeof(*accesses));
	nr_shared = nr;
	shared_how = how;
	is_amd = is_amd_cpu();
	vcpu_set_cpuid_maxphyaddr(vcpu, maxphyaddr);
	vm_init_descriptor_tables(vm);
	vcpu_init_descriptor_tables(vcpu);
	vm_install_exception_handler(vm, PF_VECTOR, handle_pf);
	map_accesses(vm, vcpu);
	if (is_amd) {
		vcpu_alloc_svm(vm, &pages);
	} else {
		vmx = vcpu_alloc_vmx(vm, &pages);
		if (how != L2_PLAIN) {
			prepare_eptp(vmx, vm, 0);
			nested_map_memslot(vmx, vm, 0);
		}
	}
	vcpu_args_set(vcpu, 1, pages);
	sync_global_to_guest(vm, shared);
	sync_global_to_guest(vm, nr_shared);
	sync_global_to_guest(vm, shared_how);
	sync_global_to_guest(vm, is_amd);
	/* MMIO is what comes of an access that nobody has checked. */
	do {
		vcpu_run(vcpu);
	} while (vcpu->run->exit_reason == KVM_EXIT_MMIO);
	TEST_ASSERT(get_ucall(vcpu, &uc) == UCALL_DONE, "L1 failed: exit %u, %s",
		    vcpu->run->exit_reason, uc.cmd == UCALL_ABORT ? (char *)uc.args[0] : "");
	sync_global_from_guest(vm, shared);
	memcpy(accesses, shared, nr * sizeof(*accesses));
	kvm_vm_free(vm);
}
