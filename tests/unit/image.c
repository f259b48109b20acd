// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/image.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_TOKENS	256

void image_add_symbol(struct image *image, const char *name, uint64_t addr)
{
	if (image->nr == sizeof(image->symbol) / sizeof(image->symbol[0]))
		errx(2, "image: too many symbols");
	struct image_symbol *symbol = &image->symbol[image->nr++];

	snprintf(symbol->name, sizeof(symbol->name), "%s", name);
	symbol->addr = addr;
}

static int compare(const void *a, const void *b)
{
	const struct image_symbol *left = a, *right = b;

	return left->addr < right->addr ? -1 : left->addr > right->addr;
}

/* Every byte stands for itself, but for two that stand for more, as the real ones do. */
static const char *token(int i)
{
	static char text[2];

	if (i == 1)
		return "loaded_vmcss_on_cpu";
	if (i == 2)
		return "kallsyms_";
	text[0] = i ? i : 3;
	return text;
}

static void write_tokens(struct machine *machine)
{
	uint64_t table = machine_alloc_text(machine, 1024, 8);
	uint64_t index = machine_alloc_text(machine, NR_TOKENS * 2, 8);
	uint16_t at = 0;

	for (int i = 0; i < NR_TOKENS; i++) {
		const char *text = token(i);

		machine_poke(machine, index + i * 2, &at, sizeof(at));
		machine_poke(machine, table + at, text, strlen(text));
		at += strlen(text) + 1;
	}
	machine_info(machine, "SYMBOL(kallsyms_token_table)=%" PRIx64, table);
	machine_info(machine, "SYMBOL(kallsyms_token_index)=%" PRIx64, index);
}

/* Return: the compressed length. */
static size_t compress(const char *name, uint8_t *ret)
{
	size_t len = 0;

	ret[len++] = 'D';
	while (*name) {
		int found = (unsigned char)*name;

		for (int i = 1; i <= 2; i++) {
			if (!strncmp(name, token(i), strlen(token(i))))
				found = i;
		}
		name += found <= 2 ? strlen(token(found)) : 1;
		ret[len++] = found;
	}
	return len;
}

static void write_names(const struct image *image, struct machine *machine)
{
	uint64_t names = machine_alloc_text(machine, image->nr * 602, 1), at = names;

	for (size_t i = 0; i < image->nr; i++) {
		uint8_t data[600];
		size_t len = compress(image->symbol[i].name, data);
		uint8_t prefix[2] = { len, 0 };
		size_t prefix_len = 1;

		if (len > 127) {
			prefix[0] = len | 0x80;
			prefix[1] = len >> 7;
			prefix_len = 2;
		}
		machine_poke(machine, at, prefix, prefix_len);
		machine_poke(machine, at + prefix_len, data, len);
		at += prefix_len + len;
	}
	machine_info(machine, "SYMBOL(kallsyms_names)=%" PRIx64, names);
}

static void write_addresses(const struct image *image, struct machine *machine,
			    enum image_offsets offsets)
{
	uint64_t table = machine_alloc_text(machine, image->nr * 8, 8);
	uint64_t text = MACHINE_TEXT + machine->kaslr;
	uint64_t base = offsets == IMAGE_UNSIGNED ? text - 4096 : text;

	for (size_t i = 0; i < image->nr; i++) {
		uint64_t addr = image->symbol[i].addr;

		if (offsets == IMAGE_ADDRESSES)
			machine_poke_u64(machine, table + i * 8, addr);
		else if (offsets == IMAGE_UNSIGNED)
			machine_poke_u32(machine, table + i * 4, addr - base);
		else
			machine_poke_u32(machine, table + i * 4,
					 addr < base ? addr : base - 1 - addr);
	}
	if (offsets == IMAGE_ADDRESSES) {
		machine_info(machine, "SYMBOL(kallsyms_addresses)=%" PRIx64, table);
		return;
	}
	uint64_t relative_base = machine_alloc_text(machine, 8, 8);

	machine_poke_u64(machine, relative_base, base);
	machine_info(machine, "SYMBOL(kallsyms_offsets)=%" PRIx64, table);
	machine_info(machine, "SYMBOL(kallsyms_relative_base)=%" PRIx64, relative_base);
}

void image_write_stext(struct image *image, struct machine *machine)
{
	uint64_t stext = machine_alloc_text(machine, 64, 64);

	image_add_symbol(image, "_stext", stext);
	machine_info(machine, "SYMBOL(_stext)=%" PRIx64, stext);
}

void image_write_kallsyms(struct image *image, struct machine *machine,
			  enum image_offsets offsets)
{
	uint64_t num_syms = machine_alloc_text(machine, 4, 4);

	image_write_stext(image, machine);
	qsort(image->symbol, image->nr, sizeof(image->symbol[0]), compare);
	machine_poke_u32(machine, num_syms, image->nr);
	machine_info(machine, "SYMBOL(kallsyms_num_syms)=%" PRIx64, num_syms);
	write_tokens(machine);
	write_names(image, machine);
	write_addresses(image, machine, offsets);
}

/* A type of @size bytes; which one does not matter to those who want offsets. */
static int sized_type(struct btf *btf, unsigned int size)
{
	char name[32];

	snprintf(name, sizeof(name), "bytes%u", size);
	int id = btf__find_by_name(btf, name);

	if (id > 0)
		return id;
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return btf__add_int(btf, name, size, 0);
	int byte = sized_type(btf, 1);
	int array = btf__add_array(btf, byte, byte, size);

	/* A name of its own, to be found again */
	return btf__add_typedef(btf, name, array);
}

static int member_type(struct btf *btf, const char *type)
{
	if (*type >= '0' && *type <= '9')
		return sized_type(btf, atoi(type));
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	if (id < 0)
		errx(2, "image: no struct %s", type);
	return id;
}

struct parsed_member {
	char name[64], type[64];
	unsigned int offset;
	int id;
};

static void add_struct(struct btf *btf, const char *line)
{
	struct parsed_member member[32];
	char name[64];
	unsigned int size, used = 0;
	size_t nr = 0;

	if (sscanf(line, "%63s %u:%n", name, &size, &used) != 2 || !used)
		errx(2, "image: bad structure \"%s\"", line);
	/* All types of its members must be there before the structure is begun. */
	for (line += used; sscanf(line, " %63[^@ ]@%u:%63s%n", member[nr].name, &member[nr].offset,
				  member[nr].type, &used) == 3; line += used) {
		member[nr].id = member_type(btf, member[nr].type);
		nr++;
	}
	if (btf__add_struct(btf, name, size) < 0)
		errx(2, "image: struct %s", name);
	for (size_t i = 0; i < nr; i++) {
		const char *own = strcmp(member[i].name, "-") ? member[i].name : NULL;

		if (btf__add_field(btf, own, member[i].id, member[i].offset * 8, 0))
			errx(2, "image: member %s.%s", name, member[i].name);
	}
}

struct btf *image_btf(const char *text, struct btf *base)
{
	struct btf *btf = base ? btf__new_empty_split(base) : btf__new_empty();
	char *copy = strdup(text), *save;

	if (!btf || !copy)
		errx(2, "image: no memory");
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add_struct(btf, line);
	free(copy);
	return btf;
}
