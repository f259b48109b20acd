// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/elfcore.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/notes.h"
#include "analyze/page_table.h"

/* makedumpfile marks an ELF dump that ran out of space in e_flags. */
#define DUMP_ELF_INCOMPLETE	0x1

/* One for each 64 MiB of the 64 TiB that a machine can have; this stops nonsense. */
#define MAX_SEGMENTS		(1024 * 1024)

/* Pages that are read at a time by elfcore_scan() */
#define SCAN_PAGES		256

static struct error *read_header(const struct rawfile *file, struct dumpfile *ret_file,
				 Elf64_Ehdr *ret)
{
	if (file->size < sizeof(*ret))
		return error_new("the file ends within the ELF header: collect it again");
	struct error *err = rawfile_read(file, 0, ret, sizeof(*ret));

	if (err)
		return err;
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret->e_type != ET_CORE || ret->e_machine != EM_X86_64 ||
	    ret->e_phentsize != sizeof(Elf64_Phdr))
		return error_new("not a dump of an x86-64 machine but another ELF file: give the vmcore");
	if (ret->e_flags & DUMP_ELF_INCOMPLETE)
		dumpfile_mark_incomplete(ret_file, "makedumpfile marked the dump as incomplete (no space left where it was written)");
	return NULL;
}

/* Beyond 65534 segments section header 0 has their number (ELF gABI, "PN_XNUM"). */
static struct error *count_segments(const struct rawfile *file, const Elf64_Ehdr *ehdr,
				    uint64_t *ret)
{
	Elf64_Shdr shdr;

	*ret = ehdr->e_phnum;
	if (ehdr->e_phnum != PN_XNUM)
		return NULL;
	struct error *err = rawfile_read(file, ehdr->e_shoff, &shdr, sizeof(shdr));

	*ret = err ? 0 : shdr.sh_info;
	return err ? error_context(err, "ELF section header 0") : NULL;
}

/* Program headers are written whole, so what is a hole in a flattened dump holds none. */
static struct error *check_segments(const struct rawfile *file, const Elf64_Ehdr *ehdr,
				    uint64_t nr)
{
	if (nr <= MAX_SEGMENTS && nr * sizeof(Elf64_Phdr) <= file->file_size &&
	    ehdr->e_phoff <= INT64_MAX - nr * sizeof(Elf64_Phdr))
		return NULL;
	return error_new("ELF header: %" PRIu64 " program headers at offset %" PRIu64
			 " are impossible in a file of %" PRIu64
			 " bytes: it is damaged or was cut short; collect it again", nr,
			 (uint64_t)ehdr->e_phoff, file->file_size);
}

/* The kernel's elfcorehdr has a segment for its text, which tells where that was loaded. */
static void find_phys_base(struct elfcore *elf, const Elf64_Phdr *phdr)
{
	if (phdr->p_vaddr < START_KERNEL_MAP || elf->has_phys_base)
		return;
	elf->has_phys_base = true;
	elf->phys_base = phdr->p_paddr - (phdr->p_vaddr - START_KERNEL_MAP);
}

static struct error *add_load(struct elfcore *elf, const Elf64_Phdr *phdr, uint64_t index,
			      struct dumpfile *ret_file)
{
	uint64_t end, file_end;
	const uint64_t limit = DUMPFILE_MAX_PFN * DUMPFILE_PAGE;

	if (__builtin_add_overflow(phdr->p_paddr, phdr->p_memsz, &end) || end > limit ||
	    phdr->p_filesz > phdr->p_memsz ||
	    __builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &file_end)) {
		dumpfile_mark_incomplete(ret_file, "program header %" PRIu64
					 " claims an impossible size: the file is damaged", index);
		return NULL;
	}
	find_phys_base(elf, phdr);
	uint64_t there = phdr->p_filesz;

	if (file_end > elf->file->size) {
		dumpfile_cut_short(ret_file, elf->file->size, file_end);
		there = elf->file->size > phdr->p_offset ? elf->file->size - phdr->p_offset : 0;
	}
	if (!rawfile_covers(elf->file, phdr->p_offset, there))
		dumpfile_mark_incomplete(ret_file, "memory at %#" PRIx64
					 " is in none of its records: the copy was cut short",
					 (uint64_t)phdr->p_paddr);
	/* makedumpfile -E leaves out the end of a segment that was all zeros or is not wanted. */
	struct error *err = extents_add(&elf->memory, phdr->p_paddr + phdr->p_filesz,
					phdr->p_memsz - phdr->p_filesz, EXTENT_ZERO);

	if (!err)
		err = extents_add(&elf->memory, phdr->p_paddr, there, phdr->p_offset);
	return err;
}

