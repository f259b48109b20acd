// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/machine.h"

#include <elf.h>
#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define SIZE		(MACHINE_PAGES * MACHINE_PAGE)
#define NR_PAGES	MACHINE_PAGES
#define FIRST_BYTE	(1024 * 1024UL)		/* below it a PC has its BIOS */
#define TEXT_BYTE	(16 * 1024 * 1024UL)	/* where Linux is loaded */

#define NOTE_NAME	"VMCOREINFO"

static bool find_physical(uint64_t va, uint64_t *ret)
{
	*ret = va >= MACHINE_TEXT ? va - MACHINE_TEXT : va - MACHINE_DIRECT;
	return va >= MACHINE_DIRECT && *ret < SIZE;
}

static const struct machine *machine_of(const struct memory *mem)
{
	return (const struct machine *)((const char *)mem - offsetof(struct machine, memory));
}

static struct error *read_memory(const struct memory *mem, enum memory_space space,
				 uint64_t addr, void *ret, size_t size)
{
	const struct machine *machine = machine_of(mem);
	uint64_t pa = addr;

	if (space == MEMORY_VIRTUAL && !find_physical(addr, &pa))
		return error_new("nothing at %#" PRIx64, addr);
	for (uint64_t at = pa; at < pa + size; at = (at | (MACHINE_PAGE - 1)) + 1) {
		if (at >= SIZE || !machine->present[at / MACHINE_PAGE])
			return error_new("nothing at %#" PRIx64, addr);
	}
	memcpy(ret, machine->bytes + pa, size);
	return NULL;
}

static struct error *to_physical(const struct memory *mem, uint64_t va, uint64_t *ret)
{
	(void)mem;
	return find_physical(va, ret) ? NULL : error_new("nothing at %#" PRIx64, va);
}

static struct error *scan(const struct memory *mem, size_t size, memory_visit *visit, void *arg)
{
	const struct machine *machine = machine_of(mem);
	uint64_t done = 0, total = 0;

	(void)size;
	for (uint64_t page = 0; page < NR_PAGES; page++)
		total += machine->present[page];
	for (uint64_t page = 0; page < NR_PAGES; page++) {
		if (machine->present[page])
			visit(arg, page * MACHINE_PAGE, machine->bytes + page * MACHINE_PAGE,
			      ++done, total);
	}
	return NULL;
}

static void *must(void *p)
{
	if (!p)
		err(2, "machine");
	return p;
}

struct machine *machine_create(void)
{
	struct machine *machine = must(calloc(1, sizeof(*machine)));

	machine->memory.read = read_memory;
	machine->memory.to_physical = to_physical;
	machine->memory.scan = scan;
	machine->bytes = must(calloc(1, SIZE));
	machine->present = must(calloc(NR_PAGES, sizeof(bool)));
	machine->vmcoreinfo = must(strdup(""));
	machine->info.text = machine->vmcoreinfo;
	machine->next = FIRST_BYTE;
	machine->next_text = TEXT_BYTE;
	return machine;
}

void machine_destroy(struct machine *machine)
{
	free(machine->bytes);
	free(machine->present);
	free(machine->vmcoreinfo);
	free(machine);
}

static uint64_t take(struct machine *machine, uint64_t *next, uint64_t end, uint64_t size,
		     uint64_t align)
{
	uint64_t at = (*next + align - 1) & ~(align - 1);

	if (at + size > end)
		errx(2, "machine: no memory left");
	*next = at + size;
	for (uint64_t page = at / MACHINE_PAGE; page * MACHINE_PAGE < at + size; page++)
		machine->present[page] = true;
	return at;
}

uint64_t machine_alloc(struct machine *machine, uint64_t size, uint64_t align)
{
	return MACHINE_DIRECT + take(machine, &machine->next, TEXT_BYTE, size, align);
}

uint64_t machine_alloc_text(struct machine *machine, uint64_t size, uint64_t align)
{
	return MACHINE_TEXT + take(machine, &machine->next_text, SIZE, size, align);
}

uint64_t machine_physical(uint64_t va)
{
	uint64_t pa;

	if (!find_physical(va, &pa))
		errx(2, "machine: no memory at %#" PRIx64, va);
	return pa;
}

void machine_poke(struct machine *machine, uint64_t va, const void *data, size_t size)
{
	memcpy(machine->bytes + machine_physical(va), data, size);
}

void machine_poke_u64(struct machine *machine, uint64_t va, uint64_t value)
{
	machine_poke(machine, va, &value, sizeof(value));
}

