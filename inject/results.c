// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/sweep/journal.h"

#define NUMBERS		JSON_REAL_PRECISION(7)

bool results_count_add(struct results_count *count, const char *status)
{
	struct {
		const char *name;
		size_t *nr;
	} const all[] = {
		{ "pass", &count->pass },
		{ "fail", &count->fail },
		{ "error", &count->error },
		{ "inconclusive", &count->inconclusive },
		{ "skip", &count->skip },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(all[i].name, status)) {
			++*all[i].nr;
			return true;
		}
	}
	return false;
}

size_t results_count_total(const struct results_count *count)
{
	return count->pass + count->fail + count->error + count->inconclusive + count->skip;
}

enum exit_status results_count_status(const struct results_count *count)
{
	if (count->error)
		return STATUS_USAGE;
	if (count->fail)
		return STATUS_FAIL;
	return count->inconclusive || !count->pass ? STATUS_INCONCLUSIVE : STATUS_PASS;
}

/* Writes the crashes while it counts them. */
struct writer {
	FILE *file;
	struct results_count count;
};

static struct error *write_result(void *arg, json_t *result)
{
	struct writer *writer = arg;
	const char *status = json_string_value(json_object_get(result, "status"));

	if (!status || !results_count_add(&writer->count, status))
		return error_new("a crash without a status");
	fputs(results_count_total(&writer->count) > 1 ? ",\n    " : "\n    ", writer->file);
	json_dumpf(result, writer->file, JSON_COMPACT | NUMBERS);
	return NULL;
}

static void write_header(const json_t *header, FILE *file)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)header, key, value) {
		fprintf(file, "  \"%s\": ", key);
		json_dumpf(value, file, JSON_COMPACT | JSON_ENCODE_ANY | NUMBERS);
		fputs(",\n", file);
	}
}

static struct error *write_all(FILE *file, const json_t *header, const struct results_end *end,
			       const struct journal *journal)
{
	struct writer writer = { .file = file };
	const struct results_count *count = &writer.count;

	fputs("{\n", file);
	write_header(header, file);
	fprintf(file, "  \"finished\": %s%s%s,\n", end->finished ? "\"" : "",
		end->finished ?: "null", end->finished ? "\"" : "");
	fprintf(file, "  \"seconds\": %.3f,\n  \"pace\": %.1f,\n  \"jobs\": %u,\n  \"results\": [",
		end->seconds, end->pace, end->jobs);
	struct error *err = journal_read(journal, write_result, &writer);

	fprintf(file, "\n  ],\n  \"summary\": {\"pass\": %zu, \"fail\": %zu, \"error\": %zu, "
		"\"inconclusive\": %zu, \"skip\": %zu, \"total\": %zu}\n}\n", count->pass,
		count->fail, count->error, count->inconclusive, count->skip,
		results_count_total(count));
	return err;
}

struct error *results_write(const char *path, const json_t *header, const struct results_end *end,
			    const struct journal *journal)
{
	_cleanup_free_ char *new = NULL;

	if (asprintf(&new, "%s.new", path) < 0)
		return &error_no_memory;
	_cleanup_fclose_ FILE *file = fopen(new, "we");

	if (!file)
		return error_errno(errno, "%s: cannot write", new);
	struct error *err = write_all(file, header, end, journal);

	if (!err && (ferror(file) || fflush(file) || fsync(fileno(file))))
		err = error_errno(errno, "%s: cannot write", new);
	if (!err && rename(new, path))
		err = error_errno(errno, "%s: cannot write", path);
	if (err)
		unlink(new);
	return err;
}

struct results {
	json_t *root;
};

static struct error *check_result(const json_t *result)
{
	static const char *const texts[] = {
		"id", "scenario", "kernel", "point", "deliver", "status", "verdict", "outcome",
		"text",
	};
	struct results_count count = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!json_is_string(json_object_get(result, texts[i])))
			return error_new("a crash without \"%s\"", texts[i]);
	}
	const char *status = json_string_value(json_object_get(result, "status"));

	return results_count_add(&count, status) ? NULL : error_new("status \"%s\"", status);
}

static struct error *check(const json_t *root)
{
	const json_t *results = json_object_get(root, "results");
	const json_t *result;
	size_t i;

	if (json_integer_value(json_object_get(root, "version")) != RESULTS_VERSION)
		return error_new("not the results of a sweep, or of another version");
	if (!json_is_array(results))
		return error_new("no \"results\"");
	json_array_foreach(results, i, result) {
		struct error *err = check_result(result);

		if (err)
			return error_context(err, "result %zu", i + 1);
	}
	return NULL;
}

static struct error *load(const char *path, struct results **ret)
{
	_cleanup_(cleanup_results) struct results *results = calloc(1, sizeof(*results));
	json_error_t problem;

	if (!results)
		return &error_no_memory;
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return error_errno(errno, "%s: cannot read", path);
	results->root = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
	if (!results->root)
		return error_new("%s:%d: %s", path, problem.line, problem.text);
	struct error *err = check(results->root);

	if (err)
		return error_context(err, "%s", path);
	*ret = no_cleanup_ptr(results);
	return NULL;
}

struct error *results_load(const char *path, struct results **ret)
{
	_cleanup_free_ char *inside = NULL;
	struct stat stat_buffer;

	if (stat(path, &stat_buffer) || !S_ISDIR(stat_buffer.st_mode))
		return load(path, ret);
	if (asprintf(&inside, "%s/" RESULTS_FILE, path) < 0)
		return &error_no_memory;
	return load(inside, ret);
}

void results_destroy(struct results *results)
{
	if (!results)
		return;
	json_decref(results->root);
	free(results);
}

const json_t *results_json(const struct results *results)
{
	return results->root;
}