static struct error *add_note(struct elfcore *elf, const Elf64_Phdr *phdr)
{
	struct error *err = dumpfile_check_part(elf->file->size, "notes", phdr->p_offset,
						phdr->p_filesz);

	if (!err && elf->nr_notes < ELFCORE_MAX_NOTES) {
		elf->notes[elf->nr_notes].offset = phdr->p_offset;
		elf->notes[elf->nr_notes++].size = phdr->p_filesz;
	}
	return err;
}

static struct error *add_segments(struct elfcore *elf, uint64_t offset, uint64_t nr,
				  struct dumpfile *ret_file)
{
	for (uint64_t i = 0; i < nr; i++) {
		Elf64_Phdr phdr;
		uint64_t at = offset + i * sizeof(phdr);

		if (rawfile_read_some(elf->file, at, &phdr, sizeof(phdr)) != sizeof(phdr)) {
			dumpfile_cut_short(ret_file, elf->file->size, at + sizeof(phdr));
			return NULL;
		}
		struct error *err = NULL;

		if (phdr.p_type == PT_NOTE)
			err = add_note(elf, &phdr);
		else if (phdr.p_type == PT_LOAD)
			err = add_load(elf, &phdr, i, ret_file);
		if (err)
			return err;
	}
	return NULL;
}

struct error *elfcore_open(const struct rawfile *file, struct dumpfile *ret_file,
			   struct elfcore *ret)
{
	struct elfcore elf = { .file = file };
	Elf64_Ehdr ehdr;
	uint64_t nr;
	struct error *err = read_header(file, ret_file, &ehdr);

	if (!err)
		err = count_segments(file, &ehdr, &nr);
	if (!err)
		err = check_segments(file, &ehdr, nr);
	if (!err)
		err = add_segments(&elf, ehdr.e_phoff, nr, ret_file);
	if (!err)
		err = extents_index(&elf.memory);
	if (!err && !elf.memory.nr)
		dumpfile_mark_incomplete(ret_file, "it has no memory: the dump was interrupted before its first page");
	if (err) {
		elfcore_close(&elf);
		return err;
	}
	snprintf(ret_file->name, sizeof(ret_file->name), "%sELF",
		 file->flattened ? "flattened " : "");
	*ret = elf;
	return NULL;
}

void elfcore_close(struct elfcore *elf)
{
	extents_deinit(&elf->memory);
	*elf = (struct elfcore){};
}

struct error *elfcore_vmcoreinfo(const struct elfcore *elf, char **ret)
{
	struct error *err = NULL;

	*ret = NULL;
	for (size_t i = 0; i < elf->nr_notes && !err && !*ret; i++)
		err = notes_vmcoreinfo(elf->file, elf->notes[i].offset, elf->notes[i].size, ret);
	return err;
}

/* @extent has the @size bytes from physical address @pa on. */
static struct error *read_extent(const struct elfcore *elf, const struct extent *extent,
				 uint64_t pa, void *ret, size_t size)
{
	if (extent->source != EXTENT_ZERO)
		return rawfile_read(elf->file, extent->source + pa - extent->start, ret, size);
	memset(ret, 0, size);
	return NULL;
}

struct error *elfcore_read_page(const struct elfcore *elf, uint64_t pfn, void *ret)
{
	uint64_t start = pfn * DUMPFILE_PAGE, end = start + DUMPFILE_PAGE;
	bool any = false;

