// SPDX-License-Identifier: GPL-2.0-or-later
/* makedumpfile's kdump-compressed format (its diskdump_mod.h and IMPLEMENTATION). */
#include "tests/unit/writer.h"

#include <err.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#define DUMP_DH_COMPRESSED_INCOMPLETE	0x8

struct kdump_header {
	char signature[8];
	int32_t header_version;
	struct utsname utsname;
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size;
	int32_t sub_hdr_size;
	uint32_t bitmap_blocks;
	uint32_t max_mapnr;
	uint32_t total_ram_blocks;
	uint32_t device_blocks;
	uint32_t written_blocks;
	uint32_t current_cpu;
	int32_t nr_cpus;
};

/* The *_64 fields came with header_version 6, for more than 16 TiB. */
struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level;
	int32_t split;
	uint64_t start_pfn, end_pfn;
	uint64_t offset_vmcoreinfo, size_vmcoreinfo;
	uint64_t offset_note, size_note;
	uint64_t offset_eraseinfo, size_eraseinfo;
	uint64_t start_pfn_64, end_pfn_64, max_mapnr_64;
};

struct kdump_page_desc {
	int64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

/* Return: the compressed size of the page at @in, whose bytes are then at @out; 0: it failed. */
static size_t compress_page(enum writer_compression compression, const uint8_t *in, void *out,
			    size_t room)
{
	static lzo_align_t work[LZO1X_1_MEM_COMPRESS / sizeof(lzo_align_t) + 1];
	unsigned long size = room;

	switch (compression) {
	case WRITER_RAW:
		return 0;
	case WRITER_ZLIB:
		return compress2(out, &size, in, MACHINE_PAGE, Z_BEST_SPEED) == Z_OK ? size : 0;
	case WRITER_LZO:
		return lzo1x_1_compress(in, MACHINE_PAGE, out, &size, work) == LZO_E_OK ? size : 0;
	case WRITER_SNAPPY:
		return snappy_compress((const char *)in, MACHINE_PAGE, out, &size) == SNAPPY_OK
		       ? size : 0;
	case WRITER_ZSTD:
		size = ZSTD_compress(out, room, in, MACHINE_PAGE, 1);
		return ZSTD_isError(size) ? 0 : size;
	}
	return 0;
}

static bool is_zero(const uint8_t *page)
{
	return !*page && !memcmp(page, page + 1, MACHINE_PAGE - 1);
}

/* What of the dump goes into the file that is being written. */
struct kdump_file {
	const struct machine *machine;
	enum writer_compression compression;
	struct bytes bytes;
	uint64_t next_desc, next_data;
	uint64_t zero_page;	/* offset of the one that all zero pages share, 0: not yet */
};

static void put_page(struct kdump_file *file, uint64_t pfn)
{
	const uint8_t *page = file->machine->bytes + pfn * MACHINE_PAGE;
	uint8_t out[2 * MACHINE_PAGE];
	struct kdump_page_desc desc = { .offset = file->next_data, .size = MACHINE_PAGE };
	bool zero = is_zero(page);
	size_t size = zero ? 0 : compress_page(file->compression, page, out, sizeof(out));

	if (zero && file->zero_page) {
		desc.offset = file->zero_page;
	} else if (size && size < MACHINE_PAGE) {
		desc.size = size;
		desc.flags = file->compression;
		writer_put(&file->bytes, file->next_data, out, size);
	} else {
		writer_put(&file->bytes, file->next_data, page, MACHINE_PAGE);
	}
	if (zero)
		file->zero_page = desc.offset;
	writer_put(&file->bytes, file->next_desc, &desc, sizeof(desc));
	file->next_desc += sizeof(desc);
	if (desc.offset == (int64_t)file->next_data)
		file->next_data += desc.size;
}

static uint64_t blocks(uint64_t size)
{
	return (size + MACHINE_PAGE - 1) / MACHINE_PAGE;
}

/* Headers, notes and bitmaps. Return: where the descriptors follow. */
static uint64_t put_index(const struct machine *machine, const struct writer_format *format,
			  const struct kdump_sub_header *range, struct bytes *file)
{
	uint8_t bitmap[MACHINE_NR_PAGES / 8] = {};
	struct bytes notes = writer_notes(machine, format);
	uint64_t bitmap_blocks = blocks(sizeof(bitmap));
	struct kdump_header header = {
		.signature = "KDUMP   ", .header_version = 6,
		.utsname = { .sysname = "Linux", .nodename = "host", .release = "6.1.0-test",
			     .version = "#1 SMP", .machine = "x86_64" },
		.status = format->compression |
			  (format->incomplete ? DUMP_DH_COMPRESSED_INCOMPLETE : 0),
		.block_size = MACHINE_PAGE, .sub_hdr_size = 1 + blocks(notes.size),
		.bitmap_blocks = 2 * bitmap_blocks, .max_mapnr = MACHINE_NR_PAGES, .nr_cpus = 1,
	};
	struct kdump_sub_header sub = *range;
	size_t vmcoreinfo = strlen(machine->vmcoreinfo);

	sub.dump_level = 31;
	sub.max_mapnr_64 = MACHINE_NR_PAGES;
	sub.offset_note = 2 * MACHINE_PAGE;
	sub.size_note = notes.size;
	/* The last note, up to its padding */
	sub.offset_vmcoreinfo = sub.offset_note + notes.size - ((vmcoreinfo + 3) & ~3UL);
	sub.size_vmcoreinfo = vmcoreinfo;
	for (uint64_t pfn = 0; pfn < MACHINE_NR_PAGES; pfn++)
		bitmap[pfn / 8] |= machine->present[pfn] << pfn % 8;
	uint64_t at = (1 + header.sub_hdr_size) * MACHINE_PAGE;

	writer_put(file, 0, &header, sizeof(header));
	writer_put(file, MACHINE_PAGE, &sub, sizeof(sub));
	writer_put(file, sub.offset_note, notes.data, notes.size);
	writer_put(file, at, bitmap, sizeof(bitmap));
	writer_put(file, at + bitmap_blocks * MACHINE_PAGE, bitmap, sizeof(bitmap));
	free(notes.data);
	return at + 2 * bitmap_blocks * MACHINE_PAGE;
}

struct bytes writer_kdump(const struct machine *machine, const struct writer_format *format,
			  unsigned int part)
{
	struct kdump_file file = { .machine = machine, .compression = format->compression };
	uint64_t start = MACHINE_NR_PAGES * part / format->parts;
	uint64_t end = MACHINE_NR_PAGES * (part + 1) / format->parts;
	struct kdump_sub_header range = {};
	uint64_t nr = 0;

	if (format->parts > 1)
		range = (struct kdump_sub_header){
			.split = 1, .start_pfn = start, .end_pfn = end,
			.start_pfn_64 = start, .end_pfn_64 = end,
		};
	for (uint64_t pfn = start; pfn < end; pfn++)
		nr += machine->present[pfn];
	file.next_desc = put_index(machine, format, &range, &file.bytes);
	file.next_data = file.next_desc + nr * sizeof(struct kdump_page_desc);
	for (uint64_t pfn = start; pfn < end; pfn++) {
		if (machine->present[pfn])
			put_page(&file, pfn);
	}
	return file.bytes;
}
