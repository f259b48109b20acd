/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_MODULE_FILE_H
#define ANALYZE_MODULE_FILE_H

/* The file of a module below a directory such as /usr/lib/debug/lib/modules. */

#include "analyze/debuginfo.h"

/*
 * Open the file of module @name below @dir whose build id is @id: NAME.ko or
 * NAME.ko.debug, also compressed, with "-" for "_" or not.  One with DWARF is preferred.
 * @sections are as for debuginfo_open_module().
 *
 * Return: NULL with *@ret NULL if there is no file of that name; an error if there
 * are only others than that of the dump.
 */
struct error *module_file_open(const char *dir, const char *name,
			       const struct module_sections *sections,
			       const struct build_id *id, struct debuginfo **ret);

#endif
