/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_DUMP_H
#define ANALYZE_DUMP_H

/* An open dump: the memory in it and the kernel's vmcoreinfo. */

#include "analyze/dumpfile.h"
#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

struct dump {
	struct memory memory;
	struct dumpfile file;
	struct vmcoreinfo info;
	bool info_found;	/* vmcoreinfo was not in its place but found in memory */
	struct dump_reader *reader;
};

/* Opens the @nr files at @path, of which a split dump has several, read-only. */
struct error *dump_open(char *const *path, size_t nr, struct dump **ret);
void dump_close(struct dump *dump);

static inline void cleanup_dump(struct dump **dump)
{
	dump_close(*dump);
}

#define _cleanup_dump_	__attribute__((__cleanup__(cleanup_dump)))

#endif
