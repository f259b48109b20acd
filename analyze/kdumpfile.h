/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KDUMPFILE_H
#define ANALYZE_KDUMPFILE_H

/*
 * A dump in makedumpfile's kdump-compressed format, or one part of a split one:
 * header, sub-header, two bitmaps of page frames, a descriptor for each page of
 * the second bitmap, the pages (IMPLEMENTATION in makedumpfile's source).
 */

#include "analyze/dumpfile.h"
#include "analyze/memory.h"
#include "analyze/rawfile.h"

struct kdumpfile {
	const struct rawfile *file;
	uint64_t nr_pfns;	/* page frames that the bitmaps are about */
	uint64_t start_pfn;	/* of a part of a split dump: the first of its frames */
	uint64_t end_pfn;	/* and the one behind the last */
	bool split;
	uint64_t phys_base;
	uint64_t bitmap;	/* offset of the second bitmap in the file */
	uint64_t descriptors;	/* offset of the first descriptor */
	uint64_t *before;	/* pages before each block of the bitmap, then their sum */
	uint64_t nr_pages;	/* in the dump, or in this part of it */
	uint64_t first;		/* pages before start_pfn, which this part has not */
	struct bitmap_block *block;	/* the one that was looked at last */
	struct desc_block *descs;	/* the same of descriptors */
	struct data_block *data;	/* and of the pages' data */
	uint64_t vmcoreinfo, vmcoreinfo_size;	/* where they are in the file; size 0: not there */
	uint64_t notes, notes_size;
	struct decompressor *decompressor;
};

/*
 * @file must outlive the result.  What is missing of the file is said in
 * @ret_file, and so is its name.
 */
struct error *kdumpfile_open(const struct rawfile *file, struct dumpfile *ret_file,
			     struct kdumpfile *ret);
void kdumpfile_close(struct kdumpfile *kdump);

/* vmcoreinfo as a string of the caller's, NULL if the dump has none. */
struct error *kdumpfile_vmcoreinfo(const struct kdumpfile *kdump, char **ret);

/* Reads the page with number @pfn, DUMPFILE_PAGE bytes; one that is not in the dump is an error. */
struct error *kdumpfile_read_page(const struct kdumpfile *kdump, uint64_t pfn, void *ret);

/* As scan() of struct memory; *@done grows with each page, of @total in all parts. */
struct error *kdumpfile_scan(const struct kdumpfile *kdump, size_t size, memory_visit *visit,
			     void *arg, uint64_t *done, uint64_t total);

#endif
