// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dumps of invented hosts with as much memory as real ones have:
 *
 *   make_dump OUT elf|"kdump raw"|"kdump zlib" VMS MIB hole|data
 *
 * The host has VMS VMs, and behind the memory that these take it has more, up
 * to MIB MiB.  Of a hole an ELF dump has all, as a hole in the file, and a
 * kdump-compressed one each 16th page, all of them one page of zeros, for
 * makedumpfile -d 31 does not keep much more.  Data is different in each page.
 */
#include <elf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/unit/host.h"
#include "tests/unit/writer.h"

#define MIB		(1UL << 20)
#define BLOCK		(128 * MIB)	/* of memory hotplug; each gets a PT_LOAD */
#define KEPT_OF		16

static FILE *open_at(const char *path, const char *mode, uint64_t offset)
{
	FILE *file = fopen(path, mode);

	if (!file || fseeko(file, offset, SEEK_SET))
		err(2, "%s", path);
	return file;
}

static void put(FILE *out, const void *data, size_t size)
{
	if (fwrite(data, 1, size, out) != size)
		err(2, "make_dump");
}

static void close_file(FILE *out)
{
	if (fclose(out))
		err(2, "make_dump");
}

/* Half zeros, half noise: it compresses as memory does. */
static void fill_page(uint64_t pfn, uint64_t *page)
{
	uint64_t x = pfn * 0x9e3779b97f4a7c15ULL + 1;

	for (size_t i = 0; i < MACHINE_PAGE / sizeof(x); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page[i] = i % 2 ? 0 : x;
	}
}

/* Return: the end of the file, with the pages of those that were added. */
static uint64_t put_load_headers(uint64_t pages, size_t nr, FILE *out)
{
	for (size_t i = 0; i < nr; i++) {
		Elf64_Phdr phdr = {
			.p_type = PT_LOAD, .p_offset = pages, .p_paddr = MACHINE_SIZE + i * BLOCK,
			.p_filesz = BLOCK - MACHINE_PAGE, .p_memsz = BLOCK - MACHINE_PAGE,
		};

		put(out, &phdr, sizeof(phdr));
		pages += phdr.p_filesz;
	}
	return pages;
}

/* The program headers move behind all else, where there is room for more. */
static void write_elf(const struct bytes *small, uint64_t size, bool data, const char *path)
{
	uint64_t page[MACHINE_PAGE / sizeof(uint64_t)];
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, small->data, sizeof(ehdr));
	const uint8_t *old = small->data + ehdr.e_phoff;
	size_t old_size = ehdr.e_phnum * sizeof(Elf64_Phdr);
	size_t more = size > MACHINE_SIZE ? (size - MACHINE_SIZE) / BLOCK : 0;
	uint64_t at = small->size + old_size + more * sizeof(Elf64_Phdr);
	FILE *out = open_at(path, "w", 0);

	ehdr.e_phoff = small->size;
	ehdr.e_phnum += more;
	put(out, &ehdr, sizeof(ehdr));
	put(out, small->data + sizeof(ehdr), small->size - sizeof(ehdr));
	put(out, old, old_size);
	uint64_t end = put_load_headers(at, more, out);

	for (; data && at < end; at += sizeof(page)) {
		fill_page(at, page);
		put(out, page, sizeof(page));
	}
	if (fflush(out) || ftruncate(fileno(out), end))
		err(2, "%s", path);
	close_file(out);
}

/* What of the headers changes with the size (makedumpfile's diskdump_mod.h). */
struct kdump_headers {
	char signature[8];
	int32_t header_version;
	struct utsname utsname;
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size;
	int32_t sub_hdr_size;
	uint32_t bitmap_blocks;
	uint32_t max_mapnr;
	uint8_t rest[MACHINE_PAGE - 444];
	uint8_t sub_header[96];
	uint64_t max_mapnr_64;
};

