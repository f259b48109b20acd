/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_MODULE_SECTIONS_H
#define ANALYZE_MODULE_SECTIONS_H

/* Where a module's sections were loaded, which the kernel keeps for /sys/module/NAME/sections. */

#include "analyze/debuginfo.h"
#include "analyze/kernel.h"

/*
 * Sections of the struct module at @module, and .data..percpu at its place in each
 * per-CPU area.  None if the kernel does not keep them (CONFIG_KALLSYMS or CONFIG_SYSFS
 * off).  *@ret is the caller's, also if there is an error.
 */
struct error *module_sections_read(const struct kernel *kernel, uint64_t module,
				   struct module_sections *ret);
void module_sections_deinit(struct module_sections *sections);

/* Return: the module's build id, or none if the dump does not say. */
struct build_id module_build_id(const struct kernel *kernel, uint64_t module,
				const struct module_sections *sections);

#endif
