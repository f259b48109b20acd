/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ELFCORE_H
#define ANALYZE_ELFCORE_H

/*
 * A dump in ELF format: /proc/vmcore and copies of it, makedumpfile -E, QEMU's
 * dump-guest-memory.
 */

#include "analyze/dumpfile.h"
#include "analyze/extents.h"
#include "analyze/memory.h"
#include "analyze/rawfile.h"

/* One is what there is; more are looked at as far as this. */
#define ELFCORE_MAX_NOTES	4

struct elfcore {
	const struct rawfile *file;
	struct extents memory;	/* physical addresses to file offsets */
	struct {
		uint64_t offset, size;
	} notes[ELFCORE_MAX_NOTES];	/* segments of notes */
	size_t nr_notes;
	bool has_phys_base;
	uint64_t phys_base;	/* by the segment of the kernel's text */
};

/* @file must outlive the result. What is missing of the file is said in @ret_file. */
struct error *elfcore_open(const struct rawfile *file, struct dumpfile *ret_file,
			   struct elfcore *ret);
void elfcore_close(struct elfcore *elf);

/* vmcoreinfo as a string of the caller's, NULL if there is none among the notes. */
struct error *elfcore_vmcoreinfo(const struct elfcore *elf, char **ret);

/* Reads the page with number @pfn, DUMPFILE_PAGE bytes; one that is not in the dump is an error. */
struct error *elfcore_read_page(const struct elfcore *elf, uint64_t pfn, void *ret);

/* See struct memory. */
struct error *elfcore_scan(const struct elfcore *elf, memory_visit *visit, void *arg);

#endif
