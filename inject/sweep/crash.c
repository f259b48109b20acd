// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/crash.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/json.h"
#include "inject/outcome.h"
#include "inject/process.h"
#include "inject/run.h"
#include "inject/scenario.h"
#include "inject/sweep/plan.h"
#include "inject/sweep/sweep.h"

/* A full path executes some ten times what a fast one does. */
#define FULL_BUDGET	10

/* What became of one crash. */
struct report {
	struct run_result result;
	bool both;		/* the full path was gone, too ... */
	char *difference;	/* ... and this was not the same; NULL: all was */
};

static void report_deinit(struct report *report)
{
	run_result_deinit(&report->result);
	free(report->difference);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What a crash has left that was not finished, since the sweep was not. */
static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct error *name_directory(const struct crash_config *config, const struct shot *shot,
				    const char *behind, char **ret)
{
	if (asprintf(ret, "%s/%zu-%s-%s%s", config->directory, shot->nr + 1, shot->point,
		     shot->deliver, behind) < 0)
		return &error_no_memory;
	for (char *p = *ret + strlen(config->directory) + 1; *p; p++)
		if (*p == '/')
			*p = '_';
	return NULL;
}

static unsigned long long seed_of(const struct crash_config *config, const struct shot *shot)
{
	return strtoull(config->options->vary, NULL, 0) + shot->nr;
}

/* @behind: "" or what to put behind the name of the run directory. */
static struct error *crash(const struct crash_config *config, const struct shot *shot,
			   enum run_path path, bool transient, const char *behind,
			   struct run_result *ret)
{
	const struct sweep_options *options = config->options;
	const struct scenario *scenario = shot->scenario;
	_cleanup_free_ char *out = NULL, *vary = NULL;
	struct run_options run = run_defaults;
	struct error *err = name_directory(config, shot, behind, &out);

	if (err)
		return err;
	if (options->vary && asprintf(&vary, "%llu", seed_of(config, shot)) < 0)
		return &error_no_memory;
	if (config->resumed)
		remove_tree(out);
	run.kernel = config->kernel;
	run.point = shot->point;
	run.deliver = shot->deliver;
	run.trigger = shot->trigger;
	run.situation = config->boot->situation;
	run.out = out;
	run.victim = config->boot->victim;
	run.guests = config->boot->guests;
	run.bystanders = config->boot->bystanders;
	run.memory = options->memory;
	run.timeout = scenario->timeout ?: options->timeout;
	run.subject = config->subject;
	run.snapshot = config->snapshot;
	run.path = path;
	run.budget = 1000000ULL * options->budget * (path == RUN_FULL ? FULL_BUDGET : 1);
	run.vary = vary;
	run.transient = transient;
	run.expected = scenario->verdict;
	run.quiet = run.silent = true;
	return run_once(&run, ret);
}

/* The dump of the fast path as makedumpfile would have filtered it in the target. */
static struct error *compare_dumps(const char *fast, const char *full, struct report *report)
{
	_cleanup_free_ char *core = NULL, *filtered = NULL, *theirs = NULL;

	if (asprintf(&core, "%s/vmcore", fast) < 0 || asprintf(&theirs, "%s/vmcore", full) < 0 ||
	    asprintf(&filtered, "%s/vmcore-filtered", fast) < 0)
		return &error_no_memory;
	struct error *err = run_tool((const char *[]){ "makedumpfile", "--message-level", "0",
						       "-d", "31", core, filtered, NULL }, NULL);
	if (err)
		return err;
	_cleanup_error_ struct error *unlike = run_tool((const char *[]){ "cmp", filtered, theirs,
									  NULL }, NULL);

	unlink(filtered);
	if (unlike && !(report->difference = strdup(unlike->message)))
		return &error_no_memory;
	return NULL;
}

/* The same crash again, by the capture kernel. */
static struct error *compare_paths(const struct crash_config *config, const struct shot *shot,
				   struct report *report)
{
	const struct run_result *fast = &report->result;
	_cleanup_(run_result_deinit) struct run_result full = { 0 };
	struct error *err = crash(config, shot, RUN_FULL, false, "-full", &full);

	if (err)
		return err;
	report->both = true;
	bool captured = !strcmp(full.outcome, "captured");

	/* What is said without a dump tells where each was stopped. */
	if (full.status == fast->status && !strcmp(full.outcome, fast->outcome) &&
	    (!captured || !strcmp(full.text, fast->text)))
		return captured ? compare_dumps(fast->directory, full.directory, report) : NULL;
	if (asprintf(&report->difference, "by the full path: %s: %s", full.outcome, full.text) < 0)
		return &error_no_memory;
	return NULL;
}

static const char *verdict_word(const struct run_result *result)
{
	static const char *const words[] = {
		[STATUS_PASS] = "pass", [STATUS_FAIL] = "fail", [STATUS_USAGE] = "inconclusive",
		[STATUS_INCONCLUSIVE] = "inconclusive",
	};

	return result->verdict ? words[result->status] : "none";
}

static bool is_expected(const struct shot *shot, const struct run_result *result)
{
	const struct scenario *scenario = shot->scenario;

	if (strcmp(result->outcome, outcome_name(scenario->outcome)))
		return false;
	return scenario->outcome != OUTCOME_CAPTURED || result->status == scenario->verdict;
}

static const char *status_word(const struct shot *shot, const struct report *report)
{
	const struct run_result *result = &report->result;

	if (report->difference)
		return "error";
	if (is_expected(shot, result))
		return "pass";
	if (shot->may_miss && !strcmp(result->outcome, outcome_name(OUTCOME_NOT_FIRED)))
		return "skip";
	if (result->status == STATUS_USAGE)
		return "error";
	return result->status == STATUS_INCONCLUSIVE ? "inconclusive" : "fail";
}

/* The full path's has the same pages, and no others. */
static struct error *drop_dump(const char *fast)
{
	_cleanup_free_ char *dump = NULL;

	if (asprintf(&dump, "%s/vmcore", fast) < 0)
		return &error_no_memory;
	unlink(dump);
	return NULL;
}

static struct error *work(const struct crash_config *config, const struct shot *shot,
			  struct report *report)
{
	const struct sweep_options *options = config->options;
	bool fast = options->path == RUN_FAST;
	bool sample = fast && options->sample && shot->nr % options->sample == 0;
	bool transient = !sample && !options->keep;
	struct error *err = crash(config, shot, options->path, transient, "", &report->result);

	if (err)
		return err;
	const char *status = status_word(shot, report);

	if (fast && (sample || !strcmp(status, "fail"))) {
		err = compare_paths(config, shot, report);
		if (!err && !report->difference && !strcmp(status, "pass") && !options->keep)
			err = drop_dump(report->result.directory);
		return err;
	}
	/* Without a dump; with one it has gone already. */
	if (transient && (!strcmp(status, "pass") || !strcmp(status, "skip"))) {
		remove_tree(report->result.directory);
		report->result.directory[0] = '\0';
	}
	return NULL;
}

static const char *relative(const struct crash_config *config, const char *directory)
{
	size_t length = strlen(config->directory);

	if (strncmp(directory, config->directory, length) || directory[length] != '/')
		return directory;
	return directory + length + 1;
}

/* Messages quote what came from a target. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	return string ?: json_string("(not UTF-8)");
}

/* What was to be done. */
static json_t *shot_json(const struct crash_config *config, const struct shot *shot)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}",
			 "id", shot->id, "nr", (json_int_t)shot->nr + 1,
			 "scenario", shot->scenario->name, "kernel", config->label,
			 "point", shot->point, "deliver", shot->deliver,
			 "op", json_optional(shot->op), "step", json_optional(shot->step),
			 "function", json_optional(shot->function), "offset",
			 shot->function ? json_integer(shot->offset) : json_null(),
			 "seed", config->options->vary ?
			 json_integer(seed_of(config, shot)) : json_null());
}

