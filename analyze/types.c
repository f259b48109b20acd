// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "analyze/cleanup.h"

/* Anonymous structures within each other; C code has a handful. */
#define MAX_DEPTH	16

struct module_types {
	char name[64];
	struct btf *btf;
};

struct types {
	struct btf *kernel;
	struct module_types *module;
	size_t nr_modules;
};

struct error *types_create(const void *data, size_t size, struct types **ret)
{
	/* What libbpf would print on its own says nothing about the dump. */
	libbpf_set_print(NULL);
	struct types *types = calloc(1, sizeof(*types));

	if (!types)
		return &error_no_memory;
	types->kernel = btf__new(data, size);
	long errnum = libbpf_get_error(types->kernel);

	if (errnum) {
		free(types);
		return error_errno(-errnum, "BTF of the kernel: not valid: the dump is damaged");
	}
	*ret = types;
	return NULL;
}

void types_destroy(struct types *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->nr_modules; i++)
		btf__free(types->module[i].btf);
	free(types->module);
	btf__free(types->kernel);
	free(types);
}

/*
 * libbpf 1.1 declares btf__new_split() but does not export it: split BTF must
 * come from a file.
 */
static struct error *parse_split(const char *name, const void *data, size_t size,
				 struct btf *base, struct btf **ret)
{
	_cleanup_close_ int fd = memfd_create("btf", MFD_CLOEXEC);
	char path[64];

	if (fd < 0)
		return error_errno(errno, "BTF of module %s: memfd_create", name);
	if (write(fd, data, size) != (ssize_t)size)
		return error_errno(errno, "BTF of module %s: cannot copy %zu bytes", name, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct btf *btf = btf__parse_raw_split(path, base);
	long errnum = libbpf_get_error(btf);

	if (errnum)
		return error_errno(-errnum, "BTF of module %s: not valid: the dump is damaged",
				   name);
	*ret = btf;
	return NULL;
}

struct error *types_add_module(struct types *types, const char *name,
			       const void *data, size_t size)
{
	struct module_types *module = reallocarray(types->module, types->nr_modules + 1,
						   sizeof(*module));

	if (!module)
		return &error_no_memory;
	types->module = module;
	module += types->nr_modules;
	struct error *err = parse_split(name, data, size, types->kernel, &module->btf);

	if (err)
		return err;
	snprintf(module->name, sizeof(module->name), "%s", name);
	types->nr_modules++;
	return NULL;
}

static const struct btf_type *skip_modifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int depth = 0; type && depth < MAX_DEPTH; depth++) {
		if (!btf_is_mod(type) && !btf_is_typedef(type))
			return type;
		type = btf__type_by_id(btf, type->type);
	}
	return NULL;
}

/* *@ret becomes the member that @path names in @type, its offset within @type. */
static bool find_member(const struct btf *btf, const struct btf_type *type, const char *path,
			int depth, struct member *ret)
{
	if (!type || !btf_is_composite(type) || depth > MAX_DEPTH)
		return false;
	size_t len = strcspn(path, ".");
	const struct btf_member *members = btf_members(type);

	for (__u16 i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, members[i].name_off);
		uint64_t offset = btf_member_bit_offset(type, i) / 8;
		const struct btf_type *inner = skip_modifiers(btf, members[i].type);
		bool found = false;

		if (!name || !*name) {
			found = find_member(btf, inner, path, depth + 1, ret);
		} else if (!strncmp(name, path, len) && !name[len]) {
			if (path[len]) {
				found = find_member(btf, inner, path + len + 1, depth + 1, ret);
			} else {
				__s64 size = btf__resolve_size(btf, members[i].type);

				if (size < 0)
					return false;
				*ret = (struct member){ .size = size };
				found = true;
			}
		}
		if (found) {
			ret->offset += offset;
			return true;
		}
	}
	return false;
}

static const struct btf_type *find_structure(const struct btf *btf, const char *name)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, id);
}

static bool find_in(const struct btf *btf, const char *structure, const char *path,
		    struct member *ret)
{
	struct member member = {};

	if (!find_member(btf, find_structure(btf, structure), path, 0, &member))
		return false;
	*ret = member;
	return true;
}

bool types_find(const struct types *types, const char *structure, const char *path,
		struct member *ret)
{
	for (size_t i = 0; i < types->nr_modules; i++) {
		if (find_in(types->module[i].btf, structure, path, ret))
			return true;
	}
	return find_in(types->kernel, structure, path, ret);
}

struct error *types_member(const struct types *types, const char *structure,
			   const char *path, struct member *ret)
{
	if (types_find(types, structure, path, ret))
		return NULL;
	if (!types_size(types, structure))
		return error_new("BTF has no struct %s: the kernel's layout is unknown here, or the module's BTF was left out (CONFIG_DEBUG_INFO_BTF_MODULES)",
				 structure);
	return error_new("BTF: struct %s has no member %s: the kernel's layout is unknown here",
			 structure, path);
}

uint64_t types_size(const struct types *types, const char *structure)
{
	for (size_t i = 0; i < types->nr_modules; i++) {
		const struct btf_type *type = find_structure(types->module[i].btf, structure);

		if (type)
			return type->size;
	}
	const struct btf_type *type = find_structure(types->kernel, structure);

	return type ? type->size : 0;
}
