// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/sweep.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/outcome.h"
#include "inject/process.h"
#include "inject/results.h"
#include "inject/snapshot/snapshot.h"
#include "inject/subject.h"
#include "inject/sweep/crash.h"
#include "inject/sweep/header.h"
#include "inject/sweep/input.h"
#include "inject/sweep/journal.h"
#include "inject/sweep/junit.h"
#include "inject/sweep/ktap.h"
#include "inject/sweep/pool.h"
#include "inject/sweep/show.h"

#define CPUS		2
/* Milliseconds between looks at signals. */
#define TICK		200

const struct sweep_options sweep_defaults = {
	.victim = 1,
	.guests = 3,
	.bystanders = 1,
	.memory = 384,
	.repeat = 1,
	.sample = 20,
	.path = RUN_FAST,
	.timeout = 120,
	.budget = 1000,
};

struct sweep {
	const struct sweep_options *options;
	struct sweep_input input;
	json_t *header;
	char *directory;
	bool resumed;
	struct journal *journal;
	struct pool *pool;
	struct show show;
	struct snapshot *snapshot; /* of the boot that is on, or was the last */
	uint64_t memory;	/* that a crash took, KiB; the most of all */
	double start;
};

static struct error *prepare(struct sweep *sweep)
{
	struct sweep_input *input = &sweep->input;
	struct error *err = sweep_input_init(sweep->options, input);

	if (err)
		return err;
	return header_create(sweep->options, input->selected, input->nr_selected, input->kernel,
			     input->nr_kernels, &sweep->header);
}

static struct error *make_directory(struct sweep *sweep)
{
	const char *out = sweep->options->out;
	char name[PATH_MAX], stamp[32];
	time_t now = time(NULL);

	if (out) {
		snprintf(name, sizeof(name), "%s", out);
	} else {
		if (mkdir("runs", 0755) && errno != EEXIST)
			return error_errno(errno, "runs: cannot make the directory");
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime(&now));
		snprintf(name, sizeof(name), "runs/%s-sweep-%d", stamp, getpid());
	}
	if (mkdir(name, 0755))
		return error_errno(errno, "%s: cannot make the directory of the sweep", name);
	sweep->directory = realpath(name, NULL);
	return sweep->directory ? NULL : error_errno(errno, "%s", name);
}

static struct error *take_finished(void *arg, json_t *result)
{
	struct sweep *sweep = arg;
	size_t nr = json_integer_value(json_object_get(result, "nr")) - 1;
	const char *id = json_string_value(json_object_get(result, "id"));
	struct shot *shot = id ? plan_get(&sweep->input.plan, nr, id) : NULL;

	if (!shot || shot->done)
		return error_new("%s/journal.jsonl: \"%s\" is no crash of this sweep, or is there "
				 "twice", sweep->directory, id ?: "");
	shot->done = true;
	show_result(&sweep->show, result, false);
	return NULL;
}

/* Go on with the sweep of options->resume; its header says when it began. */
static struct error *restore(struct sweep *sweep)
{
	const char *directory = sweep->options->resume;
	json_t *header = NULL;

	sweep->resumed = true;
	sweep->directory = realpath(directory, NULL);
	if (!sweep->directory)
		return error_errno(errno, "--resume %s", directory);
	struct error *err = journal_resume(sweep->directory, &header, &sweep->journal);

	if (err)
		return err;
	err = header_compare(header, sweep->header);
	json_decref(sweep->header);
	sweep->header = header;
	return err ? error_context(err, "--resume %s", directory) : NULL;
}

static struct error *record(struct sweep *sweep, struct shot *shot, json_t *result, bool made)
{
	uint64_t memory = json_integer_value(json_object_get(result, "memory_kib"));
	struct error *err = result ? journal_append(sweep->journal, result) : &error_no_memory;

	if (!err) {
		shot->done = true;
		if (memory > sweep->memory)
			sweep->memory = memory;
		show_result(&sweep->show, result, made);
	}
	json_decref(result);
	return err;
}

static struct crash_config crash_config_of(const struct sweep *sweep, const struct shot *shot)
{
	const struct sweep_kernel *kernel = &sweep->input.kernel[shot->kernel];

	return (struct crash_config){
		.options = sweep->options, .kernel = kernel->name, .label = kernel->label,
		.subject = kernel->subject, .boot = &sweep->input.plan.boot[shot->boot],
		.snapshot = sweep->snapshot, .directory = sweep->directory,
		.resumed = sweep->resumed,
	};
}

/* In the process of one crash. */
static void work(void *arg, void *item, int out)
{
	const struct sweep *sweep = arg;
	const struct shot *shot = item;
	const struct crash_config config = crash_config_of(sweep, shot);

	journal_forget(sweep->journal);
	json_t *result = crash_make(&config, shot);

	if (result)
		json_dumpfd(result, out, JSON_COMPACT | JSON_REAL_PRECISION(7));
}

