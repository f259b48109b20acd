// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/machine.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/unit/paging.h"

/* Physical memory: a BIOS, what is allocated, kernel image, page tables, vmalloc() area, modules */
#define FIRST_BYTE	0x103000UL
#define TEXT_BYTE	(16UL << 20)	/* where Linux is linked to be loaded */
#define MOVED_TEXT_BYTE	(18UL << 20)	/* where it is with KASLR */
#define TEXT_SIZE	(8UL << 20)
#define TABLES_BYTE	(26UL << 20)
#define VMALLOC_BYTE	(28UL << 20)
#define VMALLOC_SIZE	(2UL << 20)
#define MODULES_BYTE	(30UL << 20)
#define MODULES_SIZE	(MACHINE_SIZE - MODULES_BYTE)

/* Documentation/arch/x86/x86_64/mm.rst; KASLR moves the direct map too, by gigabytes. */
#define DIRECT_4	0xffff888000000000ULL
#define DIRECT_5	0xff11000000000000ULL
#define DIRECT_MOVE	(0x1dULL << PAGING_SHIFT_1G)
#define VMALLOC_4	0xffffc90000000000ULL
#define VMALLOC_5	0xffa0000000000000ULL
#define MODULES		0xffffffffc0000000ULL

static uint64_t text_start(const struct machine *machine)
{
	return MACHINE_TEXT + TEXT_BYTE + machine->kaslr;
}

static uint64_t vmalloc_start(const struct machine *machine)
{
	return machine->levels == 5 ? VMALLOC_5 : VMALLOC_4;
}

/* Modules fill their pages from the last one of memory downwards. */
static uint64_t module_page(uint64_t nr)
{
	return MACHINE_SIZE - (nr + 1) * MACHINE_PAGE;
}

static bool find_physical(const struct machine *machine, uint64_t va, uint64_t *ret)
{
	uint64_t text = va - text_start(machine), vmalloc = va - vmalloc_start(machine);
	uint64_t module = va - MODULES;

	*ret = va - machine->direct;
	if (*ret < MACHINE_SIZE)
		return true;
	if (module < MODULES_SIZE)
		*ret = module_page(module / MACHINE_PAGE) + module % MACHINE_PAGE;
	else if (text < TEXT_SIZE)
		*ret = machine->text_pa + text;
	else if (vmalloc < VMALLOC_SIZE)
		*ret = VMALLOC_BYTE + vmalloc;
	else
		return false;
	return true;
}

static const struct machine *machine_of(const struct memory *mem)
{
	return (const struct machine *)((const char *)mem - offsetof(struct machine, memory));
}

/* Return: how many of @size bytes at @addr are in its page, *@ret where; 0 for nothing there. */
static size_t find_piece(const struct machine *machine, enum memory_space space, uint64_t addr,
			 size_t size, uint64_t *ret)
{
	size_t piece = MACHINE_PAGE - addr % MACHINE_PAGE;

	*ret = addr;
	if (space == MEMORY_VIRTUAL && !find_physical(machine, addr, ret))
		return 0;
	if (*ret >= MACHINE_SIZE || !machine->present[*ret / MACHINE_PAGE])
		return 0;
	return piece < size ? piece : size;
}

static struct error *read_memory(const struct memory *mem, enum memory_space space,
				 uint64_t addr, void *ret, size_t size)
{
	const struct machine *machine = machine_of(mem);
	uint64_t pa;

	for (size_t done = 0, piece; done < size; done += piece) {
		piece = find_piece(machine, space, addr + done, size - done, &pa);
		if (!piece)
			return error_new("nothing at %#" PRIx64, addr + done);
		memcpy((char *)ret + done, machine->bytes + pa, piece);
	}
	return NULL;
}

static struct error *to_physical(const struct memory *mem, uint64_t va, uint64_t *ret)
{
	return find_physical(machine_of(mem), va, ret) ? NULL
						       : error_new("nothing at %#" PRIx64, va);
}

static struct error *scan(const struct memory *mem, size_t size, memory_visit *visit, void *arg)
{
	const struct machine *machine = machine_of(mem);
	uint64_t done = 0, total = 0;

