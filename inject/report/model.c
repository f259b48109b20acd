// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/model.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

const char *const deliveries[] = { "self", "remote", "shootdown" };

static const struct {
	const char *name, *sign;
} statuses[] = {
	[CRASH_PASS] = { "pass", "✓" },
	[CRASH_SKIP] = { "skip", "–" },
	[CRASH_INCONCLUSIVE] = { "inconclusive", "?" },
	[CRASH_FAIL] = { "fail", "✕" },
	[CRASH_ERROR] = { "error", "!" },
};

const char *crash_status_name(enum crash_status status)
{
	return statuses[status].name;
}

const char *crash_status_sign(enum crash_status status)
{
	return statuses[status].sign;
}

const char *json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

double json_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static enum crash_status parse_status(const char *name)
{
	enum crash_status status = CRASH_PASS;

	while (status < CRASH_ERROR && strcmp(statuses[status].name, name))
		status++;
	return status;
}

/*
 * What crashes that left the same behind have in common. The thread that last ran
 * a vCPU is not part of it, nor is what each CPU was doing.
 */
static char *state_key(const json_t *result)
{
	json_t *parts = json_pack("[O, O?]", json_object_get(result, "vmcs"),
				  json_object_get(result, "operations"));
	const json_t *cpu;
	size_t i;

	json_array_foreach(json_object_get(result, "lists"), i, cpu) {
		json_array_append(parts, json_object_get(cpu, "cpu"));
		json_array_append(parts, json_object_get(cpu, "current_vmcs"));
		json_array_append(parts, json_object_get(cpu, "list_end"));
		json_array_append(parts, json_object_get(cpu, "nodes"));
	}
	char *key = json_dumps(parts, JSON_COMPACT);

	json_decref(parts);
	return key;
}

/* The number of @key in @numbers, a new one if it has none. */
static size_t number_of(json_t *numbers, const char *key)
{
	const json_t *known = json_object_get(numbers, key);
	size_t nr = json_object_size(numbers);

	if (known)
		return json_integer_value(known);
	json_object_set_new(numbers, key, json_integer(nr));
	return nr;
}

static struct error *fill_crashes(const json_t *results, struct model *model)
{
	const json_t *result;
	size_t i;

	model->nr = json_array_size(results);
	model->crash = calloc(model->nr + 1, sizeof(*model->crash));
	if (!model->crash)
		return &error_no_memory;
	json_array_foreach(results, i, result) {
		const char *status = json_text(result, "status");

		results_count_add(&model->count, status);
		model->crash[i] = (struct crash){
			.json = result, .id = json_text(result, "id"),
			.scenario = json_text(result, "scenario"),
			.kernel = json_text(result, "kernel"),
			.point = json_text(result, "point"),
			.deliver = json_text(result, "deliver"),
			.function = json_text(result, "function"),
			.offset = json_integer_value(json_object_get(result, "offset")),
			.status = parse_status(status), .nr = i + 1, .state = NO_NUMBER,
		};
	}
	return NULL;
}

/* Found by position, not by name: of one name there may be several. */
static void fill_changes(const json_t *results, struct model *model)
{
	const struct results_comparison *comparison = model->comparison;

	for (size_t i = 0; comparison && i < comparison->nr; i++) {
		const struct results_difference *difference = &comparison->difference[i];

		for (size_t k = 0; difference->after && k < json_array_size(results); k++) {
			if (json_array_get(results, k) == difference->after)
				model->crash[k].change = difference->change;
		}
	}
}

static struct error *fill_states(struct model *model)
{
	json_t *numbers = json_object();

	model->state = calloc(model->nr + 1, sizeof(*model->state));
	for (size_t i = 0; model->state && i < model->nr; i++) {
		struct crash *crash = &model->crash[i];

		if (!crash->has_story || !json_object_get(crash->json, "vmcs"))
			continue;
		_cleanup_free_ char *key = state_key(crash->json);

		crash->state = number_of(numbers, key ?: "");
		struct state *state = &model->state[crash->state];

		if (!state->last)
			state->last = &state->first;
		*state->last = crash;
		state->last = &crash->next_in_state;
	}
	model->nr_states = json_object_size(numbers);
	json_decref(numbers);
	return model->state ? NULL : &error_no_memory;
}

