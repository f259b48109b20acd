/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PAGES_H
#define ANALYZE_PAGES_H

/* The pages of a dump by their number, whatever its format and in how many files it is. */

#include "analyze/dumpfile.h"
#include "analyze/memory.h"

struct pages;

/* Opens the @nr files at @path read-only and says in @ret_file what they are. */
struct error *pages_open(char *const *path, size_t nr, struct dumpfile *ret_file,
			 struct pages **ret);
void pages_close(struct pages *pages);

/* Reads the page with number @pfn, DUMPFILE_PAGE bytes; one that is not in the dump is an error. */
struct error *pages_read(const struct pages *pages, uint64_t pfn, void *ret);

/* See struct memory. */
struct error *pages_scan(const struct pages *pages, size_t size, memory_visit *visit, void *arg);

/* vmcoreinfo as a string of the caller's, NULL if the dump has none in its place. */
struct error *pages_vmcoreinfo(const struct pages *pages, char **ret);

/* Where the dump's headers say that the kernel's text was loaded, NULL if they do not. */
const uint64_t *pages_phys_base(const struct pages *pages);

#endif
