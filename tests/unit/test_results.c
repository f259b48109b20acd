// SPDX-License-Identifier: GPL-2.0-or-later
/* What is made of the results of a sweep: the file, KTAP, JUnit XML, a comparison. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/results.h"
#include "inject/sweep/journal.h"
#include "inject/sweep/junit.h"
#include "inject/sweep/ktap.h"
#include "tests/unit/tap.h"

static char directory[] = "/tmp/kdump-torture-results-XXXXXX";
static char journal_path[256], results_path[256], junit_path[256];

/* "SCENARIO KERNEL POINT DELIVERY STATUS [OP/STEP]" */
static json_t *result_of(const char *text)
{
	char scenario[32], kernel[32], point[64], deliver[16], status[16], op[32] = "";
	char step[32] = "";

	if (sscanf(text, "%31s %31s %63s %15s %15s %31[^/]/%31s", scenario, kernel, point, deliver,
		   status, op, step) < 5)
		errx(1, "%s", text);
	json_t *result = json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s, s:s}",
				   "id", json_sprintf("%s/%s/%s/%s", scenario, kernel, point,
						      deliver), "scenario", scenario, "kernel",
				   kernel, "point", point, "deliver", deliver, "status", status,
				   "verdict", "none", "outcome", "hung", "text",
				   "no <end> & \"nothing\"\nmore", "seconds", 0.25, "difference",
				   "", "directory", "");
	char *plus = strstr(point, "+0x");

	if (plus) {
		*plus = '\0';
		json_object_set_new(result, "function", json_string(point));
	}
	if (*op)
		json_object_set_new(result, "op", json_string(op));
	if (*step)
		json_object_set_new(result, "step", json_string(step));
	if (strcmp(status, "pass"))
		json_object_set_new(result, "console", json_pack("[s]", "a last <line>"));
	return result;
}

/* One function, of two instructions. */
static json_t *kernel_json(const char *instruction)
{
	return json_pack("{s:{s:{s:[{s:i, s:s}, {s:i, s:s}]}}}", "functions", "f", "boundaries",
			 "offset", 0, "instruction", "nop", "offset", 1, "instruction",
			 instruction);
}

/*
 * @lines: of result_of(), NULL behind them. @instruction: of all kernels that are in
 * them. The file is left at results_path.
 */
static struct results *make(const char *instruction, const char *const *lines)
{
	struct journal *journal = NULL;
	struct results *results = NULL;
	json_t *header = json_pack("{s:i, s:{}, s:{}}", "version", 1, "kernels", "scenarios");
	const struct results_end end = {
		.finished = "2026-01-01T00:00:00+0000", .seconds = 1.5, .pace = 60, .jobs = 2,
	};

	unlink(journal_path);
	struct error *error = journal_create(directory, header, &journal);

	for (; !error && *lines; lines++) {
		json_t *result = result_of(*lines);
		const char *kernel = json_string_value(json_object_get(result, "kernel"));
		const char *scenario = json_string_value(json_object_get(result, "scenario"));

		json_object_set_new(json_object_get(header, "kernels"), kernel,
				    kernel_json(instruction));
		json_object_set_new(json_object_get(header, "scenarios"), scenario,
				    json_object());
		error = journal_append(journal, result);
		json_decref(result);
	}
	if (!error)
		error = results_write(results_path, header, &end, journal);
	if (!error)
		error = results_load(results_path, &results);
	if (error)
		errx(1, "%s", error->message);
	json_decref(header);
	journal_close(journal);
	return results;
}

#define MAKE(instruction, ...)	make(instruction, (const char *const[]){ __VA_ARGS__, NULL })

static void test_file(void)
{
	_cleanup_(cleanup_results) struct results *results =
		MAKE("ret", "s k list_add/0 self pass", "s k list_add/1 self fail",
		     "s k list_add/2 self skip", "s k list_add/3 self inconclusive");
	const json_t *root = results_json(results);
	const json_t *summary = json_object_get(root, "summary");

	tap_ok(json_array_size(json_object_get(root, "results")) == 4 &&
	       json_integer_value(json_object_get(summary, "total")) == 4 &&
	       json_integer_value(json_object_get(summary, "fail")) == 1 &&
	       json_integer_value(json_object_get(summary, "skip")) == 1,
	       "every crash is in results.json, and counted");
	tap_ok(json_is_string(json_object_get(root, "finished")) &&
	       json_number_value(json_object_get(root, "pace")) == 60, "so is how it ended");
	char again[300];

	snprintf(again, sizeof(again), "%s.new", results_path);
	tap_ok(access(again, F_OK), "nothing half-written is left");
	_cleanup_(cleanup_results) struct results *empty = MAKE("ret", NULL);

	tap_ok(!json_array_size(json_object_get(results_json(empty), "results")),
	       "of no crash at all, too");
}

