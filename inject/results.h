/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_RESULTS_H
#define INJECT_RESULTS_H

/* results.json: what came of a sweep. docs/JSON.md has its form. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyze/error.h"

#define RESULTS_FILE	"results.json"
#define RESULTS_VERSION	1

struct journal;

/* How many crashes came to each status. */
struct results_count {
	size_t pass, fail, error, inconclusive, skip;
};

/* False: @status is none. */
bool results_count_add(struct results_count *count, const char *status);
size_t results_count_total(const struct results_count *count);

/*
 * The worst of all: an error of ours is worse than a failure, and that than not
 * knowing. If nothing was made, nothing is known.
 */
enum exit_status results_count_status(const struct results_count *count);

/* What is told besides the crashes. */
struct results_end {
	const char *finished;	/* ISO 8601; NULL: it was interrupted */
	double seconds;		/* that the sweep took */
	double pace;		/* crashes a minute, without the boots */
	unsigned int jobs;
};

/*
 * Write @path, all or nothing: the keys of @header, @end, and the crashes of
 * @journal.
 */
struct error *results_write(const char *path, const json_t *header,
			    const struct results_end *end, const struct journal *journal);

struct results;

/* The file, or the one in the directory, @path. An error if it is none of this version. */
struct error *results_load(const char *path, struct results **ret);
void results_destroy(struct results *results);

static inline void cleanup_results(struct results **results)
{
	results_destroy(*results);
}

/* All of it; valid as long as @results. */
const json_t *results_json(const struct results *results);

/* What a crash of two sweeps has become. */
enum results_change {
	CHANGE_SAME,		/* passed, or was not made, then and now */
	CHANGE_NEW_FAILURE,
	CHANGE_FLAKY,		/* failed and passed in one and the same sweep */
	CHANGE_STILL_FAILING,
	CHANGE_UNKNOWN,		/* passed; now nothing can be said */
	CHANGE_MISSING,		/* was made; now it is not */
	CHANGE_FIXED,
	CHANGE_NEW,		/* is made now, and passes */
	NR_CHANGES,
};

const char *results_change_name(enum results_change change);

struct results_difference {
	enum results_change change;
	char *name;		/* of the crash, or of the window that it came into */
	const json_t *before, *after;	/* elements of "results"; NULL: none */
};

struct results_comparison {
	struct results_difference *difference;	/* the worst first */
	size_t nr;
	size_t count[NR_CHANGES];
};

/*
 * What @after has that @before had not, of scenarios that are in both. Crashes are
 * the same if their names are, but for the kernel's if a scenario has one in each.
 * A place that is given by its offset is another one in a function that was compiled
 * otherwise: there all that lies between two steps is one, a window.
 * @ret refers to both.
 */
struct error *results_compare(const struct results *before, const struct results *after,
			      struct results_comparison *ret);
void results_comparison_deinit(struct results_comparison *comparison);

/* FAIL if there are new failures, INCONCLUSIVE if what passed is missing or unknown. */
enum exit_status results_comparison_status(const struct results_comparison *comparison);
/* As lines of KTAP diagnostics. */
void results_comparison_print(const struct results_comparison *comparison, FILE *file);

#endif
