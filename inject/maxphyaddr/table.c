// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/maxphyaddr/table.h"

#include <stdbool.h>
#include <string.h>
#include <sys/param.h>

#define MAX_NAMES	128
/* With more checks than these a table is too wide: then a line each. */
#define MAX_COLUMNS	6
#define NAME_SIZE	96

/* Distinct names in the order in which they came. */
struct names {
	char name[MAX_NAMES][NAME_SIZE];
	size_t nr;
};

/* What a table is of. */
struct view {
	const json_t *results;
	const char *kernel, *against;
	const char *parameters, *program;
	struct names rows, columns;
	struct names skipped;	/* rows of which at least one check did not run */
};

/* Cases of one group. */
struct count {
	unsigned int pass, run, xfail;
	bool there;
};

static const char *get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static unsigned int number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static size_t find(const struct names *names, const char *name)
{
	size_t i = 0;

	while (i < names->nr && strcmp(names->name[i], name))
		i++;
	return i;
}

static void add(struct names *names, const char *name)
{
	if (find(names, name) == names->nr && names->nr < MAX_NAMES)
		snprintf(names->name[names->nr++], NAME_SIZE, "%s", name);
}

/* "4-level PTE read": mode and level are the row, the rest is the column. */
static void split(const char *name, char row[NAME_SIZE], char column[NAME_SIZE])
{
	const char *space = strchr(name, ' ');

	space = space ? strchr(space + 1, ' ') : NULL;
	snprintf(row, NAME_SIZE, "%.*s", space ? (int)(space - name) : (int)strlen(name), name);
	snprintf(column, NAME_SIZE, "%s", space ? space + 1 : "");
}

static bool is_of(const struct view *view, const json_t *result, const char *kernel)
{
	return !strcmp(get(result, "kernel"), kernel) &&
	       !strcmp(get(result, "parameters"), view->parameters) &&
	       !strcmp(get(result, "program"), view->program);
}

static struct count count(const struct view *view, const char *kernel, const char *row,
			  const char *column)
{
	char this_row[NAME_SIZE], this_column[NAME_SIZE];
	struct count count = {};
	const json_t *result;
	size_t i;

	json_array_foreach(view->results, i, result) {
		split(get(result, "name"), this_row, this_column);
		if (!is_of(view, result, kernel) || strcmp(this_row, row) ||
		    strcmp(this_column, column))
			continue;
		count.there = true;
		count.pass += number(result, "pass");
		count.xfail += number(result, "xfail");
		count.run += number(result, "pass") + number(result, "fail") +
			     number(result, "xfail");
	}
	return count;
}

/* Return: the number of characters. */
static int format_cell(const struct view *view, const char *row, const char *column, char *ret,
		       size_t size)
{
	struct count ours = count(view, view->kernel, row, column), theirs = {};
	char xfail[16] = "", other[16] = "";

	if (!ours.run)
		return snprintf(ret, size, "-");
	if (view->against)
		theirs = count(view, view->against, row, column);
	if (ours.xfail)
		snprintf(xfail, sizeof(xfail), "+%ux", ours.xfail);
	if (theirs.there && (theirs.pass != ours.pass || theirs.xfail != ours.xfail))
		snprintf(other, sizeof(other), " [%u]", theirs.pass);
	return snprintf(ret, size, "%u%s/%u%s", ours.pass, xfail, ours.run, other);
}

static void print_rows(FILE *file, const struct view *view)
{
	int width[MAX_NAMES] = { 0 }, first = 0;
	char cell[64];

	for (size_t r = 0; r < view->rows.nr; r++)
		first = MAX(first, (int)strlen(view->rows.name[r]));
	for (size_t c = 0; c < view->columns.nr; c++) {
		width[c] = strlen(view->columns.name[c]);
		for (size_t r = 0; r < view->rows.nr; r++)
			width[c] = MAX(width[c], format_cell(view, view->rows.name[r],
							     view->columns.name[c], cell,
							     sizeof(cell)));
	}
	fprintf(file, "#   %-*s", first, "");
	for (size_t c = 0; c < view->columns.nr; c++)
		fprintf(file, "  %-*s", width[c], view->columns.name[c]);
	for (size_t r = 0; r < view->rows.nr; r++) {
		fprintf(file, "\n#   %-*s", first, view->rows.name[r]);
		for (size_t c = 0; c < view->columns.nr; c++) {
			format_cell(view, view->rows.name[r], view->columns.name[c], cell,
				    sizeof(cell));
			fprintf(file, "  %-*s", width[c], cell);
		}
	}
	putc('\n', file);
}

static void print_list(FILE *file, const struct view *view)
{
	char cell[64];

	for (size_t r = 0; r < view->rows.nr; r++) {
		for (size_t c = 0; c < view->columns.nr; c++) {
			const char *row = view->rows.name[r], *column = view->columns.name[c];

			if (!count(view, view->kernel, row, column).there)
				continue;
			format_cell(view, row, column, cell, sizeof(cell));
			fprintf(file, "#   %-14s %s%s%s\n", cell, row, *column ? " " : "", column);
		}
	}
}

