// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/header.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/json.h"
#include "inject/operations.h"
#include "inject/points.h"
#include "inject/process.h"
#include "inject/results.h"
#include "inject/scenario.h"
#include "inject/subject.h"
#include "inject/sweep/sweep.h"

static json_t *words_json(char *const *words)
{
	json_t *array = json_array();

	for (; words && *words; words++)
		json_array_append_new(array, json_string(*words));
	return array;
}

static const char *verdict_name(enum exit_status verdict)
{
	return verdict == STATUS_PASS ? "pass" : verdict == STATUS_FAIL ? "fail" : "inconclusive";
}

json_t *scenario_json(const struct scenario *scenario)
{
	static const char *const points[] = {
		[POINTS_STEPS] = "steps", [POINTS_BOUNDARIES] = "boundaries",
		[POINTS_LIST] = "list",
	};
	const struct operation *operation = scenario->operation;
	const char *situation = scenario->situation ?: operation ? operation->situation : NULL;
	const char *trigger = scenario->trigger ?: operation ? operation->trigger : NULL;

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:{s:s, s:s}, s:o}",
			 "group", words_json(scenario->groups), "kernel",
			 scenario->kernels ? words_json(scenario->kernels) : json_null(),
			 "operation", json_optional(operation ? operation->name : NULL),
			 "points", points[scenario->points], "list", words_json(scenario->list),
			 "deliver", words_json(scenario->deliver), "situation",
			 json_optional(situation), "trigger", json_optional(trigger), "cpu",
			 scenario->victim < 0 ? json_null() : json_integer(scenario->victim), "guests",
			 scenario->guests, "bystanders", scenario->bystanders, "timeout",
			 scenario->timeout,
			 "expect", "verdict", verdict_name(scenario->verdict), "outcome",
			 outcome_name(scenario->outcome), "danger",
			 json_optional(scenario->danger));
}

static json_t *boundary_json(const struct boundary *boundary)
{
	return json_pack("{s:i, s:i, s:s, s:o, s:i, s:o, s:o, s:b, s:o}", "offset",
			 boundary->offset, "length", boundary->length, "instruction",
			 boundary->instruction, "file", json_optional(boundary->file), "line",
			 boundary->line, "op", json_optional(boundary->op), "step",
			 json_optional(boundary->step), "probe", boundary->probe, "problem",
			 json_optional(boundary->problem));
}

static json_t *functions_json(const struct points *points)
{
	json_t *functions = json_object();

	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);
		json_t *function = json_object_get(functions, boundary->function);

		if (!function) {
			function = json_pack("{s:[]}", "boundaries");
			json_object_set_new(functions, boundary->function, function);
		}
		json_array_append_new(json_object_get(function, "boundaries"),
				      boundary_json(boundary));
	}
	return functions;
}

static json_t *kernels_json(const struct sweep_kernel *kernels, size_t nr)
{
	json_t *all = json_object();

	for (size_t i = 0; i < nr; i++) {
		const struct subject *subject = kernels[i].subject;

		json_object_set_new(all, kernels[i].label,
				    json_pack("{s:o, s:O, s:o}", "release",
					      json_optional(points_release(subject->points)),
					      "inputs", subject->inputs, "functions",
					      functions_json(subject->points)));
	}
	return all;
}

