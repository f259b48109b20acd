/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_DEBUGINFO_H
#define ANALYZE_DEBUGINFO_H

/*
 * A vmlinux or a module as a file, for what the dump does not say: symbols, types
 * and source lines.  It is trusted only if its build id is the dump's.
 */

#include <elfutils/libdw.h>

#include "analyze/build_id.h"
#include "analyze/symbols.h"

struct debuginfo;

/* Where the sections of a module are in the dump. */
struct module_sections {
	struct module_section {
		char name[64];
		uint64_t addr;	/* of .data..percpu: within each CPU's per-CPU area */
	} *section;
	size_t nr;
};

struct error *debuginfo_open_vmlinux(const char *path, struct debuginfo **ret);

/*
 * @name is the module's.  The result keeps @sections; addresses of sections that
 * are not among them are not known.
 */
struct error *debuginfo_open_module(const char *path, const char *name,
				    const struct module_sections *sections,
				    struct debuginfo **ret);
void debuginfo_close(struct debuginfo *file);

const char *debuginfo_path(const struct debuginfo *file);

/* How far the kernel in the dump was moved by KASLR; for a vmlinux, before all below. */
void debuginfo_set_offset(struct debuginfo *file, uint64_t offset);

/* Return: whether the file has one. */
bool debuginfo_build_id(const struct debuginfo *file, struct build_id *ret);

/*
 * An error unless the build id of the file is @dump's, the one of @what in the dump,
 * such as "module kvm".
 */
struct error *debuginfo_check(const struct debuginfo *file, const char *what,
			      const struct build_id *dump);

/*
 * Add to @table, with their addresses in the dump, the file's symbols that it does
 * not have, and index it.  A file without a symbol table adds none.
 */
struct error *debuginfo_add_symbols(const struct debuginfo *file, struct symbol_table *table);

/* Address in the dump of the file's symbol @name. Return: whether it has one. */
bool debuginfo_symbol(const struct debuginfo *file, const char *name, uint64_t *ret);

/*
 * A copy of the section @name, from malloc().
 * Return: NULL with *@ret NULL if the file has none.
 */
struct error *debuginfo_section(const struct debuginfo *file, const char *name, void **ret,
				size_t *ret_size);

/* Return: the file's DWARF, which lives as long as @file, or NULL. */
Dwarf *debuginfo_dwarf(const struct debuginfo *file);

/*
 * Source of the instruction at @addr: "vmx.c:1372", or "vmx.c:1372, list.h:74" within a
 * function inlined there.  Return: whether it is known.
 */
bool debuginfo_source_line(const struct debuginfo *file, uint64_t addr, char *ret, size_t size);

#endif
