// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/dumpfile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void dumpfile_mark_incomplete(struct dumpfile *file, const char *format, ...)
{
	if (file->incomplete)
		return;
	file->incomplete = true;
	va_list ap;

	va_start(ap, format);
	vsnprintf(file->why, sizeof(file->why), format, ap);
	va_end(ap);
}

void dumpfile_cut_short(struct dumpfile *file, uint64_t size, uint64_t needed)
{
	dumpfile_mark_incomplete(file, "the file ends at %" PRIu64 " of at least %" PRIu64
				 " bytes: the copy was cut short", size, needed);
}

struct error *dumpfile_check_part(uint64_t file_size, const char *what, uint64_t offset,
				  uint64_t size)
{
	uint64_t end;

	if (!__builtin_add_overflow(offset, size, &end) && end <= file_size)
		return NULL;
	return error_new("%s: %" PRIu64 " bytes at offset %" PRIu64
			 ", but the file ends at %" PRIu64
			 " bytes: it is damaged or was cut short; collect it again", what, size,
			 offset, file_size);
}