static json_t *report_json(const struct crash_config *config, const struct shot *shot,
			   const struct report *report)
{
	const struct run_result *result = &report->result;
	const char *status = status_word(shot, report);
	json_t *object = shot_json(config, shot);
	json_t *more = json_pack(
		"{s:s, s:s, s:s, s:o, s:f, s:I, s:I, s:b, s:o, s:s, s:i}", "status", status,
		"verdict", verdict_word(result), "outcome", result->outcome, "text",
		text_json(result->text), "seconds", result->seconds, "ticks",
		(json_int_t)result->ticks, "memory_kib", (json_int_t)result->memory, "both_paths",
		report->both, "difference", text_json(report->difference ?: ""), "directory",
		relative(config, result->directory), "attempts", report->both ? 2 : 1);

	json_object_update_missing(object, more);
	json_decref(more);
	if (!strcmp(status, "skip"))
		json_object_set_new(object, "text",
				    json_sprintf("trigger %s does not come here",
						 shot->trigger ?: "create,migrate"));
	if (result->phase[0])
		json_object_set_new(object, "phase", json_string(result->phase));
	if (result->console && strcmp(status, "pass"))
		json_object_set(object, "console", result->console);
	/* A sweep may repeat a crash a million times. */
	if (result->verdict && (!shot->repeat || strcmp(status, "pass"))) {
		json_object_set(object, "vmcs", json_object_get(result->verdict, "vmcs"));
		json_object_set(object, "lists", json_object_get(result->verdict, "cpus"));
		json_object_set(object, "operations",
				json_object_get(result->verdict, "operations"));
		json_object_set(object, "findings", json_object_get(result->verdict, "findings"));
	}
	return object;
}

/* A crash that was not made, or not by us. */
static json_t *word_json(const struct crash_config *config, const struct shot *shot,
			 const char *status, const char *outcome, const char *text)
{
	json_t *object = shot_json(config, shot);
	json_t *more = json_pack("{s:s, s:s, s:s, s:o, s:f, s:i, s:i, s:b, s:s, s:s, s:i}",
				 "status", status, "verdict", "none", "outcome", outcome,
				 "text", text_json(text), "seconds", 0.0, "ticks", 0,
				 "memory_kib", 0, "both_paths", false, "difference", "",
				 "directory", "", "attempts", 0);

	json_object_update_missing(object, more);
	json_decref(more);
	return object;
}

json_t *crash_make(const struct crash_config *config, const struct shot *shot)
{
	_cleanup_(report_deinit) struct report report = { 0 };
	_cleanup_error_ struct error *err = work(config, shot, &report);

	if (err)
		return word_json(config, shot, "error", "error", err->message);
	return report_json(config, shot, &report);
}

json_t *crash_skip(const struct crash_config *config, const struct shot *shot)
{
	return word_json(config, shot, "skip", "not-made", shot->skip);
}

json_t *crash_unarmed(const struct crash_config *config, const struct shot *shot,
		      enum outcome outcome, const char *text)
{
	bool ours = outcome_status(outcome, false) == STATUS_USAGE;

	return word_json(config, shot, ours ? "error" : "inconclusive", outcome_name(outcome),
			 text);
}

json_t *crash_lost(const struct crash_config *config, const struct shot *shot)
{
	return word_json(config, shot, "error", "error",
			 "the process that made this crash ended without a word");
}
