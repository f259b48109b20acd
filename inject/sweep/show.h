/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_SHOW_H
#define INJECT_SWEEP_SHOW_H

/* What a sweep says while it lasts: results on stdout, how far it is on stderr. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "inject/progress.h"
#include "inject/results.h"

struct show {
	struct progress progress;
	struct results_count count;
	size_t total;		/* crashes, those that cannot be made among them */
	size_t made;		/* by this process, ... */
	double making;		/* ... in as many seconds, boots not among them */
	double resumed_at;	/* now_seconds() of when that last began; 0: it is not on */
	bool json;
};

void show_init(struct show *show, size_t total, bool json, bool quiet);
/* @made: by this process, just now. */
void show_result(struct show *show, const json_t *result, bool made);
/* Crashes are being made from here on; or no longer. */
void show_making(struct show *show, bool making);
void show_tick(struct show *show);

/* Crashes a minute. */
double show_pace(const struct show *show);

#endif
