// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kdumpfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "analyze/cleanup.h"
#include "analyze/decompress.h"
#include "analyze/notes.h"

/* More bits of disk_dump_header.status (makedumpfile's diskdump_mod.h) */
#define DUMP_DH_COMPRESSED_INCOMPLETE	0x8
#define COMPRESSION_BITS		(COMPRESSION_ZLIB | COMPRESSION_LZO | \
					 COMPRESSION_SNAPPY | COMPRESSION_ZSTD)

/* vmcoreinfo is a page at most; this stops nonsense. */
#define MAX_VMCOREINFO		(1024 * 1024)

/* A bit for each page of 256 TiB; this stops nonsense. */
#define MAX_BITMAP		(8ULL * 1024 * 1024 * 1024)

/* The first block, as an x86-64 makedumpfile writes it */
struct disk_dump_header {
	char signature[8];
	int32_t header_version;
	struct utsname utsname;
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size;
	int32_t sub_hdr_size;	/* in blocks */
	uint32_t bitmap_blocks;	/* of both bitmaps */
	uint32_t max_mapnr;	/* wraps at 16 TiB; header_version 6 has it in 64 bits */
};

/* The second block; what is of no use here is left out at its end. */
struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level;
	int32_t split;
	uint64_t start_pfn, end_pfn;
	uint64_t offset_vmcoreinfo, size_vmcoreinfo;	/* from header_version 3 on */
	uint64_t offset_note, size_note;		/* 4 */
	uint64_t offset_eraseinfo, size_eraseinfo;	/* 5 */
	uint64_t start_pfn_64, end_pfn_64, max_mapnr_64; /* 6 */
};

struct page_desc {
	int64_t offset;
	uint32_t size;
	uint32_t flags;
	uint64_t page_flags;
};

/* Each count of pages is for one block of the bitmap. */
#define BLOCK_BYTES	4096
#define BLOCK_PFNS	(8 * BLOCK_BYTES)

struct bitmap_block {
	uint64_t index;		/* in the bitmap */
	uint64_t word[BLOCK_BYTES / 8];
};

/* Pages that are read one after another have their descriptors side by side. */
#define BLOCK_DESCS	128

struct desc_block {
	uint64_t index;		/* of BLOCK_DESCS descriptors */
	uint64_t nr;		/* that could be read */
	struct page_desc desc[BLOCK_DESCS];
};

/* Of pages that are read one after another, data is read ahead. */
struct data_block {
	uint64_t offset;	/* in the file */
	size_t size;
	uint8_t byte[8 * DUMPFILE_PAGE];
};

#define NO_BLOCK	UINT64_MAX

static struct error *check_header(const struct disk_dump_header *header)
{
	if (header->block_size != DUMPFILE_PAGE || header->sub_hdr_size < 1 ||
	    header->sub_hdr_size > INT32_MAX / DUMPFILE_PAGE)
		return error_new("dump header: a block size of %" PRId32 " bytes and a sub-header of %" PRId32
				 " blocks: not of an x86-64 machine, or damaged; collect it again",
				 header->block_size, header->sub_hdr_size);
	if (header->header_version < 3 || header->header_version > 6)
		return error_new("dump header: version %" PRId32 " is not known, only 3 to 6: collect it with another makedumpfile",
				 header->header_version);
	return NULL;
}

static struct error *read_headers(const struct rawfile *file, struct disk_dump_header *header,
				  struct kdump_sub_header *sub)
{
	if (rawfile_read_some(file, 0, header, sizeof(*header)) != sizeof(*header))
		return error_new("the file ends within the dump header: collect it again");
	struct error *err = check_header(header);

