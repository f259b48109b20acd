/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_TYPES_BTF_H
#define ANALYZE_TYPES_BTF_H

/* Types from BTF (Documentation/bpf/btf.rst of the kernel), as libbpf reads it. */

#include <stddef.h>

#include "analyze/type_source.h"

struct btf_source;

/*
 * @data is copied.  @base is the kernel's, for the BTF of a module, and must
 * outlive the result; else NULL.  @name is for errors: "the kernel".
 */
struct error *btf_source_create(const char *name, const void *data, size_t size,
				const struct btf_source *base, struct btf_source **ret);

/* For types of both kinds; destroys the whole. */
struct type_source *btf_source_types(struct btf_source *btf);

#endif
