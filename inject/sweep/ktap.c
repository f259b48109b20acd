// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/ktap.h"

#include <stdbool.h>
#include <string.h>

void ktap_begin(FILE *file, size_t nr_tests)
{
	fprintf(file, "KTAP version 1\n1..%zu\n", nr_tests);
}

void ktap_diagnostic(FILE *file, const char *text)
{
	do {
		size_t length = strcspn(text, "\n");

		fprintf(file, "# %.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	} while (*text);
}

static const char *get(const json_t *result, const char *key)
{
	return json_string_value(json_object_get(result, key)) ?: "";
}

/* On one line, and with no # that would begin a directive. */
static void print_name(FILE *file, const char *name)
{
	for (; *name; name++)
		putc((unsigned char)*name < ' ' || *name == '#' ? '_' : *name, file);
}

static void print_skip(FILE *file, const json_t *result)
{
	const char *text = get(result, "text");

	fprintf(file, " # SKIP %.*s\n", (int)strcspn(text, "\n"), text);
}

static void explain(FILE *file, const json_t *result)
{
	const char *difference = get(result, "difference");
	const char *directory = get(result, "directory");
	const json_t *line;
	size_t i;

	fprintf(file, "# %s: %s\n", get(result, "status"), get(result, "outcome"));
	ktap_diagnostic(file, get(result, "text"));
	if (*difference) {
		fputs("# the two paths differ:\n", file);
		ktap_diagnostic(file, difference);
	}
	if (*directory)
		fprintf(file, "# run directory: %s\n", directory);
	if (strcmp(get(result, "verdict"), "none"))
		return;
	json_array_foreach(json_object_get(result, "console"), i, line)
		fprintf(file, "# console: %s\n", json_string_value(line));
}

void ktap_result(FILE *file, size_t nr, const json_t *result)
{
	const char *status = get(result, "status");
	bool skip = !strcmp(status, "skip");
	bool good = skip || !strcmp(status, "pass");

	fprintf(file, "%sok %zu ", good ? "" : "not ", nr);
	print_name(file, get(result, "id"));
	if (skip)
		print_skip(file, result);
	else
		putc('\n', file);
	if (!good)
		explain(file, result);
}
