// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/dump.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/notes.h"
#include "analyze/page_table.h"
#include "analyze/pages.h"

/*
 * An analysis comes back to some hundred pages, and to thousands on hosts with
 * many VMs; 4 MiB of them are kept, each in the one place that its number gives it.
 */
#define CACHED_PAGES		1024
#define CACHED_TRANSLATIONS	4096

/* Never the number of a page */
#define NO_PFN			UINT64_MAX

/* vmcoreinfo is a page, in newer kernels maybe more. */
#define MAX_NOTE_TEXT		(16 * DUMPFILE_PAGE)
/* The first line of vmcoreinfo */
#define VMCOREINFO_START	"OSRELEASE="

struct dump_reader {
	struct pages *pages;
	char *vmcoreinfo;
	struct page_table page_table;
	uint64_t cached[CACHED_PAGES];
	uint8_t *data[CACHED_PAGES];	/* each made when it is needed first */
	struct {
		uint64_t virtual, physical;	/* numbers of pages */
	} translated[CACHED_TRANSLATIONS];
};

static const struct dump *dump_of(const struct memory *mem)
{
	return (const struct dump *)((const char *)mem - offsetof(struct dump, memory));
}

static struct error *read_cached(struct dump_reader *reader, uint64_t pfn, const uint8_t **ret)
{
	size_t slot = pfn % CACHED_PAGES;

	if (!reader->data[slot])
		reader->data[slot] = malloc(DUMPFILE_PAGE);
	*ret = reader->data[slot];
	if (!*ret)
		return &error_no_memory;
	if (reader->cached[slot] == pfn)
		return NULL;
	reader->cached[slot] = NO_PFN;
	struct error *err = pages_read(reader->pages, pfn, reader->data[slot]);

	if (!err)
		reader->cached[slot] = pfn;
	return err;
}

/* @size bytes at physical address @pa, within a page. */
static struct error *read_in_page(struct dump_reader *reader, uint64_t pa, void *ret, size_t size)
{
	const uint8_t *data;

	/* Who reads whole pages reads a lot of them, once. */
	if (size == DUMPFILE_PAGE)
		return pages_read(reader->pages, pa / DUMPFILE_PAGE, ret);
	struct error *err = read_cached(reader, pa / DUMPFILE_PAGE, &data);

	if (!err)
		memcpy(ret, data + pa % DUMPFILE_PAGE, size);
	return err;
}

static struct error *translate(const struct memory *mem, uint64_t va, uint64_t *ret)
{
	struct dump_reader *reader = dump_of(mem)->reader;
	uint64_t number = va / DUMPFILE_PAGE;
	size_t slot = number % CACHED_TRANSLATIONS;

	if (reader->translated[slot].virtual != number) {
		uint64_t pa;
		struct error *err = page_table_translate(&reader->page_table, mem, va, &pa);

		if (err)
			return err;
		reader->translated[slot].virtual = number;
		reader->translated[slot].physical = pa / DUMPFILE_PAGE;
	}
	*ret = reader->translated[slot].physical * DUMPFILE_PAGE + va % DUMPFILE_PAGE;
	return NULL;
}

static struct error *dump_read(const struct memory *mem, enum memory_space space,
			       uint64_t addr, void *ret, size_t size)
{
	for (size_t done = 0; done < size;) {
		uint64_t at = addr + done, pa = at;
		size_t chunk = DUMPFILE_PAGE - at % DUMPFILE_PAGE;

		if (chunk > size - done)
			chunk = size - done;
		struct error *err = space == MEMORY_VIRTUAL ? translate(mem, at, &pa) : NULL;

		if (!err)
			err = read_in_page(dump_of(mem)->reader, pa, (char *)ret + done, chunk);
		if (err)
			return error_context(err, "cannot read %zu bytes at %s address %#" PRIx64,
					     size, space == MEMORY_PHYSICAL ? "physical" : "virtual",
					     addr);
		done += chunk;
	}
	return NULL;
}

static struct error *dump_scan(const struct memory *mem, size_t size, memory_visit *visit,
			       void *arg)
{
	return pages_scan(dump_of(mem)->reader->pages, size, visit, arg);
}

/* The kernel keeps vmcoreinfo as a note, ready for the dump, at the start of a page. */
struct note_start {
	Elf64_Nhdr header;
	char name[12];
	char text[sizeof(VMCOREINFO_START) - 1];
};

/* Guests have notes of their own, and memory may have some from before a reboot. */
#define MAX_FOUND_NOTES		64

struct note_search {
	struct {
		uint64_t text;	/* its physical address */
		uint32_t size;	/* of the text, in bytes */
	} note[MAX_FOUND_NOTES];
	size_t nr;
};

