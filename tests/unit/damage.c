// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/damage.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <elf.h>
#include <endian.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a field is in. */
enum place {
	IN_FILE,	/* at a fixed offset */
	IN_PHDR,	/* program headers of an ELF file, from 0 on */
	IN_NOTE,	/* the note VMCOREINFO */
	IN_BITMAP,	/* second bitmap of a kdump file, its bytes */
	IN_DESC,	/* page descriptors of a kdump file */
	IN_DATA,	/* data of a page in a kdump file */
	IN_RECORD,	/* records of a flattened file; big endian */
};

static const struct field {
	const char *name;
	enum place place;
	uint32_t offset, size;
} fields[] = {
	{ "byte", IN_FILE, 0, 1 },
	{ "ehdr.ei_class", IN_FILE, EI_CLASS, 1 },
	{ "ehdr.ei_data", IN_FILE, EI_DATA, 1 },
	{ "ehdr.e_type", IN_FILE, offsetof(Elf64_Ehdr, e_type), 2 },
	{ "ehdr.e_machine", IN_FILE, offsetof(Elf64_Ehdr, e_machine), 2 },
	{ "ehdr.e_phoff", IN_FILE, offsetof(Elf64_Ehdr, e_phoff), 8 },
	{ "ehdr.e_shoff", IN_FILE, offsetof(Elf64_Ehdr, e_shoff), 8 },
	{ "ehdr.e_phentsize", IN_FILE, offsetof(Elf64_Ehdr, e_phentsize), 2 },
	{ "ehdr.e_phnum", IN_FILE, offsetof(Elf64_Ehdr, e_phnum), 2 },
	{ "phdr.p_type", IN_PHDR, offsetof(Elf64_Phdr, p_type), 4 },
	{ "phdr.p_offset", IN_PHDR, offsetof(Elf64_Phdr, p_offset), 8 },
	{ "phdr.p_paddr", IN_PHDR, offsetof(Elf64_Phdr, p_paddr), 8 },
	{ "phdr.p_filesz", IN_PHDR, offsetof(Elf64_Phdr, p_filesz), 8 },
	{ "phdr.p_memsz", IN_PHDR, offsetof(Elf64_Phdr, p_memsz), 8 },
	{ "note.n_namesz", IN_NOTE, offsetof(Elf64_Nhdr, n_namesz), 4 },
	{ "note.n_descsz", IN_NOTE, offsetof(Elf64_Nhdr, n_descsz), 4 },
	{ "note.name", IN_NOTE, sizeof(Elf64_Nhdr), 1 },
	{ "header.header_version", IN_FILE, 8, 4 },
	{ "header.status", IN_FILE, 424, 4 },
	{ "header.block_size", IN_FILE, 428, 4 },
	{ "header.sub_hdr_size", IN_FILE, 432, 4 },
	{ "header.bitmap_blocks", IN_FILE, 436, 4 },
	{ "header.max_mapnr", IN_FILE, 440, 4 },
	{ "sub.split", IN_FILE, 4096 + 12, 4 },
	{ "sub.offset_vmcoreinfo", IN_FILE, 4096 + 32, 8 },
	{ "sub.size_vmcoreinfo", IN_FILE, 4096 + 40, 8 },
	{ "sub.offset_note", IN_FILE, 4096 + 48, 8 },
	{ "sub.size_note", IN_FILE, 4096 + 56, 8 },
	{ "sub.start_pfn_64", IN_FILE, 4096 + 80, 8 },
	{ "sub.end_pfn_64", IN_FILE, 4096 + 88, 8 },
	{ "sub.max_mapnr_64", IN_FILE, 4096 + 96, 8 },
	{ "bitmap", IN_BITMAP, 0, 1 },
	{ "desc.offset", IN_DESC, 0, 8 },
	{ "desc.size", IN_DESC, 8, 4 },
	{ "desc.flags", IN_DESC, 12, 4 },
	{ "data", IN_DATA, 0, 4 },
	{ "flat.type", IN_FILE, 16, 8 },
	{ "flat.version", IN_FILE, 24, 8 },
	{ "record.offset", IN_RECORD, 0, 8 },
	{ "record.size", IN_RECORD, 8, 8 },
};

#define FLAT_HEADER_SIZE	4096

/* The kernel's type @name: its id, and its address in *@ret. */
static uint32_t find_type(const struct host *host, const char *name, uint64_t *ret)
{
	const struct machine *machine = host_machine(host);
	uint64_t start = host_symbol(host, "__start_BTF");
	uint32_t size = host_symbol(host, "__stop_BTF") - start;
	struct btf *btf = btf__new(machine->bytes + machine_physical(machine, start), size);
	int id = btf ? btf__find_by_name(btf, name) : -1;

	if (id < 0)
		errx(2, "damage: no type %s", name);
	*ret = start + ((const char *)btf__type_by_id(btf, id) -
			(const char *)btf__raw_data(btf, &size));
	btf__free(btf);
	return id;
}

