// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/kernel_build.h"
#include "inject/subject.h"
#include "inject/sweep/sweep.h"
#include "inject/words.h"

struct error *sweep_load_mutants(struct mutants *ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/mutants.cfg", data_directory()) < 0)
		return &error_no_memory;
	return mutants_load(path, ret);
}

/* Those that come along. */
static struct error *load_own(struct scenarios *ret)
{
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_(scenarios_deinit) struct scenarios scenarios = { 0 };
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/scenarios.cfg", data_directory()) < 0)
		return &error_no_memory;
	struct error *err = scenarios_load(path, &scenarios);

	if (!err)
		err = sweep_load_mutants(&mutants);
	if (!err)
		err = mutants_scenarios(&mutants, &scenarios);
	if (err)
		return err;
	*ret = scenarios;
	scenarios = (struct scenarios){ 0 };
	return NULL;
}

struct error *sweep_load_scenarios(const char *path, struct scenarios *ret)
{
	return path ? scenarios_load(path, ret) : load_own(ret);
}

/* The scenario that the options make. */
static struct error *make_unnamed(struct sweep_input *input)
{
	const struct sweep_options *options = input->options;
	struct scenarios *scenarios = &input->scenarios;

	scenarios->scenario = calloc(1, sizeof(*scenarios->scenario));
	input->selected = calloc(1, sizeof(*input->selected));
	if (!scenarios->scenario || !input->selected)
		return &error_no_memory;
	struct scenario *scenario = scenarios->scenario;
	struct error *err = scenario_init(SWEEP_UNNAMED, scenario);

	if (err)
		return err;
	scenarios->nr = input->nr_selected = 1;
	input->selected[0] = scenario;
	scenario->guests = options->guests;
	scenario->bystanders = options->bystanders;
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "deliver", options->deliver },
		{ "points", options->points },
		{ "situation", options->situation },
		{ "trigger", options->trigger },
	};

	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].value)
			err = scenario_set(scenario, texts[i].key, texts[i].value);
	}
	return err ? error_context(err, "sweep") : NULL;
}

static struct error *choose_scenarios(struct sweep_input *input)
{
	const struct sweep_options *options = input->options;

	if (!options->nr_names)
		return make_unnamed(input);
	struct error *err = sweep_load_scenarios(options->scenarios, &input->scenarios);

	if (err)
		return err;
	return scenarios_select(&input->scenarios, options->names, options->nr_names,
				&input->selected, &input->nr_selected);
}

/* Last part of a path, or the whole name. */
static const char *label_of(char *name)
{
	size_t length = strlen(name);

	while (length > 1 && name[length - 1] == '/')
		name[--length] = '\0';
	const char *slash = strrchr(name, '/');

	return slash && slash[1] ? slash + 1 : name;
}

/* *@ret: number of the kernel @name. */
static struct error *find_kernel(struct sweep_input *input, const char *name, size_t *ret)
{
	_cleanup_free_ char *copy = strdup(name);

	if (!copy)
		return &error_no_memory;
	const char *label = label_of(copy);

	for (size_t i = 0; i < input->nr_kernels; i++) {
		*ret = i;
		if (!strcmp(input->kernel[i].name, copy))
			return NULL;
		if (!strcmp(input->kernel[i].label, label))
			return error_new("--kernel %s: %s is another one of the same name",
					 copy, input->kernel[i].name);
	}
	struct sweep_kernel *larger = reallocarray(input->kernel, input->nr_kernels + 1,
						   sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	input->kernel = larger;
	*ret = input->nr_kernels;
	struct sweep_kernel *kernel = &larger[*ret];

	*kernel = (struct sweep_kernel){ .name = copy, .label = label };
	struct error *err = subject_create(copy, &kernel->subject);

	if (!err) {
		copy = NULL;
		input->nr_kernels++;
	}
	return err;
}

static struct error *plan_kernel(struct sweep_input *input, const struct scenario *scenario,
				 const char *name, unsigned int repeat)
{
	size_t nr;
	struct error *err = find_kernel(input, name, &nr);

	if (err)
		return err;
	const struct sweep_kernel *kernel = &input->kernel[nr];

	return plan_add(&input->plan, scenario, nr, kernel->label, kernel->subject->points,
			repeat);
}

/* In each kernel that both the scenario and the user want. */
static struct error *plan_scenario(struct sweep_input *input, const struct scenario *scenario,
				   char *const *wanted, unsigned int repeat)
{
	char *const *kernels = scenario->kernels ?: wanted;
	struct error *err = NULL;

	for (; !err && *kernels; kernels++) {
		if (input->options->kernel && !words_have(wanted, *kernels))
			continue;
		err = plan_kernel(input, scenario, *kernels, repeat);
	}
	return err;
}

/* All once, then all of it again: what is rare is not left for the end. */
static struct error *make_plan(struct sweep_input *input)
{
	const struct sweep_options *options = input->options;
	_cleanup_(cleanup_words) char **wanted = NULL;
	struct error *err = words_split(options->kernel ?: "fixed", &wanted);

	for (unsigned int n = 0; !err && n < options->repeat; n++) {
		for (size_t i = 0; !err && i < input->nr_selected; i++)
			err = plan_scenario(input, input->selected[i], wanted, n);
	}
	if (!err && !input->plan.nr_shots)
		err = error_new("--kernel %s: none of these scenarios is for it", options->kernel);
	return err;
}

struct error *sweep_input_init(const struct sweep_options *options, struct sweep_input *ret)
{
	*ret = (struct sweep_input){ .options = options, .plan.victim = options->victim };
	struct error *err = choose_scenarios(ret);

	return err ?: make_plan(ret);
}

void sweep_input_deinit(struct sweep_input *input)
{
	plan_deinit(&input->plan);
	for (size_t i = 0; i < input->nr_kernels; i++) {
		subject_destroy(input->kernel[i].subject);
		free(input->kernel[i].name);
	}
	free(input->kernel);
	free(input->selected);
	scenarios_deinit(&input->scenarios);
}
