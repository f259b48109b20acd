/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

/*
 * The memory of an invented x86-64 machine, read in place or written out as a
 * dump (writer.h).  Linux maps it in four ways, and so does this: all of it
 * from @direct on; the kernel image from MACHINE_TEXT on, moved by @kaslr;
 * modules in pages that lie anywhere; and a large vmalloc() area.  Running out
 * of anything ends the test program.
 */

#include <stdbool.h>
#include <stdint.h>

#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

#define MACHINE_TEXT	0xffffffff80000000ULL	/* __START_KERNEL_map */
#define MACHINE_PAGE	4096
#define MACHINE_SIZE	(32 * 1024 * 1024UL)
#define MACHINE_NR_PAGES (MACHINE_SIZE / MACHINE_PAGE)

struct machine {
	struct memory memory;
	struct vmcoreinfo info;
	uint8_t *bytes;
	bool *present;		/* of each page; the dump has the others not */
	unsigned int levels;	/* of page tables, 4 or 5 */
	uint64_t direct;	/* where physical address 0 is mapped */
	uint64_t kaslr;		/* bytes from where the kernel was linked to where it is */
	uint64_t text_pa;	/* where it is in memory */
	uint64_t pgd;		/* physical address of the top page table, 0: none yet */
	uint64_t next;		/* first physical byte that nobody has yet */
	uint64_t next_text;	/* the same in the kernel image */
	uint64_t next_table;	/* the same among page tables */
	uint64_t next_module;	/* the same from the start of the modules' addresses */
	uint64_t next_vmalloc;
	char *vmcoreinfo;
};

struct machine *machine_create(void);
void machine_destroy(struct machine *machine);

/* These come before everything else. @kaslr: in bytes, a multiple of 2 MiB below 1 GiB. */
void machine_set_levels(struct machine *machine, unsigned int levels);
void machine_set_kaslr(struct machine *machine, uint64_t kaslr);

/*
 * Return: the virtual address of @size zeroed bytes, aligned to @align, a power
 * of two, in the direct map, the kernel image, a module or a vmalloc() area.
 */
uint64_t machine_alloc(struct machine *machine, uint64_t size, uint64_t align);
uint64_t machine_alloc_text(struct machine *machine, uint64_t size, uint64_t align);
uint64_t machine_alloc_module(struct machine *machine, uint64_t size, uint64_t align);
uint64_t machine_alloc_vmalloc(struct machine *machine, uint64_t size, uint64_t align);

/* Return: the physical address of a page for a page table. */
uint64_t machine_alloc_table(struct machine *machine);

/* Only for addresses that an allocation returned. */
uint64_t machine_physical(const struct machine *machine, uint64_t va);
void machine_poke(struct machine *machine, uint64_t va, const void *data, size_t size);
void machine_poke_u64(struct machine *machine, uint64_t va, uint64_t value);
void machine_poke_u32(struct machine *machine, uint64_t va, uint32_t value);
uint64_t machine_peek_u64(const struct machine *machine, uint64_t va);

/* Leave the page with @va out of the dump. */
void machine_drop(struct machine *machine, uint64_t va);

/* Add "@format\n" to vmcoreinfo. */
void machine_info(struct machine *machine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What a reader of dumps wants of a kernel: page tables and uts name. Before modules. */
void machine_boot(struct machine *machine, const char *release);

#endif
