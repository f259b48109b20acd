// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/mutants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/ini.h"
#include "inject/scenario.h"
#include "inject/words.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

static const char *const keys[] = {
	[MUTANT_COMMIT] = "commit",
	[MUTANT_BUG] = "bug",
	[MUTANT_WINDOW] = "window",
	[MUTANT_POINTS] = "points",
	[MUTANT_DELIVER] = "deliver",
	[MUTANT_FINDING] = "finding",
	[MUTANT_FINDING_SELF] = "finding.self",
	[MUTANT_FINDING_REMOTE] = "finding.remote",
	[MUTANT_FINDING_SHOOTDOWN] = "finding.shootdown",
	[MUTANT_ELSEWHERE] = "elsewhere",
	[MUTANT_CLEAN] = "clean",
	[MUTANT_KERNEL] = "kernel",
	[MUTANT_OPERATION] = "operation",
	[MUTANT_SITUATION] = "situation",
	[MUTANT_TRIGGER] = "trigger",
	[MUTANT_GUESTS] = "guests",
	[MUTANT_BYSTANDERS] = "bystanders",
};

static const char *const deliveries[] = { "self", "remote", "shootdown" };

/* What a scenario expects of a crash that shows it. */
static const struct finding {
	const char *name, *verdict, *outcome;
} findings[] = {
	{ "none", "pass", "captured" },
	{ "not-cleared", "fail", "captured" },
	{ "hung", "pass", "hung" },
	{ "reset", "pass", "reset" },
	{ "freed", "inconclusive", "captured" },
	{ "oops", "inconclusive", "captured" },
};

static const struct finding *find_finding(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(findings); i++) {
		if (!strcmp(findings[i].name, name))
			return &findings[i];
	}
	return NULL;
}

static struct error *take_section(void *arg, const char *name)
{
	struct mutants *mutants = arg;
	struct mutant *larger = reallocarray(mutants->mutant, mutants->nr + 1, sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	mutants->mutant = larger;
	larger[mutants->nr] = (struct mutant){ .name = strdup(name) };
	return larger[mutants->nr++].name ? NULL : &error_no_memory;
}

/* As a scenario has it, of what becomes part of one. */
static struct error *check(enum mutant_text key, const char *value)
{
	_cleanup_(scenario_deinit) struct scenario scenario = { 0 };

	if (key >= MUTANT_FINDING && key <= MUTANT_FINDING_SHOOTDOWN)
		return find_finding(value) ? NULL :
		       error_new("%s %s: use none, not-cleared, freed, oops, "
				 "hung or reset", keys[key], value);
	if (key == MUTANT_ELSEWHERE)
		return scenario_set(&scenario, keys[MUTANT_POINTS], value);
	if (key == MUTANT_CLEAN)
		return scenario_set(&scenario, "verdict", value);
	if (key == MUTANT_POINTS || key == MUTANT_DELIVER || key > MUTANT_KERNEL)
		return scenario_set(&scenario, keys[key], value);
	return *value ? NULL : error_new("%s: has no value", keys[key]);
}

static struct error *take_key(void *arg, const char *key, const char *value)
{
	struct mutants *mutants = arg;
	struct mutant *mutant = &mutants->mutant[mutants->nr - 1];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i], key))
			continue;
		struct error *err = check(i, value);

		if (err)
			return err;
		free(mutant->text[i]);
		mutant->text[i] = strdup(value);
		return mutant->text[i] ? NULL : &error_no_memory;
	}
	return error_new("%s: no such key", key);
}

/* All that the table or the scenarios need. */
static struct error *check_mutant(const struct mutant *mutant)
{
	static const enum mutant_text needed[] = { MUTANT_COMMIT, MUTANT_BUG, MUTANT_WINDOW,
						   MUTANT_POINTS, MUTANT_DELIVER, MUTANT_FINDING };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!mutant->text[needed[i]])
			return error_new("[%s]: has no %s", mutant->name, keys[needed[i]]);
	}
	return NULL;
}

struct error *mutants_load(const char *path, struct mutants *ret)
{
	const struct ini_calls calls = { .section = take_section, .key = take_key };
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	struct error *err = ini_read(path, &calls, &mutants);

	if (err)
		return err;
	for (size_t i = 0; !err && i < mutants.nr; i++)
		err = check_mutant(&mutants.mutant[i]);
	if (err)
		return error_context(err, "%s", path);
	*ret = mutants;
	mutants = (struct mutants){ 0 };
	return NULL;
}

