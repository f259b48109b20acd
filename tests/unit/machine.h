/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

/*
 * The memory of an invented x86-64 machine, read in place or written out as a
 * dump.  Physical memory starts at 0 and is mapped twice, as Linux does: all of
 * it at MACHINE_DIRECT, and its kernel image at MACHINE_TEXT.  Running out of
 * anything ends the test program.
 */

#include <stdbool.h>
#include <stdint.h>

#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

#define MACHINE_DIRECT	0xffff888000000000ULL
#define MACHINE_TEXT	0xffffffff80000000ULL
#define MACHINE_PAGE	4096
#define MACHINE_PAGES	16384UL		/* 64 MiB */

struct machine {
	struct memory memory;
	struct vmcoreinfo info;
	uint8_t *bytes;
	bool *present;		/* of each page; the dump has the others not */
	uint64_t next;		/* first physical byte that nobody has yet */
	uint64_t next_text;	/* the same in the kernel image */
	char *vmcoreinfo;
};

struct machine *machine_create(void);
void machine_destroy(struct machine *machine);

/* Return: the virtual address of @size zeroed bytes, aligned to @align, a power of two. */
uint64_t machine_alloc(struct machine *machine, uint64_t size, uint64_t align);
uint64_t machine_alloc_text(struct machine *machine, uint64_t size, uint64_t align);

/* Only for addresses that machine_alloc() returned. */
uint64_t machine_physical(uint64_t va);
void machine_poke(struct machine *machine, uint64_t va, const void *data, size_t size);
void machine_poke_u64(struct machine *machine, uint64_t va, uint64_t value);
void machine_poke_u32(struct machine *machine, uint64_t va, uint32_t value);
uint64_t machine_peek_u64(const struct machine *machine, uint64_t va);

/* Leave the page with @va out of the dump. */
void machine_drop(struct machine *machine, uint64_t va);

/* Add "@format\n" to vmcoreinfo. */
void machine_info(struct machine *machine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What libkdumpfile wants of a kernel: page tables and uts name. Before writing. */
void machine_boot(struct machine *machine, const char *release);

enum machine_fault {
	MACHINE_SOUND,
	MACHINE_INCOMPLETE,	/* marked as incomplete by makedumpfile */
};

void machine_write_elf(const struct machine *machine, const char *path,
		       enum machine_fault fault);
/* In makedumpfile's kdump-compressed format, of which each page may be uncompressed. */
void machine_write_kdump(const struct machine *machine, const char *path,
			 enum machine_fault fault);

#endif
