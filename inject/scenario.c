// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/scenario.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/ini.h"
#include "inject/operations.h"
#include "inject/option.h"
#include "inject/triggers.h"
#include "inject/words.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define MAX_GUESTS	64
#define MAX_TIMEOUT	86400

static struct error *set_text(const char *value, char **ret)
{
	char *text = strdup(value);

	if (!text)
		return &error_no_memory;
	free(*ret);
	*ret = text;
	return NULL;
}

static struct error *set_words(const char *value, char ***ret)
{
	char **words;
	struct error *err = words_split(value, &words);

	if (err)
		return err;
	words_free(*ret);
	*ret = words;
	return NULL;
}

static struct error *set_kernels(struct scenario *scenario, const char *value)
{
	if (strcmp(value, "any"))
		return set_words(value, &scenario->kernels);
	words_free(scenario->kernels);
	scenario->kernels = NULL;
	return NULL;
}

static struct error *set_operation(struct scenario *scenario, const char *value)
{
	const struct operation *operation = operation_find(value);

	if (!operation)
		return error_new("operation %s: there is none of this name; "
				 "kdump-torture-points(1) lists them", value);
	scenario->operation = operation;
	return NULL;
}

static struct error *set_points(struct scenario *scenario, const char *value)
{
	words_free(scenario->list);
	scenario->list = NULL;
	if (!strcmp(value, "steps")) {
		scenario->points = POINTS_STEPS;
		return NULL;
	}
	if (!strcmp(value, "boundaries")) {
		scenario->points = POINTS_BOUNDARIES;
		return NULL;
	}
	scenario->points = POINTS_LIST;
	struct error *err = set_words(value, &scenario->list);

	for (char **point = scenario->list; !err && *point; point++) {
		if (!strpbrk(*point, "/+"))
			err = error_new("points %s: neither steps, boundaries, OP/STEP nor "
					"FUNCTION+0xOFF", *point);
	}
	return err;
}

static struct error *set_deliver(struct scenario *scenario, const char *value)
{
	static char *const deliveries[] = { "self", "remote", "shootdown", NULL };
	struct error *err = set_words(value, &scenario->deliver);

	for (char **name = scenario->deliver; !err && *name; name++) {
		if (!words_have(deliveries, *name))
			err = error_new("deliver %s: use self, remote, shootdown", *name);
	}
	return err;
}

static struct error *set_verdict(struct scenario *scenario, const char *value)
{
	static const struct {
		const char *name;
		enum exit_status status;
	} verdicts[] = {
		{ "pass", STATUS_PASS },
		{ "fail", STATUS_FAIL },
		{ "inconclusive", STATUS_INCONCLUSIVE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (!strcmp(value, verdicts[i].name)) {
			scenario->verdict = verdicts[i].status;
			return NULL;
		}
	}
	return error_new("verdict %s: use pass, fail or inconclusive", value);
}

static struct error *set_outcome(struct scenario *scenario, const char *value)
{
	enum outcome outcome = outcome_find(value);

	if (strcmp(outcome_name(outcome), value))
		return error_new("outcome %s: kdump-torture-run(1) lists them", value);
	scenario->outcome = outcome;
	return NULL;
}

static struct error *set_groups(struct scenario *scenario, const char *value)
{
	return set_words(value, &scenario->groups);
}

static struct error *set_situation(struct scenario *scenario, const char *value)
{
	struct error *err = situation_check("situation", value);

	return err ?: set_text(value, &scenario->situation);
}

static struct error *set_trigger(struct scenario *scenario, const char *value)
{
	struct error *err = triggers_check("trigger", value);

	return err ?: set_text(value, &scenario->trigger);
}

static struct error *set_danger(struct scenario *scenario, const char *value)
{
	return set_text(value, &scenario->danger);
}

static struct error *set_number(const char *key, const char *value, unsigned int min,
				unsigned int max, unsigned int *ret)
{
	struct error *err = option_number(key, value, min, max, ret);

	if (!err)
		return NULL;
	error_free(err);
	return error_new("%s %s: not a number from %u to %u", key, value, min, max);
}

static struct error *set_victim(struct scenario *scenario, const char *value)
{
	unsigned int cpu = 0;
	struct error *err = set_number("cpu", value, 0, 1, &cpu);

	if (!err)
		scenario->victim = cpu;
	return err;
}

static struct error *set_guests(struct scenario *scenario, const char *value)
{
	return set_number("guests", value, 0, MAX_GUESTS, &scenario->guests);
}

static struct error *set_bystanders(struct scenario *scenario, const char *value)
{
	return set_number("bystanders", value, 0, MAX_GUESTS, &scenario->bystanders);
}

static struct error *set_timeout(struct scenario *scenario, const char *value)
{
	return set_number("timeout", value, 1, MAX_TIMEOUT, &scenario->timeout);
}

static const struct {
	const char *name;
	struct error *(*set)(struct scenario *scenario, const char *value);
} keys[] = {
	{ "group", set_groups },
	{ "kernel", set_kernels },
	{ "operation", set_operation },
	{ "points", set_points },
	{ "deliver", set_deliver },
	{ "cpu", set_victim },
	{ "guests", set_guests },
	{ "bystanders", set_bystanders },
	{ "situation", set_situation },
	{ "trigger", set_trigger },
	{ "verdict", set_verdict },
	{ "outcome", set_outcome },
	{ "timeout", set_timeout },
	{ "danger", set_danger },
};

struct error *scenario_set(struct scenario *scenario, const char *key, const char *value)
{
	if (!*value)
		return error_new("%s: has no value", key);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, key))
			return keys[i].set(scenario, value);
	}
	char known[256] = "";

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			 i ? ", " : "", keys[i].name);
	return error_new("%s: no such key; there are %s", key, known);
}

