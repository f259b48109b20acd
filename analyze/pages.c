// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/pages.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/elfcore.h"
#include "analyze/kdumpfile.h"

struct pages {
	struct rawfile *file;
	size_t nr_files;
	bool is_elf;
	struct elfcore elf;
	struct kdumpfile *part;		/* !is_elf: one, or in order all of a split dump */
	size_t nr_parts;
};

/* makedumpfile --split takes any number of files; this stops nonsense. */
#define MAX_FILES	1024

static const struct magic {
	const char *bytes;
	size_t size;
	const char *what;	/* NULL: a dump */
} magics[] = {
	{ ELFMAG, SELFMAG, NULL },
	{ "KDUMP   ", 8, NULL },
	{ "\x1f\x8b", 2, "a gzip file, not a dump: unpack it first with gunzip" },
	{ "\xfd" "7zXZ", 5, "an xz file, not a dump: unpack it first with unxz" },
	{ "BZh", 3, "a bzip2 file, not a dump: unpack it first with bunzip2" },
	{ "\x28\xb5\x2f\xfd", 4, "a zstd file, not a dump: unpack it first with unzstd" },
	{ "\x04\x22\x4d\x18", 4, "an lz4 file, not a dump: unpack it first with unlz4" },
	{ "\x89LZO", 4, "an lzop file, not a dump: unpack it first with lzop -d" },
};

/* Return: an error for what is no dump. */
static struct error *check_magic(const struct rawfile *file)
{
	char start[8] = {};

	rawfile_read_some(file, 0, start, sizeof(start));
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (!memcmp(start, magics[i].bytes, magics[i].size))
			return magics[i].what ? error_new("%s", magics[i].what) : NULL;
	}
	return error_new("neither an ELF vmcore nor a kdump-compressed dump: give the file that makedumpfile or the capture kernel wrote");
}

/* Dump tools rename a file to *incomplete* when they did not finish. */
static void check_name(const char *path, struct dumpfile *ret_file)
{
	const char *slash = strrchr(path, '/');

	if (strstr(slash ? slash + 1 : path, "incomplete"))
		dumpfile_mark_incomplete(ret_file, "the dump tool named it incomplete");
}

static struct error *open_format(struct pages *pages, const struct rawfile *file,
				 struct dumpfile *ret_file)
{
	char magic[SELFMAG] = {};
	struct error *err = check_magic(file);

	if (err)
		return err;
	rawfile_read_some(file, 0, magic, sizeof(magic));
	if (memcmp(magic, ELFMAG, SELFMAG)) {
		err = kdumpfile_open(file, ret_file, &pages->part[pages->nr_parts]);
		pages->nr_parts += !err;
		return err;
	}
	if (pages->nr_files > 1)
		return error_new("an ELF vmcore is one file, but several were given: give it alone");
	pages->is_elf = true;
	return elfcore_open(file, ret_file, &pages->elf);
}

static struct error *open_file(struct pages *pages, const char *path, struct dumpfile *ret_file)
{
	struct rawfile *file = &pages->file[pages->nr_files];
	struct error *err = rawfile_open(path, file);

	if (err)
		return err;
	pages->nr_files++;
	check_name(path, ret_file);
	if (*file->cut)
		dumpfile_mark_incomplete(ret_file, "%s", file->cut);
	err = open_format(pages, file, ret_file);
	if (!err)
		return NULL;
	return ret_file->incomplete && !strstr(err->message, "cut short") ?
	       error_context(err, "%s: it is not all there (%s)", path, ret_file->why) :
	       error_context(err, "%s", path);
}

static int compare_parts(const void *a, const void *b)
{
	const struct kdumpfile *left = a, *right = b;

	return left->start_pfn < right->start_pfn ? -1 : left->start_pfn > right->start_pfn;
}

static struct error *check_same_crash(const struct pages *pages)
{
	_cleanup_free_ char *first = NULL;
	struct error *err = kdumpfile_vmcoreinfo(&pages->part[0], &first);

	for (size_t i = 1; i < pages->nr_parts && !err; i++) {
		const struct kdumpfile *part = &pages->part[i];
		_cleanup_free_ char *info = NULL;

		err = kdumpfile_vmcoreinfo(part, &info);
		if (!err && (part->nr_pfns != pages->part[0].nr_pfns || !info != !first ||
			     (info && strcmp(info, first))))
			err = error_new("%s and %s are of different dumps: give all parts of one",
					pages->part[0].file->path, part->file->path);
	}
	return err;
}