/* @text without the OFFSET */
static uint64_t find_base(const struct host *host, const char *text)
{
	uint64_t addr;

	if (*text == '*')
		return machine_peek_u64(host_machine(host), find_base(host, text + 1));
	if (!strncmp(text, "vmcs:", 5))
		return host_machine(host)->direct + host_vmcs(host, text + 5);
	if (strncmp(text, "type:", 5))
		return host_symbol(host, text);
	find_type(host, text + 5, &addr);
	return addr;
}

static uint64_t address(const struct host *host, const char *text)
{
	char base[64];
	size_t len = strcspn(text, "+");

	snprintf(base, sizeof(base), "%.*s", (int)len, text);
	return find_base(host, base) + (text[len] ? strtoull(text + len + 1, NULL, 0) : 0);
}

static uint64_t value(const struct host *host, const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 0);

	if (*text == '@')
		return address(host, text + 1);
	if (*text == '#')
		return find_type(host, text + 1, &number);
	if (end == text || *end)
		errx(2, "damage: \"%s\" is no number", text);
	return number;
}

static uint64_t get(const struct bytes *file, uint64_t offset, size_t size)
{
	uint64_t number = 0;

	if (offset + size > file->size)
		errx(2, "damage: the file has no %" PRIu64, offset);
	memcpy(&number, file->data + offset, size);
	return number;
}

/* Pages that the dump has before the one at @addr */
static uint64_t page_index(const struct host *host, const char *addr)
{
	const struct machine *machine = host_machine(host);
	uint64_t page = machine_physical(machine, address(host, addr)) / MACHINE_PAGE, nr = 0;

	for (uint64_t i = 0; i < page; i++)
		nr += machine->present[i];
	return nr;
}

/* The load segment with the page at @addr; segment 0 has the notes. */
static uint64_t segment_index(const struct host *host, const char *addr, const struct bytes *file)
{
	uint64_t pa = machine_physical(host_machine(host), address(host, addr));
	uint64_t nr = get(file, offsetof(Elf64_Ehdr, e_phnum), 2);

	for (uint64_t i = 1; i < nr; i++) {
		uint64_t at = sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr);
		uint64_t start = get(file, at + offsetof(Elf64_Phdr, p_paddr), 8);

		if (pa - start < get(file, at + offsetof(Elf64_Phdr, p_memsz), 8))
			return i;
	}
	errx(2, "damage: %s is in no segment", addr);
}

static uint64_t find_index(const struct host *host, enum place place, const char *text,
			   const struct bytes *file)
{
	if (isdigit((unsigned char)*text))
		return strtoull(text, NULL, 0);
	return place == IN_PHDR ? segment_index(host, text, file) : page_index(host, text);
}

static uint64_t find_note(const struct bytes *file)
{
	static const char name[] = "VMCOREINFO";
	const uint8_t *found = memmem(file->data, file->size, name, sizeof(name));

	if (!found)
		errx(2, "damage: no note VMCOREINFO");
	return found - file->data - sizeof(Elf64_Nhdr);
}

static uint64_t find_record(const struct bytes *file, uint64_t index)
{
	uint64_t at = FLAT_HEADER_SIZE;

	for (; index; index--)
		at += 16 + be64toh(get(file, at + 8, 8));
	return at;
}

/* Where element @index of @place starts in the file. */
static uint64_t find_place(enum place place, uint64_t index, const struct bytes *file)
{
	uint64_t bitmaps, descs;

	switch (place) {
	case IN_FILE:
		return index;
	case IN_PHDR:
		return sizeof(Elf64_Ehdr) + index * sizeof(Elf64_Phdr);
	case IN_NOTE:
		return find_note(file);
	case IN_RECORD:
		return find_record(file, index);
	default:
		break;
	}
	bitmaps = (1 + get(file, 432, 4)) * MACHINE_PAGE;
	descs = bitmaps + get(file, 436, 4) * MACHINE_PAGE;
	if (place == IN_BITMAP)
		return bitmaps + (descs - bitmaps) / 2 + index;
	return place == IN_DESC ? descs + index * 24 : get(file, descs + index * 24, 8);
}

/* Return: the field that @text names, its offset in the file in *@ret; NULL: none. */
static const struct field *find_field(const struct host *host, const char *text,
				      const struct bytes *file, uint64_t *ret)
{
	char prefix[64] = "", index[64] = "0", member[64] = "", name[128];

	/* "desc[3].size" and "phdr[1]" */
	if (sscanf(text, "%63[^[][%63[^]]]%63s", prefix, index, member) < 1)
		return NULL;
	snprintf(name, sizeof(name), "%s%s", prefix, member);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *field = &fields[i];

		if (strcmp(field->name, name))
			continue;
		*ret = find_place(field->place, find_index(host, field->place, index, file), file) +
		       field->offset;
		return field;
	}
	return NULL;
}

static void set_field(const struct host *host, const char *name, const char *text,
		      struct bytes *file)
{
	uint64_t offset, number = value(host, text);
	const struct field *field = find_field(host, name, file, &offset);

