/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_PLAN_H
#define INJECT_SWEEP_PLAN_H

/* All crashes of a sweep, and the boots that they are made from. */

#include <stdbool.h>
#include <stddef.h>

struct error;
struct points;
struct scenario;

/* One crash to be made. */
struct shot {
	char *id;		/* SCENARIO/KERNEL/POINT/DELIVERY, /N behind it if not the first */
	size_t nr;		/* from 0, in the order of the plan */
	const struct scenario *scenario;
	size_t kernel;		/* number of plan_add() */
	size_t boot;		/* index into plan.boot */
	char *point;
	const char *deliver;
	const char *trigger;	/* NULL: the one that reaches the point */
	/* NULL, 0: unknown, or none */
	const char *op, *step, *function;
	unsigned int offset;
	/*
	 * Where a trigger does not come to: one of all boundaries of a function.
	 * That it is not reached says nothing then.
	 */
	bool may_miss;
	const char *skip;	/* why it cannot be made; NULL: it can */
	unsigned int repeat;	/* how often it is in the plan before this one */
	bool done;
};

/* What one snapshot serves. */
struct plan_boot {
	size_t kernel;
	const char *situation;
	unsigned int victim;	/* CPU */
	unsigned int guests;
	unsigned int bystanders;
};

struct plan {
	unsigned int victim;	/* CPU, of scenarios that do not say */
	struct shot *shot;
	size_t nr_shots;
	struct plan_boot *boot;
	size_t nr_boots;
};

/*
 * The crashes of @scenario in kernel number @kernel, which is @label in their
 * names. @repeat: from 0, how often they are there already. All that is given
 * outlives the plan.
 */
struct error *plan_add(struct plan *plan, const struct scenario *scenario, size_t kernel,
		       const char *label, struct points *points, unsigned int repeat);
void plan_deinit(struct plan *plan);

/* Number @nr, if @id is its name; else NULL. */
struct shot *plan_get(const struct plan *plan, size_t nr, const char *id);

/* The next one of this boot that is still to be made; NULL: there is none. */
struct shot *plan_next(const struct plan *plan, size_t boot, size_t *position);

#endif
