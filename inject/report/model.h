/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_MODEL_H
#define INJECT_REPORT_MODEL_H

/* The results of a sweep in the order in which they are shown. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "inject/results.h"

#define NO_NUMBER	((size_t)-1)

enum crash_status {
	CRASH_PASS,
	CRASH_SKIP,
	CRASH_INCONCLUSIVE,
	CRASH_FAIL,
	CRASH_ERROR,
	NR_CRASH_STATUSES,
};

const char *crash_status_name(enum crash_status status);
/* One character that tells them apart without colours, and in print. */
const char *crash_status_sign(enum crash_status status);

struct crash {
	const json_t *json;		/* element of "results" */
	const char *id, *scenario, *kernel, *point, *deliver;
	const char *function;		/* empty: not known */
	unsigned int offset;
	enum crash_status status;
	size_t nr;			/* of its element in the page, r1, r2, ... */
	bool has_story;			/* there is that element: one repetition that passed is
					 * enough */
	size_t state;			/* of the dump; NO_NUMBER: there is none */
	enum results_change change;	/* since the baseline; CHANGE_SAME without one */
	struct crash *next_in_state;
	struct crash *next_in_cell;
};

/* All crashes at one point by one delivery in one kernel. */
struct cell {
	struct crash *first;		/* NULL: it was not in the sweep */
	struct crash *worst;		/* that has a story */
	size_t nr;
	size_t nr_bad;			/* that are neither passed nor skipped */
};

struct column {
	const char *kernel, *deliver;
};

/* One point of a scenario. */
struct place {
	size_t table;			/* struct table of the scenario */
	const char *point, *function;
	unsigned int offset;		/* in the first kernel that has it */
	struct cell *cell;		/* one for each column */
};

/* One scenario. */
struct table {
	const char *name;
	const json_t *scenario;		/* NULL: the results do not describe it */
	struct column *column;
	size_t nr_columns;
	size_t first, nr;		/* of its places */
	struct results_count count;
};

/* VMCSes and lists that one or more crashes left. */
struct state {
	struct crash *first, **last;
};

struct model {
	const json_t *root;
	const struct results_comparison *comparison;	/* NULL: none was asked for */
	struct crash *crash;
	size_t nr;
	struct table *table;
	size_t nr_tables;
	struct place *place;
	size_t nr_places;
	struct state *state;
	size_t nr_states;
	struct crash **by_place;	/* by kernel, function, offset and delivery */
	struct results_count count;
};

/* @ret refers to @results and @comparison. */
struct error *model_init(const struct results *results,
			 const struct results_comparison *comparison, struct model *ret);
void model_deinit(struct model *model);

/* All crashes at this place; *@nr: how many, one behind the other in by_place. */
struct crash *const *model_at(const struct model *model, const char *kernel,
			      const char *function, unsigned int offset, const char *deliver,
			      size_t *nr);

/* The values of results.json, of which only those that a comparison needs are sure. */
const char *json_text(const json_t *object, const char *key);	/* empty: none */
double json_number(const json_t *object, const char *key);

extern const char *const deliveries[];
#define NR_DELIVERIES	3

/* Whether nobody needs to look at it. */
static inline bool crash_is_fine(const struct crash *crash)
{
	return crash->status == CRASH_PASS || crash->status == CRASH_SKIP;
}

#endif
