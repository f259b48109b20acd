/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_SOURCE_H
#define INJECT_REPORT_SOURCE_H

#include <stdio.h>

/* Lines of a kernel's source. Files are read once each; one that is not there has no lines. */
struct source;

struct error *source_create(const char *tree, struct source **ret);
void source_destroy(struct source *source);	/* NULL is fine */

/* Line @line of @file, a path in the tree, as an element; nothing if it is not there. */
void source_print(struct source *source, const char *file, long long line, FILE *out);

#endif
