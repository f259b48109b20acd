/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_BOUNDARIES_H
#define INJECT_BOUNDARIES_H

/* For points.c: the boundaries of all operations of one module. */

#include "inject/code.h"
#include "inject/last_step.h"
#include "inject/points.h"

struct boundaries {
	struct boundary *boundary;
	size_t nr;
	struct boundary *other;	/* VMX instructions that are of no operation */
	size_t nr_others;
	struct points_note *note;
	size_t nr_notes;
	char **string;		/* all that they refer to */
	size_t nr_strings;
};

struct error *boundaries_init(const struct module_info *info,
			      const struct found_step *step, size_t nr_steps,
			      struct boundaries *ret);
void boundaries_deinit(struct boundaries *boundaries);

/*
 * Whether @symbol is one of @names, with | between, or a part or a copy that the
 * compiler made of it (NAME.part.0, NAME.constprop.0).  NAME.cold belongs to the
 * code of NAME.
 */
bool symbol_is_function(const struct module_symbol *symbol, const char *names);

/*
 * Where offsets in raw points of @function are counted from: the function that
 * the kernel takes its name for, which is the first of several of one name.
 */
const struct module_symbol *function_base(const struct module_info *info,
					  const struct module_symbol *function);

#endif