static void print_table(FILE *file, struct view *view)
{
	const json_t *result;
	size_t i;

	view->rows.nr = view->columns.nr = view->skipped.nr = 0;
	json_array_foreach(view->results, i, result) {
		char row[NAME_SIZE], column[NAME_SIZE];

		if (!is_of(view, result, view->kernel))
			continue;
		split(get(result, "name"), row, column);
		if (count(view, view->kernel, row, column).run) {
			add(&view->rows, row);
			add(&view->columns, column);
		} else {
			add(&view->skipped, row);
		}
	}
	fprintf(file, "#\n# %s %s\n", view->parameters, view->program);
	if (view->columns.nr > MAX_COLUMNS || view->columns.nr == 1)
		print_list(file, view);
	else if (view->rows.nr)
		print_rows(file, view);
	for (i = 0; i < view->skipped.nr; i++)
		fprintf(file, "%s%s%s", i ? ", " : "#   skipped: ", view->skipped.name[i],
			i + 1 == view->skipped.nr ? "\n" : "");
}

static bool came_before(const json_t *results, size_t nr)
{
	const json_t *result = json_array_get(results, nr);

	for (size_t i = 0; i < nr; i++) {
		const json_t *other = json_array_get(results, i);

		if (!strcmp(get(other, "kernel"), get(result, "kernel")) &&
		    !strcmp(get(other, "parameters"), get(result, "parameters")) &&
		    !strcmp(get(other, "program"), get(result, "program")))
			return true;
	}
	return false;
}

/* "xfail NAME N: cause": each once, with all its cases. */
static void print_causes(FILE *file, const json_t *results, const char *kernel)
{
	struct {
		char name[64];
		const char *cause;
		unsigned int nr;
	} causes[32];
	size_t nr = 0, i, j;
	const json_t *result, *note;

	json_array_foreach(results, i, result) {
		json_array_foreach(json_object_get(result, "notes"), j, note) {
			const char *text = json_string_value(note), *colon = strchr(text, ':');
			char name[64];
			unsigned int cases;
			size_t k = 0;

			if (strcmp(get(result, "kernel"), kernel) || !colon ||
			    sscanf(text, "xfail %63s %u", name, &cases) != 2)
				continue;
			while (k < nr && strcmp(causes[k].name, name))
				k++;
			if (k == sizeof(causes) / sizeof(causes[0]))
				continue;
			if (k == nr) {
				snprintf(causes[nr].name, sizeof(causes[nr].name), "%s", name);
				causes[nr].cause = colon + 1 + strspn(colon + 1, " ");
				causes[nr++].nr = 0;
			}
			causes[k].nr += cases;
		}
	}
	if (nr)
		fprintf(file, "#\n# Expected failures of kernel %s:\n", kernel);
	for (i = 0; i < nr; i++)
		fprintf(file, "#   %6u  %s: %s\n", causes[i].nr, causes[i].name, causes[i].cause);
}

static void print_sum(FILE *file, const json_t *results, const char *kernel)
{
	unsigned int pass = 0, fail = 0, xfail = 0, skip = 0;
	const json_t *result;
	size_t i;

	json_array_foreach(results, i, result) {
		if (strcmp(get(result, "kernel"), kernel))
			continue;
		pass += number(result, "pass");
		fail += number(result, "fail");
		xfail += number(result, "xfail");
		skip += number(result, "skip");
	}
	fprintf(file, "# kernel %s: %u cases passed, %u failed, %u failed as expected, "
		"%u skipped\n", kernel, pass, fail, xfail, skip);
}

void table_print(FILE *file, const json_t *results, const char *kernel, const char *against)
{
	struct view view = { .results = results, .kernel = kernel, .against = against };
	const json_t *result;
	size_t i;

	fprintf(file, "#\n# Kernel %s, cases passed of cases run; +Nx: N failed as expected", kernel);
	if (against)
		fprintf(file, "; [N]: kernel %s passes N", against);
	putc('\n', file);
	json_array_foreach(results, i, result) {
		if (strcmp(get(result, "kernel"), kernel) || came_before(results, i))
			continue;
		view.parameters = get(result, "parameters");
		view.program = get(result, "program");
		print_table(file, &view);
	}
	print_causes(file, results, kernel);
	fputs("#\n", file);
	if (against)
		print_sum(file, results, against);
	print_sum(file, results, kernel);
}

void table_print_mutants(FILE *file, const json_t *mutants)
{
	size_t i, caught = 0;
	const json_t *mutant;

	if (!json_array_size(mutants))
		return;
	fprintf(file, "#\n# Kernels without one check, and the first group of cases that fails\n");
	json_array_foreach(mutants, i, mutant) {
		const json_t *by = json_object_get(mutant, "by");
		const char *first = json_string_value(json_array_get(by, 0));

		caught += json_array_size(by) != 0;
		fprintf(file, "#   without %s: %zu, %s\n", get(mutant, "what"),
			json_array_size(by), first ?: "NOT CAUGHT");
	}
	fprintf(file, "# %zu of %zu are caught\n", caught, json_array_size(mutants));
}
