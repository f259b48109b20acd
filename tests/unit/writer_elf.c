// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF vmcores. */
#include "tests/unit/writer.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Memory of a PT_LOAD segment: beyond @filesz its bytes are zeros that the file does not have. */
struct segment {
	uint64_t pa, filesz, memsz;
};

/* QEMU has a block of memory below the hole for devices, and one above it. */
#define QEMU_LOW_END	0xa0000UL
#define QEMU_HIGH_START	0x100000UL

/* Bytes of the page up to its last one that is not 0. */
static uint64_t used_bytes(const struct machine *machine, uint64_t page)
{
	const uint8_t *data = machine->bytes + page * MACHINE_PAGE;
	uint64_t used = MACHINE_PAGE;

	while (used && !data[used - 1])
		used--;
	return used;
}

/* How a page joins the segment before it: it goes on there, or it starts a new one. */
static bool joins(const struct writer_format *format, const struct segment *last, uint64_t pa,
		  uint64_t used)
{
	if (!last || last->pa + last->memsz != pa)
		return false;
	if (format->compact || format->excluded)
		return !used || (format->excluded && last->filesz == last->memsz);
	return true;
}

static void add_page(const struct machine *machine, const struct writer_format *format,
		     uint64_t page, struct segment *segments, size_t *nr)
{
	uint64_t pa = page * MACHINE_PAGE, used = used_bytes(machine, page);
	uint64_t filesz = MACHINE_PAGE;

	if (format->compact || (format->excluded && !used))
		filesz = used;
	if (!joins(format, *nr ? &segments[*nr - 1] : NULL, pa, used))
		segments[(*nr)++] = (struct segment){ .pa = pa };
	segments[*nr - 1].filesz += filesz;
	segments[*nr - 1].memsz += MACHINE_PAGE;
}

/* Return: the segments, which the caller frees. */
static struct segment *find_segments(const struct machine *machine,
				     const struct writer_format *format, size_t *ret_nr)
{
	struct segment *segments = calloc(MACHINE_NR_PAGES, sizeof(*segments));

	*ret_nr = 0;
	if (format->qemu) {
		segments[(*ret_nr)++] = (struct segment){ 0, QEMU_LOW_END, QEMU_LOW_END };
		segments[(*ret_nr)++] = (struct segment){
			QEMU_HIGH_START, MACHINE_SIZE - QEMU_HIGH_START,
			MACHINE_SIZE - QEMU_HIGH_START,
		};
		return segments;
	}
	for (uint64_t page = 0; page < MACHINE_NR_PAGES; page++) {
		if (machine->present[page])
			add_page(machine, format, page, segments, ret_nr);
	}
	return segments;
}

/* Section header 0 holds what the ELF header has no room for (ELF gABI, e_phnum). */
static void put_header(struct bytes *file, const struct writer_format *format, size_t nr_headers)
{
	Elf64_Shdr shdr = { .sh_info = nr_headers };
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = nr_headers,
		.e_flags = format->incomplete,
	};

	if (format->xnum) {
		ehdr.e_phnum = PN_XNUM;
		ehdr.e_shoff = sizeof(ehdr) + nr_headers * sizeof(Elf64_Phdr);
		ehdr.e_shentsize = sizeof(shdr);
		ehdr.e_shnum = 1;
		writer_put(file, ehdr.e_shoff, &shdr, sizeof(shdr));
	}
	writer_put(file, 0, &ehdr, sizeof(ehdr));
}

static void put_program_header(struct bytes *file, size_t i, const Elf64_Phdr *phdr)
{
	writer_put(file, sizeof(Elf64_Ehdr) + i * sizeof(*phdr), phdr, sizeof(*phdr));
}

struct bytes writer_elf(const struct machine *machine, const struct writer_format *format)
{
	size_t nr;
	struct segment *segments = find_segments(machine, format, &nr);
	struct bytes file = {}, notes = writer_notes(machine, format);
	/* Headers that say nothing (PT_NULL) come first. */
	size_t skipped = format->xnum ? PN_XNUM : 0, nr_headers = skipped + 1 + nr;
	uint64_t offset = sizeof(Elf64_Ehdr) + nr_headers * sizeof(Elf64_Phdr) +
			  (format->xnum ? sizeof(Elf64_Shdr) : 0);
	Elf64_Phdr phdr = { .p_type = PT_NOTE, .p_offset = offset, .p_filesz = notes.size };

	put_header(&file, format, nr_headers);
	put_program_header(&file, skipped, &phdr);
	writer_put(&file, offset, notes.data, notes.size);
	offset += notes.size;
	for (size_t i = 0; i < nr; i++) {
		const struct segment *segment = &segments[i];

		phdr = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_offset = offset, .p_paddr = segment->pa,
			.p_vaddr = format->qemu ? 0 : machine->direct + segment->pa,
			.p_filesz = segment->filesz, .p_memsz = segment->memsz,
		};
		put_program_header(&file, skipped + 1 + i, &phdr);
		writer_put(&file, offset, machine->bytes + segment->pa, segment->filesz);
		offset += segment->filesz;
	}
	free(segments);
	free(notes.data);
	return file;
}
