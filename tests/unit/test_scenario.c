// SPDX-License-Identifier: GPL-2.0-or-later
/* The file of scenarios: what it says, what is wrong in it, who is chosen. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/operations.h"
#include "inject/scenario.h"
#include "inject/words.h"
#include "tests/unit/tap.h"

static char path[] = "/tmp/kdump-torture-scenarios-XXXXXX";

static struct error *load(const char *text, struct scenarios *ret)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		err(1, "%s", path);
	*ret = (struct scenarios){ 0 };
	return scenarios_load(path, ret);
}

static void test_keys(void)
{
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = load(
		"# a comment\n"
		"\n"
		"[one]\n"
		"group = a, b\n"
		"kernel=fixed,bitmap\r\n"
		"operation = list_del\n"
		"points = boundaries\n"
		"deliver = self shootdown\n"
		"cpu = 0\n"
		"guests = 0\n"
		"bystanders = 2\n"
		"situation = idle\n"
		"trigger = destroy\n"
		"verdict = fail\n"
		"outcome = hung\n"
		"timeout = 7\n"
		"danger = resets the machine\n"
		"  [two]  \n", &all);

	if (!tap_ok(!err && all.nr == 2, "a file of two scenarios is read")) {
		tap_diag("%s", err ? err->message : "");
		return;
	}
	const struct scenario *one = &all.scenario[0], *two = &all.scenario[1];

	tap_ok(!strcmp(one->name, "one") && words_count(one->groups) == 2 &&
	       words_have(one->groups, "b"), "name and groups");
	tap_ok(words_count(one->kernels) == 2 && words_have(one->kernels, "bitmap"),
	       "kernels, of a line with CR LF, too");
	tap_ok(one->operation == operation_find("list_del") &&
	       one->points == POINTS_BOUNDARIES, "operation and points");
	tap_ok(words_count(one->deliver) == 2 && words_have(one->deliver, "shootdown"),
	       "deliveries, with a space between");
	tap_ok(!one->victim && !one->guests && one->bystanders == 2 && one->timeout == 7, "numbers");
	tap_ok(!strcmp(one->situation, "idle") && !strcmp(one->trigger, "destroy"),
	       "situation and trigger");
	tap_ok(one->verdict == STATUS_FAIL && one->outcome == OUTCOME_HUNG &&
	       !strcmp(one->danger, "resets the machine"), "what is expected, and the danger");
	tap_ok(two->victim == -1 && two->guests == 3 && two->bystanders == 1 && !two->kernels &&
	       !two->operation && two->points == POINTS_STEPS && words_count(two->deliver) == 1 &&
	       words_have(two->deliver, "self") && two->verdict == STATUS_PASS &&
	       two->outcome == OUTCOME_CAPTURED && !two->danger, "defaults");
}

static void test_points(void)
{
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = load(
		"[list]\npoints = list_add/2, vmx_vcpu_load_vmcs+0x10\n", &all);

	tap_ok(!err && all.scenario[0].points == POINTS_LIST &&
	       words_count(all.scenario[0].list) == 2 &&
	       words_have(all.scenario[0].list, "vmx_vcpu_load_vmcs+0x10"), "points by name");
}

/* @wanted: what the message must have, behind file and line. */
static void check_error(const char *text, unsigned int line, const char *wanted)
{
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = load(text, &all);
	char place[64];

	snprintf(place, sizeof(place), "%s:%u: ", path, line);
	if (!tap_ok(err && !strncmp(err->message, place, strlen(place)) &&
		    strstr(err->message, wanted), "refused with its line: %s", wanted))
		tap_diag("%s", err ? err->message : "it is read");
}

static void test_errors(void)
{
	check_error("guests = 3\n", 1, "no [NAME] before it");
	check_error("[a]\n\nguest = 3\n", 3, "guest: no such key; there are group, kernel");
	check_error("[a]\nguests = many\n", 2, "guests many: not a number from 0 to 64");
	check_error("[a]\nguests = 65\n", 2, "guests 65");
	check_error("[a]\ncpu = 2\n", 2, "cpu 2: not a number from 0 to 1");
	check_error("[a]\ntimeout = 0\n", 2, "timeout 0: not a number from 1");
	check_error("[a]\ndeliver = self, pigeon\n", 2, "pigeon: use self, remote, shootdown");
	check_error("[a]\noperation = none\n", 2, "operation none");
	check_error("[a]\nsituation = dire\n", 2, "situation dire: use plain, idle");
	check_error("[a]\ntrigger = create,pull\n", 2, "trigger create,pull: use create,");
	check_error("[a]\nverdict = good\n", 2, "verdict good: use pass, fail");
	check_error("[a]\noutcome = bang\n", 2, "outcome bang");
	check_error("[a]\npoints = list_add\n", 2, "points list_add: neither steps");
	check_error("[a]\nguests =\n", 2, "guests: has no value");
	check_error("[a]\n[b]\n[a]\n", 3, "[a]: is there already");
	check_error("[a\n", 1, "no ] at the end");
	check_error("[A b]\n", 1, "small letters");
	check_error("[]\n", 1, "[]: a name has");
	check_error("[a]\nnonsense\n", 2, "nonsense: neither [NAME] nor KEY = VALUE");
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = scenarios_load("/nonexistent.cfg", &all);

	tap_ok(err && strstr(err->message, "/nonexistent.cfg"), "no file: it is named");
}

static const char choice[] =
	"[list-add]\ngroup = list\n"
	"[list-del]\ngroup = list, slow\n"
	"[load]\ngroup = slow\n"
	"[list-bang]\ngroup = list, bangs\ndanger = halts\n";

/* @wanted: names with a space behind each; of an error a part of its message. */
static void check_choice(const char *patterns, const char *wanted, bool good)
{
	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_(cleanup_words) char **words = NULL;
	_cleanup_free_ const struct scenario **chosen = NULL;
	char names[256] = "";
	size_t nr = 0;

	error_free(load(choice, &all));
	error_free(words_split(patterns, &words));
	_cleanup_error_ struct error *err = scenarios_select(&all, words, words_count(words),
							     &chosen, &nr);

	for (size_t i = 0; i < nr; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			 chosen[i]->name);
	bool right = good ? !err && !strcmp(names, wanted) :
			    err && strstr(err->message, wanted);

	if (!tap_ok(right, "%s: %s", patterns, wanted))
		tap_diag("%s", err ? err->message : names);
}

static void test_choice(void)
{
	check_choice("load", "load ", true);
	check_choice("slow list-add", "list-add list-del load ", true);
	check_choice("list", "list-add list-del ", true);
	check_choice("list-*", "list-add list-del ", true);
	check_choice("*", "list-add list-del load ", true);
	check_choice("list-bang", "list-bang ", true);
	check_choice("l* list-bang", "list-add list-del load list-bang ", true);
	check_choice("bangs", "list-bang must be named in full, for it is dangerous: halts",
		     false);
	check_choice("*-bang", "dangerous", false);
	check_choice("load lost", "lost: no scenario or group", false);
}

int main(void)
{
	int file = mkstemp(path);

	if (file < 0)
		err(1, "%s", path);
	close(file);
	test_keys();
	test_points();
	test_errors();
	test_choice();
	unlink(path);

	_cleanup_(scenarios_deinit) struct scenarios all = { 0 };
	_cleanup_error_ struct error *err = scenarios_load("../scenarios.cfg", &all);

	tap_ok(!err && all.nr, "tests/scenarios.cfg is valid%s%s", err ? ": " : "",
	       err ? err->message : "");
	return tap_done();
}
