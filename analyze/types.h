/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_TYPES_H
#define ANALYZE_TYPES_H

/*
 * Where the members of the kernel's structures are, from BTF, which the kernel and
 * its modules carry in their memory, or from DWARF, which their files have.
 */

#include <elfutils/libdw.h>
#include <stdbool.h>

#include "analyze/memory.h"

struct types;

struct member {
	uint64_t offset;	/* in bytes from the start of the structure */
	uint64_t size;		/* in bytes */
};

/* Knows no types yet. */
struct error *types_create(struct types **ret);
void types_destroy(struct types *types);

/*
 * Add BTF: that of the module @module, which builds on that of the kernel, or for
 * NULL that of the kernel itself, once and first.  @data is from malloc() and is
 * freed here, whatever comes of it.
 */
struct error *types_add_btf(struct types *types, const char *module, void *data, size_t size);

/* Whether the types of the kernel are from BTF, on which that of modules builds. */
bool types_has_btf(const struct types *types);

/* Add the types of a module, or of the kernel. @dwarf must outlive @types. */
struct error *types_add_dwarf(struct types *types, bool module, Dwarf *dwarf);

/*
 * Find @path ("nested.vmcs02") in the structure @structure, in modules first,
 * through anonymous structures and unions.
 * Return: whether it is there.
 */
bool types_find(const struct types *types, const char *structure, const char *path,
		struct member *ret);

/* As types_find(), for what must be there: an error says what is missing. */
struct error *types_member(const struct types *types, const char *structure,
			   const char *path, struct member *ret);

/* Size of a structure in bytes, 0 if there is none of that name. */
uint64_t types_size(const struct types *types, const char *structure);

#endif