	if (err)
		return err;
	if (rawfile_read_some(file, DUMPFILE_PAGE, sub, sizeof(*sub)) != sizeof(*sub))
		return error_new("the file ends within the dump's second header: collect it again");
	/* Before, they were not written. */
	if (header->header_version < 6) {
		sub->start_pfn_64 = sub->start_pfn;
		sub->end_pfn_64 = sub->end_pfn;
		sub->max_mapnr_64 = header->max_mapnr;
	}
	if (header->header_version < 4)
		sub->size_note = 0;
	err = dumpfile_check_part(file->size, "notes", sub->offset_note, sub->size_note);
	return err ? err : dumpfile_check_part(file->size, "vmcoreinfo", sub->offset_vmcoreinfo,
					       sub->size_vmcoreinfo);
}

static uint64_t bitmap_bytes(const struct kdumpfile *kdump)
{
	return (kdump->nr_pfns + 7) / 8;
}

/* Where everything is, as the headers have it. */
static struct error *lay_out(const struct disk_dump_header *header,
			     const struct kdump_sub_header *sub, struct kdumpfile *kdump)
{
	uint64_t bitmaps = (1ULL + header->sub_hdr_size) * DUMPFILE_PAGE;
	uint64_t bitmap_size = header->bitmap_blocks / 2 * (uint64_t)DUMPFILE_PAGE;

	kdump->bitmap = bitmaps + bitmap_size;
	kdump->descriptors = bitmaps + header->bitmap_blocks * (uint64_t)DUMPFILE_PAGE;
	kdump->nr_pfns = sub->max_mapnr_64 < 8 * bitmap_size ? sub->max_mapnr_64 : 8 * bitmap_size;
	kdump->split = sub->split;
	kdump->start_pfn = sub->split ? sub->start_pfn_64 : 0;
	kdump->end_pfn = sub->split ? sub->end_pfn_64 : kdump->nr_pfns;
	if (kdump->end_pfn > kdump->nr_pfns)
		kdump->end_pfn = kdump->nr_pfns;
	if (kdump->start_pfn > kdump->end_pfn)
		return error_new("dump header: a split dump's part from page %" PRIu64 " to %" PRIu64
				 " is impossible: the file is damaged; collect it again",
				 kdump->start_pfn, kdump->end_pfn);
	kdump->phys_base = sub->phys_base;
	kdump->vmcoreinfo = sub->offset_vmcoreinfo;
	kdump->vmcoreinfo_size = sub->size_vmcoreinfo;
	kdump->notes = sub->offset_note;
	kdump->notes_size = sub->size_note;
	/* Bitmaps are written whole, so what is a hole in a flattened dump is none. */
	if (2 * bitmap_size > kdump->file->file_size || bitmap_size > MAX_BITMAP)
		return error_new("dump header: bitmaps of %" PRIu64 " bytes are impossible in a file of %" PRIu64
				 ": it is damaged or was cut short; collect it again",
				 2 * bitmap_size, kdump->file->file_size);
	/* Behind the last bit a file without pages may end. */
	uint64_t end = kdump->bitmap + bitmap_bytes(kdump);

	if (end > kdump->file->size)
		return error_new("the file ends at %" PRIu64 " bytes, its index alone is of %" PRIu64
				 ": it is damaged or was cut short; collect it again",
				 kdump->file->size, end);
	return NULL;
}

static uint64_t count_bits(const struct bitmap_block *block, size_t nr_words)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < nr_words; i++)
		nr += __builtin_popcountll(block->word[i]);
	return nr;
}

/* Make block @index of the bitmap the one at kdump->block. */
static struct error *read_block(const struct kdumpfile *kdump, uint64_t index)
{
	struct bitmap_block *block = kdump->block;
	uint64_t left = bitmap_bytes(kdump) - index * BLOCK_BYTES;

	if (block->index == index)
		return NULL;
	block->index = NO_BLOCK;
	memset(block->word, 0, sizeof(block->word));
	struct error *err = rawfile_read(kdump->file, kdump->bitmap + index * BLOCK_BYTES,
					 block->word, left < BLOCK_BYTES ? left : BLOCK_BYTES);

	if (err)
		return error_context(err, "page bitmap");
	block->index = index;
	return NULL;
}

