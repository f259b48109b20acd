// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/points.h"
#include "inject/scenario.h"

/* What the shots of one call of plan_add() have in common. */
struct series {
	struct plan *plan;
	const struct scenario *scenario;
	struct points *points;
	const char *label;
	const char *trigger;
	size_t kernel;
	unsigned int repeat;
};

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct error *find_boot(struct plan *plan, const struct plan_boot *wanted, size_t *ret)
{
	for (size_t i = 0; i < plan->nr_boots; i++) {
		const struct plan_boot *boot = &plan->boot[i];

		if (boot->kernel == wanted->kernel && boot->victim == wanted->victim &&
		    boot->guests == wanted->guests &&
		    boot->bystanders == wanted->bystanders &&
		    !strcmp(boot->situation, wanted->situation)) {
			*ret = i;
			return NULL;
		}
	}
	struct plan_boot *larger = reallocarray(plan->boot, plan->nr_boots + 1, sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	plan->boot = larger;
	larger[plan->nr_boots] = *wanted;
	*ret = plan->nr_boots++;
	return NULL;
}

/* What the scenario does not say its operation does, and else that of the point. */
static struct error *find_boot_of(const struct series *series, const char *point, size_t *ret)
{
	const struct scenario *scenario = series->scenario;
	const struct operation *operation = scenario->operation ?: operation_of_point(point);
	const struct plan_boot boot = {
		.kernel = series->kernel,
		.situation = scenario->situation ?: operation ? operation->situation : "plain",
		.victim = scenario->victim < 0 ? series->plan->victim :
			  (unsigned int)scenario->victim,
		.guests = scenario->guests, .bystanders = scenario->bystanders,
	};

	return find_boot(series->plan, &boot, ret);
}

static struct error *name_shot(const struct series *series, struct shot *shot)
{
	const char *scenario = series->scenario->name;
	int length = series->repeat ?
		     asprintf(&shot->id, "%s/%s/%s/%s/%u", scenario, series->label, shot->point,
			      shot->deliver, series->repeat + 1) :
		     asprintf(&shot->id, "%s/%s/%s/%s", scenario, series->label, shot->point,
			      shot->deliver);

	return length < 0 ? &error_no_memory : NULL;
}

static struct error *add_shot(const struct series *series, const struct shot *model,
			      const char *point)
{
	struct plan *plan = series->plan;
	struct shot shot = *model;
	struct error *err = find_boot_of(series, point, &shot.boot);

	if (err)
		return err;
	/* Grown by doubling: a repeated sweep has a million. */
	if (!(plan->nr_shots & (plan->nr_shots - 1))) {
		size_t room = plan->nr_shots ? 2 * plan->nr_shots : 1;
		struct shot *larger = reallocarray(plan->shot, room, sizeof(*larger));

		if (!larger)
			return &error_no_memory;
		plan->shot = larger;
	}
	shot.nr = plan->nr_shots;
	shot.scenario = series->scenario;
	shot.kernel = series->kernel;
	shot.trigger = series->trigger;
	shot.repeat = series->repeat;
	shot.point = strdup(point);
	if (!shot.point)
		return &error_no_memory;
	err = name_shot(series, &shot);
	if (err) {
		free(shot.point);
		return err;
	}
	plan->shot[plan->nr_shots++] = shot;
	return NULL;
}

/* One point by each delivery. */
static struct error *add_point(const struct series *series, struct shot *model, const char *point)
{
	struct error *err = NULL;

	for (char **deliver = series->scenario->deliver; !err && *deliver; deliver++) {
		model->deliver = *deliver;
		err = add_shot(series, model, point);
	}
	return err;
}

static struct error *add_boundaries(const struct series *series)
{
	const struct operation *operation = series->scenario->operation;
	struct error *err = NULL;

	for (size_t i = 0; !err && i < points_nr_boundaries(series->points); i++) {
		const struct boundary *boundary = points_boundary(series->points, i);
		_cleanup_free_ char *name = NULL;
		struct shot model = {
			.op = boundary->op, .step = boundary->step,
			.function = boundary->function, .offset = boundary->offset,
			.may_miss = true,
			.skip = boundary->probe ? NULL : boundary->problem ?: "no kprobe can be there",
		};

		if (operation && !boundary_is_of(boundary, operation))
			continue;
		if (asprintf(&name, "%s+0x%x", boundary->function, boundary->offset) < 0)
			return &error_no_memory;
		err = add_point(series, &model, name);
	}
	return err;
}

static bool has_steps(struct points *points, const char *op)
{
	for (size_t i = 0; i < points_nr_all(points); i++) {
		if (same_text(points_get(points, i)->op, op))
			return true;
	}
	return false;
}

static bool function_is_of(struct points *points, const char *function,
			   const struct operation *operation)
{
	for (size_t i = 0; function && i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (boundary_is_of(boundary, operation) && !strcmp(boundary->function, function))
			return true;
	}
	return false;
}

/* An operation that is another one's functions for another reason has the steps of those. */
static bool step_is_of(struct points *points, const struct point *point,
		       const struct operation *operation)
{
	if (has_steps(points, operation->name))
		return same_text(point->op, operation->name);
	return function_is_of(points, point->function, operation);
}

static struct error *add_steps(const struct series *series)
{
	const struct operation *operation = series->scenario->operation;
	struct points *points = series->points;
	size_t nr = operation ? points_nr_all(points) : points_nr(points);
	struct error *err = NULL;

	for (size_t i = 0; !err && i < nr; i++) {
		const struct point *point = points_get(points, i);
		bool reachable = point->hook || point->kprobe || point->driver;
		struct shot model = {
			.op = point->op, .step = point->step,
			.function = point->function, .offset = point->offset,
			.skip = reachable ? NULL : point->problem ?: "this kernel has no such place",
		};

		if (!operation || step_is_of(points, point, operation))
			err = add_point(series, &model, point->name);
	}
	return err;
}

static struct error *add_list(const struct series *series)
{
	struct error *err = NULL;

	for (char **name = series->scenario->list; !err && *name; name++) {
		struct point point;
		struct shot model = { 0 };
		struct error *unknown = points_find(series->points, *name, &point);

		/* What is wrong with it, the run will say. */
		if (!unknown)
			model = (struct shot){ .op = point.op, .step = point.step,
					       .function = point.function,
					       .offset = point.offset };
		error_free(unknown);
		err = add_point(series, &model, *name);
	}
	return err;
}

struct error *plan_add(struct plan *plan, const struct scenario *scenario, size_t kernel,
		       const char *label, struct points *points, unsigned int repeat)
{
	const struct operation *operation = scenario->operation;
	const struct series series = {
		.plan = plan, .scenario = scenario, .points = points, .label = label,
		.trigger = scenario->trigger ?: operation ? operation->trigger : NULL,
		.kernel = kernel, .repeat = repeat,
	};
	size_t before = plan->nr_shots;
	struct error *err = NULL;

	switch (scenario->points) {
	case POINTS_STEPS:
		err = add_steps(&series);
		break;
	case POINTS_BOUNDARIES:
		err = add_boundaries(&series);
		break;
	case POINTS_LIST:
		err = add_list(&series);
		break;
	}
	if (!err && plan->nr_shots == before)
		err = error_new("scenario %s: no points in kernel %s", scenario->name, label);
	return err;
}

void plan_deinit(struct plan *plan)
{
	for (size_t i = 0; i < plan->nr_shots; i++) {
		free(plan->shot[i].id);
		free(plan->shot[i].point);
	}
	free(plan->shot);
	free(plan->boot);
}

struct shot *plan_get(const struct plan *plan, size_t nr, const char *id)
{
	if (nr >= plan->nr_shots || strcmp(plan->shot[nr].id, id))
		return NULL;
	return &plan->shot[nr];
}

struct shot *plan_next(const struct plan *plan, size_t boot, size_t *position)
{
	while (*position < plan->nr_shots) {
		struct shot *shot = &plan->shot[(*position)++];

		if (shot->boot == boot && !shot->done)
			return shot;
	}
	return NULL;
}
