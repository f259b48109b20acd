/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_DRY_H
#define INJECT_DRY_H

/*
 * A dry sweep: nothing crashes. At each boundary the driver walks the list as
 * the crash path would and holds it against the VMCSes that are really active on
 * the CPU. The driver knows the boundaries by a table, and the agent reports by
 * their numbers in it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/error.h"
#include "inject/emulator.h"

struct operation;
struct points;

struct dry;

/*
 * Of all boundaries of the @nr @operations that can be probed.  An error, too, if
 * there is a VMX instruction in the module that the driver could not follow.
 * @points must outlive the result.
 */
struct error *dry_create(const struct points *points, const struct operation *const *operations,
			 size_t nr, struct dry **ret);
void dry_destroy(struct dry *dry);

static inline void cleanup_dry(struct dry **dry)
{
	dry_destroy(*dry);
}

/* Text for the driver's knob dry_table, a line a boundary. */
const char *dry_table(const struct dry *dry);

/* Whether the agent says with @line what a dry sweep found. */
bool dry_is_line(const char *line);
/*
 * Take such a line.  *@ret_ended: it was the last one.  An error means that the
 * line is damaged or contradicts the ones before: nothing is known then.
 */
struct error *dry_take_line(struct dry *dry, const char *line, bool *ret_ended);

/*
 * What was found: a line for each function, then the violations.  Call it when
 * dry_take_line() has had the last line.
 */
void dry_print(const struct dry *dry, FILE *file);
/* The same, and the hits of each boundary, for programs; NULL: out of memory. */
json_t *dry_json(const struct dry *dry);
enum exit_status dry_status(const struct dry *dry);

/* Violations; of many only the first are told one by one. */
uint64_t dry_nr_violations(const struct dry *dry);

/* What a user asks of a dry sweep. Strings belong to the caller. */
struct dry_options {
	const char *kernel;
	const char *operations;	/* comma separated; NULL: all that need no nested guest */
	const char *out;	/* new directory for the logs; NULL: one below runs/ */
	unsigned int victim;	/* CPU */
	unsigned int guests;
	unsigned int bystanders;
	unsigned int memory;	/* MiB */
	unsigned int timeout;	/* seconds without a sign of life */
	unsigned int budget;	/* millions of emulated instructions a CPU */
	enum emulator_choice emulator;
	bool json;		/* on stdout instead of text */
	bool quiet;
};

/* Boot, do it, print it on stdout. *@ret: what it came to. */
struct error *dry_sweep(const struct dry_options *options, enum exit_status *ret);

#endif