static uint64_t nr_blocks(const struct kdumpfile *kdump)
{
	return (kdump->nr_pfns + BLOCK_PFNS - 1) / BLOCK_PFNS;
}

/* Sum up the pages block by block, so that a page's descriptor is found by one block. */
static struct error *count_pages(struct kdumpfile *kdump)
{
	uint64_t next_data = 0, sum = 0;

	kdump->before = calloc(nr_blocks(kdump) + 1, sizeof(*kdump->before));
	kdump->block = malloc(sizeof(*kdump->block));
	kdump->descs = malloc(sizeof(*kdump->descs));
	kdump->data = calloc(1, sizeof(*kdump->data));
	if (!kdump->before || !kdump->block || !kdump->descs || !kdump->data)
		return &error_no_memory;
	kdump->block->index = kdump->descs->index = NO_BLOCK;
	for (uint64_t i = 0; i < nr_blocks(kdump); i++) {
		uint64_t end = kdump->bitmap + (i + 1) * BLOCK_BYTES;

		kdump->before[i] = sum;
		if (end <= next_data)
			continue;
		struct error *err = read_block(kdump, i);

		if (err)
			return err;
		uint64_t nr = count_bits(kdump->block, BLOCK_BYTES / 8);

		sum += nr;
		if (!nr)
			next_data = rawfile_next_data(kdump->file, end);
	}
	kdump->before[nr_blocks(kdump)] = sum;
	return NULL;
}

/* Pages of the whole dump whose frame number is below @pfn, and whether it has that one. */
static struct error *rank_of(const struct kdumpfile *kdump, uint64_t pfn, bool *ret_present,
			     uint64_t *ret)
{
	const struct bitmap_block *block = kdump->block;
	uint64_t bit = pfn % BLOCK_PFNS;

	*ret_present = false;
	if (pfn >= kdump->nr_pfns) {
		*ret = kdump->before[nr_blocks(kdump)];
		return NULL;
	}
	struct error *err = read_block(kdump, pfn / BLOCK_PFNS);

	if (err)
		return err;
	*ret_present = block->word[bit / 64] >> bit % 64 & 1;
	*ret = kdump->before[pfn / BLOCK_PFNS] + count_bits(block, bit / 64) +
	       __builtin_popcountll(block->word[bit / 64] & ((1ULL << bit % 64) - 1));
	return NULL;
}

/* Every page descriptor must have been written and point into the file. */
static void check_descriptors(const struct kdumpfile *kdump, uint64_t nr, struct dumpfile *ret)
{
	struct page_desc desc[2048];
	uint64_t size = kdump->file->size;

	for (uint64_t done = 0; done < nr;) {
		uint64_t at = kdump->descriptors + done * sizeof(desc[0]);
		size_t chunk = sizeof(desc) / sizeof(desc[0]);

		if (nr - done < chunk)
			chunk = nr - done;
		if (rawfile_read_some(kdump->file, at, desc, chunk * sizeof(desc[0])) !=
		    chunk * sizeof(desc[0]))
			return dumpfile_cut_short(ret, size,
						  kdump->descriptors + nr * sizeof(desc[0]));
		for (size_t i = 0; i < chunk; i++) {
			uint64_t end;

			if (desc[i].offset <= 0 || !desc[i].size ||
			    __builtin_add_overflow((uint64_t)desc[i].offset, desc[i].size, &end))
				return dumpfile_mark_incomplete(ret,
					"page %" PRIu64 " of %" PRIu64
					" was never written: the dump was interrupted", done + i, nr);
			if (end > size)
				return dumpfile_cut_short(ret, size, end);
			if (kdump->file->flattened &&
			    !rawfile_covers(kdump->file, desc[i].offset, desc[i].size))
				return dumpfile_mark_incomplete(ret, "page %" PRIu64 " of %" PRIu64
					" is in none of its records: the copy was cut short",
					done + i, nr);
		}
		done += chunk;
	}
}

