/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's entry, its exception handlers, and the one access of a case. A handler
 * never returns: it writes down what happened and ends guest_attempt().
 */
#include "guest.h"

#ifdef __x86_64__
#define AX	%rax
#define BX	%rbx
#define BP	%rbp
#define SP	%rsp
#define DI	%rdi
#define SI	%rsi
#else
#define AX	%eax
#define BX	%ebx
#define BP	%ebp
#define SP	%esp
#define DI	%edi
#define SI	%esi
#endif

	.section .head, "ax"
	jmp	guest_main

	/* Those with an error code: SDM 3A table 6-1 */
	.set	vector, 0
	.rept	GUEST_VECTORS
	.balign	GUEST_VECTOR_SIZE
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	.if	vector == GUEST_VECTORS - 1
	push	$VECTOR_RETURNED
	.else
	push	$vector
	.endif
	jmp	exception
	.set	vector, vector + 1
	.endr

exception:
	cmpl	$0, GUEST_TRY + TRY_SAVED_SP
	je	lost
	pop	AX
	mov	AX, GUEST_TRY + TRY_VECTOR
	pop	AX
	mov	AX, GUEST_TRY + TRY_ERROR_CODE
	mov	%cr2, AX
	mov	AX, GUEST_TRY + TRY_CR2
	mov	GUEST_TRY + TRY_SAVED_SP, SP
	movl	$0, GUEST_TRY + TRY_SAVED_SP
#ifdef __x86_64__
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
#else
	pop	SI
	pop	DI
#endif
	pop	BP
	pop	BX
	cld
	ret
lost:
	mov	$GUEST_PORT_LOST, %dx
	out	%al, %dx
	jmp	lost

	.text
	.globl	guest_attempt
guest_attempt:
	push	BX
	push	BP
#ifdef __x86_64__
	push	%r12
	push	%r13
	push	%r14
	push	%r15
#else
	push	DI
	push	SI
#endif
	mov	SP, GUEST_TRY + TRY_SAVED_SP
	mov	GUEST_TRY + TRY_CR3, AX
	mov	AX, %cr3
#ifndef __x86_64__
	/* IRET takes a stack only where it changes the CPL. */
	testl	$3, GUEST_TRY + TRY_CS
	jz	1f
#endif
	push	GUEST_TRY + TRY_SS
	push	GUEST_TRY + TRY_SP
1:	push	GUEST_TRY + TRY_FLAGS
	push	GUEST_TRY + TRY_CS
	push	GUEST_TRY + TRY_IP
	mov	GUEST_TRY + TRY_ADDRESS, DI
	/* A write leaves INT 0x80 as it was, for what fetches. */
	mov	$0xcd, %eax
#ifdef __x86_64__
	iretq
#else
	iretl
#endif

	.section .note.GNU-stack, "", @progbits
