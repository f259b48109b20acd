/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_MODULE_H
#define ANALYZE_MODULE_H

/* The modules that were loaded: the kernel's list of struct module. */

#include "analyze/kernel.h"

/*
 * Fill kernel->module[]. Symbols are read of those modules that matter here; what the
 * dump does not have comes from files below @dir, unless that is NULL.
 */
struct error *modules_read(struct kernel *kernel, const char *dir);

/* Add the types of those modules to kernel->types. Must follow modules_read(). */
struct error *modules_read_types(struct kernel *kernel, const char *dir);

void modules_deinit(struct kernel *kernel);

#endif
