/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_MEMORY_H
#define ANALYZE_MEMORY_H

/*
 * Memory of the machine that crashed.  All that decodes kernel data reads it
 * through this interface, so that a test can describe memory in text and the
 * rest never knows what kind of file the bytes come from.  Values are those of
 * an x86-64 kernel: little endian, as on the machine that runs this.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/error.h"

enum memory_space {
	MEMORY_VIRTUAL,		/* kernel virtual addresses */
	MEMORY_PHYSICAL,
};

/*
 * Called for a page in the dump: its physical address and first bytes.  So far
 * @done of @total pages were seen, this one included.
 */
typedef void memory_visit(void *arg, uint64_t pa, const void *data, uint64_t done,
			  uint64_t total);

/* The u32 at @offset of @data, which need not be aligned, as pages in a dump. */
static inline uint32_t get_u32(const void *data, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)data + offset, sizeof(value));
	return value;
}

struct memory {
	/* Reads all @size bytes or fails. */
	struct error *(*read)(const struct memory *mem, enum memory_space space,
			      uint64_t addr, void *ret, size_t size);
	/* Where the kernel virtual address @va is in physical memory. */
	struct error *(*to_physical)(const struct memory *mem, uint64_t va,
				     uint64_t *ret);
	/*
	 * Visits every page in the dump in ascending order, with its first @size
	 * bytes, a page at most.
	 */
	struct error *(*scan)(const struct memory *mem, size_t size, memory_visit *visit,
			      void *arg);
};

/* All of these read kernel virtual addresses. */
struct error *memory_read(const struct memory *mem, uint64_t va, void *ret,
			  size_t size);
struct error *memory_read_u32(const struct memory *mem, uint64_t va,
			      uint32_t *ret);
struct error *memory_read_u64(const struct memory *mem, uint64_t va,
			      uint64_t *ret);

/*
 * Read the string at @va into the @size bytes at @ret.  What does not fit is
 * cut off; the result always ends with a NUL.
 */
struct error *memory_read_string(const struct memory *mem, uint64_t va,
				 char *ret, size_t size);

#endif
