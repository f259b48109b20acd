// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "analyze/cleanup.h"
#include "inject/operations.h"
#include "inject/sweep/input.h"
#include "inject/sweep/sweep.h"

static void print_words(char *const *words)
{
	for (char *const *word = words; *word; word++)
		printf("%s%s", word == words ? "" : ",", *word);
}

static void print_scenario(const struct scenario *scenario)
{
	static const char *const points[] = {
		[POINTS_STEPS] = "steps", [POINTS_BOUNDARIES] = "boundaries",
	};

	printf("%-26s ", scenario->name);
	if (scenario->points == POINTS_LIST)
		print_words(scenario->list);
	else
		printf("%s of %s", points[scenario->points],
		       scenario->operation ? scenario->operation->name : "all operations");
	printf(" by ");
	print_words(scenario->deliver);
	if (*scenario->groups) {
		printf("; group ");
		print_words(scenario->groups);
	}
	if (scenario->kernels) {
		printf("; kernel ");
		print_words(scenario->kernels);
	}
	putchar('\n');
	if (scenario->danger)
		printf("%26s by its name only: %s\n", "", scenario->danger);
}

static void print_all(const struct scenario *const *scenarios, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		print_scenario(scenarios[i]);
}

static void print_json(const struct scenario *const *scenarios, size_t nr)
{
	json_t *all = json_object();

	for (size_t i = 0; i < nr; i++)
		json_object_set_new(all, scenarios[i]->name, scenario_json(scenarios[i]));
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

/* Dangerous ones among them. */
static struct error *choose_all(const struct scenarios *scenarios, const struct scenario ***ret,
				size_t *ret_nr)
{
	const struct scenario **all = calloc(scenarios->nr + 1, sizeof(*all));

	if (!all)
		return &error_no_memory;
	for (size_t i = 0; i < scenarios->nr; i++)
		all[i] = &scenarios->scenario[i];
	*ret = all;
	*ret_nr = scenarios->nr;
	return NULL;
}

struct error *sweep_list(const struct sweep_options *options)
{
	_cleanup_(scenarios_deinit) struct scenarios scenarios = { 0 };
	_cleanup_free_ const struct scenario **chosen = NULL;
	size_t nr = 0;
	struct error *err = sweep_load_scenarios(options->scenarios, &scenarios);

	if (!err && options->nr_names)
		err = scenarios_select(&scenarios, options->names, options->nr_names, &chosen,
				       &nr);
	else if (!err)
		err = choose_all(&scenarios, &chosen, &nr);
	if (err)
		return err;
	if (options->json)
		print_json(chosen, nr);
	else
		print_all(chosen, nr);
	return NULL;
}
