// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/detection.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/mutants.h"

static const char *get(const json_t *result, const char *key)
{
	return json_string_value(json_object_get(result, key)) ?: "";
}

/* What a crash shows of a bug, in the words of mutants.cfg; NULL: nothing. */
static const char *finding_of(const json_t *result)
{
	const char *outcome = get(result, "outcome"), *verdict = get(result, "verdict");
	const char *text = get(result, "text");

	if (!strcmp(outcome, "hung") || !strcmp(outcome, "reset"))
		return outcome;
	if (!strcmp(verdict, "fail"))
		return "not-cleared";
	if (strcmp(verdict, "inconclusive"))
		return NULL;
	return strstr(text, "is in a freed page") ? "freed" :
	       strstr(text, "the crash is another one") ? "oops" : NULL;
}

static void take_result(struct detection_row *row, const json_t *result)
{
	row->made++;
	row->unexpected += strcmp(get(result, "status"), "pass") != 0;
	if (!finding_of(result))
		return;
	row->seen++;
	if (!row->first || json_integer_value(json_object_get(result, "nr")) <
			   json_integer_value(json_object_get(row->first, "nr")))
		row->first = result;
}

/* Several mutants may be of one kernel. */
static bool is_of(const json_t *root, const json_t *result, const struct mutant *mutant)
{
	const json_t *scenario = json_object_get(json_object_get(root, "scenarios"),
						 get(result, "scenario"));
	const json_t *group;
	size_t i;

	if (strcmp(get(result, "kernel"), mutant ? mutant_kernel(mutant) : MUTANTS_NONE))
		return false;
	json_array_foreach(json_object_get(scenario, "group"), i, group) {
		if (mutant && !strcmp(json_string_value(group) ?: "", mutant->name))
			return true;
	}
	return !mutant;
}

static void add_row(struct detection *detection, const struct mutant *mutant, const json_t *root)
{
	struct detection_row *row = &detection->row[detection->nr];
	const json_t *result;
	size_t i;

	*row = (struct detection_row){ .mutant = mutant };
	json_array_foreach(json_object_get(root, "results"), i, result) {
		if (is_of(root, result, mutant))
			take_result(row, result);
	}
	if (!row->made)
		return;
	detection->nr++;
	if (mutant && mutant_is_shown(mutant)) {
		detection->due++;
		detection->caught += row->seen != 0;
	}
}

struct error *detection_init(const struct mutants *mutants, const struct results *results,
			     struct detection *ret)
{
	const json_t *root = results_json(results);
	const json_t *result;
	size_t i;

	*ret = (struct detection){ .row = calloc(mutants->nr + 1, sizeof(*ret->row)) };
	if (!ret->row)
		return &error_no_memory;
	for (i = 0; i < mutants->nr; i++)
		add_row(ret, &mutants->mutant[i], root);
	add_row(ret, NULL, root);
	json_array_foreach(json_object_get(root, "results"), i, result)
		results_count_add(&ret->count, get(result, "status"));
	return NULL;
}

void detection_deinit(struct detection *detection)
{
	free(detection->row);
}

enum exit_status detection_status(const struct detection *detection)
{
	enum exit_status status = results_count_status(&detection->count);

	if (status == STATUS_PASS && detection->caught < detection->due)
		return STATUS_FAIL;
	return status;
}

/* The first one, if there are several. */
static const char *commit_of(const struct mutant *mutant, char *ret, size_t size)
{
	const char *commit = mutant ? mutant->text[MUTANT_COMMIT] : "-";

	snprintf(ret, size, "%.*s", (int)strcspn(commit, " "), commit);
	return ret;
}

static void print_row(const struct detection_row *row, FILE *file)
{
	const struct mutant *mutant = row->mutant;
	char commit[64];

	fprintf(file, "# %-18s %-14s %3zu of %3zu", mutant ? mutant->name : MUTANTS_NONE,
		commit_of(mutant, commit, sizeof(commit)), row->seen, row->made);
	if (row->first)
		fprintf(file, "  %s by %s: %s", get(row->first, "point"),
			get(row->first, "deliver"), finding_of(row->first));
	else if (mutant && mutant_is_shown(mutant))
		fputs("  NOT CAUGHT", file);
	if (row->unexpected)
		fprintf(file, "; %zu NOT AS EXPECTED", row->unexpected);
	putc('\n', file);
}

void detection_print(const struct detection *detection, FILE *file)
{
	size_t unexpected = 0;

	fprintf(file, "# %-18s %-14s %-10s  %s\n", "mutant", "mended by", "seen in",
		"first, and what is seen");
	for (size_t i = 0; i < detection->nr; i++) {
		print_row(&detection->row[i], file);
		unexpected += detection->row[i].unexpected;
	}
	fprintf(file, "# %zu of %zu mutants caught, %zu crashes not as expected\n",
		detection->caught, detection->due, unexpected);
}
