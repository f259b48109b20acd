/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_DUMPFILE_H
#define ANALYZE_DUMPFILE_H

/* What is said of the file, or files, that a dump is in, whatever its format. */

#include <stdbool.h>
#include <stdint.h>

#include "analyze/error.h"

/* Bytes in a page of an x86-64 machine and of its dump. */
#define DUMPFILE_PAGE		4096
/* The physical addresses of x86-64 have 52 bits. */
#define DUMPFILE_MAX_PFN	(1ULL << 40)

struct dumpfile {
	char name[64];		/* "flattened kdump-compressed (zlib)", for people */
	bool incomplete;
	char why[192];		/* incomplete: what is missing; else "" */
};

/* The first reason counts. */
void dumpfile_mark_incomplete(struct dumpfile *file, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The file ends at @size bytes, but must have @needed. */
void dumpfile_cut_short(struct dumpfile *file, uint64_t size, uint64_t needed);

/*
 * Look at a part of a file that must be there whole, such as the notes.
 * @what names it in the error.
 */
struct error *dumpfile_check_part(uint64_t file_size, const char *what, uint64_t offset,
				  uint64_t size);

#endif
