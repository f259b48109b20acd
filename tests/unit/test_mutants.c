// SPDX-License-Identifier: GPL-2.0-or-later
/* The mutants' file: what is wrong in it, its scenarios, and the detection table. */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/detection.h"
#include "inject/mutants.h"
#include "inject/operations.h"
#include "inject/scenario.h"
#include "inject/words.h"
#include "tests/unit/tap.h"

static char path[] = "/tmp/kdump-torture-mutants-XXXXXX";

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		err(1, "%s", path);
}

static struct error *load(const char *text, struct mutants *ret)
{
	write_file(text);
	*ret = (struct mutants){ 0 };
	return mutants_load(path, ret);
}

#define ALWAYS	"commit = 123456789abc\nbug = it is wrong\nwindow = anywhere\n"
#define SHOWN	"points = list_add/2\ndeliver = self remote shootdown\n"

static const char two_bugs[] =
	"[loops]\n" ALWAYS SHOWN "finding = hung\nfinding.shootdown = not-cleared\n"
	"elsewhere = list_del/1 load/cpu\nguests = 2\noperation = list_add\n"
	"[idles]\n" ALWAYS "points = f+0x0\ndeliver = self\nfinding = reset\nclean = inconclusive\n"
	"[same]\n" ALWAYS SHOWN "finding = none\n"
	"[more]\n" ALWAYS "kernel = loops\npoints = g+0x0\ndeliver = self\nfinding = freed\n";

static const struct scenario *find(const struct scenarios *scenarios, const char *name)
{
	for (size_t i = 0; i < scenarios->nr; i++) {
		if (!strcmp(scenarios->scenario[i].name, name))
			return &scenarios->scenario[i];
	}
	errx(1, "no scenario %s", name);
}

static void test_scenarios(void)
{
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = load(two_bugs, &mutants);

	if (!err)
		err = mutants_scenarios(&mutants, &all);
	if (!tap_ok(!err && all.nr == 10, "scenarios of a file of four mutants")) {
		tap_diag("%zu: %s", all.nr, err ? err->message : "");
		return;
	}
	const struct scenario *window = find(&all, "loops");

	tap_ok(words_count(window->deliver) == 2 && words_have(window->deliver, "remote") &&
	       window->outcome == OUTCOME_HUNG, "the deliveries that show the same are one");
	tap_ok(words_have(window->kernels, "loops") && words_have(window->groups, "mutants") &&
	       words_have(window->groups, "loops"), "its kernel and groups");
	tap_ok(window->guests == 2 && window->bystanders == 1 &&
	       window->operation == operation_find("list_add"), "what it takes from the file");
	window = find(&all, "loops-shootdown");
	tap_ok(words_count(window->deliver) == 1 && window->outcome == OUTCOME_CAPTURED &&
	       window->verdict == STATUS_FAIL, "another finding is another scenario");
	window = find(&all, "loops-elsewhere");
	tap_ok(words_count(window->deliver) == 3 && words_count(window->list) == 2 &&
	       window->verdict == STATUS_PASS && words_have(window->kernels, "loops"),
	       "elsewhere it must pass");
	window = find(&all, "loops-fixed");
	tap_ok(words_count(window->deliver) == 3 && words_count(window->list) == 3 &&
	       window->verdict == STATUS_PASS && words_have(window->kernels, "fixed") &&
	       window->guests == 2, "so must fixed, everywhere");
	tap_ok(find(&all, "idles")->outcome == OUTCOME_RESET &&
	       find(&all, "idles-fixed")->verdict == STATUS_INCONCLUSIVE,
	       "where nothing is loaded, nothing is known of fixed");
	tap_ok(mutant_is_shown(mutants_find(&mutants, "loops")) &&
	       !mutant_is_shown(mutants_find(&mutants, "same")) &&
	       !mutants_find(&mutants, "none"), "which of them are to be caught");
	tap_ok(words_have(find(&all, "more")->kernels, "loops") &&
	       find(&all, "more")->verdict == STATUS_INCONCLUSIVE, "one more of the same kernel");
}

/* @wanted: the message must have it. */
static void check_error(const char *text, const char *wanted)
{
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_error_ struct error *err = load(text, &mutants);

	if (!tap_ok(err && strstr(err->message, path) && strstr(err->message, wanted),
		    "refused: %s", wanted))
		tap_diag("%s", err ? err->message : "it is read");
}

static void test_errors(void)
{
	check_error("[a]\n" ALWAYS "point = list_add/2\n", ":5: point: no such key");
	check_error("[a]\nbug =\n", ":2: bug: has no value");
	check_error("[a]\nfinding = bad\n", ":2: finding bad: use none, not-cleared");
	check_error("[a]\nfinding.self = bad\n", ":2: finding.self bad");
	check_error("[a]\npoints = boundary\n", ":2: points boundary: neither");
	check_error("[a]\nelsewhere = there\n", ":2: points there: neither");
	check_error("[a]\nclean = quite\n", ":2: verdict quite");
	check_error("[a]\nguests = many\n", ":2: guests many");
	check_error("[a]\ncommit = -\nbug = x\n", "[a]: has no window");
	check_error("[a]\n" ALWAYS "deliver = self\nfinding = hung\n", "[a]: has no points");
}