static struct error *check_pages(struct kdumpfile *kdump, struct dumpfile *ret_file)
{
	uint64_t end;
	bool present;
	struct error *err = count_pages(kdump);

	if (!err)
		err = rank_of(kdump, kdump->start_pfn, &present, &kdump->first);
	if (!err)
		err = rank_of(kdump, kdump->end_pfn, &present, &end);
	if (err)
		return err;
	kdump->nr_pages = end - kdump->first;
	if (kdump->file->flattened &&
	    (!rawfile_covers(kdump->file, kdump->bitmap, (kdump->nr_pfns + 7) / 8) ||
	     !rawfile_covers(kdump->file, kdump->descriptors,
			     kdump->nr_pages * sizeof(struct page_desc))))
		dumpfile_mark_incomplete(ret_file, "a part of its index is missing: the dump was interrupted or the copy cut short");
	if (!kdump->before[nr_blocks(kdump)])
		dumpfile_mark_incomplete(ret_file, "its page bitmap is empty: the dump was interrupted before its first page");
	check_descriptors(kdump, kdump->nr_pages, ret_file);
	return NULL;
}

static void name_file(const struct disk_dump_header *header, const struct kdumpfile *kdump,
		      struct dumpfile *ret)
{
	const char *compression = compression_name(header->status & COMPRESSION_BITS);

	snprintf(ret->name, sizeof(ret->name), "%skdump-compressed (%s)",
		 kdump->file->flattened ? "flattened " : "", compression ?: "mixed");
	if (header->status & DUMP_DH_COMPRESSED_INCOMPLETE)
		dumpfile_mark_incomplete(ret, "makedumpfile marked the dump as incomplete (no space left where it was written)");
}

struct error *kdumpfile_open(const struct rawfile *file, struct dumpfile *ret_file,
			     struct kdumpfile *ret)
{
	struct kdumpfile kdump = { .file = file };
	struct disk_dump_header header;
	struct kdump_sub_header sub;
	struct error *err = read_headers(file, &header, &sub);

	if (!err)
		err = lay_out(&header, &sub, &kdump);
	if (err)
		return err;
	name_file(&header, &kdump, ret_file);
	err = check_pages(&kdump, ret_file);
	if (!err)
		err = decompressor_create(&kdump.decompressor);
	if (err) {
		kdumpfile_close(&kdump);
		return err;
	}
	*ret = kdump;
	return NULL;
}

void kdumpfile_close(struct kdumpfile *kdump)
{
	decompressor_destroy(kdump->decompressor);
	free(kdump->before);
	free(kdump->block);
	free(kdump->descs);
	free(kdump->data);
	*kdump = (struct kdumpfile){};
}

struct error *kdumpfile_vmcoreinfo(const struct kdumpfile *kdump, char **ret)
{
	size_t size = kdump->vmcoreinfo_size;

	*ret = NULL;
	if (!size)
		return notes_vmcoreinfo(kdump->file, kdump->notes, kdump->notes_size, ret);
	if (size > MAX_VMCOREINFO)
		return error_new("vmcoreinfo of %zu bytes is impossible: the file is damaged; collect it again",
				 size);
	_cleanup_free_ char *text = calloc(1, size + 1);
	struct error *err = text ? rawfile_read(kdump->file, kdump->vmcoreinfo, text, size)
				 : &error_no_memory;

	if (err)
		return error_context(err, "vmcoreinfo");
	*ret = no_cleanup_ptr(text);
	return NULL;
}

static struct error *check_descriptor(const struct page_desc *desc)
{
	if (desc->offset <= 0 || !desc->size)
		return error_new("it was never written: the dump was interrupted");
	if (desc->size > DUMPFILE_PAGE ||
	    (desc->flags ? !compression_name(desc->flags) : desc->size != DUMPFILE_PAGE))
		return error_new("its descriptor claims %" PRIu32 " bytes with flags %#" PRIx32
				 ": the file is damaged", desc->size, desc->flags);
	return NULL;
}

