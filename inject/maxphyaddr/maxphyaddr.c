// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/maxphyaddr/maxphyaddr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/ini.h"
#include "inject/kernel_build.h"
#include "inject/maxphyaddr/cases.h"
#include "inject/maxphyaddr/table.h"
#include "inject/process.h"
#include "inject/selftests.h"
#include "inject/suite.h"
#include "inject/sweep/junit.h"
#include "inject/sweep/ktap.h"
#include "inject/target.h"

#define MAX_FILES 8
#define JSON_FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(7))

/* One kernel on the target. */
struct round {
	const struct maxphyaddr_options *options;
	const char *kernel;
	const char *role;	/* test, against or mutant */
	struct cases *cases;
	json_t *all;		/* results of all rounds */
	size_t printed;		/* of cases_results() */
	char *why;		/* the target ended early; NULL: it did not */
};

/* All that goes into the result. */
struct session {
	const struct maxphyaddr_options *options;
	struct selftests selftests;
	json_t *results;
	json_t *mutants;	/* name, what, vendor, caught, by */
};

/* Each as it comes: a run takes minutes. */
static void print_new_results(struct round *round)
{
	json_t *results = cases_results(round->cases);

	for (; round->printed < json_array_size(results); round->printed++) {
		json_t *result = json_array_get(results, round->printed), *note;
		size_t i;

		json_object_set_new(result, "role", json_string(round->role));
		json_array_append(round->all, result);
		ktap_result(stdout, json_array_size(round->all), result);
		json_array_foreach(json_object_get(result, "notes"), i, note)
			ktap_diagnostic(stdout, json_string_value(note));
	}
	fflush(stdout);
}

static void begin(void *data, size_t test)
{
	(void)data;
	(void)test;
}

static void take_line(void *data, size_t test, const char *line)
{
	struct round *round = data;

	(void)test;
	cases_take(round->cases, line);
	print_new_results(round);
}

static void end(void *data, size_t test, const struct suite_result *result)
{
	struct round *round = data;
	char how[256];

	(void)test;
	suite_describe(result, how, sizeof(how));
	/* 1: some case failed, which has been told */
	bool whole = result->end == SUITE_EXIT && (result->number == 0 || result->number == 1 ||
						   result->number == 4);

	cases_end(round->cases, whole ? NULL : how);
	print_new_results(round);
}

/* In the form of the agent: ',' between words, '+' for a space in one. */
static struct error *write_arguments(const struct maxphyaddr_options *options, char **ret)
{
	_cleanup_free_ char *parameters = options->parameters ? strdup(options->parameters) : NULL;
	char bits[16] = "";

	for (char *p = parameters; p && *p; p++) {
		if (strchr(",+", *p))
			return error_new("--parameters %s: use NAME=VALUE NAME=VALUE, as \"ept=1 "
					 "allow_smaller_maxphyaddr=1\"", options->parameters);
		*p = *p == ' ' ? '+' : *p;
	}
	if (options->maxphyaddr)
		snprintf(bits, sizeof(bits), ",-m,%u", options->maxphyaddr);
	if (asprintf(ret, "%s%s%s%s%s%s", options->brief ? ",-b" : "", bits,
		     parameters ? ",-c," : "", parameters ?: "",
		     options->program ? ",-p," : "", options->program ?: "") < 0)
		return &error_no_memory;
	/* The first comma only separates. */
	if (**ret)
		memmove(*ret, *ret + 1, strlen(*ret));
	return NULL;
}

/* Below kselftest/maxphyaddr/ of the target, where the script looks. */
static struct error *list_programs(const struct session *session, struct target_file *ret,
				   char (*names)[128])
{
	size_t nr = 0;

	for (size_t i = 0; i < session->selftests.nr && nr < MAX_FILES; i++) {
		const struct selftest *test = &session->selftests.tests[i];

		if (!test->program)
			continue;
		snprintf(names[nr], sizeof(names[nr]), "kselftest/maxphyaddr/%s", test->name);
		ret[nr] = (struct target_file){ .to = names[nr], .from = test->program };
		nr++;
	}
	return nr ? NULL : error_new("selftests: none was built; the whole log is %s",
				     session->selftests.log);
}

