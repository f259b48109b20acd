// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/writer.h"

#include <elf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

static void parse_word(const char *word, struct writer_format *ret)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "kdump", &ret->kdump }, { "excluded", &ret->excluded },
		{ "compact", &ret->compact }, { "qemu", &ret->qemu }, { "xnum", &ret->xnum },
		{ "incomplete", &ret->incomplete }, { "flattened", &ret->flattened },
		{ "sparse", &ret->sparse },
	};
	static const struct {
		const char *word;
		enum writer_compression compression;
	} compressions[] = {
		{ "raw", WRITER_RAW }, { "zlib", WRITER_ZLIB }, { "lzo", WRITER_LZO },
		{ "snappy", WRITER_SNAPPY }, { "zstd", WRITER_ZSTD },
	};

	if (!strcmp(word, "elf"))
		return;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!strcmp(word, flags[i].word)) {
			*flags[i].flag = true;
			return;
		}
	}
	for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++) {
		if (!strcmp(word, compressions[i].word)) {
			ret->compression = compressions[i].compression;
			return;
		}
	}
	errx(2, "writer: what format is \"%s\"?", word);
}

struct writer_format writer_parse(const char *words)
{
	struct writer_format format = { .parts = 1 };
	char *copy = strdup(words), *save;

	if (!copy)
		err(2, "writer");
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "split")) {
			parse_word(word, &format);
			continue;
		}
		word = strtok_r(NULL, " ", &save);
		format.parts = word ? atoi(word) : 0;
		if (!format.parts)
			errx(2, "writer: split into how many?");
	}
	free(copy);
	return format;
}

void writer_put(struct bytes *file, uint64_t offset, const void *data, size_t size)
{
	if (offset + size > file->size) {
		uint8_t *grown = realloc(file->data, offset + size);

		if (!grown)
			err(2, "writer");
		memset(grown + file->size, 0, offset + size - file->size);
		file->data = grown;
		file->size = offset + size;
	}
	memcpy(file->data + offset, data, size);
}

static void add_note(struct bytes *notes, const char *name, uint32_t type, const void *desc,
		     size_t size)
{
	Elf64_Nhdr nhdr = { .n_namesz = strlen(name) + 1, .n_descsz = size, .n_type = type };
	static const char pad[4];

	writer_put(notes, notes->size, &nhdr, sizeof(nhdr));
	writer_put(notes, notes->size, name, nhdr.n_namesz);
	writer_put(notes, notes->size, pad, -notes->size & 3);
	writer_put(notes, notes->size, desc, size);
	writer_put(notes, notes->size, pad, -notes->size & 3);
}

/* QEMU's own note of a CPU (its target/i386/arch_dump.c). */
struct qemu_cpu_state {
	uint32_t version, size;
	uint64_t regs[18];
	struct {
		uint32_t selector, limit, flags, pad;
		uint64_t base;
	} segment[10];
	uint64_t cr[5], kernel_gs_base;
};

struct bytes writer_notes(const struct machine *machine, const struct writer_format *format)
{
	struct elf_prstatus prstatus = { .pr_pid = 1 };
	struct bytes notes = {};

	add_note(&notes, "CORE", NT_PRSTATUS, &prstatus, sizeof(prstatus));
	if (format->qemu) {
		struct qemu_cpu_state state = { .version = 1, .size = sizeof(state),
						.cr[3] = machine->pgd };

		add_note(&notes, "QEMU", 0, &state, sizeof(state));
	}
	add_note(&notes, "VMCOREINFO", 0, machine->vmcoreinfo, strlen(machine->vmcoreinfo));
	return notes;
}

struct bytes writer_make(const struct machine *machine, const char *words, unsigned int part)
{
	struct writer_format format = writer_parse(words);
	struct bytes file = format.kdump ? writer_kdump(machine, &format, part)
					 : writer_elf(machine, &format);

	if (!format.flattened && !format.sparse)
		return file;
	struct bytes flattened = writer_flatten(&file, &format);

	free(file.data);
	return flattened;
}

void writer_write(const struct machine *machine, const char *format, unsigned int part,
		  const char *path)
{
	struct bytes file = writer_make(machine, format, part);
	FILE *out = fopen(path, "w");

	if (!out || fwrite(file.data, 1, file.size, out) != file.size || fclose(out))
		err(2, "%s", path);
	free(file.data);
}
