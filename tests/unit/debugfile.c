// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/debugfile.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t panic_addr = MACHINE_TEXT + 0x1f00000;

__attribute__((format(printf, 1, 2)))
static void run(const char *format, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (system(command))
		errx(2, "debugfile: %s", command);
}

static FILE *create(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *out = fopen(path, "w");

	if (!out)
		err(2, "%s", path);
	return out;
}

static void compile(const struct debugfile *what, const char *source, const char *object)
{
	run("cd %s && %s -g -O1 -std=gnu11 -w -fms-extensions -mcmodel=kernel -fno-pic -fno-common %s -c %s -o %s",
	    what->dir, TEST_CC, what->flags ? what->flags : "", source, object);
}

/*
 * A structure as C has it. Each member is in a structure of its own, at its offset, and
 * all of these in one union.
 */
static void write_structure(FILE *out, const char *line)
{
	char name[64], member[64], type[64];
	unsigned int size, offset;
	/* Names of their own: those of an anonymous structure count as of the one around it. */
	static unsigned int nr;
	int used;

	if (sscanf(line, "%63s %u:%n", name, &size, &used) != 2)
		errx(2, "debugfile: \"%s\"", line);
	fprintf(out, "struct %s { union { char _%u[%u];\n", name, nr++, size);
	for (line += used; sscanf(line, " %63[^@ ]@%u:%63s%n", member, &offset, type, &used) == 3;
	     line += used) {
		fprintf(out, "struct { char _%u[%u]; ", nr++, offset);
		if (*type >= '0' && *type <= '9')
			fprintf(out, "char %s[%s];", member, type);
		else
			fprintf(out, "struct %s %s;", type, strcmp(member, "-") ? member : "");
		fprintf(out, " } __attribute__((packed));\n");
	}
	fprintf(out, "}; };\nstruct %s the_%s;\n", name, name);
}

static void write_structures(FILE *out, const char *text)
{
	char *copy = strdup(text), *save;

	if (!copy)
		err(2, "debugfile");
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		write_structure(out, line);
	free(copy);
}

void debugfile_types(const struct debugfile *what, const char *text)
{
	FILE *out = create(what->dir, "types.c");

	write_structures(out, text);
	fclose(out);
	compile(what, "types.c", "types.o");
}

/* Addresses in the upper half are those of the kernel, the others per-CPU offsets. */
static void write_symbols(const struct debugfile *what, const struct host *host)
{
	const struct image *image = host_image(host);
	FILE *out = create(what->dir, "symbols.ld");

	for (size_t i = 0; i < image->nr; i++) {
		uint64_t addr = image->symbol[i].addr;

		fprintf(out, "%s = 0x%" PRIx64 ";\n", image->symbol[i].name,
			(int64_t)addr < 0 ? addr - what->moved : addr);
	}
	fclose(out);
}

void debugfile_vmlinux(const struct debugfile *what, const struct host *host)
{
	char types[4096];
	FILE *out = create(what->dir, "vmlinux.c");

	host_types(host, NULL, types, sizeof(types));
	write_structures(out, types);
	fprintf(out, "#line %d\nvoid panic(void) { __asm__ volatile(\"nop\"); }\n",
		DEBUGFILE_PANIC_LINE);
	fclose(out);
	compile(what, "vmlinux.c", "vmlinux.o");
	write_symbols(what, host);
	run("cd %s && ld -e 0 -Ttext=%#" PRIx64 " --build-id=%s%s -o vmlinux vmlinux.o symbols.ld",
	    what->dir, panic_addr - what->moved, what->build_id ? "0x" : "none",
	    what->build_id ? what->build_id : "");
}

uint64_t debugfile_panic(void)
{
	return panic_addr;
}

static void write_note(FILE *out, const char *build_id)
{
	fprintf(out, "__asm__(\".pushsection .note.gnu.build-id,\\\"a\\\",@note\\n"
		".long 4, 20, 3\\n.asciz \\\"GNU\\\"\\n.byte ");
	for (size_t i = 0; build_id[2 * i]; i++)
		fprintf(out, "%s0x%.2s", i ? ", " : "", build_id + 2 * i);
	fprintf(out, "\\n.popsection\");\n");
}

void debugfile_module(const struct debugfile *what, const struct host *host, const char *name)
{
	char types[4096], kernel[4096], source[32], object[32];

	snprintf(source, sizeof(source), "%s.c", name);
	snprintf(object, sizeof(object), "%s.ko", name);
	for (char *c = object; (c = strchr(c, '_'));)
		*c = '-';
	FILE *out = create(what->dir, source);

	host_types(host, name, types, sizeof(types));
	/* As kernel headers have them, before the types that are made of them */
	host_types(host, NULL, kernel, sizeof(kernel));
	write_structures(out, kernel);
	write_structures(out, types);
	if (what->build_id)
		write_note(out, what->build_id);
	fprintf(out, "__asm__(\".pushsection .data..percpu,\\\"aw\\\"\\nloaded_vmcss_on_cpu: .zero 16\\n"
		"current_vmcs: .zero 8\\nvmxarea: .zero 8\\n.popsection\\n"
		".pushsection .data,\\\"aw\\\"\\nvm_list: .zero 16\\n.popsection\");\n");
	fclose(out);
	compile(what, source, object);
}