static struct error *run_kernel(struct session *session, const char *kernel_name,
				const char *role)
{
	static const struct suite_test tests[] = { { .name = "maxphyaddr" } };
	const struct maxphyaddr_options *options = session->options;
	_cleanup_(cleanup_kernel_build) struct kernel_build *kernel = NULL;
	_cleanup_(cleanup_cases) struct cases *cases = cases_new(options->target->name,
								 kernel_name);
	struct round round = { .options = options, .kernel = kernel_name, .role = role,
			       .cases = cases, .all = session->results };
	struct target_file files[MAX_FILES + 1] = {};
	char names[MAX_FILES][128];
	_cleanup_free_ char *logs = NULL, *arguments = NULL;
	struct error *err = kernel_build_open(kernel_name, &kernel);

	if (!err && !cases)
		err = &error_no_memory;
	if (!err)
		err = list_programs(session, files, names);
	if (!err)
		err = write_arguments(options, &arguments);
	if (err)
		return err;
	printf("# kernel %s on %s\n", kernel_name, options->target->name);
	fflush(stdout);
	err = suite_run(&(struct suite_config){
		.target = options->target, .kernel = kernel, .emulator = options->emulator,
		.memory = options->memory, .tests = tests, .nr_tests = 1, .batch = 1,
		.files = files, .arguments = *arguments ? arguments : NULL,
		.quiet = options->quiet, .begin = begin, .line = take_line, .end = end,
		.data = &round,
	}, &logs);
	return err ? error_context(err, "kernel %s (logs in %s)", kernel_name, logs) : NULL;
}

struct mutant_reader {
	json_t *mutants;
	json_t *current;
};

static struct error *take_section(void *arg, const char *name)
{
	struct mutant_reader *reader = arg;

	reader->current = json_pack("{s:s}", "name", name);
	json_array_append_new(reader->mutants, reader->current);
	return NULL;
}

static struct error *take_key(void *arg, const char *key, const char *value)
{
	struct mutant_reader *reader = arg;

	if (strcmp(key, "what") && strcmp(key, "vendor"))
		return error_new("%s: no such key", key);
	json_object_set_new(reader->current, key, json_string(value));
	return NULL;
}

static const char *get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* Those that the CPU of this target can show. */
static struct error *load_mutants(const struct maxphyaddr_options *options, json_t *ret)
{
	static const struct ini_calls calls = { take_section, take_key };
	struct mutant_reader reader = { .mutants = ret };
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/maxphyaddr.cfg", data_directory()) < 0)
		return &error_no_memory;
	struct error *err = ini_read(path, &calls, &reader);

	const char *vendor = options->target->has_svm && options->target->has_svm() ? "amd" :
										       "intel";

	for (size_t i = json_array_size(ret); !err && i--;) {
		const char *where = get(json_array_get(ret, i), "vendor");

		if (strcmp(where, "both") && strcmp(where, vendor))
			json_array_remove(ret, i);
	}
	return err;
}

/* The result of @kernel for what @result is of another. */
static const json_t *result_of(const json_t *results, const json_t *result, const char *kernel)
{
	static const char *const keys[] = { "parameters", "program", "name" };
	const json_t *other;
	size_t i;

	json_array_foreach(results, i, other) {
		bool same = !strcmp(get(other, "kernel"), kernel);

		for (size_t k = 0; same && k < sizeof(keys) / sizeof(keys[0]); k++)
			same = !strcmp(get(other, keys[k]), get(result, keys[k]));
		if (same)
			return other;
	}
	return NULL;
}

