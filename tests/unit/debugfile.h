/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_DEBUGFILE_H
#define TESTS_UNIT_DEBUGFILE_H

/*
 * Files with debug information, made by the compiler and the linker: the vmlinux and
 * the modules of a host, with the very types and symbols of its memory.  What cannot
 * be made ends the test program.
 */

#include "tests/unit/host.h"

/* Line of panic() in the vmlinux, whose source file is "vmlinux.c". */
#define DEBUGFILE_PANIC_LINE	1001

struct debugfile {
	const char *dir;	/* where to put it and what it is made from */
	const char *build_id;	/* 40 hexadecimal digits, or NULL: none */
	uint64_t moved;		/* vmlinux: what KASLR added to the addresses in memory */
	const char *flags;	/* for the compiler, besides -g; NULL: none */
};

/* @dir/vmlinux. */
void debugfile_vmlinux(const struct debugfile *what, const struct host *host);

/* Address of panic() as the host would have it. */
uint64_t debugfile_panic(void);

/*
 * @dir/NAME.ko; "_" in @name becomes "-".  It defines loaded_vmcss_on_cpu, current_vmcs and
 * vmxarea, one after the other in .data..percpu, and vm_list in .data.
 */
void debugfile_module(const struct debugfile *what, const struct host *host, const char *name);

/* @dir/types.o, of the structures of @text alone; see image_btf(). */
void debugfile_types(const struct debugfile *what, const char *text);

#endif