struct page_desc {
	int64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

/* A dump that grows: two places of the file are written at a time. */
struct growing {
	uint64_t nr_pfns;
	bool data, zlib;
	FILE *descs, *pages;
};

static bool is_added(const struct growing *dump, uint64_t pfn)
{
	return pfn >= MACHINE_NR_PAGES && (dump->data || !(pfn % KEPT_OF));
}

static void add_data(const struct growing *dump, uint64_t pfn)
{
	uint64_t page[MACHINE_PAGE / sizeof(uint64_t)];
	uint8_t compressed[2 * MACHINE_PAGE];
	unsigned long size = sizeof(compressed);
	struct page_desc desc = { .offset = ftello(dump->pages), .size = sizeof(page) };

	fill_page(pfn, page);
	if (dump->zlib) {
		if (compress2(compressed, &size, (void *)page, sizeof(page), Z_BEST_SPEED) != Z_OK)
			errx(2, "make_dump: zlib");
		desc.size = size;
		desc.flags = WRITER_ZLIB;
	}
	put(dump->descs, &desc, sizeof(desc));
	put(dump->pages, dump->zlib ? (void *)compressed : page, desc.size);
}

static void add_pages(const struct growing *dump)
{
	static const uint8_t zeros[MACHINE_PAGE];
	struct page_desc zero = { .offset = ftello(dump->pages), .size = sizeof(zeros) };

	put(dump->pages, zeros, sizeof(zeros));
	for (uint64_t pfn = MACHINE_NR_PAGES; pfn < dump->nr_pfns; pfn++) {
		if (!is_added(dump, pfn))
			continue;
		if (dump->data)
			add_data(dump, pfn);
		else
			put(dump->descs, &zero, sizeof(zero));
	}
}

/* Return: a bitmap of @size bytes, the caller's, of all pages that are in the grown dump. */
static uint8_t *make_bitmap(const struct growing *dump, const uint8_t *small, size_t size,
			    uint64_t *ret_nr)
{
	uint8_t *bitmap = calloc(1, size);

	if (!bitmap)
		err(2, "make_dump");
	memcpy(bitmap, small, MACHINE_NR_PAGES / 8);
	for (uint64_t pfn = 0; pfn < dump->nr_pfns; pfn++) {
		if (is_added(dump, pfn))
			bitmap[pfn / 8] |= 1 << pfn % 8;
		*ret_nr += bitmap[pfn / 8] >> pfn % 8 & 1;
	}
	return bitmap;
}

static uint64_t count_pages(const uint8_t *bitmap)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < MACHINE_NR_PAGES / 8; i++)
		nr += __builtin_popcount(bitmap[i]);
	return nr;
}

/* The descriptors and the pages of the small dump, @shift bytes further back in the file. */
static void move_pages(const struct bytes *small, uint64_t descs, uint64_t nr, uint64_t shift,
		       const struct growing *dump)
{
	uint64_t pages = descs + nr * sizeof(struct page_desc);

	for (uint64_t i = 0; i < nr; i++) {
		struct page_desc desc;

		memcpy(&desc, small->data + descs + i * sizeof(desc), sizeof(desc));
		desc.offset += shift;
		put(dump->descs, &desc, sizeof(desc));
	}
	put(dump->pages, small->data + pages, small->size - pages);
}

static void write_kdump(const struct bytes *small, struct growing *dump, const char *path)
{
	struct kdump_headers headers;

	memcpy(&headers, small->data, sizeof(headers));
	uint64_t bitmaps = (1 + headers.sub_hdr_size) * MACHINE_PAGE;
	uint64_t old_descs = bitmaps + headers.bitmap_blocks * MACHINE_PAGE;
	uint64_t nr_old = count_pages(small->data + bitmaps), nr = 0;
	size_t size = (dump->nr_pfns / 8 + MACHINE_PAGE - 1) & -MACHINE_PAGE;
	uint8_t *bitmap = make_bitmap(dump, small->data + bitmaps, size, &nr);
	uint64_t descs = bitmaps + 2 * size, pages = descs + nr * sizeof(struct page_desc);
	FILE *out = open_at(path, "w", 0);

	headers.bitmap_blocks = 2 * size / MACHINE_PAGE;
	headers.max_mapnr = headers.max_mapnr_64 = dump->nr_pfns;
	put(out, &headers, sizeof(headers));
	put(out, small->data + sizeof(headers), bitmaps - sizeof(headers));
	put(out, bitmap, size);
	put(out, bitmap, size);
	close_file(out);
	free(bitmap);
	dump->descs = open_at(path, "r+", descs);
	dump->pages = open_at(path, "r+", pages);
	move_pages(small, old_descs, nr_old,
		   pages - (old_descs + nr_old * sizeof(struct page_desc)), dump);
	add_pages(dump);
	close_file(dump->descs);
	close_file(dump->pages);
}

int main(int argc, char **argv)
{
	char text[64];

	if (argc != 6)
		errx(2, "usage: make_dump OUT elf|\"kdump raw\"|\"kdump zlib\" VMS MIB hole|data");
	const char *path = argv[1], *format = argv[2];
	uint64_t size = strtoul(argv[4], NULL, 0) * MIB;

	snprintf(text, sizeof(text), "cpus 64\nvms %s\n", argv[3]);
	struct host *host = host_create(text);
	struct bytes small = writer_make(host_machine(host), format, 0);
	struct growing dump = {
		.nr_pfns = (size > MACHINE_SIZE ? size : MACHINE_SIZE) / MACHINE_PAGE,
		.data = !strcmp(argv[5], "data"), .zlib = !strcmp(format, "kdump zlib"),
	};

	if (!strcmp(format, "elf"))
		write_elf(&small, size, dump.data, path);
	else
		write_kdump(&small, &dump, path);
	free(small.data);
	host_destroy(host);
	return 0;
}