struct error *scenario_init(const char *name, struct scenario *ret)
{
	struct scenario scenario = { .name = strdup(name), .victim = -1, .guests = 3,
				     .bystanders = 1 };
	struct error *err = scenario.name ? NULL : &error_no_memory;

	if (!err)
		err = words_split("", &scenario.groups);
	if (!err)
		err = words_split("self", &scenario.deliver);
	if (err)
		scenario_deinit(&scenario);
	else
		*ret = scenario;
	return err;
}

void scenario_deinit(struct scenario *scenario)
{
	free(scenario->name);
	words_free(scenario->groups);
	words_free(scenario->kernels);
	words_free(scenario->list);
	words_free(scenario->deliver);
	free(scenario->situation);
	free(scenario->trigger);
	free(scenario->danger);
}

static struct scenario *find(const struct scenarios *scenarios, const char *name)
{
	for (size_t i = 0; i < scenarios->nr; i++) {
		if (!strcmp(scenarios->scenario[i].name, name))
			return &scenarios->scenario[i];
	}
	return NULL;
}

struct error *scenarios_add(struct scenarios *scenarios, const char *name,
			    struct scenario **ret)
{
	/* It becomes part of a path, a TAP line and a glob's subject. */
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return error_new("[%s]: a name has small letters, digits and -", name);
	if (find(scenarios, name))
		return error_new("[%s]: is there already", name);
	struct scenario *larger = reallocarray(scenarios->scenario, scenarios->nr + 1,
					       sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	scenarios->scenario = larger;
	struct error *err = scenario_init(name, &larger[scenarios->nr]);

	if (!err)
		*ret = &larger[scenarios->nr++];
	return err;
}

static struct error *take_section(void *arg, const char *name)
{
	struct scenario *scenario;

	return scenarios_add(arg, name, &scenario);
}

static struct error *take_key(void *arg, const char *key, const char *value)
{
	struct scenarios *scenarios = arg;

	return scenario_set(&scenarios->scenario[scenarios->nr - 1], key, value);
}

struct error *scenarios_load(const char *path, struct scenarios *ret)
{
	const struct ini_calls calls = { .section = take_section, .key = take_key };
	_cleanup_(scenarios_deinit) struct scenarios scenarios = { 0 };
	struct error *err = ini_read(path, &calls, &scenarios);

	if (err)
		return err;
	*ret = scenarios;
	scenarios = (struct scenarios){ 0 };
	return NULL;
}

void scenarios_deinit(struct scenarios *scenarios)
{
	for (size_t i = 0; i < scenarios->nr; i++)
		scenario_deinit(&scenarios->scenario[i]);
	free(scenarios->scenario);
}

static bool matches(const struct scenario *scenario, const char *pattern)
{
	if (!strcmp(scenario->name, pattern))
		return true;
	return !scenario->danger && (words_have(scenario->groups, pattern) ||
				     !fnmatch(pattern, scenario->name, 0));
}

/* Nothing may be left out unnoticed. */
static struct error *check_pattern(const struct scenarios *scenarios, const char *pattern)
{
	const struct scenario *dangerous = NULL;

	for (size_t i = 0; i < scenarios->nr; i++) {
		const struct scenario *scenario = &scenarios->scenario[i];

		if (matches(scenario, pattern))
			return NULL;
		if (words_have(scenario->groups, pattern) ||
		    !fnmatch(pattern, scenario->name, 0))
			dangerous = scenario;
	}
	if (dangerous)
		return error_new("%s: %s must be named in full, for it is dangerous: %s", pattern,
				 dangerous->name, dangerous->danger);
	return error_new("%s: no scenario or group of this name; 'kdump-torture sweep --list' "
			 "shows them", pattern);
}

static bool is_selected(const struct scenario *scenario, char *const *patterns, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (matches(scenario, patterns[i]))
			return true;
	}
	return false;
}

struct error *scenarios_select(const struct scenarios *scenarios, char *const *patterns,
			       size_t nr, const struct scenario ***ret, size_t *ret_nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct error *err = check_pattern(scenarios, patterns[i]);

		if (err)
			return err;
	}
	const struct scenario **selected = calloc(scenarios->nr + 1, sizeof(*selected));

	if (!selected)
		return &error_no_memory;
	*ret_nr = 0;
	for (size_t i = 0; i < scenarios->nr; i++) {
		if (is_selected(&scenarios->scenario[i], patterns, nr))
			selected[(*ret_nr)++] = &scenarios->scenario[i];
	}
	*ret = selected;
	return NULL;
}