/* All that decides what comes of a crash, besides the scenarios. */
static json_t *options_json(const struct sweep_options *options)
{
	json_t *names = json_array();

	for (size_t i = 0; i < options->nr_names; i++)
		json_array_append_new(names, json_string(options->names[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s}",
			 "kernel", json_optional(options->kernel), "names", names,
			 "points", json_optional(options->points), "deliver",
			 json_optional(options->deliver), "situation",
			 json_optional(options->situation), "trigger",
			 json_optional(options->trigger), "scenarios",
			 json_optional(options->scenarios), "vary", json_optional(options->vary),
			 "victim", options->victim, "guests", options->guests, "bystanders",
			 options->bystanders, "memory", options->memory, "repeat", options->repeat,
			 "sample", options->sample, "timeout", options->timeout, "budget",
			 options->budget, "emulator", options->emulator, "path",
			 run_path_name(options->path));
}

static struct error *add_emulator(const struct sweep_options *options, json_t *header)
{
	_cleanup_(emulator_deinit) struct emulator emulator = { 0 };
	_cleanup_free_ char *sum = NULL;
	struct error *err = emulator_find(options->emulator, &emulator);

	if (err)
		return err;
	json_object_set_new(header, "emulator", json_string(emulator.version));
	if (!strchr(emulator.program, '/'))
		return NULL;
	err = run_tool((const char *[]){ "sha256sum", emulator.program, NULL }, &sum);
	if (err)
		return err;
	json_object_set_new(header, "emulator_sha256",
			    json_stringn(sum, strcspn(sum, " ")));
	return NULL;
}

struct error *header_create(const struct sweep_options *options,
			    const struct scenario *const *scenarios, size_t nr_scenarios,
			    const struct sweep_kernel *kernels, size_t nr_kernels, json_t **ret)
{
	time_t now = time(NULL);
	char started[32];
	json_t *all = json_object();

	strftime(started, sizeof(started), "%FT%T%z", localtime(&now));
	for (size_t i = 0; i < nr_scenarios; i++)
		json_object_set_new(all, scenarios[i]->name, scenario_json(scenarios[i]));
	json_t *header = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o}", "version", RESULTS_VERSION,
				   "started", started, "command", options->command ?: "",
				   "options", options_json(options), "scenarios", all, "kernels",
				   kernels_json(kernels, nr_kernels));
	struct error *err = header ? add_emulator(options, header) : &error_no_memory;

	if (err)
		json_decref(header);
	else
		*ret = header;
	return err;
}

/* The first key in which two objects differ; NULL: they are the same. */
static const char *differing_key(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)a, key, value) {
		if (!json_equal(value, json_object_get(b, key)))
			return key;
	}
	json_object_foreach((json_t *)b, key, value) {
		if (!json_object_get(a, key))
			return key;
	}
	return NULL;
}

struct error *header_compare(const json_t *before, const json_t *now)
{
	static const char *const parts[] = {
		"options", "scenarios", "kernels", "emulator", "emulator_sha256",
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const json_t *was = json_object_get(before, parts[i]);
		const json_t *is = json_object_get(now, parts[i]);
		const char *key = json_is_object(was) && json_is_object(is) ?
				  differing_key(was, is) : NULL;

		if (key || !json_equal(was, is))
			return error_new("%s%s%s: not as it was when the sweep began: it cannot be "
					 "resumed; begin a new one", parts[i], key ? ": " : "",
					 key ?: "");
	}
	return NULL;
}

static const char *text_of(const json_t *options, const char *key)
{
	return json_string_value(json_object_get(options, key));
}

static struct error *read_numbers(const json_t *stored, struct sweep_options *options)
{
	const struct json_number numbers[] = {
		{ "victim", &options->victim },
		{ "guests", &options->guests },
		{ "bystanders", &options->bystanders },
		{ "memory", &options->memory },
		{ "repeat", &options->repeat },
		{ "sample", &options->sample },
		{ "timeout", &options->timeout },
		{ "budget", &options->budget },
	};

	const char *missing = json_take_numbers(stored, numbers,
						sizeof(numbers) / sizeof(numbers[0]));

	if (missing)
		return error_new("the record of the sweep has no option \"%s\"; was it written by "
				 "another version?", missing);
	options->emulator = json_integer_value(json_object_get(stored, "emulator"));
	return run_path_parse(text_of(stored, "path") ?: "", &options->path);
}

struct error *header_options(const json_t *header, struct sweep_options *options)
{
	const json_t *stored = json_object_get(header, "options");
	const json_t *names = json_object_get(stored, "names");
	size_t nr = json_array_size(names);
	const char **list = calloc(nr + 1, sizeof(*list));

	if (!list)
		return &error_no_memory;
	for (size_t i = 0; i < nr; i++)
		list[i] = json_string_value(json_array_get(names, i)) ?: "";
	options->names = (char *const *)list;
	options->nr_names = nr;
	options->kernel = text_of(stored, "kernel");
	options->points = text_of(stored, "points");
	options->deliver = text_of(stored, "deliver");
	options->situation = text_of(stored, "situation");
	options->trigger = text_of(stored, "trigger");
	options->scenarios = text_of(stored, "scenarios");
	options->vary = text_of(stored, "vary");
	return read_numbers(stored, options);
}
