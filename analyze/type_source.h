/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_TYPE_SOURCE_H
#define ANALYZE_TYPE_SOURCE_H

/* What knows types: the BTF or the DWARF of the kernel or of one module. */

#include "analyze/types.h"

/* Anonymous structures within each other; C code has a handful. */
#define TYPE_MAX_DEPTH	16

/*
 * Members that one lookup may pass; kernels have a few hundred at most.  Damaged
 * types can nest so that there are more than can ever be walked.
 */
#define TYPE_MAX_MEMBERS 100000

struct type_source {
	/* As types_find(). */
	bool (*find)(struct type_source *source, const char *structure, const char *path,
		     struct member *ret);
	/* As types_size(). */
	uint64_t (*size)(struct type_source *source, const char *structure);
	void (*destroy)(struct type_source *source);
};

#endif
