/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_MODULE_INFO_H
#define INJECT_MODULE_INFO_H

/*
 * What a kernel module file (x86-64, relocatable) says about its own code:
 * sections, symbols, relocations, the tables that the kernel patches code by,
 * and its DWARF, from the file itself or from an installed debug package.
 *
 * A relocatable file has no addresses.  All addresses here belong to a layout
 * of the sections that libdwfl makes up; they mean nothing outside.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

struct module_section {
	const char *name;
	uint64_t addr;
	uint64_t size;
	const uint8_t *data;	/* NULL: not part of the running module, or no bits */
	bool text;
};

struct module_symbol {
	const char *name;	/* of a section's symbol: that of the section */
	const struct module_section *section;	/* NULL: defined elsewhere */
	uint64_t addr;
	uint64_t size;
	bool function;
};

struct module_reloc {
	uint64_t addr;		/* of the field */
	const struct module_symbol *symbol;
	int64_t addend;
	bool pc_relative;
};

/* Places in the code that the kernel has a table of. */
enum module_site_kind {
	SITE_JUMP_LABEL,	/* target: where it jumps to when enabled */
	SITE_STATIC_CALL,
	SITE_BUG,		/* the trap of BUG() or WARN() */
	SITE_FAULT,		/* target: where a fault here continues */
	SITE_PATCHED,		/* an alternative or paravirt call of length bytes */
	SITE_NOKPROBE,		/* a function given to NOKPROBE_SYMBOL() */
};

struct module_site {
	enum module_site_kind kind;
	uint64_t addr;
	uint64_t target;
	uint64_t key;		/* SITE_JUMP_LABEL: the static key, 0: elsewhere */
	unsigned int length;
};

struct module_dwarf;

struct module_info {
	char *path;
	char *release;		/* kernel it is for, from vermagic; NULL: unknown */
	struct module_section *section;
	size_t nr_sections;
	struct module_symbol *symbol;
	size_t nr_symbols;
	struct module_reloc *reloc;	/* by address */
	size_t nr_relocs;
	struct module_site *site;
	size_t nr_sites;
	struct module_dwarf *dwarf;	/* private */
};

/* Fails if there is no DWARF anywhere; the error says where to get it. */
struct error *module_info_create(const char *path, struct module_info **ret);
void module_info_destroy(struct module_info *info);

static inline void cleanup_module_info(struct module_info **info)
{
	module_info_destroy(*info);
}

#define _cleanup_module_info_	__attribute__((__cleanup__(cleanup_module_info)))

const struct module_section *
module_info_section(const struct module_info *info, const char *name);

/*
 * The function @name; how the compiler changed the name of a copy or a part of
 * it (NAME.cold, NAME.isra.0) is for the caller to ask for.
 */
struct error *module_info_function(const struct module_info *info,
				   const char *name,
				   const struct module_symbol **ret);

/* A symbol of that name that the module defines, or NULL. */
const struct module_symbol *
module_info_symbol(const struct module_info *info, const char *name);

/* The function or object that @addr lies in, or NULL. */
const struct module_symbol *
module_info_symbol_at(const struct module_info *info, uint64_t addr);

/* The first relocation at or after @addr and before @end, or NULL. */
const struct module_reloc *
module_info_reloc(const struct module_info *info, uint64_t addr, uint64_t end);

/* The site of that kind that starts at @addr, or NULL. */
const struct module_site *
module_info_site(const struct module_info *info, enum module_site_kind kind,
		 uint64_t addr);

/*
 * Whether the code at @addr, in the function that contains it, comes from an
 * inlined function with one of the NULL-terminated @names.
 */
bool module_info_inlined(const struct module_info *info, uint64_t addr,
			 const char *const *names);

/* Code of an inlined function. */
struct module_range {
	const char *name;	/* of the inlined function */
	uint64_t start, end;
};

/*
 * All places that functions with the NULL-terminated @names were inlined at.
 * The caller frees *@ret.
 */
struct error *module_info_inlined_ranges(const struct module_info *info,
					 const char *const *names,
					 struct module_range **ret, size_t *ret_nr);

/* Source line of the code at @addr; the path starts at the top of the tree. */
bool module_info_source(const struct module_info *info, uint64_t addr,
			const char **ret_file, int *ret_line);

/* Offset and size in bytes of a member of a structure of the module. */
struct error *module_info_member(const struct module_info *info,
				 const char *structure, const char *member,
				 uint64_t *ret_offset, uint64_t *ret_size);

#endif
