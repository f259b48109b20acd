/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_DUMPFILE_H
#define ANALYZE_DUMPFILE_H

/*
 * The file that a dump is in: which format, and whether all of it is there.
 * Judged from the file's own index, before anything believes its content.
 */

#include <stdbool.h>

#include "analyze/error.h"

enum dumpfile_format {
	DUMPFILE_ELF,
	DUMPFILE_KDUMP,		/* makedumpfile's kdump-compressed format */
};

struct dumpfile {
	enum dumpfile_format format;
	char name[48];		/* "kdump-compressed (zlib)", for people */
	bool incomplete;
	char why[192];		/* incomplete: what is missing; else "" */
};

/*
 * Examine the open file @fd.  @path is what errors call it, and its name counts:
 * dump tools rename a file to *incomplete* when they did not finish.
 * Return: an error for what is no dump, or of a format that cannot be read.
 */
struct error *dumpfile_examine(int fd, const char *path, struct dumpfile *ret);

#endif