static struct error *read_descriptor(const struct kdumpfile *kdump, uint64_t index,
				     struct page_desc *ret)
{
	struct desc_block *descs = kdump->descs;
	uint64_t offset = kdump->descriptors + index * sizeof(*ret);

	uint64_t at = index % BLOCK_DESCS;

	if (descs->index != index / BLOCK_DESCS) {
		descs->index = index / BLOCK_DESCS;
		descs->nr = rawfile_read_some(kdump->file, offset - at * sizeof(*ret), descs->desc,
					      sizeof(descs->desc)) / sizeof(*ret);
	}
	if (at >= descs->nr)
		return error_new("cannot read %zu bytes at offset %" PRIu64 " of %" PRIu64,
				 sizeof(*ret), offset, kdump->file->size);
	*ret = descs->desc[at];
	return NULL;
}

/* The data of @desc, valid until the next call. */
static struct error *read_data(const struct kdumpfile *kdump, const struct page_desc *desc,
			       const uint8_t **ret)
{
	struct data_block *data = kdump->data;
	uint64_t offset = desc->offset, end = data->offset + data->size;

	if (offset < data->offset || offset + desc->size > end) {
		/* What begins where the last data ended, or within it, is read in order. */
		bool ahead = offset >= data->offset && offset <= end;

		data->offset = offset;
		data->size = rawfile_read_some(kdump->file, offset, data->byte,
					       ahead ? sizeof(data->byte) : desc->size);
	}
	if (data->size < desc->size)
		return error_new("cannot read %" PRIu32 " bytes at offset %" PRIu64 " of %" PRIu64,
				 desc->size, offset, kdump->file->size);
	*ret = data->byte + (offset - data->offset);
	return NULL;
}

static struct error *find_descriptor(const struct kdumpfile *kdump, uint64_t pfn,
				     struct page_desc *ret)
{
	uint64_t index;
	bool present = false;
	struct error *err = NULL;

	if (pfn >= kdump->start_pfn && pfn < kdump->end_pfn)
		err = rank_of(kdump, pfn, &present, &index);
	if (!err && !present)
		return error_new("the page is not in the dump");
	if (!err)
		err = read_descriptor(kdump, index - kdump->first, ret);
	return err ? err : check_descriptor(ret);
}

/* Unpack the page of @desc, whose data is at @data. */
static struct error *unpack(const struct kdumpfile *kdump, const struct page_desc *desc,
			    const void *data, void *ret, size_t want)
{
	if (desc->flags)
		return decompress(kdump->decompressor, desc->flags, data, desc->size, ret,
				  DUMPFILE_PAGE, want);
	memcpy(ret, data, want);
	return NULL;
}

struct error *kdumpfile_read_page(const struct kdumpfile *kdump, uint64_t pfn, void *ret)
{
	struct page_desc desc;
	const uint8_t *data = NULL;
	struct error *err = find_descriptor(kdump, pfn, &desc);

	if (err)
		return err;
	err = read_data(kdump, &desc, &data);
	if (!err)
		err = unpack(kdump, &desc, data, ret, DUMPFILE_PAGE);
	return err ? error_context(err, "the page at offset %" PRId64, desc.offset) : NULL;
}

#define SCAN_DESCS	1024
#define SCAN_BYTES	(1024 * 1024)

/* What follows each other in the file is read ahead. */
struct scan {
	const struct kdumpfile *kdump;
	size_t size;
	memory_visit *visit;
	void *arg;
	uint64_t *done, total;		/* pages */
	uint64_t index;			/* of the next page's descriptor */
	uint64_t desc_base, nr_descs;
	struct page_desc desc[SCAN_DESCS];
	uint64_t data_base;
	size_t data_size;
	uint8_t data[SCAN_BYTES];
	/* All pages of zeros share one piece of data, far from the others'. */
	uint64_t far_offset;
	uint8_t far[DUMPFILE_PAGE];
	uint8_t page[DUMPFILE_PAGE];
};

