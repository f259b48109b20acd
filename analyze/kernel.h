/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KERNEL_H
#define ANALYZE_KERNEL_H

/*
 * The crashed kernel as those see it who ask questions about it: memory,
 * symbols and types, of the kernel and of the modules that matter here.
 */

#include <stdbool.h>

#include "analyze/debuginfo.h"
#include "analyze/memory.h"
#include "analyze/symbols.h"
#include "analyze/types.h"
#include "analyze/vmcoreinfo.h"

/* Of the kernel or a module; this stops nonsense. */
#define MAX_BTF_SIZE	(256 * 1024 * 1024)

/* Modules of which struct module alone is read until somebody asks for more. */
struct module {
	char name[64];
	uint64_t addr;		/* of struct module */
	uint64_t text;		/* where its code is */
	uint64_t text_size;
	bool has_types;
	struct symbol_table symbols;
	struct debuginfo *debuginfo;	/* its file, or NULL */
};

struct kernel {
	const struct memory *memory;
	const struct vmcoreinfo *info;
	struct debuginfo *vmlinux;	/* the file, or NULL */
	struct symbol_table symbols;
	struct types *types;
	struct module *module;
	size_t nr_modules;
	uint64_t *per_cpu;	/* offset of each CPU's per-CPU area */
	bool *online;
	size_t nr_cpus;		/* possible ones, all below this number */
	bool *possible;
};

/* For what the dump does not say itself; NULL: nothing. */
struct kernel_files {
	const char *vmlinux;
	const char *modules;	/* directory with files of modules, at any depth */
};

/* @mem and @info must outlive the result. */
struct error *kernel_create(const struct memory *mem, const struct vmcoreinfo *info,
			    const struct kernel_files *files, struct kernel **ret);
void kernel_destroy(struct kernel *kernel);

/* NULL if no module of that name is loaded. */
const struct module *kernel_find_module(const struct kernel *kernel, const char *name);

/*
 * Address of a symbol of the module @module if that is loaded, else of the
 * kernel, for code that may be either. Return: whether there is one.
 */
bool kernel_find_symbol(const struct kernel *kernel, const char *module,
			const char *name, uint64_t *ret);

/*
 * "vmx_vcpu_load_vmcs+0x18d [kvm_intel]", with " (vmx.c:1372)" if there is a file to tell
 * the line, or the bare address.
 */
void kernel_format_address(const struct kernel *kernel, uint64_t addr, char *ret,
			   size_t size);

#endif