static struct error *take(void *arg, void *item, const char *text, size_t length)
{
	struct sweep *sweep = arg;
	struct shot *shot = item;
	json_t *result = json_loadb(text, length, 0, NULL);
	const struct crash_config config = crash_config_of(sweep, shot);

	return record(sweep, shot, result ?: crash_lost(&config, shot), true);
}

/* What cannot be made. */
static struct error *record_skipped(struct sweep *sweep)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < sweep->input.plan.nr_shots; i++) {
		struct shot *shot = &sweep->input.plan.shot[i];
		const struct crash_config config = crash_config_of(sweep, shot);

		if (shot->skip && !shot->done)
			err = record(sweep, shot, crash_skip(&config, shot), false);
	}
	return err;
}

/* Keep all places busy until there is nothing left to do. */
static struct error *run_shots(struct sweep *sweep, size_t boot)
{
	size_t position = 0;
	struct shot *next = plan_next(&sweep->input.plan, boot, &position);

	while (next || !pool_is_idle(sweep->pool)) {
		struct error *err = NULL;

		for (; !err && next && pool_has_room(sweep->pool);
		     next = plan_next(&sweep->input.plan, boot, &position))
			err = pool_start(sweep->pool, next);
		if (!err)
			err = snapshot_check(sweep->snapshot);
		if (!err && signals_pending())
			err = error_new("interrupted");
		if (!err)
			err = pool_wait(sweep->pool, TICK);
		if (err)
			return err;
		show_tick(&sweep->show);
	}
	return NULL;
}

/* The boot's logs; the first boot's directory has no number. */
static struct error *make_boot_directory(const struct sweep *sweep, size_t boot, char **ret)
{
	int length = boot ? asprintf(ret, "%s/snapshot-%zu", sweep->directory, boot + 1) :
			    asprintf(ret, "%s/snapshot", sweep->directory);

	if (length < 0)
		return &error_no_memory;
	/* That of a sweep that is resumed is there: its logs are written anew. */
	if (mkdir(*ret, 0755) && !(errno == EEXIST && sweep->resumed))
		return error_errno(errno, "%s: cannot make the directory", *ret);
	return NULL;
}

/* The host is to blame: the other boots are worth a try. */
static struct error *record_unarmed(struct sweep *sweep, size_t boot,
				    const struct snapshot_failure *failure)
{
	size_t position = 0;
	struct error *err = NULL;

	for (struct shot *shot; !err && (shot = plan_next(&sweep->input.plan, boot, &position));) {
		const struct crash_config config = crash_config_of(sweep, shot);

		err = record(sweep, shot, crash_unarmed(&config, shot, failure->outcome,
							failure->text), false);
	}
	return err;
}

static struct error *sweep_boot(struct sweep *sweep, size_t nr)
{
	const struct sweep_options *options = sweep->options;
	const struct plan_boot *boot = &sweep->input.plan.boot[nr];
	_cleanup_free_ char *directory = NULL;
	struct progress *progress = &sweep->show.progress;
	struct error *err = make_boot_directory(sweep, nr, &directory);

	if (err)
		return err;
	const struct snapshot_config config = {
		.kernel = sweep->input.kernel[boot->kernel].subject->kernel,
		.directory = directory,
		.victim = boot->victim,
		.guests = boot->guests,
		.bystanders = boot->bystanders,
		.situation = boot->situation,
		.memory = options->memory,
		.cpus = CPUS,
		.timeout = options->timeout,
		.emulator = options->emulator,
	};

	struct snapshot_failure failure = { .outcome = OUTCOME_CAPTURED };

	err = snapshot_create(&config, progress, &failure, &sweep->snapshot);
	if (err && failure.outcome != OUTCOME_CAPTURED && !signals_pending()) {
		error_free(err);
		return record_unarmed(sweep, nr, &failure);
	}
	if (err)
		return err;
	progress_phase(progress, "sweep", snapshot_version(sweep->snapshot));
	show_making(&sweep->show, true);
	err = run_shots(sweep, nr);
	show_making(&sweep->show, false);
	return err;
}

static bool has_shots(const struct plan *plan, size_t boot)
{
	size_t position = 0;

	return plan_next(plan, boot, &position);
}

static struct error *sweep_boots(struct sweep *sweep)
{
	struct error *err = record_skipped(sweep);

	for (size_t i = 0; !err && i < sweep->input.plan.nr_boots; i++) {
		if (!has_shots(&sweep->input.plan, i))
			continue;
		err = sweep_boot(sweep, i);
		/* Its processes are of no use without it. */
		if (!err && i + 1 < sweep->input.plan.nr_boots) {
			snapshot_destroy(sweep->snapshot);
			sweep->snapshot = NULL;
		}
	}
	progress_end(&sweep->show.progress);
	return err;
}

