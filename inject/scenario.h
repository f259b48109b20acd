/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SCENARIO_H
#define INJECT_SCENARIO_H

/*
 * What is swept and what is to come of it, as tests/scenarios.cfg has it: a
 * section for each scenario, its keys in lines KEY = VALUE.
 */

#include <stdbool.h>
#include <stddef.h>

#include "analyze/error.h"
#include "inject/outcome.h"

struct operation;

enum scenario_points {
	POINTS_STEPS,		/* every OP/STEP of the operation */
	POINTS_BOUNDARIES,	/* every place between two instructions of its functions */
	POINTS_LIST,		/* those that are named */
};

struct scenario {
	char *name;
	char **groups;
	char **kernels;		/* NULL: any */
	const struct operation *operation; /* NULL: all that a plain host does */
	enum scenario_points points;
	char **list;		/* of POINTS_LIST; else NULL */
	char **deliver;
	char *situation;	/* NULL: the operation's */
	char *trigger;		/* NULL: the operation's */
	int victim;		/* CPU; -1: that of the sweep */
	unsigned int guests;
	unsigned int bystanders;
	unsigned int timeout;	/* seconds without a sign of life; 0: that of the sweep */
	enum exit_status verdict; /* PASS, FAIL or INCONCLUSIVE, if it is captured */
	enum outcome outcome;
	char *danger;		/* why it runs by its name only; NULL: it is harmless */
};

struct scenarios {
	struct scenario *scenario;
	size_t nr;
};

/* An error names the file, the line and what can stand there. */
struct error *scenarios_load(const char *path, struct scenarios *ret);
void scenarios_deinit(struct scenarios *scenarios);

/* With no key set. The scenarios' defaults. */
struct error *scenario_init(const char *name, struct scenario *ret);
void scenario_deinit(struct scenario *scenario);

/*
 * One more, with no key set. An error if there is one of this name. *@ret is valid
 * until the next is added.
 */
struct error *scenarios_add(struct scenarios *scenarios, const char *name,
			    struct scenario **ret);

/* One line of a section. @scenario is left valid by an error. */
struct error *scenario_set(struct scenario *scenario, const char *key, const char *value);

/*
 * Those that one of @patterns is the name of, a group of, or a glob for; the
 * dangerous ones by name only. In the order of the file, each once.
 * @ret: array of @ret_nr pointers; the caller frees it.
 */
struct error *scenarios_select(const struct scenarios *scenarios, char *const *patterns,
			       size_t nr, const struct scenario ***ret, size_t *ret_nr);

#endif
