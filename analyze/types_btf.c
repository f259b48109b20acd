// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/types_btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analyze/cleanup.h"
#include "analyze/hash.h"

/* Typedefs and qualifiers on top of each other; C code has a handful. */
#define MAX_MODIFIERS	32

struct btf_source {
	struct type_source source;
	struct btf *btf;
	uint32_t *bucket;	/* ids of structures by name; 0: free */
	size_t nr_buckets;
};

static struct btf_source *btf_of(struct type_source *source)
{
	return (struct btf_source *)((char *)source - offsetof(struct btf_source, source));
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
		return error_errno(errno, "BTF of %s: memfd_create", name);
	if (write(fd, data, size) != (ssize_t)size)
		return error_errno(errno, "BTF of %s: cannot copy %zu bytes", name, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret = btf__parse_raw_split(path, base);
	return NULL;
}

static struct error *parse(const char *name, const void *data, size_t size, struct btf *base,
			   struct btf **ret)
{
	/* What libbpf would print on its own says nothing about the dump. */
	libbpf_set_print(NULL);
	struct error *err = NULL;

	if (base)
		err = parse_split(name, data, size, base, ret);
	else
		*ret = btf__new(data, size);
	if (err)
		return err;
	long errnum = libbpf_get_error(*ret);

	if (errnum) {
		*ret = NULL;
		return error_errno(-errnum, "BTF of %s: not valid: the dump is damaged, or the kernel newer than this program; give --vmlinux FILE and --modules DIR",
				   name);
	}
	return NULL;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	return type->name_off ? btf__str_by_offset(btf, type->name_off) : NULL;
}

/* Of several structures of one name the first is found, as it comes first in its chain. */
static struct error *index_names(struct btf_source *btf, uint32_t first)
{
	uint32_t end = btf__type_cnt(btf->btf), nr = 0;

	for (uint32_t id = first; id < end; id++)
		nr += btf_is_struct(btf__type_by_id(btf->btf, id));
	btf->nr_buckets = hash_buckets(nr);
	btf->bucket = calloc(btf->nr_buckets, sizeof(*btf->bucket));
	if (!btf->bucket)
		return &error_no_memory;
	for (uint32_t id = first; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(btf->btf, id);
		const char *name = btf_is_struct(type) ? name_of(btf->btf, type) : NULL;

		if (!name)
			continue;
		size_t b = hash_name(name, strlen(name));

		while (btf->bucket[b & (btf->nr_buckets - 1)])
			b++;
		btf->bucket[b & (btf->nr_buckets - 1)] = id;
	}
	return NULL;
}

static const struct btf_type *find_structure(const struct btf_source *btf, const char *name)
{
	for (size_t b = hash_name(name, strlen(name));; b++) {
		uint32_t id = btf->bucket[b & (btf->nr_buckets - 1)];

		if (!id)
			return NULL;
		const struct btf_type *type = btf__type_by_id(btf->btf, id);

		if (!strcmp(name_of(btf->btf, type), name))
			return type;
	}
}

static const struct btf_type *skip_modifiers(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int depth = 0; type && (btf_is_mod(type) || btf_is_typedef(type)); depth++) {
		if (depth == MAX_MODIFIERS)
			return NULL;
		type = btf__type_by_id(btf, type->type);
	}
	return type;
}

struct search {
	const struct btf *btf;
	unsigned int left;	/* members that may still be looked at */
	struct member *ret;
};

/* The member that @path names in @type, its offset within @type. */
static bool find_member(struct search *search, const struct btf_type *type, const char *path,
			int depth)
{
	size_t len = strcspn(path, ".");

	if (!type || !btf_is_composite(type) || depth > TYPE_MAX_DEPTH)
		return false;
	const struct btf_member *member = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type) && search->left; i++, member++) {
		const char *name = btf__str_by_offset(search->btf, member->name_off);
		uint64_t offset = btf_member_bit_offset(type, i) / 8;
		bool found = false;

		search->left--;
		if (!name || !*name) {
			found = find_member(search, skip_modifiers(search->btf, member->type),
					    path, depth + 1);
		} else if (!strncmp(name, path, len) && !name[len]) {
			if (!path[len]) {
				int64_t size = btf__resolve_size(search->btf, member->type);

				search->ret->offset = offset;
				search->ret->size = size;
				return size >= 0;
			}
			found = find_member(search, skip_modifiers(search->btf, member->type),
					    path + len + 1, depth + 1);
		}
		if (found) {
			search->ret->offset += offset;
			return true;
		}
	}
	return false;
}

static bool btf_find(struct type_source *source, const char *structure, const char *path,
		     struct member *ret)
{
	const struct btf_source *btf = btf_of(source);
	struct member member = {};
	struct search search = { .btf = btf->btf, .left = TYPE_MAX_MEMBERS, .ret = &member };

	if (!find_member(&search, find_structure(btf, structure), path, 0))
		return false;
	*ret = member;
	return true;
}

static uint64_t btf_size(struct type_source *source, const char *structure)
{
	const struct btf_type *type = find_structure(btf_of(source), structure);

	return type ? type->size : 0;
}

static void btf_destroy(struct type_source *source)
{
	struct btf_source *btf = btf_of(source);

	btf__free(btf->btf);
	free(btf->bucket);
	free(btf);
}

struct error *btf_source_create(const char *name, const void *data, size_t size,
				const struct btf_source *base, struct btf_source **ret)
{
	struct btf_source *btf = calloc(1, sizeof(*btf));

	if (!btf)
		return &error_no_memory;
	btf->source = (struct type_source){ btf_find, btf_size, btf_destroy };
	struct error *err = parse(name, data, size, base ? base->btf : NULL, &btf->btf);

	/* Type 0 is void. */
	if (!err)
		err = index_names(btf, base ? btf__type_cnt(base->btf) : 1);
	if (err) {
		btf_destroy(&btf->source);
		return err;
	}
	*ret = btf;
	return NULL;
}

struct type_source *btf_source_types(struct btf_source *btf)
{
	return &btf->source;
}
