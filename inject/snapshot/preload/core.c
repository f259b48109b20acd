// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/snapshot/preload/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/snapshot/preload/emulator.h"
#include "inject/snapshot/protocol.h"

#define PAGE		SNAPSHOT_PAGE_SIZE
/* A segment of memory a hole in it, notes of each CPU: far above any target. */
#define MAX_HEADERS	1024
#define MAX_NOTES	(1 << 20)
#define MAX_COMMAND_LINE 4096

/* Of struct boot_params, Documentation/x86/boot.rst and zero-page.rst. */
#define EXT_CMD_LINE_PTR 0x0c8
#define CMD_LINE_PTR	0x228

struct core {
	int fd;
	Elf64_Ehdr header;
	Elf64_Phdr from[MAX_HEADERS];	/* as the kernel prepared them */
	Elf64_Phdr to[1 + MAX_HEADERS];
	unsigned char notes[MAX_NOTES];
	size_t notes_size;
};

static struct error *write_at(int fd, const void *data, size_t length, uint64_t offset)
{
	while (length) {
		ssize_t written = pwrite(fd, data, length, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return error_errno(errno, "dump: cannot write");
		data = (const char *)data + written;
		offset += written;
		length -= written;
	}
	return NULL;
}

/* The crash kernel is told by elfcorehdr=[size@]address, both with K, M or G. */
static struct error *find_header(uint64_t boot_params, uint64_t *ret)
{
	uint32_t low, high;
	char line[MAX_COMMAND_LINE + 1] = "";
	struct error *err = guest_read(boot_params + CMD_LINE_PTR, &low, sizeof(low));

	if (!err)
		err = guest_read(boot_params + EXT_CMD_LINE_PTR, &high, sizeof(high));
	if (!err)
		err = guest_read((uint64_t)high << 32 | low, line, MAX_COMMAND_LINE);
	if (err)
		return error_context(err, "crash kernel: command line");
	char *value = strstr(line, "elfcorehdr=");

	if (!value)
		return error_new("crash kernel: its command line has no elfcorehdr=");
	value += strlen("elfcorehdr=");
	if (value[strcspn(value, " @")] == '@')
		value = strchr(value, '@') + 1;
	char *unit;

	*ret = strtoull(value, &unit, 0);
	*ret <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
	return NULL;
}

static struct error *read_headers(struct core *core, uint64_t boot_params)
{
	uint64_t addr;
	struct error *err = find_header(boot_params, &addr);

	if (!err)
		err = guest_read(addr, &core->header, sizeof(core->header));
	if (err)
		return err;
	const Elf64_Ehdr *header = &core->header;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_type != ET_CORE ||
	    header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > MAX_HEADERS)
		return error_new("crash kernel: no ELF core header at elfcorehdr=0x%llx",
				 (unsigned long long)addr);
	return guest_read(addr + header->e_phoff, core->from,
			  header->e_phnum * sizeof(Elf64_Phdr));
}

/* A note segment is room for notes; the first header of zeroes ends them. */
static struct error *add_notes(struct core *core, const Elf64_Phdr *segment)
{
	uint64_t left = segment->p_memsz, pa = segment->p_offset;

	for (;;) {
		Elf64_Nhdr note;

		if (left < sizeof(note))
			return NULL;
		struct error *err = guest_read(pa, &note, sizeof(note));

		if (err)
			return error_context(err, "crash notes");
		if (!note.n_namesz && !note.n_descsz)
			return NULL;
		uint64_t size = sizeof(note) + roundup((uint64_t)note.n_namesz, 4) +
				roundup((uint64_t)note.n_descsz, 4);

		if (size > left || size > MAX_NOTES - core->notes_size)
			return error_new("crash notes: a note of %llu bytes at 0x%llx does not fit",
					 (unsigned long long)size, (unsigned long long)pa);
		err = guest_read(pa, core->notes + core->notes_size, size);
		if (err)
			return error_context(err, "crash notes");
		core->notes_size += size;
		pa += size;
		left -= size;
	}
}

static struct error *collect_notes(struct core *core)
{
	for (size_t i = 0; i < core->header.e_phnum; i++) {
		if (core->from[i].p_type != PT_NOTE)
			continue;
		struct error *err = add_notes(core, &core->from[i]);

		if (err)
			return err;
	}
	return NULL;
}

/* Which pages of this process were ever touched; the rest are zeroes. */
struct residence {
	int pagemap;
	uintptr_t first;	/* page number of entry 0 */
	size_t nr;
	uint64_t entry[512];
};

/* Reading an untouched page would map it. Return: it may hold something. */
static bool is_resident(struct residence *residence, const unsigned char *page)
{
	uintptr_t number = (uintptr_t)page / PAGE;

	if (number - residence->first >= residence->nr) {
		ssize_t size = pread(residence->pagemap, residence->entry, sizeof(residence->entry),
				     number * sizeof(uint64_t));

		residence->first = number;
		residence->nr = size > 0 ? size / sizeof(uint64_t) : 0;
	}
	/* Present or swapped out: Documentation/admin-guide/mm/pagemap.rst */
	return !residence->nr || residence->entry[number - residence->first] >> 62;
}

