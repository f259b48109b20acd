// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding members in BTF and in DWARF. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/debuginfo.h"
#include "analyze/types.h"
#include "tests/unit/debugfile.h"
#include "tests/unit/tap.h"

static bool is_at(const struct types *types, const char *structure, const char *path,
		  uint64_t offset, uint64_t size)
{
	struct member member;

	return types_find(types, structure, path, &member) && member.offset == offset &&
	       member.size == size;
}

static void test_find(const struct types *types, const char *from)
{
	struct member member;

	tap_ok(is_at(types, "inner", "a", 0, 8), "%s: a member is found with its size", from);
	tap_ok(is_at(types, "outer", "in", 16, 16), "%s: so is one that is a structure", from);
	tap_ok(is_at(types, "outer", "in.b", 24, 4), "%s: so is a member of that", from);
	tap_ok(is_at(types, "outer", "hidden", 40, 100), "%s: so is one of an anonymous structure",
	       from);
	tap_ok(is_at(types, "modular", "own.in.b", 32 + 24, 4),
	       "%s: so is one across module and kernel", from);
	tap_ok(is_at(types, "inner", "end", 16, 0), "%s: so is an array without a length", from);
	tap_ok(!types_find(types, "outer", "i", &member), "%s: a part of a name is not", from);
	tap_ok(!types_find(types, "outer", "in.c", &member), "%s: nor is one that is not there", from);
	tap_ok(!types_find(types, "outer", "in.b.c", &member), "%s: nor is one of a number", from);
	tap_ok(types_size(types, "outer") == 160 && !types_size(types, "none"),
	       "%s: the size of a structure is known, that of none is 0", from);
	struct error *err = types_member(types, "outer", "gone", &member);

	tap_ok(err && strstr(err->message, "struct outer has no member gone"),
	       "%s: a missing member is named in the error", from);
	error_free(err);
	err = types_member(types, "none", "gone", &member);
	tap_ok(err && strstr(err->message, "no struct none"), "%s: so is a missing structure", from);
	error_free(err);
}

/* Return: @size bytes of @data, for types_add_btf() to keep. */
static void *copy_of(const void *data, uint32_t size)
{
	void *copy = malloc(size);

	if (!copy)
		err(2, "test_types");
	return memcpy(copy, data, size);
}

/* What types_add_btf() says of @size bytes of @data, with the byte at @at changed. */
static void test_damage(const char *fact, const void *data, uint32_t size, uint32_t at,
			const char *expected)
{
	struct types *types;
	uint8_t *copy = copy_of(data, size);

	copy[at] ^= 0xff;
	error_free(types_create(&types));
	struct error *err = types_add_btf(types, NULL, copy, size);

	if (!tap_ok(err && strstr(err->message, expected), "%s is an error", fact))
		tap_diag("%s", err ? err->message : "no error");
	error_free(err);
	types_destroy(types);
}

static void add_btf(struct types *types, const char *module, const struct btf *btf)
{
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);
	struct error *err = types_add_btf(types, module, copy_of(data, size), size);

	tap_ok(!err, "BTF of %s is read", module ? module : "the kernel");
	error_free(err);
}

/* Each structure has @width anonymous members of the next: no walk of all would end. */
static struct btf *nested_btf(unsigned int depth, unsigned int width)
{
	char *text = NULL, name[16] = "4";
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned int i = 0; i < depth; i++) {
		fprintf(out, "s%u 64:", i);
		for (unsigned int n = 0; n < width; n++)
			fprintf(out, " -@0:%s", name);
		fprintf(out, "\n");
		snprintf(name, sizeof(name), "s%u", i);
	}
	fclose(out);
	struct btf *btf = image_btf(text, NULL);

	free(text);
	return btf;
}

static void test_bounds(void)
{
	struct btf *btf = nested_btf(15, 30);
	struct types *types;
	struct member member;

	error_free(types_create(&types));
	add_btf(types, NULL, btf);
	tap_ok(!types_find(types, "s14", "gone", &member), "a search that cannot end is given up");
	types_destroy(types);
	btf__free(btf);
}

#define KERNEL_TYPES					\
	"inner 16: a@0:8 b@8:4 end@16:0\n"		\
	"anonymous 128: hidden@8:100\n"			\
	"outer 160: in@16:inner -@32:anonymous\n"
#define MODULE_TYPES	"modular 256: own@32:outer\n"

static void test_dwarf(void)
{
	char dir[] = "/tmp/kdump-torture-types-XXXXXX", command[128], path[64];
	const struct module_sections none = {};
	struct debuginfo *file;
	struct types *types;

	if (!mkdtemp(dir))
		err(2, "%s", dir);
	debugfile_types(&(struct debugfile){ .dir = dir }, KERNEL_TYPES MODULE_TYPES);
	snprintf(path, sizeof(path), "%s/types.o", dir);
	struct error *error = debuginfo_open_module(path, "types", &none, &file);

	if (!tap_ok(!error, "DWARF of a module is read"))
		errx(2, "%s", error->message);
	error_free(types_create(&types));
	error_free(types_add_dwarf(types, true, debuginfo_dwarf(file)));
	test_find(types, "DWARF");
	types_destroy(types);
	debuginfo_close(file);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command))
		errx(2, "%s", command);
}

int main(void)
{
	struct btf *kernel = image_btf(KERNEL_TYPES, NULL);
	struct btf *module = image_btf(MODULE_TYPES, kernel);
	struct types *types;
	uint32_t size;
	const void *data = btf__raw_data(kernel, &size);
	const struct btf_header *header = data;

	error_free(types_create(&types));
	add_btf(types, NULL, kernel);
	add_btf(types, "modular", module);
	test_find(types, "BTF");
	types_destroy(types);
	test_damage("half a BTF", data, size / 2, size / 2 - 1, "not valid");
	test_damage("a part of a BTF header", data, 20, 0, "not valid");
	test_damage("BTF without its magic number", data, size, 0, "not valid");
	test_damage("a type of unknown kind", data, size, header->hdr_len + 7, "not valid");
	test_damage("a string without an end", data, size, size - 1, "not valid");
	test_bounds();
	test_dwarf();
	btf__free(module);
	btf__free(kernel);
	return tap_done();
}
