// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/junit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/results.h"

static const char *get(const json_t *result, const char *key)
{
	return json_string_value(json_object_get(result, key)) ?: "";
}

/* XML has no way to write most control characters. */
static void print_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			putc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ?
			     '?' : *text, file);
		}
	}
}

static void print_attribute(FILE *file, const char *name, const char *value)
{
	fprintf(file, " %s=\"", name);
	print_text(file, value);
	putc('"', file);
}

/* failure, error or skipped. */
static void print_problem(FILE *file, const json_t *result, const char *element)
{
	const json_t *line;
	size_t i;

	fprintf(file, "      <%s", element);
	print_attribute(file, "message", get(result, "text"));
	if (strcmp(element, "skipped"))
		print_attribute(file, "type", get(result, "outcome"));
	fputs(">", file);
	print_text(file, get(result, "difference"));
	json_array_foreach(json_object_get(result, "console"), i, line) {
		putc('\n', file);
		print_text(file, json_string_value(line));
	}
	fprintf(file, "</%s>\n", element);
}

static void print_case(FILE *file, const json_t *result)
{
	const char *status = get(result, "status");
	/* JUnit knows nothing that is neither good nor bad; not knowing is not good. */
	const char *element = !strcmp(status, "fail") ? "failure" :
			      !strcmp(status, "skip") ? "skipped" : "error";

	fputs("    <testcase", file);
	print_attribute(file, "classname", get(result, "scenario"));
	print_attribute(file, "name", get(result, "id"));
	fprintf(file, " time=\"%.3f\"", json_number_value(json_object_get(result, "seconds")));
	if (!strcmp(status, "pass")) {
		fputs("/>\n", file);
		return;
	}
	fputs(">\n", file);
	print_problem(file, result, element);
	fputs("    </testcase>\n", file);
}

static bool same_suite(const json_t *a, const json_t *b)
{
	return !strcmp(get(a, "scenario"), get(b, "scenario")) &&
	       !strcmp(get(a, "kernel"), get(b, "kernel"));
}

static void print_counts(FILE *file, const struct results_count *count, double seconds)
{
	fprintf(file, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" "
		"time=\"%.3f\">\n", results_count_total(count), count->fail,
		count->error + count->inconclusive, count->skip, seconds);
}

/* @first: the first crash of a suite; NULL: all are counted. */
static void count(const json_t *results, const json_t *first, struct results_count *ret,
		  double *ret_seconds)
{
	const json_t *result;
	size_t i;

	json_array_foreach(results, i, result) {
		if (first && !same_suite(first, result))
			continue;
		results_count_add(ret, get(result, "status"));
		*ret_seconds += json_number_value(json_object_get(result, "seconds"));
	}
}

static void print_suite(FILE *file, const json_t *results, const json_t *first)
{
	struct results_count total = { 0 };
	double seconds = 0;
	const json_t *result;
	size_t i;

	count(results, first, &total, &seconds);
	fprintf(file, "  <testsuite name=\"");
	print_text(file, get(first, "scenario"));
	putc('/', file);
	print_text(file, get(first, "kernel"));
	putc('"', file);
	print_counts(file, &total, seconds);
	json_array_foreach(results, i, result) {
		if (same_suite(first, result))
			print_case(file, result);
	}
	fputs("  </testsuite>\n", file);
}

static bool is_first_of_suite(const json_t *results, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (same_suite(json_array_get(results, i), json_array_get(results, nr)))
			return false;
	}
	return true;
}

struct error *junit_write(const char *path, const json_t *all)
{
	struct results_count total = { 0 };
	double seconds = 0;
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	if (!file)
		return error_errno(errno, "%s: cannot write", path);
	count(all, NULL, &total, &seconds);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kdump-torture\"",
	      file);
	print_counts(file, &total, seconds);
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (is_first_of_suite(all, i))
			print_suite(file, all, json_array_get(all, i));
	}
	fputs("</testsuites>\n", file);
	if (ferror(file) || fflush(file))
		return error_errno(errno, "%s: cannot write", path);
	return NULL;
}
