// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding members in BTF. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/types.h"
#include "tests/unit/image.h"
#include "tests/unit/tap.h"

static bool is_at(const struct types *types, const char *structure, const char *path,
		  uint64_t offset, uint64_t size)
{
	struct member member;

	return types_find(types, structure, path, &member) && member.offset == offset &&
	       member.size == size;
}

static void test_find(const struct types *types)
{
	struct member member;

	tap_ok(is_at(types, "inner", "a", 0, 8), "a member is found with its size");
	tap_ok(is_at(types, "outer", "in", 16, 16), "so is one that is a structure");
	tap_ok(is_at(types, "outer", "in.b", 24, 4), "so is a member of that");
	tap_ok(is_at(types, "outer", "hidden", 40, 100), "so is one of an anonymous structure");
	tap_ok(is_at(types, "modular", "own.in.b", 32 + 24, 4), "so is one across module and kernel");
	tap_ok(!types_find(types, "outer", "i", &member), "a part of a name is not");
	tap_ok(!types_find(types, "outer", "in.c", &member), "nor is one that is not there");
	tap_ok(!types_find(types, "outer", "in.b.c", &member), "nor is one of a number");
	tap_ok(types_size(types, "outer") == 160 && !types_size(types, "none"),
	       "the size of a structure is known, that of none is 0");
	struct error *err = types_member(types, "outer", "gone", &member);

	tap_ok(err && strstr(err->message, "struct outer has no member gone"),
	       "a missing member is named in the error");
	error_free(err);
	err = types_member(types, "none", "gone", &member);
	tap_ok(err && strstr(err->message, "no struct none"), "so is a missing structure");
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

int main(void)
{
	struct btf *kernel = image_btf("inner 16: a@0:8 b@8:4\n"
				       "anonymous 128: hidden@8:100\n"
				       "outer 160: in@16:inner -@32:anonymous\n", NULL);
	struct btf *module = image_btf("modular 256: own@32:outer\n", kernel);
	struct types *types;
	uint32_t size;
	const void *data = btf__raw_data(kernel, &size);
	const struct btf_header *header = data;

	error_free(types_create(&types));
	add_btf(types, NULL, kernel);
	add_btf(types, "modular", module);
	test_find(types);
	types_destroy(types);
	test_damage("half a BTF", data, size / 2, size / 2 - 1, "not valid");
	test_damage("a part of a BTF header", data, 20, 0, "not valid");
	test_damage("BTF without its magic number", data, size, 0, "not valid");
	test_damage("a type of unknown kind", data, size, header->hdr_len + 7, "not valid");
	test_damage("a string without an end", data, size, size - 1, "not valid");
	test_bounds();
	btf__free(module);
	btf__free(kernel);
	return tap_done();
}