/* The parts of a split dump must together have every page once. */
static struct error *check_parts(struct pages *pages, struct dumpfile *ret_file)
{
	uint64_t next = 0;

	if (pages->nr_parts == 1 && !pages->part[0].split)
		return NULL;
	qsort(pages->part, pages->nr_parts, sizeof(*pages->part), compare_parts);
	for (size_t i = 0; i < pages->nr_parts; i++) {
		const struct kdumpfile *part = &pages->part[i];

		if (!part->split)
			return error_new("%s: not a part of a split dump: give it alone",
					 part->file->path);
		if (part->start_pfn < next)
			return error_new("%s: its pages from %" PRIu64 " on are in another file too: give each part of one split dump once",
					 part->file->path, part->start_pfn);
		if (part->start_pfn > next)
			dumpfile_mark_incomplete(ret_file, "the part of the split dump with pages %" PRIu64 " to %" PRIu64
						 " was not given", next, part->start_pfn - 1);
		next = part->end_pfn;
	}
	if (next < pages->part[0].nr_pfns)
		dumpfile_mark_incomplete(ret_file, "the part of the split dump from page %" PRIu64
					 " on was not given", next);
	char name[sizeof(ret_file->name)];

	memcpy(name, ret_file->name, sizeof(name));
	snprintf(ret_file->name, sizeof(ret_file->name), "%.40s, split in %zu", name,
		 pages->nr_parts);
	return check_same_crash(pages);
}

static void cleanup_pages(struct pages **pages)
{
	pages_close(*pages);
}

struct error *pages_open(char *const *path, size_t nr, struct dumpfile *ret_file,
			 struct pages **ret)
{
	_cleanup_(cleanup_pages) struct pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return &error_no_memory;
	if (nr > MAX_FILES)
		return error_new("%zu files are too many for the parts of one dump", nr);
	/* Parts point to their files, so these must not move. */
	pages->file = calloc(nr, sizeof(*pages->file));
	pages->part = calloc(nr, sizeof(*pages->part));
	if (!pages->file || !pages->part)
		return &error_no_memory;
	for (size_t i = 0; i < nr; i++) {
		struct error *err = open_file(pages, path[i], ret_file);

		if (err)
			return err;
	}
	if (!pages->is_elf) {
		struct error *err = check_parts(pages, ret_file);

		if (err)
			return err;
	}
	*ret = no_cleanup_ptr(pages);
	return NULL;
}

void pages_close(struct pages *pages)
{
	if (!pages)
		return;
	elfcore_close(&pages->elf);
	for (size_t i = 0; i < pages->nr_parts; i++)
		kdumpfile_close(&pages->part[i]);
	for (size_t i = 0; i < pages->nr_files; i++)
		rawfile_close(&pages->file[i]);
	free(pages->part);
	free(pages->file);
	free(pages);
}

struct error *pages_read(const struct pages *pages, uint64_t pfn, void *ret)
{
	if (pages->is_elf)
		return elfcore_read_page(&pages->elf, pfn, ret);
	size_t i = 0;

	while (i + 1 < pages->nr_parts && pfn >= pages->part[i].end_pfn)
		i++;
	struct error *err = kdumpfile_read_page(&pages->part[i], pfn, ret);

	return err && pages->nr_parts > 1 ? error_context(err, "%s", pages->part[i].file->path)
					  : err;
}

struct error *pages_scan(const struct pages *pages, size_t size, memory_visit *visit, void *arg)
{
	uint64_t done = 0, total = 0;
	struct error *err = NULL;

	if (pages->is_elf)
		return elfcore_scan(&pages->elf, visit, arg);
	for (size_t i = 0; i < pages->nr_parts; i++)
		total += pages->part[i].nr_pages;
	for (size_t i = 0; i < pages->nr_parts && !err; i++)
		err = kdumpfile_scan(&pages->part[i], size, visit, arg, &done, total);
	return err;
}

struct error *pages_vmcoreinfo(const struct pages *pages, char **ret)
{
	return pages->is_elf ? elfcore_vmcoreinfo(&pages->elf, ret)
			     : kdumpfile_vmcoreinfo(&pages->part[0], ret);
}

const uint64_t *pages_phys_base(const struct pages *pages)
{
	if (!pages->is_elf)
		return &pages->part[0].phys_base;
	return pages->elf.has_phys_base ? &pages->elf.phys_base : NULL;
}