void machine_poke_u32(struct machine *machine, uint64_t va, uint32_t value)
{
	machine_poke(machine, va, &value, sizeof(value));
}

uint64_t machine_peek_u64(const struct machine *machine, uint64_t va)
{
	uint64_t value;

	memcpy(&value, machine->bytes + machine_physical(va), sizeof(value));
	return value;
}

void machine_drop(struct machine *machine, uint64_t va)
{
	machine->present[machine_physical(va) / MACHINE_PAGE] = false;
}

void machine_info(struct machine *machine, const char *format, ...)
{
	va_list ap;
	char *line, *text;

	va_start(ap, format);
	if (vasprintf(&line, format, ap) < 0 ||
	    asprintf(&text, "%s%s\n", machine->vmcoreinfo, line) < 0)
		err(2, "machine");
	va_end(ap);
	free(line);
	free(machine->vmcoreinfo);
	machine->vmcoreinfo = text;
	machine->info.text = text;
}

/*
 * One gigabyte page at MACHINE_DIRECT and one at MACHINE_TEXT, both of the
 * first gigabyte of memory.
 */
static uint64_t build_page_tables(struct machine *machine)
{
	const uint64_t present = 0x63, large = 0xe3;	/* P W A D, and PS */
	uint64_t pgd = machine_alloc_text(machine, MACHINE_PAGE, MACHINE_PAGE);
	const uint64_t maps[] = { MACHINE_DIRECT, MACHINE_TEXT };

	for (size_t i = 0; i < 2; i++) {
		uint64_t pud = machine_alloc(machine, MACHINE_PAGE, MACHINE_PAGE);

		machine_poke_u64(machine, pgd + (maps[i] >> 39 & 511) * 8,
				 machine_physical(pud) | present);
		machine_poke_u64(machine, pud + (maps[i] >> 30 & 511) * 8, large);
	}
	return pgd;
}

/* libkdumpfile takes a name with an empty part for none. */
static struct utsname make_uts(const char *release)
{
	struct utsname uts = {
		.sysname = "Linux", .nodename = "host", .version = "#1 SMP", .machine = "x86_64",
	};

	snprintf(uts.release, sizeof(uts.release), "%s", release);
	return uts;
}

void machine_boot(struct machine *machine, const char *release)
{
	struct utsname uts = make_uts(release);
	uint64_t uts_ns = machine_alloc_text(machine, sizeof(uts) + 8, 8);
	uint64_t pgd = build_page_tables(machine);

	machine_poke(machine, uts_ns + 4, &uts, sizeof(uts));
	machine_info(machine, "OSRELEASE=%s", release);
	machine_info(machine, "PAGESIZE=%d", MACHINE_PAGE);
	machine_info(machine, "SYMBOL(init_uts_ns)=%" PRIx64, uts_ns);
	machine_info(machine, "OFFSET(uts_namespace.name)=4");
	machine_info(machine, "SYMBOL(swapper_pg_dir)=%" PRIx64, pgd);
	machine_info(machine, "SYMBOL(init_top_pgt)=%" PRIx64, pgd);
	machine_info(machine, "NUMBER(phys_base)=0");
	machine_info(machine, "NUMBER(pgtable_l5_enabled)=0");
}

/* The note that holds vmcoreinfo. Return: its size; *@ret is the caller's. */
static size_t make_note(const struct machine *machine, uint8_t **ret)
{
	size_t text = strlen(machine->vmcoreinfo);
	size_t name = (sizeof(NOTE_NAME) + 3) & ~3UL;
	size_t size = sizeof(Elf64_Nhdr) + name + ((text + 3) & ~3UL);
	Elf64_Nhdr nhdr = { .n_namesz = sizeof(NOTE_NAME), .n_descsz = text };
	uint8_t *note = must(calloc(1, size));

	memcpy(note, &nhdr, sizeof(nhdr));
	memcpy(note + sizeof(nhdr), NOTE_NAME, sizeof(NOTE_NAME));
	memcpy(note + sizeof(nhdr) + name, machine->vmcoreinfo, text);
	*ret = note;
	return size;
}

static void put(FILE *out, const void *data, size_t size)
{
	if (fwrite(data, 1, size, out) != size)
		err(2, "machine: dump");
}

static FILE *create(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		err(2, "%s", path);
	return out;
}

static void close_file(FILE *out, const char *path)
{
	if (fclose(out))
		err(2, "%s", path);
}

