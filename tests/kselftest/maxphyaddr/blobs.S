/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest, for 64-bit and for 32-bit modes */
	.macro	blob name
	.balign	16
	.globl	\name
\name:
	.incbin	"\name\().bin"
	.globl	\name\()_end
\name\()_end:
	.endm

	.section .rodata
	blob	guest64
	blob	guest32

	.section .note.GNU-stack, "", @progbits
