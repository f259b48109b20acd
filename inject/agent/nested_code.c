// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest hypervisor (L1) and its guest (L2) execute, in 64-bit mode: the
 * instructions of VMX one by one, with an OUT after each by which nested.c takes
 * over. It sets RIP to one of the labels, and
 *
 *	RAX	physical address, VMCS field or number of the MSR
 *	RCX	value of the field
 *
 * and gets RFLAGS in RBX, a field's value in RCX, and an MSR's in EDX:EAX.
 * The code may stand at any address, and must not leave its page.
 */
#include "vcpu.h"

_Static_assert(NESTED_PORT_L1 == 0xf1 && NESTED_PORT_L2 == 0xf2 && NESTED_PORT_EXITED == 0xf3,
	       "the ports below");

asm(".pushsection .rodata\n"
    ".globl nested_code, nested_code_end\n"
    ".globl nested_vmxon, nested_vmxoff, nested_vmclear, nested_vmptrld\n"
    ".globl nested_vmread, nested_vmwrite, nested_vmlaunch, nested_vmresume\n"
    ".globl nested_rdmsr, nested_exited, nested_l2, nested_l2_exit\n"
    "nested_code:\n"

    /* Where all of L1's instructions end, whether they succeed or fail */
    "nested_done:\n"
    "	pushf\n"
    "	pop	%rbx\n"
    "1:	out	%al, $0xf1\n"
    "	jmp	1b\n"

    "nested_vmxon:\n"
    "	push	%rax\n"
    "	vmxon	(%rsp)\n"
    "	jmp	nested_done\n"

    "nested_vmxoff:\n"
    "	vmxoff\n"
    "	jmp	nested_done\n"

    "nested_vmclear:\n"
    "	push	%rax\n"
    "	vmclear	(%rsp)\n"
    "	jmp	nested_done\n"

    "nested_vmptrld:\n"
    "	push	%rax\n"
    "	vmptrld	(%rsp)\n"
    "	jmp	nested_done\n"

    "nested_vmread:\n"
    "	vmread	%rax, %rcx\n"
    "	jmp	nested_done\n"

    "nested_vmwrite:\n"
    "	vmwrite	%rcx, %rax\n"
    "	jmp	nested_done\n"

    /* These two come here only if they fail */
    "nested_vmlaunch:\n"
    "	vmlaunch\n"
    "	jmp	nested_done\n"

    "nested_vmresume:\n"
    "	vmresume\n"
    "	jmp	nested_done\n"

    "nested_rdmsr:\n"
    "	mov	%eax, %ecx\n"
    "	rdmsr\n"
    "	jmp	nested_done\n"

    /* Where VM exits of L2 end */
    "nested_exited:\n"
    "	out	%al, $0xf3\n"
    "	jmp	nested_exited\n"

    /* L1 does not intercept it: it goes to the host, with L2's VMCS loaded */
    "nested_l2:\n"
    "	out	%al, $0xf2\n"
    "	jmp	nested_l2\n"

    /* Always intercepted: SDM, \"Instructions That Cause VM Exits Unconditionally\" */
    "nested_l2_exit:\n"
    "	cpuid\n"
    "	jmp	nested_l2\n"

    "nested_code_end:\n"
    ".popsection\n");
