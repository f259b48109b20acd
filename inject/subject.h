/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SUBJECT_H
#define INJECT_SUBJECT_H

#include <jansson.h>

/* What is put to the test: a kernel and its crash points, for one run or many. */

struct error;
struct kernel_build;
struct points;

struct subject {
	struct kernel_build *kernel;
	struct points *points;
	json_t *inputs;		/* SHA-256 of each file that it is made of, by name */
	char *layout;		/* of struct loaded_vmcs, for the driver; NULL: unknown */
	char *layout_problem;	/* why it is unknown; else NULL */
};

/* @kernel: a name or a path, as for kernel_build_open(). */
struct error *subject_create(const char *kernel, struct subject **ret);
void subject_destroy(struct subject *subject);

static inline void cleanup_subject(struct subject **subject)
{
	subject_destroy(*subject);
}

#endif
