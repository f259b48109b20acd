// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding members in BTF. */
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

static void test_damage(const void *data, uint32_t size)
{
	struct types *types = NULL;
	unsigned char copy[8192];
	struct error *err = types_create(data, size / 2, &types);

	tap_ok(err && !types, "half a BTF is an error");
	error_free(err);
	memcpy(copy, data, size < sizeof(copy) ? size : sizeof(copy));
	copy[0] ^= 0xff;
	err = types_create(copy, size, &types);
	tap_ok(err && !types, "BTF without its magic number is an error");
	error_free(err);
}

int main(void)
{
	struct btf *kernel = image_btf("inner 16: a@0:8 b@8:4\n"
				       "anonymous 128: hidden@8:100\n"
				       "outer 160: in@16:inner -@32:anonymous\n", NULL);
	struct btf *module = image_btf("modular 256: own@32:outer\n", kernel);
	struct types *types = NULL;
	uint32_t size, module_size;
	const void *data = btf__raw_data(kernel, &size);
	const void *module_data = btf__raw_data(module, &module_size);

	tap_ok(!types_create(data, size, &types), "BTF of a kernel is read");
	tap_ok(!types_add_module(types, "modular", module_data, module_size),
	       "BTF of a module is read");
	test_find(types);
	test_damage(data, size);
	types_destroy(types);
	btf__free(module);
	btf__free(kernel);
	return tap_done();
}
