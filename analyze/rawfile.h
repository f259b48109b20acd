/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_RAWFILE_H
#define ANALYZE_RAWFILE_H

/*
 * The bytes of a dump's file.  Those of a flattened one (makedumpfile -F) are
 * read in place, as the file that makedumpfile -R would make of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "analyze/error.h"
#include "analyze/extents.h"

struct rawfile {
	char *path;
	int fd;
	uint64_t size;		/* of what can be read, in bytes */
	uint64_t file_size;	/* of the file itself */
	bool flattened;
	struct extents records;	/* if flattened */
	char cut[128];		/* why not all of a flattened dump is there; "": it is */
};

/* Opens @path read-only; only a regular file can be a dump. */
struct error *rawfile_open(const char *path, struct rawfile *ret);
void rawfile_close(struct rawfile *file);

/* Reads all @size bytes at @offset or fails, saying where. */
struct error *rawfile_read(const struct rawfile *file, uint64_t offset, void *ret, size_t size);

/*
 * Reads what there is of the @size bytes at @offset, for readers ahead.
 * Return: how many bytes, fewer only at the end of the file or where it cannot be read.
 */
size_t rawfile_read_some(const struct rawfile *file, uint64_t offset, void *ret, size_t size);

/* Whether all @size bytes at @offset are there: a flattened dump may lack some in between. */
bool rawfile_covers(const struct rawfile *file, uint64_t offset, uint64_t size);

/* The first offset from @offset on that need not be zero, for a reader of sparse parts. */
uint64_t rawfile_next_data(const struct rawfile *file, uint64_t offset);

#endif