/* The columns of @table are the kernels and deliveries that @crashes of it have. */
static size_t find_column(struct table *table, const struct crash *crash)
{
	for (size_t i = 0; i < table->nr_columns; i++) {
		if (!strcmp(table->column[i].kernel, crash->kernel) &&
		    !strcmp(table->column[i].deliver, crash->deliver))
			return i;
	}
	return NO_NUMBER;
}

/* The first of these crashes; NULL: there is none. */
static const struct crash *find_crash(const struct model *model, const char *scenario,
				      const char *kernel, const char *deliver)
{
	for (size_t i = 0; i < model->nr; i++) {
		const struct crash *crash = &model->crash[i];

		if (!strcmp(crash->deliver, deliver) && !strcmp(crash->kernel, kernel) &&
		    !strcmp(crash->scenario, scenario))
			return crash;
	}
	return NULL;
}

/* In the order of "kernels" and of deliveries. */
static struct error *fill_columns(const struct model *model, json_t *kernels, struct table *table)
{
	const char *kernel;
	json_t *value;

	table->column = calloc(json_object_size(kernels) * NR_DELIVERIES + 1,
			       sizeof(*table->column));
	if (!table->column)
		return &error_no_memory;
	json_object_foreach(kernels, kernel, value) {
		for (size_t i = 0; i < NR_DELIVERIES; i++) {
			const struct crash *crash = find_crash(model, table->name, kernel,
							       deliveries[i]);

			if (crash)
				table->column[table->nr_columns++] = (struct column){
					.kernel = crash->kernel, .deliver = deliveries[i],
				};
		}
	}
	return NULL;
}

/* Those that "kernels" describes, and then the others that crashes name. */
static json_t *all_kernels(const struct model *model)
{
	json_t *kernels = json_object();
	const char *name;
	json_t *kernel;

	json_object_foreach(json_object_get(model->root, "kernels"), name, kernel)
		json_object_set_new(kernels, name, json_true());
	for (size_t i = 0; i < model->nr; i++)
		json_object_set_new(kernels, model->crash[i].kernel, json_true());
	return kernels;
}

static struct error *fill_tables(struct model *model)
{
	const json_t *scenarios = json_object_get(model->root, "scenarios");
	json_t *numbers = json_object(), *kernels = all_kernels(model);
	const char *name;
	json_t *number;
	struct error *err = NULL;

	for (size_t i = 0; i < model->nr; i++)
		number_of(numbers, model->crash[i].scenario);
	model->table = calloc(json_object_size(numbers) + 1, sizeof(*model->table));
	if (!model->table)
		err = &error_no_memory;
	json_object_foreach(numbers, name, number) {
		if (err)
			break;
		struct table *table = &model->table[model->nr_tables++];

		table->scenario = json_object_get(scenarios, name);
		for (size_t i = 0; !table->name; i++) {
			if (!strcmp(model->crash[i].scenario, name))
				table->name = model->crash[i].scenario;
		}
		err = fill_columns(model, kernels, table);
	}
	json_decref(numbers);
	json_decref(kernels);
	return err;
}

static size_t table_of(const struct model *model, const struct crash *crash)
{
	size_t i = 0;

	while (strcmp(model->table[i].name, crash->scenario))
		i++;
	return i;
}

static struct error *add_place(struct model *model, size_t table, const struct crash *crash)
{
	struct place *place = &model->place[model->nr_places];

	place->cell = calloc(model->table[table].nr_columns, sizeof(*place->cell));
	if (!place->cell)
		return &error_no_memory;
	model->nr_places++;
	place->table = table;
	place->point = crash->point;
	place->function = crash->function;
	place->offset = crash->offset;
	return NULL;
}

/* A skip says nothing that is worse than a pass. */
static bool is_worse(const struct crash *crash, const struct crash *than)
{
	return !than || crash->status > than->status;
}

static void add_to_cell(struct cell *cell, struct crash *crash)
{
	crash->has_story = !cell->first || !crash_is_fine(crash);
	crash->next_in_cell = cell->first;
	cell->first = crash;
	cell->nr++;
	cell->nr_bad += !crash_is_fine(crash);
	if (crash->has_story && is_worse(crash, cell->worst))
		cell->worst = crash;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	int order = one->table < other->table ? -1 : one->table > other->table;

	if (!order)
		order = strcmp(one->function, other->function);
	if (!order)
		order = one->offset < other->offset ? -1 : one->offset > other->offset;
	return order ?: strcmp(one->point, other->point);
}

