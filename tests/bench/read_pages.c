// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read every page of a dump with libkdumpfile, in ascending order and as fast
 * as it can: what a search of all memory costs at least with that library.
 * Prints how many bytes there were.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdio.h>

#define PAGE		4096UL
#define MAX_READ	(256 * PAGE)	/* stays in the cache of the CPU */

static kdump_ctx_t *open_dump(const char *path)
{
	kdump_ctx_t *ctx = kdump_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!ctx || fd < 0)
		err(2, "%s", path);
	if (kdump_open_fd(ctx, fd) != KDUMP_OK)
		errx(2, "%s", kdump_get_err(ctx));
	return ctx;
}

static uint64_t read_run(kdump_ctx_t *ctx, uint64_t first, uint64_t end)
{
	static char buffer[MAX_READ];
	uint64_t total = 0;

	for (uint64_t at = first * PAGE; at < end * PAGE; at += MAX_READ) {
		size_t size = end * PAGE - at < MAX_READ ? end * PAGE - at : MAX_READ;

		if (kdump_read(ctx, KDUMP_MACHPHYSADDR, at, buffer, &size) != KDUMP_OK)
			errx(2, "%#" PRIx64 ": %s", at, kdump_get_err(ctx));
		total += size;
	}
	return total;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: read_pages VMCORE");
	kdump_ctx_t *ctx = open_dump(argv[1]);
	kdump_attr_t map;

	map.type = KDUMP_BITMAP;
	if (kdump_get_typed_attr(ctx, KDUMP_ATTR_FILE_PAGEMAP, &map) != KDUMP_OK)
		errx(2, "%s", kdump_get_err(ctx));
	uint64_t total = 0;
	kdump_addr_t first = 0;

	while (kdump_bmp_find_set(map.val.bitmap, &first) == KDUMP_OK) {
		kdump_addr_t end = first;

		if (kdump_bmp_find_clear(map.val.bitmap, &end) != KDUMP_OK)
			errx(2, "%s", kdump_bmp_get_err(map.val.bitmap));
		total += read_run(ctx, first, end);
		first = end;
	}
	printf("%" PRIu64 "\n", total);
	kdump_free(ctx);
	return 0;
}