static bool is_zero(const unsigned char *page)
{
	const uint64_t *word = (const uint64_t *)page;

	for (size_t i = 0; i < PAGE / sizeof(*word); i += 4)
		if (word[i] | word[i + 1] | word[i + 2] | word[i + 3])
			return false;
	return true;
}

/* A stretch of guest memory that lies together here, too, still to be written. */
struct stretch {
	const unsigned char *data;
	size_t length;
	uint64_t offset;
};

static struct error *flush_stretch(struct core *core, struct stretch *stretch)
{
	struct error *err = write_at(core->fd, stretch->data, stretch->length, stretch->offset);

	stretch->length = 0;
	return err;
}

/* Zeroes stay holes of the file. */
static struct error *write_segment(struct core *core, struct residence *residence,
				   const Elf64_Phdr *from, uint64_t offset)
{
	struct stretch stretch = {};

	for (uint64_t done = 0; done < from->p_memsz;) {
		uint64_t pa = from->p_offset + done;
		size_t part = MIN(PAGE - pa % PAGE, from->p_memsz - done);
		const unsigned char *page = guest_page(pa);

		if (!page)
			return error_new("guest memory: no page at 0x%llx, which is in the dump",
					 (unsigned long long)pa);
		bool empty = !is_resident(residence, page) || is_zero(page);
		const unsigned char *data = page + pa % PAGE;

		if (stretch.length && (empty || data != stretch.data + stretch.length)) {
			struct error *err = flush_stretch(core, &stretch);

			if (err)
				return err;
		}
		if (!empty && !stretch.length)
			stretch = (struct stretch){ .data = data, .offset = offset + done };
		if (!empty)
			stretch.length += part;
		done += part;
	}
	return flush_stretch(core, &stretch);
}

/* One note segment in place of those that there were, then memory. */
static struct error *write_segments(struct core *core)
{
	_cleanup_close_ int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct residence residence = { .pagemap = pagemap };
	uint64_t end = roundup(sizeof(core->header) + sizeof(core->to), PAGE);
	size_t nr = 0;

	core->to[nr++] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = end,
				       .p_filesz = core->notes_size,
				       .p_memsz = core->notes_size };
	struct error *err = write_at(core->fd, core->notes, core->notes_size, end);

	end += roundup(core->notes_size, PAGE);
	for (size_t i = 0; !err && i < core->header.e_phnum; i++) {
		const Elf64_Phdr *from = &core->from[i];

		if (from->p_type != PT_LOAD)
			continue;
		/* Room to begin anywhere in a page, as memory does */
		uint64_t offset = end + from->p_paddr % PAGE;

		core->to[nr] = *from;
		core->to[nr].p_filesz = from->p_memsz;
		core->to[nr++].p_offset = offset;
		err = write_segment(core, &residence, from, offset);
		end = roundup(offset + from->p_memsz, PAGE);
	}
	if (!err && ftruncate(core->fd, end))
		err = error_errno(errno, "dump: cannot set its size");
	core->header.e_phnum = nr;
	return err;
}

struct error *core_write(uint64_t boot_params, int fd)
{
	_cleanup_free_ struct core *core = calloc(1, sizeof(*core));

	if (!core)
		return &error_no_memory;
	core->fd = fd;
	struct error *err = read_headers(core, boot_params);

	if (!err)
		err = collect_notes(core);
	if (!err)
		err = write_segments(core);
	if (err)
		return err;
	core->header.e_phoff = sizeof(core->header);
	err = write_at(fd, core->to, core->header.e_phnum * sizeof(Elf64_Phdr),
		       sizeof(core->header));
	/* The header comes last: a file without it is no dump. */
	return err ? err : write_at(fd, &core->header, sizeof(core->header), 0);
}

struct error *core_write_chunk(uint64_t pa, int fd)
{
	struct snapshot_chunk chunk;
	struct error *err = guest_read(pa, &chunk, sizeof(chunk));

	if (err)
		return err;
	if (chunk.magic != SNAPSHOT_CHUNK_MAGIC || chunk.nr_pages > SNAPSHOT_CHUNK_PAGES ||
	    chunk.length > chunk.nr_pages * PAGE)
		return error_new("dump: the capture kernel's pages cannot be understood");
	for (size_t i = 0; !err && i * PAGE < chunk.length; i++) {
		unsigned char *page = guest_page(chunk.page[i] * PAGE);

		if (!page)
			return error_new("dump: the capture kernel names memory that is not there");
		err = write_at(fd, page, MIN((uint64_t)PAGE, chunk.length - i * PAGE),
			       chunk.offset + i * PAGE);
	}
	return err;
}
