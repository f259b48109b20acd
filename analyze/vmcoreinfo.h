/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_VMCOREINFO_H
#define ANALYZE_VMCOREINFO_H

/* The kernel's own description of itself in the dump: lines of KEY=VALUE. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmcoreinfo {
	const char *text;	/* not owned */
};

/*
 * These look for KEY, or KIND(NAME), and return whether it is there and could
 * be read; *ret is written only then.
 */
bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key,
		       char *ret, size_t size);
/* SYMBOL(@name), an address */
bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name,
		       uint64_t *ret);
/* @kind is "OFFSET", "SIZE", "LENGTH" or "NUMBER"; a negative one comes in two's complement. */
bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *kind,
		       const char *name, uint64_t *ret);

#endif