static void check_load(const char *text, const char *wanted)
{
	_cleanup_(cleanup_results) struct results *results = NULL;
	FILE *file = fopen(results_path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		err(1, "%s", results_path);
	_cleanup_error_ struct error *error = results_load(results_path, &results);

	if (!tap_ok(error && strstr(error->message, results_path) &&
		    strstr(error->message, wanted), "refused: %s", wanted))
		tap_diag("%s", error ? error->message : "no error");
}

static void test_load(void)
{
	check_load("{", "results.json:1: ");
	check_load("[]", "not the results of a sweep");
	check_load("{\"version\":2}", "another version");
	check_load("{\"version\":1}", "no \"results\"");
	check_load("{\"version\":1,\"results\":[{\"id\":1}]}", "result 1: a crash without \"id\"");
	check_load("{\"version\":1,\"results\":[{\"id\":\"a\",\"scenario\":\"\",\"kernel\":\"\","
		   "\"point\":\"\",\"deliver\":\"\",\"status\":\"odd\",\"verdict\":\"\","
		   "\"outcome\":\"\",\"text\":\"\"}]}", "status \"odd\"");
}

static void test_status(void)
{
	static const struct {
		struct results_count count;
		enum exit_status status;
		const char *fact;
	} cases[] = {
		{ { .pass = 2, .skip = 1 }, STATUS_PASS, "passes: 0" },
		{ { .pass = 2, .inconclusive = 1 }, STATUS_INCONCLUSIVE, "nothing known of one: 3" },
		{ { .pass = 2, .inconclusive = 1, .fail = 1 }, STATUS_FAIL, "a failure: 1" },
		{ { .pass = 2, .fail = 1, .error = 1 }, STATUS_USAGE, "an error: 2" },
		{ { .skip = 5 }, STATUS_INCONCLUSIVE, "nothing was made: 3, no pass" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(results_count_status(&cases[i].count) == cases[i].status, "%s",
		       cases[i].fact);
}

static char *ktap_of(const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	json_t *result = result_of(line);

	ktap_result(file, 7, result);
	fclose(file);
	json_decref(result);
	return text;
}

static void test_ktap(void)
{
	_cleanup_free_ char *pass = ktap_of("s k list_add/0 self pass");
	_cleanup_free_ char *fail = ktap_of("s k list_add/0 self fail");
	_cleanup_free_ char *skip = ktap_of("s k f#1 self skip");

	tap_ok(!strcmp(pass, "ok 7 s/k/list_add/0/self\n"), "KTAP: a pass is one line");
	tap_ok(!strcmp(fail, "not ok 7 s/k/list_add/0/self\n# fail: hung\n"
			     "# no <end> & \"nothing\"\n# more\n# console: a last <line>\n"),
	       "KTAP: a failure is explained in comments, each line of it");
	tap_ok(!strcmp(skip, "ok 7 s/k/f_1/self # SKIP no <end> & \"nothing\"\n"),
	       "KTAP: what was not made is skipped, for a reason; no # in a name");
}

static void test_junit(void)
{
	_cleanup_(cleanup_results) struct results *results =
		MAKE("ret", "s k list_add/0 self pass", "t k list_add/0 self fail",
		     "s k list_add/2 self skip", "s k list_add/3 self inconclusive");
	const json_t *all = json_object_get(results_json(results), "results");
	_cleanup_error_ struct error *error = junit_write(junit_path, all);
	char text[4096] = "", command[512];
	FILE *file = fopen(junit_path, "r");

	if (!file || !fread(text, 1, sizeof(text) - 1, file))
		err(1, "%s", junit_path);
	fclose(file);
	tap_ok(!error && strstr(text, "<testsuites name=\"kdump-torture\" tests=\"4\" failures=\"1\" "
					"errors=\"1\" skipped=\"1\" time=\"1.000\">"),
	       "JUnit: counts; not knowing is an error");
	tap_ok(strstr(text, "<testsuite name=\"s/k\" tests=\"3\" failures=\"0\"") &&
	       strstr(text, "<testsuite name=\"t/k\" tests=\"1\" failures=\"1\""),
	       "JUnit: a suite a scenario");
	tap_ok(strstr(text, "<failure message=\"no &lt;end&gt; &amp; &quot;nothing&quot;"),
	       "JUnit: what XML has a meaning for is escaped");
	snprintf(command, sizeof(command),
		 "python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' %s", junit_path);
	tap_ok(!system(command), "JUnit: a reader of XML takes it");
}

/* @wanted: "CHANGE NAME\n" for each difference. */
static void check_compare(const char *fact, struct results *before, struct results *after,
			  const char *wanted, enum exit_status status)
{
	_cleanup_(cleanup_results) struct results *old = before, *new = after;
	_cleanup_(results_comparison_deinit) struct results_comparison comparison = { 0 };
	_cleanup_error_ struct error *error = results_compare(old, new, &comparison);
	char text[1024] = "";

	for (size_t i = 0; i < comparison.nr; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s\n",
			 results_change_name(comparison.difference[i].change),
			 comparison.difference[i].name);
	if (!tap_ok(!error && !strcmp(text, wanted) &&
		    results_comparison_status(&comparison) == status, "compared: %s", fact))
		tap_diag("%s, status %d", error ? error->message : text,
			 results_comparison_status(&comparison));
}

static void test_compare(void)
{
	check_compare("the same", MAKE("ret", "s k a/0 self pass", "s k a/1 self skip"),
		      MAKE("ret", "s k a/0 self pass", "s k a/1 self skip"), "", STATUS_PASS);
	check_compare("a new failure", MAKE("ret", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self fail"), "new failure s/a/0/self\n", STATUS_FAIL);
	check_compare("an error is one", MAKE("ret", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self error"), "new failure s/a/0/self\n", STATUS_FAIL);
	check_compare("a failure of what was not there", MAKE("ret", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self pass", "s k a/1 self fail"),
		      "new failure s/a/1/self\n", STATUS_FAIL);
	check_compare("a failure of what nothing was known of",
		      MAKE("ret", "s k a/0 self inconclusive"), MAKE("ret", "s k a/0 self fail"),
		      "new failure s/a/0/self\n", STATUS_FAIL);
	check_compare("fixed", MAKE("ret", "s k a/0 self fail"), MAKE("ret", "s k a/0 self pass"),
		      "fixed s/a/0/self\n", STATUS_PASS);
	check_compare("still failing", MAKE("ret", "s k a/0 self fail"),
		      MAKE("ret", "s k a/0 self fail"), "still failing s/a/0/self\n", STATUS_PASS);
	check_compare("nothing known now", MAKE("ret", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self inconclusive"), "no longer known s/a/0/self\n",
		      STATUS_INCONCLUSIVE);
	check_compare("missing", MAKE("ret", "s k a/0 self pass", "s k a/1 self pass"),
		      MAKE("ret", "s k a/0 self pass", "s k a/1 self skip"),
		      "missing s/a/1/self\n", STATUS_INCONCLUSIVE);
	check_compare("new", MAKE("ret", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self pass", "s k a/1 self pass"), "new s/a/1/self\n",
		      STATUS_PASS);
	check_compare("a scenario that was not asked for",
		      MAKE("ret", "s k a/0 self pass", "t k a/0 self pass"),
		      MAKE("ret", "s k a/0 self pass"), "", STATUS_PASS);
}

static void test_flaky(void)
{
	check_compare("flaky: it failed before, and now and then does",
		      MAKE("ret", "s k a/0 self fail", "s k a/0 self fail"),
		      MAKE("ret", "s k a/0 self fail", "s k a/0 self pass"),
		      "flaky s/a/0/self\n", STATUS_PASS);
	check_compare("flaky: it did now and then, and passes",
		      MAKE("ret", "s k a/0 self fail", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self pass"), "flaky s/a/0/self\n", STATUS_PASS);
	check_compare("one failure of many is a new one",
		      MAKE("ret", "s k a/0 self pass", "s k a/0 self pass"),
		      MAKE("ret", "s k a/0 self pass", "s k a/0 self fail"),
		      "new failure s/a/0/self\n", STATUS_FAIL);
}

static void test_kernels(void)
{
	check_compare("two kernels of other names", MAKE("ret", "s old a/0 self pass"),
		      MAKE("ret", "s new a/0 self fail"), "new failure s/a/0/self\n", STATUS_FAIL);
	check_compare("more than one kernel: by name",
		      MAKE("ret", "s k a/0 self pass", "s l a/0 self fail"),
		      MAKE("ret", "s k a/0 self fail", "s l a/0 self pass"),
		      "new failure s/k/a/0/self\nfixed s/l/a/0/self\n", STATUS_FAIL);
	check_compare("the same code: by offset", MAKE("ret", "s k f+0x1 self pass list_add/1"),
		      MAKE("ret", "s k f+0x1 self fail list_add/1"),
		      "new failure s/f+0x1/self\n", STATUS_FAIL);
	check_compare("other code: by the steps around",
		      MAKE("ret", "s k f+0x1 self pass list_add/1", "s k f+0x0 self fail list_add/2"),
		      MAKE("leave", "s k f+0x2 self fail list_add/1",
			   "s k f+0x3 self fail list_add/2", "s k f+0x4 self pass list_add/2"),
		      "new failure s/f after list_add/1/self\n"
		      "still failing s/f after list_add/2/self\n", STATUS_FAIL);
}

int main(void)
{
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	snprintf(journal_path, sizeof(journal_path), "%s/journal.jsonl", directory);
	snprintf(results_path, sizeof(results_path), "%s/" RESULTS_FILE, directory);
	snprintf(junit_path, sizeof(junit_path), "%s/junit.xml", directory);
	test_file();
	test_load();
	test_status();
	test_ktap();
	test_junit();
	test_compare();
	test_flaky();
	test_kernels();
	unlink(journal_path);
	unlink(results_path);
	unlink(junit_path);
	rmdir(directory);
	return tap_done();
}
