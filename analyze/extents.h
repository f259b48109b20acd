/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_EXTENTS_H
#define ANALYZE_EXTENTS_H

/*
 * Which part of a file holds which range of addresses (or of offsets), for
 * ranges that come in any order and may overlap.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

/* As a source: the range is all zeros, and the file does not have it. */
#define EXTENT_ZERO	UINT64_MAX

struct extent {
	uint64_t start, end;	/* end is the first address behind it */
	uint64_t source;	/* file offset of the byte at start, or EXTENT_ZERO */
	size_t rank;		/* when it was added */
};

struct extents {
	struct extent *extent;	/* sorted and apart once extents_index() ran */
	size_t nr;
	size_t capacity;
};

void extents_deinit(struct extents *extents);

/* @start + @size must not wrap. A range of no size is left out. */
struct error *extents_add(struct extents *extents, uint64_t start, uint64_t size,
			  uint64_t source);

/* Must follow the last extents_add(). Where ranges overlap, the one added last counts. */
struct error *extents_index(struct extents *extents);

/* The extent with @addr, or else the first one above it; NULL if there is none. */
const struct extent *extents_find(const struct extents *extents, uint64_t addr);

#endif
