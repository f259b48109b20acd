// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/decompress.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* States that are costly to make anew for each page. */
struct decompressor {
	z_stream zlib;
	ZSTD_DCtx *zstd;
};

struct error *decompressor_create(struct decompressor **ret)
{
	struct decompressor *decompressor = calloc(1, sizeof(*decompressor));

	if (!decompressor)
		return &error_no_memory;
	decompressor->zstd = ZSTD_createDCtx();
	if (!decompressor->zstd || inflateInit(&decompressor->zlib) != Z_OK) {
		decompressor_destroy(decompressor);
		return &error_no_memory;
	}
	*ret = decompressor;
	return NULL;
}

void decompressor_destroy(struct decompressor *decompressor)
{
	if (!decompressor)
		return;
	inflateEnd(&decompressor->zlib);
	ZSTD_freeDCtx(decompressor->zstd);
	free(decompressor);
}

/* The only one of these that can stop early. */
static bool inflate_page(z_stream *stream, const void *data, size_t size, void *ret,
			 size_t page_size, size_t want)
{
	if (inflateReset(stream) != Z_OK)
		return false;
	stream->next_in = (void *)data;
	stream->avail_in = size;
	stream->next_out = ret;
	stream->avail_out = want;
	int result = inflate(stream, want == page_size ? Z_FINISH : Z_SYNC_FLUSH);

	if (want == page_size)
		return result == Z_STREAM_END && !stream->avail_out;
	return (result == Z_OK || result == Z_STREAM_END) && !stream->avail_out;
}

static bool unpack(struct decompressor *decompressor, enum compression how, const void *data,
		   size_t size, void *ret, size_t page_size, size_t want)
{
	lzo_uint lzo_size = page_size;
	size_t snappy_size = page_size;

	switch (how) {
	case COMPRESSION_ZLIB:
		return inflate_page(&decompressor->zlib, data, size, ret, page_size, want);
	case COMPRESSION_LZO:
		return lzo1x_decompress_safe(data, size, ret, &lzo_size, NULL) == LZO_E_OK &&
		       lzo_size == page_size;
	case COMPRESSION_SNAPPY:
		return snappy_uncompress(data, size, ret, &snappy_size) == SNAPPY_OK &&
		       snappy_size == page_size;
	case COMPRESSION_ZSTD:
		return ZSTD_decompressDCtx(decompressor->zstd, ret, page_size, data, size) ==
		       page_size;
	case COMPRESSION_NONE:
		break;
	}
	return false;
}

struct error *decompress(struct decompressor *decompressor, enum compression how,
			 const void *data, size_t size, void *ret, size_t page_size, size_t want)
{
	if (unpack(decompressor, how, data, size, ret, page_size, want))
		return NULL;
	return error_new("its %zu bytes of %s data are damaged", size, compression_name(how));
}

const char *compression_name(uint32_t flags)
{
	switch (flags) {
	case COMPRESSION_NONE:
		return "not compressed";
	case COMPRESSION_ZLIB:
		return "zlib";
	case COMPRESSION_LZO:
		return "lzo";
	case COMPRESSION_SNAPPY:
		return "snappy";
	case COMPRESSION_ZSTD:
		return "zstd";
	default:
		return NULL;
	}
}