void mutants_deinit(struct mutants *mutants)
{
	for (size_t i = 0; i < mutants->nr; i++) {
		struct mutant *mutant = &mutants->mutant[i];

		free(mutant->name);
		for (size_t n = 0; n < NR_MUTANT_TEXTS; n++)
			free(mutant->text[n]);
	}
	free(mutants->mutant);
}

const struct mutant *mutants_find(const struct mutants *mutants, const char *name)
{
	for (size_t i = 0; i < mutants->nr; i++) {
		if (!strcmp(mutants->mutant[i].name, name))
			return &mutants->mutant[i];
	}
	return NULL;
}

const char *mutant_kernel(const struct mutant *mutant)
{
	return mutant->text[MUTANT_KERNEL] ?: mutant->name;
}

bool mutant_is_shown(const struct mutant *mutant)
{
	for (int i = MUTANT_FINDING; i <= MUTANT_FINDING_SHOOTDOWN; i++) {
		if (mutant->text[i] && strcmp(mutant->text[i], findings[0].name))
			return true;
	}
	return false;
}

/* A scenario in the making; the first error stays. */
struct draft {
	struct scenario *scenario;
	struct error *err;
};

static void set(struct draft *draft, const char *key, const char *value)
{
	if (!draft->err)
		draft->err = scenario_set(draft->scenario, key, value);
}

static struct error *add(struct scenarios *scenarios, const struct mutant *mutant,
			 const char *behind, const char *kernel, const char *points,
			 const char *deliver, const char *finding)
{
	const struct finding *expected = find_finding(finding);
	const char *clean = mutant->text[MUTANT_CLEAN];
	struct draft draft = { .err = NULL };
	_cleanup_free_ char *name = NULL, *groups = NULL;

	if (asprintf(&name, "%s%s", mutant->name, behind) < 0)
		return &error_no_memory;
	if (asprintf(&groups, MUTANTS_GROUP " %s", mutant->name) < 0)
		return &error_no_memory;
	draft.err = scenarios_add(scenarios, name, &draft.scenario);
	set(&draft, "group", groups);
	set(&draft, "kernel", kernel);
	set(&draft, "points", points);
	set(&draft, "deliver", deliver);
	set(&draft, "verdict", expected == findings && clean ? clean : expected->verdict);
	set(&draft, "outcome", expected->outcome);
	for (size_t i = MUTANT_OPERATION; i < NR_MUTANT_TEXTS; i++) {
		if (mutant->text[i])
			set(&draft, keys[i], mutant->text[i]);
	}
	return draft.err;
}

/* Where it shows: all deliveries that show the same, then each of the others. */
static struct error *add_window(struct scenarios *scenarios, const struct mutant *mutant)
{
	_cleanup_(cleanup_words) char **wanted = NULL;
	const char *points = mutant->text[MUTANT_POINTS], *kernel = mutant_kernel(mutant);
	char alike[64] = "", behind[32];
	struct error *err = words_split(mutant->text[MUTANT_DELIVER], &wanted);

	for (size_t i = 0; !err && i < ARRAY_SIZE(deliveries); i++) {
		const char *finding = mutant->text[MUTANT_FINDING_SELF + i];

		if (!words_have(wanted, deliveries[i]))
			continue;
		if (!finding) {
			strcat(strcat(alike, " "), deliveries[i]);
			continue;
		}
		snprintf(behind, sizeof(behind), "-%s", deliveries[i]);
		err = add(scenarios, mutant, behind, kernel, points, deliveries[i], finding);
	}
	if (!err && *alike)
		err = add(scenarios, mutant, "", kernel, points, alike,
			  mutant->text[MUTANT_FINDING]);
	return err;
}

static struct error *add_mutant(struct scenarios *scenarios, const struct mutant *mutant)
{
	const char *points = mutant->text[MUTANT_POINTS];
	const char *elsewhere = mutant->text[MUTANT_ELSEWHERE];
	const char *deliver = mutant->text[MUTANT_DELIVER], *none = findings[0].name;
	_cleanup_free_ char *all = NULL;
	struct error *err = add_window(scenarios, mutant);

	if (!err && elsewhere)
		err = add(scenarios, mutant, "-elsewhere", mutant_kernel(mutant), elsewhere,
			  deliver, none);
	if (err)
		return err;
	if (asprintf(&all, "%s %s", points, elsewhere ?: "") < 0)
		return &error_no_memory;
	return add(scenarios, mutant, "-" MUTANTS_NONE, MUTANTS_NONE, all, deliver, none);
}

struct error *mutants_scenarios(const struct mutants *mutants, struct scenarios *scenarios)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < mutants->nr; i++)
		err = add_mutant(scenarios, &mutants->mutant[i]);
	return err ? error_context(err, "the mutants' scenarios") : NULL;
}
