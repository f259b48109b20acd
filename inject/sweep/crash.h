/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_CRASH_H
#define INJECT_SWEEP_CRASH_H

/* One crash of a sweep, by one path or both, and what came of it. */

#include <jansson.h>
#include <stdbool.h>

#include "analyze/error.h"
#include "inject/outcome.h"

struct plan_boot;
struct shot;
struct snapshot;
struct subject;
struct sweep_options;

struct crash_config {
	const struct sweep_options *options;
	const char *kernel;	/* as the user gave it */
	const char *label;	/* of the kernel in names */
	const struct subject *subject;
	const struct plan_boot *boot;
	const struct snapshot *snapshot; /* of it */
	const char *directory;	/* of the sweep; run directories go into it */
	bool resumed;		/* an earlier sweep may have left some of this crash */
};

/* An object of "results" in results.json; NULL: out of memory. */
json_t *crash_make(const struct crash_config *config, const struct shot *shot);
/* The same for a crash that is not made, for the reason that the shot has. */
json_t *crash_skip(const struct crash_config *config, const struct shot *shot);
/* For one that is not made because its host did not come to be armed. */
json_t *crash_unarmed(const struct crash_config *config, const struct shot *shot,
		      enum outcome outcome, const char *text);
/* For one that ended without a word. */
json_t *crash_lost(const struct crash_config *config, const struct shot *shot);

#endif
