/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_IMAGE_H
#define TESTS_UNIT_IMAGE_H

/* What a kernel carries in its memory to explain itself: kallsyms and BTF. */

#include <bpf/btf.h>

#include "tests/unit/machine.h"

struct image_symbol {
	char name[600];
	uint64_t addr;
};

struct image {
	struct image_symbol symbol[256];
	size_t nr;
};

enum image_offsets {
	IMAGE_ABSOLUTE_PERCPU,	/* small addresses absolute, others below a base */
	IMAGE_UNSIGNED,		/* all above a base */
	IMAGE_ADDRESSES,	/* no offsets but addresses */
};

/* In any order. */
void image_add_symbol(struct image *image, const char *name, uint64_t addr);

/* The symbol _stext, which every vmcoreinfo names. */
void image_write_stext(struct image *image, struct machine *machine);

/* Write the compressed symbol table, _stext included, into @machine and name it in vmcoreinfo. */
void image_write_kallsyms(struct image *image, struct machine *machine,
			  enum image_offsets offsets);

/*
 * BTF from text, a structure a line: "NAME SIZE: MEMBER@OFFSET:TYPE ...", where
 * TYPE is a size in bytes or the name of a structure above; a MEMBER named "-"
 * is anonymous.  @base is what split BTF builds on, else NULL.
 */
struct btf *image_btf(const char *text, struct btf *base);

#endif