/* Pages from *@page on that are all there. Return: how many, 0 after the last run. */
static uint64_t next_run(const struct machine *machine, uint64_t *page)
{
	uint64_t nr = 0;

	while (*page < NR_PAGES && !machine->present[*page])
		++*page;
	while (*page + nr < NR_PAGES && machine->present[*page + nr])
		nr++;
	return nr;
}

void machine_write_elf(const struct machine *machine, const char *path,
		       enum machine_fault fault)
{
	FILE *out = create(path);
	uint8_t *note;
	size_t note_size = make_note(machine, &note);
	size_t nr_loads = 0;

	for (uint64_t page = 0, nr; (nr = next_run(machine, &page)); page += nr)
		nr_loads++;
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 + nr_loads,
		.e_flags = fault == MACHINE_INCOMPLETE,
	};
	uint64_t offset = sizeof(ehdr) + ehdr.e_phnum * sizeof(Elf64_Phdr);
	Elf64_Phdr phdr = { .p_type = PT_NOTE, .p_offset = offset, .p_filesz = note_size };

	put(out, &ehdr, sizeof(ehdr));
	put(out, &phdr, sizeof(phdr));
	offset += note_size;
	for (uint64_t page = 0, nr; (nr = next_run(machine, &page)); page += nr) {
		phdr = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_offset = offset,
			.p_paddr = page * MACHINE_PAGE,
			.p_vaddr = MACHINE_DIRECT + page * MACHINE_PAGE,
			.p_filesz = nr * MACHINE_PAGE, .p_memsz = nr * MACHINE_PAGE,
		};
		put(out, &phdr, sizeof(phdr));
		offset += nr * MACHINE_PAGE;
	}
	put(out, note, note_size);
	for (uint64_t page = 0, nr; (nr = next_run(machine, &page)); page += nr)
		put(out, machine->bytes + page * MACHINE_PAGE, nr * MACHINE_PAGE);
	free(note);
	close_file(out, path);
}

/* As in makedumpfile's diskdump_mod.h, header_version 6. */
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

static void put_block(FILE *out, const void *data, size_t size)
{
	static const uint8_t zero[MACHINE_PAGE];

	put(out, data, size);
	if (size % MACHINE_PAGE)
		put(out, zero, MACHINE_PAGE - size % MACHINE_PAGE);
}

void machine_write_kdump(const struct machine *machine, const char *path,
			 enum machine_fault fault)
{
	uint8_t bitmap[NR_PAGES / 8] = {};
	uint64_t nr = 0;

	for (uint64_t page = 0; page < NR_PAGES; page++) {
		bitmap[page / 8] |= machine->present[page] << page % 8;
		nr += machine->present[page];
	}
	uint8_t *note;
	uint64_t note_size = make_note(machine, &note);
	uint64_t note_blocks = (note_size + MACHINE_PAGE - 1) / MACHINE_PAGE;
	uint64_t bitmap_blocks = (sizeof(bitmap) + MACHINE_PAGE - 1) / MACHINE_PAGE;
	struct kdump_header header = {
		.signature = "KDUMP   ", .header_version = 6,
		.utsname = make_uts("6.1.0-test"),
		.status = fault == MACHINE_INCOMPLETE ? 8 : 0,
		.block_size = MACHINE_PAGE, .sub_hdr_size = 1 + note_blocks,
		.bitmap_blocks = 2 * bitmap_blocks, .max_mapnr = NR_PAGES,
	};
	struct kdump_sub_header sub = {
		.dump_level = 31, .offset_note = 2 * MACHINE_PAGE, .size_note = note_size,
		.max_mapnr_64 = NR_PAGES,
	};
	FILE *out = create(path);

	put_block(out, &header, sizeof(header));
	put_block(out, &sub, sizeof(sub));
	put_block(out, note, note_size);
	put_block(out, bitmap, sizeof(bitmap));
	put_block(out, bitmap, sizeof(bitmap));
	uint64_t data = ftell(out) + nr * sizeof(struct kdump_page_desc);

	for (uint64_t i = 0; i < nr; i++) {
		struct kdump_page_desc desc = { .offset = data + i * MACHINE_PAGE,
						.size = MACHINE_PAGE };

		put(out, &desc, sizeof(desc));
	}
	for (uint64_t page = 0; page < NR_PAGES; page++) {
		if (machine->present[page])
			put(out, machine->bytes + page * MACHINE_PAGE, MACHINE_PAGE);
	}
	free(note);
	close_file(out, path);
}
