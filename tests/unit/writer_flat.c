// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flattened format, of what makedumpfile -F writes to a pipe: a header and
 * then records that each say where in the file their bytes belong, in the order
 * in which they would have been written to a file that one can seek in.
 */
#include "tests/unit/writer.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define FLAT_HEADER_SIZE	4096
#define END			(-1LL)

/* All numbers are big endian. */
struct flat_header {
	char signature[16];
	int64_t type, version;
};

struct flat_record {
	int64_t offset, size;
};

static void put_record(struct bytes *flat, uint64_t offset, const void *data, int64_t size)
{
	struct flat_record record = { htobe64(offset), htobe64(size) };

	writer_put(flat, flat->size, &record, sizeof(record));
	if (size > 0)
		writer_put(flat, flat->size, data, size);
}

/* Nothing but zeros from @offset on needs no record. Return: the bytes up to 16 or more of them. */
static size_t dense_run(const struct bytes *file, uint64_t offset, uint64_t end)
{
	size_t zeros = 0;
	uint64_t at = offset;

	for (; at < end && zeros < 2 * sizeof(struct flat_record); at++)
		zeros = file->data[at] ? 0 : zeros + 1;
	return at - offset - zeros;
}

static void put_range(struct bytes *flat, const struct bytes *file, uint64_t offset, uint64_t end,
		      bool sparse)
{
	if (!sparse) {
		for (; offset < end; offset += MACHINE_PAGE)
			put_record(flat, offset, file->data + offset,
				   end - offset < MACHINE_PAGE ? end - offset : MACHINE_PAGE);
		return;
	}
	while (offset < end) {
		size_t run = dense_run(file, offset, end);

		if (run)
			put_record(flat, offset, file->data + offset, run);
		offset += run;
		while (offset < end && !file->data[offset])
			offset++;
	}
}

struct bytes writer_flatten(const struct bytes *file, const struct writer_format *format)
{
	struct flat_header header = { "makedumpfile", htobe64(1), htobe64(1) };
	static const uint8_t zero[MACHINE_PAGE];
	struct bytes flat = {};

	writer_put(&flat, 0, &header, sizeof(header));
	writer_put(&flat, sizeof(header), zero, FLAT_HEADER_SIZE - sizeof(header));
	/*
	 * makedumpfile writes program headers twice, first before all of them
	 * are known, and pages before their descriptors.
	 */
	uint64_t middle = file->size / 2 / MACHINE_PAGE * MACHINE_PAGE;

	if (!format->sparse)
		put_record(&flat, 0, zero, sizeof(zero));
	if (middle)
		put_range(&flat, file, middle, file->size, format->sparse);
	put_range(&flat, file, 0, middle ? middle : file->size, format->sparse);
	/* Where the file ends, should it end in zeros */
	if (format->sparse)
		put_record(&flat, file->size - 1, file->data + file->size - 1, 1);
	put_record(&flat, END, NULL, END);
	return flat;
}
