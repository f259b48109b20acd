/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_DETECTION_H
#define INJECT_DETECTION_H

/* Which of the mutants a sweep has caught, and what it says of the kernel without. */

#include <stddef.h>
#include <stdio.h>

#include "analyze/error.h"
#include "inject/results.h"

struct mutant;
struct mutants;

struct detection_row {
	const struct mutant *mutant; /* NULL: the kernel without a bug */
	size_t made, seen;	/* crashes, and those that show something */
	size_t unexpected;	/* those that came to something else than they must */
	const json_t *first;	/* that shows something, in the order of the plan */
};

struct detection {
	struct detection_row *row; /* each mutant that was swept; without a bug */
	size_t nr;
	size_t due, caught;	/* mutants that are to be shown, and that are */
	struct results_count count;
};

/* @ret refers to both. */
struct error *detection_init(const struct mutants *mutants, const struct results *results,
			     struct detection *ret);
void detection_deinit(struct detection *detection);

/* FAIL if a mutant is not caught, or a crash shows what it must not. */
enum exit_status detection_status(const struct detection *detection);
/* The table, as lines of KTAP diagnostics. */
void detection_print(const struct detection *detection, FILE *file);

#endif