/* What a mutant fails of that which the kernel under test does not. */
static void judge_mutant(struct session *session, json_t *mutant)
{
	const json_t *result;
	json_t *by = json_array();
	size_t i;

	json_array_foreach(session->results, i, result) {
		const json_t *good = NULL;

		if (strcmp(get(result, "kernel"), get(mutant, "name")) ||
		    strcmp(get(result, "status"), "fail"))
			continue;
		good = result_of(session->results, result, session->options->kernel);
		if (!good || strcmp(get(good, "status"), "fail"))
			json_array_append(by, json_object_get(result, "id"));
	}
	json_object_set_new(mutant, "caught", json_boolean(json_array_size(by)));
	json_object_set_new(mutant, "by", by);
}

static struct error *run_mutants(struct session *session)
{
	struct error *err = load_mutants(session->options, session->mutants);
	json_t *mutant;
	size_t i;

	if (err)
		return err;
	json_array_foreach(session->mutants, i, mutant) {
		err = run_kernel(session, get(mutant, "name"), "mutant");
		if (err)
			return err;
		judge_mutant(session, mutant);
	}
	return NULL;
}

static enum exit_status judge(const struct session *session)
{
	bool failed = false, tested = false;
	const json_t *item;
	size_t i;

	json_array_foreach(session->results, i, item) {
		if (strcmp(get(item, "role"), "test"))
			continue;
		failed = failed || !strcmp(get(item, "status"), "fail");
		tested = tested || !strcmp(get(item, "status"), "pass");
	}
	json_array_foreach(session->mutants, i, item)
		failed = failed || !json_is_true(json_object_get(item, "caught"));
	return failed ? STATUS_FAIL : tested ? STATUS_PASS : STATUS_INCONCLUSIVE;
}

static struct error *write_json(const struct session *session, enum exit_status status)
{
	static const char *const names[] = {
		[STATUS_PASS] = "pass", [STATUS_FAIL] = "fail", [STATUS_USAGE] = "error",
		[STATUS_INCONCLUSIVE] = "inconclusive",
	};
	const struct maxphyaddr_options *options = session->options;
	json_t *root = json_pack("{s:i, s:s, s:s, s:s?, s:s, s:O, s:O}", "version", 1,
				 "target", options->target->name, "kernel", options->kernel,
				 "against", options->against, "verdict", names[status],
				 "results", session->results, "mutants", session->mutants);
	int failed = json_dump_file(root, options->output, JSON_FORMAT);

	json_decref(root);
	return failed ? error_errno(errno, "%s: cannot write", options->output) : NULL;
}

static struct error *run_kernels(struct session *session)
{
	const struct maxphyaddr_options *options = session->options;
	struct error *err = NULL;

	if (!options->quiet)
		fprintf(stderr, "kdump-torture: building the tests, if they are not (a minute)\n");
	err = selftests_build_maxphyaddr(options->kernel, &session->selftests);
	if (err)
		return err;
	puts("KTAP version 1");
	if (options->against)
		err = run_kernel(session, options->against, "against");
	if (!err)
		err = run_kernel(session, options->kernel, "test");
	if (!err && options->mutants)
		err = run_mutants(session);
	return err;
}

static struct error *finish(const struct session *session, enum exit_status status)
{
	const struct maxphyaddr_options *options = session->options;
	struct error *err = NULL;

	printf("1..%zu\n", json_array_size(session->results));
	table_print(stdout, session->results, options->kernel, options->against);
	table_print_mutants(stdout, session->mutants);
	if (options->output)
		err = write_json(session, status);
	if (!err && options->junit)
		err = junit_write(options->junit, session->results);
	return err;
}

struct error *maxphyaddr_run(const struct maxphyaddr_options *options, enum exit_status *ret)
{
	struct session session = { .options = options, .results = json_array(),
				   .mutants = json_array() };
	struct error *err = run_kernels(&session);

	*ret = judge(&session);
	/* What there is, is told even if a target broke off. */
	if (json_array_size(session.results)) {
		struct error *late = finish(&session, *ret);

		if (err)
			error_free(late);
		else
			err = late;
	}
	json_decref(session.results);
	json_decref(session.mutants);
	selftests_deinit(&session.selftests);
	return err;
}