static void divide_places(struct model *model)
{
	qsort(model->place, model->nr_places, sizeof(*model->place), compare_places);
	for (size_t i = model->nr_places; i-- > 0;) {
		struct table *table = &model->table[model->place[i].table];

		table->first = i;
		table->nr++;
	}
}

static struct error *fill_places(struct model *model)
{
	json_t *numbers = json_object();
	struct error *err = NULL;

	model->place = calloc(model->nr + 1, sizeof(*model->place));
	if (!model->place)
		err = &error_no_memory;
	for (size_t i = 0; !err && i < model->nr; i++) {
		struct crash *crash = &model->crash[i];
		size_t table = table_of(model, crash);
		_cleanup_free_ char *key = NULL;

		if (asprintf(&key, "%zu/%s", table, crash->point) < 0) {
			err = &error_no_memory;
			break;
		}
		size_t nr = number_of(numbers, key);

		if (nr == model->nr_places)
			err = add_place(model, table, crash);
		if (err)
			break;
		results_count_add(&model->table[table].count, crash_status_name(crash->status));
		size_t column = find_column(&model->table[table], crash);

		if (column == NO_NUMBER)
			err = error_new("%s: deliver \"%s\"", crash->id, crash->deliver);
		else
			add_to_cell(&model->place[nr].cell[column], crash);
	}
	json_decref(numbers);
	if (!err)
		divide_places(model);
	return err;
}

static int compare_by_place(const void *a, const void *b)
{
	const struct crash *one = *(struct crash *const *)a, *other = *(struct crash *const *)b;
	int order = strcmp(one->kernel, other->kernel);

	if (!order)
		order = strcmp(one->function, other->function);
	if (!order)
		order = one->offset < other->offset ? -1 : one->offset > other->offset;
	return order ?: strcmp(one->deliver, other->deliver);
}

static struct error *fill_by_place(struct model *model)
{
	model->by_place = calloc(model->nr + 1, sizeof(struct crash *));
	if (!model->by_place)
		return &error_no_memory;
	for (size_t i = 0; i < model->nr; i++)
		model->by_place[i] = &model->crash[i];
	qsort(model->by_place, model->nr, sizeof(struct crash *), compare_by_place);
	return NULL;
}

struct crash *const *model_at(const struct model *model, const char *kernel,
			      const char *function, unsigned int offset, const char *deliver,
			      size_t *nr)
{
	const struct crash wanted = {
		.kernel = kernel, .function = function, .offset = offset, .deliver = deliver,
	};
	const struct crash *key = &wanted;
	struct crash **found = bsearch(&key, model->by_place, model->nr, sizeof(struct crash *),
				       compare_by_place);

	*nr = 0;
	if (!found)
		return NULL;
	while (found > model->by_place && !compare_by_place(&key, found - 1))
		found--;
	while (found + *nr < model->by_place + model->nr && !compare_by_place(&key, found + *nr))
		++*nr;
	return found;
}

struct error *model_init(const struct results *results,
			 const struct results_comparison *comparison, struct model *ret)
{
	const json_t *root = results_json(results), *list = json_object_get(root, "results");

	*ret = (struct model){ .root = root, .comparison = comparison };
	struct error *err = fill_crashes(list, ret);

	if (!err) {
		fill_changes(list, ret);
		err = fill_tables(ret);
	}
	if (!err)
		err = fill_places(ret);
	if (!err)
		err = fill_states(ret);
	if (!err)
		err = fill_by_place(ret);
	if (err)
		model_deinit(ret);
	return err;
}

void model_deinit(struct model *model)
{
	for (size_t i = 0; i < model->nr_places; i++)
		free(model->place[i].cell);
	for (size_t i = 0; i < model->nr_tables; i++)
		free(model->table[i].column);
	free(model->place);
	free(model->table);
	free(model->crash);
	free(model->state);
	free(model->by_place);
	*model = (struct model){ 0 };
}