static void look_for_note(void *arg, uint64_t pa, const void *data, uint64_t done,
			  uint64_t total)
{
	struct note_search *search = arg;
	struct note_start note;

	(void)done;
	(void)total;
	/* Pages of a file need not be aligned. */
	memcpy(&note, data, sizeof(note));
	if (search->nr == MAX_FOUND_NOTES || note.header.n_descsz > MAX_NOTE_TEXT ||
	    note.header.n_namesz != sizeof(NOTE_VMCOREINFO) ||
	    memcmp(note.name, NOTE_VMCOREINFO, sizeof(NOTE_VMCOREINFO)) ||
	    memcmp(note.text, VMCOREINFO_START, sizeof(note.text)))
		return;
	search->note[search->nr].text = pa + offsetof(struct note_start, text);
	search->note[search->nr++].size = note.header.n_descsz;
}

/* Whether @text is about the kernel whose memory this is. */
static bool is_own(struct dump *dump, const char *text)
{
	const struct vmcoreinfo info = { .text = text };
	struct page_table table;
	struct error *err = page_table_init(&info, pages_phys_base(dump->reader->pages), &table);
	bool own = !err && page_table_is_consistent(&table, &dump->memory);

	error_free(err);
	return own;
}

/* Take @text, which is from malloc(), for vmcoreinfo if it can be; there may be one only. */
static struct error *take_note(struct dump *dump, char *text)
{
	struct dump_reader *reader = dump->reader;

	if (!is_own(dump, text) || (reader->vmcoreinfo && !strcmp(reader->vmcoreinfo, text))) {
		free(text);
		return NULL;
	}
	if (reader->vmcoreinfo) {
		free(text);
		return error_new("no vmcoreinfo among the dump's notes, and more than one in its memory: take it with kdump, or give QEMU -device vmcoreinfo");
	}
	reader->vmcoreinfo = text;
	return NULL;
}

/* For dumps that QEMU took without being told where vmcoreinfo is. */
static struct error *search_vmcoreinfo(struct dump *dump)
{
	struct note_search search = {};
	struct error *err = pages_scan(dump->reader->pages, sizeof(struct note_start),
				       look_for_note, &search);

	for (size_t i = 0; i < search.nr && !err; i++) {
		char *text = calloc(1, search.note[i].size + 1);

		if (!text)
			return &error_no_memory;
		err = dump_read(&dump->memory, MEMORY_PHYSICAL, search.note[i].text, text,
				search.note[i].size);
		if (err)
			free(text);
		else
			err = take_note(dump, text);
	}
	if (err)
		return error_context(err, "search for vmcoreinfo");
	if (!dump->reader->vmcoreinfo)
		return error_new("no vmcoreinfo in the dump: take it with kdump, or give QEMU -device vmcoreinfo");
	dump->info_found = true;
	return NULL;
}

static struct error *find_kernel(struct dump *dump)
{
	struct dump_reader *reader = dump->reader;
	struct error *err = pages_vmcoreinfo(reader->pages, &reader->vmcoreinfo);

	if (!err && (!reader->vmcoreinfo || !*reader->vmcoreinfo)) {
		free(reader->vmcoreinfo);
		reader->vmcoreinfo = NULL;
		err = search_vmcoreinfo(dump);
	}
	if (err)
		return err;
	dump->info.text = reader->vmcoreinfo;
	return page_table_init(&dump->info, pages_phys_base(reader->pages), &reader->page_table);
}

static struct error *reader_create(struct dump_reader **ret)
{
	struct dump_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return &error_no_memory;
	memset(reader->cached, 0xff, sizeof(reader->cached));
	memset(reader->translated, 0xff, sizeof(reader->translated));
	*ret = reader;
	return NULL;
}

struct error *dump_open(char *const *path, size_t nr, struct dump **ret)
{
	_cleanup_dump_ struct dump *dump = calloc(1, sizeof(*dump));

	if (!dump)
		return &error_no_memory;
	dump->memory = (struct memory){
		.read = dump_read, .to_physical = translate, .scan = dump_scan,
	};
	struct error *err = reader_create(&dump->reader);

	if (!err)
		err = pages_open(path, nr, &dump->file, &dump->reader->pages);
	if (err)
		return err;
	err = find_kernel(dump);
	if (err && dump->file.incomplete)
		return error_context(err, "%s: it is not all there (%s)", path[0], dump->file.why);
	if (err)
		return error_context(err, "%s", path[0]);
	*ret = no_cleanup_ptr(dump);
	return NULL;
}

void dump_close(struct dump *dump)
{
	if (!dump)
		return;
	struct dump_reader *reader = dump->reader;

	if (reader) {
		pages_close(reader->pages);
		free(reader->vmcoreinfo);
		for (size_t i = 0; i < CACHED_PAGES; i++)
			free(reader->data[i]);
		free(reader);
	}
	free(dump);
}