static void say(const struct sweep *sweep, const char *text)
{
	if (!sweep->options->json)
		ktap_diagnostic(stdout, text);
}

static void print_summary(const struct sweep *sweep, bool interrupted)
{
	const struct results_count *count = &sweep->show.count;
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "%zu pass, %zu fail, %zu inconclusive, %zu errors, %zu skipped, "
		 "in %.1f s: %.0f a minute, %u at a time", count->pass, count->fail,
		 count->inconclusive, count->error, count->skip, now_seconds() - sweep->start,
		 show_pace(&sweep->show), pool_jobs(sweep->pool));
	say(sweep, text);
	if (sweep->snapshot) {
		snprintf(text, sizeof(text), "snapshot: %s, armed after %llu instructions, "
			 "%llu MiB and at most %llu more for a crash",
			 snapshot_version(sweep->snapshot),
			 (unsigned long long)snapshot_ticks(sweep->snapshot),
			 (unsigned long long)snapshot_memory(sweep->snapshot) / 1024,
			 (unsigned long long)sweep->memory / 1024);
		say(sweep, text);
	}
	snprintf(text, sizeof(text), "sweep directory: %s", sweep->directory);
	say(sweep, text);
	if (!interrupted)
		return;
	snprintf(text, sizeof(text), "broken off: kdump-torture sweep --resume %s",
		 sweep->directory);
	say(sweep, text);
}

static struct error *write_junit(const struct sweep *sweep, const char *results_path)
{
	_cleanup_(cleanup_results) struct results *results = NULL;
	struct error *err = results_load(results_path, &results);

	return err ?: junit_write(sweep->options->junit,
				  json_object_get(results_json(results), "results"));
}

/* results.json, and what is made of it. */
static struct error *write_results(const struct sweep *sweep, bool interrupted)
{
	_cleanup_free_ char *path = NULL;
	char finished[32];
	time_t now = time(NULL);
	const struct results_end end = {
		.finished = interrupted ? NULL : finished,
		.seconds = now_seconds() - sweep->start,
		.pace = show_pace(&sweep->show),
		.jobs = pool_jobs(sweep->pool),
	};

	strftime(finished, sizeof(finished), "%FT%T%z", localtime(&now));
	if (asprintf(&path, "%s/" RESULTS_FILE, sweep->directory) < 0)
		return &error_no_memory;
	struct error *err = results_write(path, sweep->header, &end, sweep->journal);

	if (!err && sweep->options->junit)
		err = write_junit(sweep, path);
	return err;
}

static struct error *begin(struct sweep *sweep)
{
	const struct pool_calls calls = { .work = work, .take = take, .arg = sweep };
	struct error *err = NULL;

	if (!sweep->resumed)
		err = make_directory(sweep);
	if (!err && !sweep->resumed)
		err = journal_create(sweep->directory, sweep->header, &sweep->journal);
	if (!err)
		err = pool_create(sweep->options->jobs, &calls, &sweep->pool);
	if (err)
		return err;
	sweep->start = now_seconds();
	show_init(&sweep->show, sweep->input.plan.nr_shots, sweep->options->json,
		  sweep->options->quiet);
	return sweep->resumed ? journal_read(sweep->journal, take_finished, sweep) : NULL;
}

static struct error *run(struct sweep *sweep)
{
	struct error *err = begin(sweep);

	if (err)
		return err;
	err = sweep_boots(sweep);
	print_summary(sweep, err);
	struct error *unwritten = write_results(sweep, err);

	if (!err)
		return unwritten;
	error_free(unwritten);
	return err;
}

static void sweep_deinit(struct sweep *sweep)
{
	pool_destroy(sweep->pool);
	snapshot_destroy(sweep->snapshot);
	journal_close(sweep->journal);
	sweep_input_deinit(&sweep->input);
	json_decref(sweep->header);
	free(sweep->directory);
}

static struct error *sweep_prepared(struct sweep *sweep, enum exit_status *ret,
				    char **ret_directory)
{
	signals_hold();
	struct error *err = run(sweep);

	*ret = results_count_status(&sweep->show.count);
	if (ret_directory)
		*ret_directory = no_cleanup_ptr(sweep->directory);
	sweep_deinit(sweep);
	fflush(NULL);
	/* Of a signal this process dies, and could not tell then. */
	if (err && signals_pending()) {
		error_report(err);
		err = NULL;
	}
	signals_release();
	return err;
}

struct error *sweep(const struct sweep_options *options, enum exit_status *ret,
		    char **ret_directory)
{
	struct sweep sweep = { .options = options };
	struct error *err = prepare(&sweep);

	if (!err && options->resume)
		err = restore(&sweep);
	if (!err)
		return sweep_prepared(&sweep, ret, ret_directory);
	sweep_deinit(&sweep);
	return err;
}