	if (!field)
		errx(2, "damage: no field \"%s\"", name);
	if (field->place == IN_RECORD)
		number = htobe64(number);
	get(file, offset, field->size);
	memcpy(file->data + offset, &number, field->size);
}

static void cut(const struct host *host, const char *where, struct bytes *file)
{
	uint64_t offset;

	if (!find_field(host, where, file, &offset))
		offset = *where == '-' ? file->size - value(host, where + 1) : value(host, where);
	if (offset > file->size)
		errx(2, "damage: cut at %" PRIu64 " of %zu", offset, file->size);
	file->size = offset;
}

static void add_record(const char *offset, const char *size, struct bytes *file)
{
	uint64_t end[2] = { -1ULL, -1ULL }, nr = strtoull(size, NULL, 0);
	uint64_t record[2] = { htobe64(strtoull(offset, NULL, 0)), htobe64(nr) };
	uint64_t at = file->size - sizeof(end);
	static const uint8_t zero[MACHINE_PAGE];

	writer_put(file, at, record, sizeof(record));
	writer_put(file, at + sizeof(record), zero, nr < sizeof(zero) ? nr : sizeof(zero));
	writer_put(file, file->size, end, sizeof(end));
}

/* Take the line of @key out of vmcoreinfo. */
static void remove_info(struct machine *machine, const char *key)
{
	char *line = machine->vmcoreinfo;

	while (*line && (strncmp(line, key, strlen(key)) || line[strlen(key)] != '='))
		line += strcspn(line, "\n") + 1;
	char *next = line + strcspn(line, "\n");

	if (*next)
		memmove(line, next + 1, strlen(next));
}

static void set_info(struct machine *machine, const char *text)
{
	char key[64];

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(text, "="), text);
	remove_info(machine, key);
	machine_info(machine, "%s", text);
}

static void poke(const struct host *host, unsigned int bits, const char *addr, const char *text)
{
	uint64_t number = value(host, text);

	machine_poke(host_machine(host), address(host, addr), &number, bits / 8);
}

/* Return: whether it was one of those for memory, which is done if @apply. */
static bool do_memory(const struct host *host, const char *statement, bool apply)
{
	struct machine *machine = host_machine(host);
	char first[64], second[64];
	unsigned int bits;

	if (sscanf(statement, "u%u %63s = %63s", &bits, first, second) == 3) {
		if (apply)
			poke(host, bits, first, second);
	} else if (sscanf(statement, "drop %63s", first) == 1) {
		if (apply)
			machine_drop(machine, address(host, first));
	} else if (sscanf(statement, "no info %63s", first) == 1) {
		if (apply)
			remove_info(machine, first);
	} else if (!strncmp(statement, "info ", 5)) {
		if (apply)
			set_info(machine, statement + 5);
	} else {
		return false;
	}
	return true;
}

static bool is_of_flat(const char *statement)
{
	return !strncmp(statement, "flat.", 5) || !strncmp(statement, "record", 6);
}

static void do_file(const struct host *host, const char *statement, struct bytes *file)
{
	char first[96], second[64];

	if (!strncmp(statement, "record ", 7)) {
		sscanf(statement, "record %95s %63s", first, second);
		add_record(first, second, file);
	} else if (sscanf(statement, "cut %95s", first) == 1) {
		cut(host, first, file);
	} else if (sscanf(statement, "%95s = %63s", first, second) == 2) {
		set_field(host, first, second, file);
	} else {
		errx(2, "damage: what is \"%s\"?", statement);
	}
}

void damage_do(const struct host *host, const char *words, enum damage_stage stage,
	       struct bytes *file)
{
	char *copy = strdup(words), *save;

	if (!copy)
		err(2, "damage");
	for (char *statement = strtok_r(copy, ";", &save); statement;
	     statement = strtok_r(NULL, ";", &save)) {
		statement += strspn(statement, " ");
		if (do_memory(host, statement, stage == DAMAGE_MEMORY) || stage == DAMAGE_MEMORY)
			continue;
		if (!strncmp(statement, "cut ", 4) || is_of_flat(statement) == (stage == DAMAGE_FLAT))
			do_file(host, statement, file);
	}
	free(copy);
}

struct bytes damage_make(const struct host *host, const char *words, const char *damage)
{
	const struct machine *machine = host_machine(host);
	struct writer_format format = writer_parse(words);
	bool flat = format.flattened || format.sparse;

	damage_do(host, damage, DAMAGE_MEMORY, NULL);
	struct bytes file = format.kdump ? writer_kdump(machine, &format, 0)
					 : writer_elf(machine, &format);

	if (!flat || !strstr(damage, "cut "))
		damage_do(host, damage, DAMAGE_DUMP, &file);
	if (!flat)
		return file;
	struct bytes flattened = writer_flatten(&file, &format);

	free(file.data);
	damage_do(host, damage, DAMAGE_FLAT, &flattened);
	return flattened;
}