struct crash {
	const char *kernel, *status, *outcome, *verdict;
	const char *text;	/* NULL: "" */
	const char *scenario;	/* NULL: the one with the kernel's name */
};

static struct results *make_results(const struct crash *crashes)
{
	json_t *array = json_array();
	struct results *results;

	for (size_t i = 0; crashes[i].kernel; i++)
		json_array_insert_new(array, 0, json_pack(
			"{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
			"nr", (int)i + 1, "id", "x",
			"scenario", crashes[i].scenario ?: crashes[i].kernel, "text",
			crashes[i].text ?: "",
			"kernel", crashes[i].kernel, "point", i & 1 ? "odd/1" : "even/2",
			"deliver", "self", "status", crashes[i].status, "outcome",
			crashes[i].outcome, "verdict", crashes[i].verdict));
	json_t *root = json_pack("{s:i, s:{}, s:{s:{s:[s, s]}, s:{s:[s, s]}}, s:o}",
				 "version", 1, "kernels", "scenarios",
				 "loops", "group", "mutants", "loops",
				 "more", "group", "mutants", "more", "results", array);

	if (json_dump_file(root, path, 0))
		errx(1, "%s", path);
	json_decref(root);
	struct error *error = results_load(path, &results);

	if (error)
		errx(1, "%s", error->message);
	return results;
}

#define CRASH(kernel, status, outcome, verdict)	{ kernel, status, outcome, verdict, NULL, NULL }
#define GOOD	CRASH("fixed", "pass", "captured", "pass")
#define CAUGHT	CRASH("loops", "pass", "hung", "none")

/* @row: a line that the table must have. */
static void check_table(const char *what, const struct crash *crashes, enum exit_status status,
			const char *row)
{
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_(detection_deinit) struct detection detection = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;
	_cleanup_error_ struct error *err = load(two_bugs, &mutants);
	_cleanup_(cleanup_results) struct results *results = make_results(crashes);
	FILE *file = open_memstream(&text, &size);

	if (!err)
		err = detection_init(&mutants, results, &detection);
	if (err || !file)
		errx(1, "%s", err ? err->message : "no memory");
	detection_print(&detection, file);
	fclose(file);
	tap_ok(detection_status(&detection) == status, "%s: exit status %d", what, status);
	if (!tap_ok(strstr(text, row), "%s: the table says so", what))
		tap_diag("%s", text);
}

static void test_table(void)
{
	check_table("caught", (const struct crash[]){
		CRASH("loops", "pass", "captured", "pass"), CAUGHT,
		CRASH("loops", "pass", "captured", "fail"), GOOD, { 0 } }, STATUS_PASS,
		"# loops              123456789abc     2 of   3  odd/1 by self: hung\n");
	check_table("another of the same kernel", (const struct crash[]){ CAUGHT, GOOD,
		{ "loops", "pass", "captured", "inconclusive",
		  "VMCS 0x1000 is in a freed page", "more" }, { 0 } }, STATUS_PASS,
		"# more               123456789abc     1 of   1  even/2 by self: freed\n");
	check_table("inconclusive for another reason", (const struct crash[]){ CAUGHT, GOOD,
		{ "loops", "pass", "captured", "inconclusive", "nobody knows", "more" }, { 0 } },
		STATUS_FAIL, "# more               123456789abc     0 of   1  NOT CAUGHT\n");
	check_table("the sum", (const struct crash[]){ CAUGHT, GOOD, { 0 } }, STATUS_PASS,
		"# 1 of 1 mutants caught, 0 crashes not as expected\n");
	check_table("not caught", (const struct crash[]){
		CRASH("loops", "fail", "captured", "pass"), GOOD, { 0 } }, STATUS_FAIL,
		"  0 of   1  NOT CAUGHT; 1 NOT AS EXPECTED\n");
	check_table("not caught, though nothing was expected", (const struct crash[]){
		CRASH("loops", "pass", "captured", "pass"), GOOD, { 0 } }, STATUS_FAIL,
		"NOT CAUGHT\n");
	check_table("a false alarm", (const struct crash[]){ CAUGHT,
		CRASH("fixed", "fail", "captured", "fail"), { 0 } }, STATUS_FAIL,
		"# fixed              -                1 of   1  odd/1 by self: not-cleared; "
		"1 NOT AS EXPECTED\n");
	check_table("not known", (const struct crash[]){ CAUGHT, GOOD,
		CRASH("fixed", "inconclusive", "not-fired", "none"), { 0 } }, STATUS_INCONCLUSIVE,
		"# fixed              -                0 of   2; 1 NOT AS EXPECTED\n");
}

int main(void)
{
	int file = mkstemp(path);

	if (file < 0)
		err(1, "%s", path);
	close(file);
	test_scenarios();
	test_errors();
	test_table();
	unlink(path);

	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err =
		mutants_load("../../kernel-patch/6.1/mutants/mutants.cfg", &mutants);

	if (!err)
		err = scenarios_load("../scenarios.cfg", &all);
	if (!err)
		err = mutants_scenarios(&mutants, &all);
	tap_ok(!err && mutants.nr, "mutants.cfg is valid beside tests/scenarios.cfg%s%s",
	       err ? ": " : "", err ? err->message : "");
	return tap_done();
}
