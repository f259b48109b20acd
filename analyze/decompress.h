/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_DECOMPRESS_H
#define ANALYZE_DECOMPRESS_H

/* Pages as makedumpfile compresses them, each on its own. */

#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

/* Bits of page_desc.flags, and of disk_dump_header.status (makedumpfile's diskdump_mod.h) */
enum compression {
	COMPRESSION_NONE = 0,
	COMPRESSION_ZLIB = 0x1,
	COMPRESSION_LZO = 0x2,
	COMPRESSION_SNAPPY = 0x4,
	COMPRESSION_ZSTD = 0x20,
};

struct decompressor;

struct error *decompressor_create(struct decompressor **ret);
void decompressor_destroy(struct decompressor *decompressor);

/*
 * Decompress the @size bytes at @data, which must become exactly @page_size
 * bytes, into the @page_size bytes at @ret.  A caller that needs no more than
 * the first @want of them says so; what is behind them at @ret is then undefined.
 */
struct error *decompress(struct decompressor *decompressor, enum compression how,
			 const void *data, size_t size, void *ret, size_t page_size, size_t want);

/* "zlib"; NULL for flags that no known compression has. */
const char *compression_name(uint32_t flags);

#endif