static struct error *next_descriptor(struct scan *scan, const struct page_desc **ret)
{
	uint64_t at = scan->index - scan->desc_base;

	if (at >= scan->nr_descs) {
		uint64_t left = scan->kdump->nr_pages - scan->index;

		scan->desc_base = scan->index;
		scan->nr_descs = left < SCAN_DESCS ? left : SCAN_DESCS;
		at = 0;
		struct error *err = rawfile_read(scan->kdump->file, scan->kdump->descriptors +
						 scan->index * sizeof(scan->desc[0]), scan->desc,
						 scan->nr_descs * sizeof(scan->desc[0]));

		if (err)
			return error_context(err, "page descriptors");
	}
	scan->index++;
	*ret = &scan->desc[at];
	return check_descriptor(*ret);
}

static struct error *find_data(struct scan *scan, const struct page_desc *desc,
			       const uint8_t **ret)
{
	uint64_t offset = desc->offset;

	if (offset == scan->far_offset) {
		*ret = scan->far;
		return NULL;
	}
	if (offset < scan->data_base) {
		scan->far_offset = 0;
		struct error *err = rawfile_read(scan->kdump->file, offset, scan->far, desc->size);

		scan->far_offset = err ? 0 : offset;
		*ret = scan->far;
		return err;
	}
	if (offset + desc->size > scan->data_base + scan->data_size) {
		scan->data_base = offset;
		scan->data_size = rawfile_read_some(scan->kdump->file, offset, scan->data,
						    sizeof(scan->data));
		if (scan->data_size < desc->size)
			return error_new("cannot read %" PRIu32 " bytes at offset %" PRIu64 " of %" PRIu64,
					 desc->size, offset, scan->kdump->file->size);
	}
	*ret = scan->data + (offset - scan->data_base);
	return NULL;
}

static struct error *visit_page(struct scan *scan, uint64_t pfn)
{
	const struct page_desc *desc = NULL;
	const uint8_t *data = NULL;
	struct error *err = next_descriptor(scan, &desc);

	if (!err)
		err = find_data(scan, desc, &data);
	if (!err && desc->flags)
		err = unpack(scan->kdump, desc, data, scan->page, scan->size);
	if (err)
		return error_context(err, "page %#" PRIx64, pfn);
	scan->visit(scan->arg, pfn * DUMPFILE_PAGE, desc->flags ? scan->page : data,
		    ++*scan->done, scan->total);
	return NULL;
}

static struct error *scan_block(struct scan *scan, uint64_t index)
{
	struct error *err = read_block(scan->kdump, index);

	for (size_t i = 0; i < BLOCK_BYTES / 8 && !err; i++) {
		/* A visitor may read pages, and with them other blocks. */
		uint64_t word = scan->kdump->block->word[i];

		for (; word && !err; word &= word - 1) {
			uint64_t pfn = index * BLOCK_PFNS + i * 64 + __builtin_ctzll(word);

			if (pfn >= scan->kdump->start_pfn && pfn < scan->kdump->end_pfn)
				err = visit_page(scan, pfn);
			if (!err)
				err = read_block(scan->kdump, index);
		}
	}
	return err;
}

struct error *kdumpfile_scan(const struct kdumpfile *kdump, size_t size, memory_visit *visit,
			     void *arg, uint64_t *done, uint64_t total)
{
	_cleanup_free_ struct scan *scan = malloc(sizeof(*scan));
	struct error *err = NULL;

	if (!scan)
		return &error_no_memory;
	*scan = (struct scan){ .kdump = kdump, .size = size, .visit = visit, .arg = arg,
			       .done = done, .total = total };
	for (uint64_t i = kdump->start_pfn / BLOCK_PFNS;
	     i < nr_blocks(kdump) && i * BLOCK_PFNS < kdump->end_pfn && !err; i++) {
		if (kdump->before[i] != kdump->before[i + 1])
			err = scan_block(scan, i);
	}
	return err;
}