	/* Memory may begin or end within a page; nothing was beyond. */
	memset(ret, 0, DUMPFILE_PAGE);
	for (uint64_t at = start; at < end;) {
		const struct extent *extent = extents_find(&elf->memory, at);

		if (!extent || extent->start >= end)
			break;
		if (extent->start > at)
			at = extent->start;
		uint64_t upto = extent->end < end ? extent->end : end;
		struct error *err = read_extent(elf, extent, at, (char *)ret + (at - start),
						upto - at);

		if (err)
			return err;
		any = true;
		at = upto;
	}
	return any ? NULL : error_new("the page is not in the dump");
}

/* Pages that begin within @extent */
static uint64_t first_pfn(const struct extent *extent)
{
	return (extent->start + DUMPFILE_PAGE - 1) / DUMPFILE_PAGE;
}

static uint64_t end_pfn(const struct extent *extent)
{
	return (extent->end + DUMPFILE_PAGE - 1) / DUMPFILE_PAGE;
}

struct scan {
	const struct elfcore *elf;
	memory_visit *visit;
	void *arg;
	uint64_t done, total;	/* pages */
	char *buffer;		/* SCAN_PAGES pages */
};

static struct error *scan_pages(struct scan *scan, const struct extent *extent, uint64_t pfn,
				uint64_t nr)
{
	uint64_t pa = pfn * DUMPFILE_PAGE, source = extent->source + pa - extent->start;
	size_t size = nr * DUMPFILE_PAGE;

	/* The last page may be there in part. */
	if (size > extent->end - pa) {
		memset(scan->buffer, 0, size);
		size = extent->end - pa;
	}
	struct error *err = rawfile_read(scan->elf->file, source, scan->buffer, size);

	for (uint64_t i = 0; i < nr && !err; i++)
		scan->visit(scan->arg, pa + i * DUMPFILE_PAGE, scan->buffer + i * DUMPFILE_PAGE,
			    ++scan->done, scan->total);
	return err;
}

/* Pages from @pfn on that lie in a hole of the file, which may be of any length. */
static uint64_t hole_pages(const struct scan *scan, const struct extent *extent, uint64_t pfn)
{
	uint64_t source = extent->source + pfn * DUMPFILE_PAGE - extent->start;
	uint64_t hole = (rawfile_next_data(scan->elf->file, source) - source) / DUMPFILE_PAGE;
	uint64_t left = end_pfn(extent) - pfn;

	return hole < left ? hole : left;
}

static struct error *scan_extent(struct scan *scan, const struct extent *extent)
{
	struct error *err = NULL;

	/* What the dump has no bytes of holds nothing to be found. */
	if (extent->source == EXTENT_ZERO)
		return NULL;
	for (uint64_t pfn = first_pfn(extent); pfn < end_pfn(extent) && !err;) {
		uint64_t nr = hole_pages(scan, extent, pfn);

		if (nr) {
			scan->done += nr;
			pfn += nr;
			continue;
		}
		nr = end_pfn(extent) - pfn;
		if (nr > SCAN_PAGES)
			nr = SCAN_PAGES;
		err = scan_pages(scan, extent, pfn, nr);
		pfn += nr;
	}
	return err;
}

struct error *elfcore_scan(const struct elfcore *elf, memory_visit *visit, void *arg)
{
	_cleanup_free_ char *buffer = malloc(SCAN_PAGES * DUMPFILE_PAGE);
	struct scan scan = { .elf = elf, .visit = visit, .arg = arg, .buffer = buffer };
	struct error *err = buffer ? NULL : &error_no_memory;
	uint64_t bytes = 0;

	for (size_t i = 0; i < elf->memory.nr; i++) {
		const struct extent *extent = &elf->memory.extent[i];

		if (extent->source == EXTENT_ZERO)
			continue;
		scan.total += end_pfn(extent) - first_pfn(extent);
		bytes += extent->end - extent->start;
	}
	/* Segments that share bytes of the file could keep this busy for ever. */
	if (!err && bytes > elf->file->size)
		err = error_new("the segments have %" PRIu64 " bytes of memory, the file has %" PRIu64
				" in all: the file is damaged; collect it again", bytes,
				elf->file->size);
	for (size_t i = 0; i < elf->memory.nr && !err; i++)
		err = scan_extent(&scan, &elf->memory.extent[i]);
	return err;
}
