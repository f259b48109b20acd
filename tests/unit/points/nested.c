// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A second source of the module in vmx.c, for test_boundaries.c: functions of
 * the other operations, each in a shape that compilers and kernels give it.
 */
#include "vmx.h"

#define __always_inline inline __attribute__((__always_inline__))
#define noinline	__attribute__((__noinline__))

void copy_shadow_to_vmcs12(struct vcpu_vmx *vmx, unsigned long *vmcs12);
int vmx_create_vcpu(struct loaded_vmcs *loaded_vmcs);
int vmx_hardware_enable(unsigned long vmxon_region);
void vmx_hardware_disable(void);
void vmx_emergency_disable(unsigned long address);
void enter_vmx_operation(unsigned long address);
void stranger(unsigned long address);
void stranger_by_helper(struct vcpu_vmx *vmx);
void other(void);

/* Of the same name as one in vmx.c, and never inlined. */
static noinline void vmcs_clear(struct vmcs *vmcs)
{
	unsigned long address = (unsigned long)vmcs;

	__asm__ volatile("vmclear %0" : : "m" (address) : "cc", "memory");
}

static __always_inline void vmcs_load(struct vmcs *vmcs)
{
	unsigned long address = (unsigned long)vmcs;

	__asm__ volatile("vmptrld %0" : : "m" (address) : "cc", "memory");
}

void copy_shadow_to_vmcs12(struct vcpu_vmx *vmx, unsigned long *vmcs12)
{
	vmcs_load(vmx->loaded_vmcs->shadow_vmcs);
	for (int field = 0; field < 8; field++)
		__asm__ volatile("vmread %1, %0" : "=r" (vmcs12[field]) : "r" (field * 2L) : "cc");
	vmcs_clear(vmx->loaded_vmcs->shadow_vmcs);
	vmcs_load(vmx->loaded_vmcs->vmcs);
	__asm__ volatile("" : : : "memory");
}

static __always_inline int alloc_loaded_vmcs(struct loaded_vmcs *loaded_vmcs)
{
	unsigned long address = (unsigned long)loaded_vmcs->vmcs;

	if (!address)
		return -1;
	__asm__ volatile("vmclear %0" : : "m" (address) : "cc", "memory");
	loaded_vmcs->cpu = -1;
	return 0;
}

int vmx_create_vcpu(struct loaded_vmcs *loaded_vmcs)
{
	int ret;

	other();
	ret = alloc_loaded_vmcs(loaded_vmcs);
	other();
	return ret;
}

/* With a way out for a fault, as the kernel's has. */
static __always_inline int kvm_cpu_vmxon(unsigned long region)
{
	__asm__ goto("1: vmxon %0\n"
		     ".pushsection __ex_table, \"a\"\n"
		     ".long 1b - ., %l[fault] - .\n"
		     ".long 0\n"
		     ".popsection\n"
		     : : "m" (region) : "cc", "memory" : fault);
	return 0;
fault:
	__asm__ volatile("vmxon_fault: nop");
	other();
	return -14;
}

int vmx_hardware_enable(unsigned long vmxon_region)
{
	return kvm_cpu_vmxon(vmxon_region);
}

static noinline void cpu_vmxoff(void)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
	other();
}

void vmx_hardware_disable(void)
{
	other();
	cpu_vmxoff();
	other();
}

void vmx_emergency_disable(unsigned long address)
{
	__asm__ volatile("vmclear %0\n"
			 "vmxoff" : : "m" (address) : "cc", "memory");
}

/* With a jump label that is a jump in the file; the kernel may make it a no-op. */
void enter_vmx_operation(unsigned long address)
{
	__asm__ goto("1: jmp %l[skip]\n"
		     ".pushsection __jump_table, \"aw\"\n"
		     ".long 1b - ., %l[skip] - .\n"
		     ".quad 0\n"
		     ".popsection\n"
		     : : : : skip);
	__asm__ volatile("vmclear %0" : : "m" (address) : "cc", "memory");
	__asm__ volatile("jump_label_off: nop");
skip:
	other();
}

#ifdef INDEXED
/* An address that is not that of a register and a distance. */
void indexed(unsigned long *addresses, long nr);

void indexed(unsigned long *addresses, long nr)
{
	__asm__ volatile("vmptrld (%0,%1,8)" : : "r" (addresses), "r" (nr) : "cc", "memory");
}
#endif

#ifdef STRANGER
void stranger(unsigned long address)
{
	__asm__ volatile("vmptrld %0" : : "m" (address) : "cc", "memory");
}

void stranger_by_helper(struct vcpu_vmx *vmx)
{
	other();
	vmcs_clear(vmx->loaded_vmcs->vmcs);
	other();
}
#endif