	(void)size;
	for (uint64_t page = 0; page < MACHINE_NR_PAGES; page++)
		total += machine->present[page];
	for (uint64_t page = 0; page < MACHINE_NR_PAGES; page++) {
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
	machine->bytes = must(calloc(1, MACHINE_SIZE));
	machine->present = must(calloc(MACHINE_NR_PAGES, sizeof(bool)));
	machine->vmcoreinfo = must(strdup(""));
	machine->info.text = machine->vmcoreinfo;
	machine->levels = 4;
	machine->direct = DIRECT_4;
	machine->text_pa = machine->next_text = TEXT_BYTE;
	machine->next = FIRST_BYTE;
	machine->next_table = TABLES_BYTE;
	return machine;
}

void machine_destroy(struct machine *machine)
{
	free(machine->bytes);
	free(machine->present);
	free(machine->vmcoreinfo);
	free(machine);
}

static void place(struct machine *machine)
{
	machine->direct = (machine->levels == 5 ? DIRECT_5 : DIRECT_4) +
			  (machine->kaslr ? DIRECT_MOVE : 0);
	machine->text_pa = machine->next_text = machine->kaslr ? MOVED_TEXT_BYTE : TEXT_BYTE;
}

void machine_set_levels(struct machine *machine, unsigned int levels)
{
	machine->levels = levels;
	place(machine);
}

void machine_set_kaslr(struct machine *machine, uint64_t kaslr)
{
	machine->kaslr = kaslr;
	place(machine);
}

/* Return: @size bytes at *@next, aligned, which then lies behind them and not beyond @end. */
static uint64_t take(uint64_t *next, uint64_t end, uint64_t size, uint64_t align)
{
	uint64_t at = (*next + align - 1) & ~(align - 1);

	if (at + size > end)
		errx(2, "machine: no memory left");
	*next = at + size;
	return at;
}

static void add_pages(struct machine *machine, uint64_t pa, uint64_t size)
{
	for (uint64_t page = pa / MACHINE_PAGE; page * MACHINE_PAGE < pa + size; page++)
		machine->present[page] = true;
}

uint64_t machine_alloc(struct machine *machine, uint64_t size, uint64_t align)
{
	uint64_t at = take(&machine->next, TEXT_BYTE, size, align);

	add_pages(machine, at, size);
	return machine->direct + at;
}

uint64_t machine_alloc_text(struct machine *machine, uint64_t size, uint64_t align)
{
	uint64_t at = take(&machine->next_text, machine->text_pa + TEXT_SIZE, size, align);

	add_pages(machine, at, size);
	return text_start(machine) + at - machine->text_pa;
}

uint64_t machine_alloc_module(struct machine *machine, uint64_t size, uint64_t align)
{
	uint64_t at = take(&machine->next_module, MODULES_SIZE, size, align);

	for (uint64_t page = at / MACHINE_PAGE; page * MACHINE_PAGE < at + size; page++) {
		add_pages(machine, module_page(page), 1);
		paging_map(machine, MODULES + page * MACHINE_PAGE, module_page(page),
			   PAGING_SHIFT_4K);
	}
	return MODULES + at;
}

uint64_t machine_alloc_vmalloc(struct machine *machine, uint64_t size, uint64_t align)
{
	uint64_t at = take(&machine->next_vmalloc, VMALLOC_SIZE, size, align);

	add_pages(machine, VMALLOC_BYTE + at, size);
	paging_map(machine, vmalloc_start(machine), VMALLOC_BYTE, PAGING_SHIFT_2M);
	return vmalloc_start(machine) + at;
}

uint64_t machine_alloc_table(struct machine *machine)
{
	uint64_t at = take(&machine->next_table, VMALLOC_BYTE, MACHINE_PAGE, MACHINE_PAGE);

	add_pages(machine, at, MACHINE_PAGE);
	return at;
}

uint64_t machine_physical(const struct machine *machine, uint64_t va)
{
	uint64_t pa;

	if (!find_physical(machine, va, &pa))
		errx(2, "machine: no memory at %#" PRIx64, va);
	return pa;
}

void machine_poke(struct machine *machine, uint64_t va, const void *data, size_t size)
{
	for (size_t done = 0, piece; done < size; done += piece) {
		uint64_t pa = machine_physical(machine, va + done);

		piece = MACHINE_PAGE - pa % MACHINE_PAGE;
		if (piece > size - done)
			piece = size - done;
		memcpy(machine->bytes + pa, (const char *)data + done, piece);
	}
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

	memcpy(&value, machine->bytes + machine_physical(machine, va), sizeof(value));
	return value;
}

void machine_drop(struct machine *machine, uint64_t va)
{
	machine->present[machine_physical(machine, va) / MACHINE_PAGE] = false;
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

/* Return: the virtual address of the top page table, as the kernel image has it. */
static uint64_t build_page_tables(struct machine *machine)
{
	uint64_t pgd = machine_alloc_text(machine, MACHINE_PAGE, MACHINE_PAGE);

	machine->pgd = machine_physical(machine, pgd);
	paging_map(machine, machine->direct, 0, PAGING_SHIFT_1G);
	for (uint64_t at = 0; at < TEXT_SIZE; at += 1UL << PAGING_SHIFT_2M)
		paging_map(machine, text_start(machine) + at, machine->text_pa + at,
			   PAGING_SHIFT_2M);
	return pgd;
}

void machine_boot(struct machine *machine, const char *release)
{
	/* libkdumpfile takes a name with an empty part for none. */
	struct utsname uts = {
		.sysname = "Linux", .nodename = "host", .version = "#1 SMP", .machine = "x86_64",
	};
	uint64_t uts_ns = machine_alloc_text(machine, sizeof(uts) + 8, 8);
	uint64_t pgd = build_page_tables(machine);

	snprintf(uts.release, sizeof(uts.release), "%s", release);
	machine_poke(machine, uts_ns + 4, &uts, sizeof(uts));
	machine_info(machine, "OSRELEASE=%s", release);
	machine_info(machine, "PAGESIZE=%d", MACHINE_PAGE);
	machine_info(machine, "SYMBOL(init_uts_ns)=%" PRIx64, uts_ns);
	machine_info(machine, "OFFSET(uts_namespace.name)=4");
	machine_info(machine, "SYMBOL(swapper_pg_dir)=%" PRIx64, pgd);
	machine_info(machine, "SYMBOL(init_top_pgt)=%" PRIx64, pgd);
	machine_info(machine, "NUMBER(phys_base)=%" PRId64,
		     (int64_t)(machine->text_pa - TEXT_BYTE - machine->kaslr));
	machine_info(machine, "NUMBER(pgtable_l5_enabled)=%d", machine->levels == 5);
	machine_info(machine, "KERNELOFFSET=%" PRIx64, machine->kaslr);
}
