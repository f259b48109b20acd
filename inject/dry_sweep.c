// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/dry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/points.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/snapshot/snapshot.h"
#include "inject/subject.h"

#define CPUS	2
/* Milliseconds between looks at signals, clocks and the terminal. */
#define TICK	200

static struct error *make_directory(const char *out, char **ret)
{
	char stamp[32], name[64];
	time_t now = time(NULL);

	if (!out && mkdir("runs", 0755) && errno != EEXIST)
		return error_errno(errno, "runs: cannot make the directory");
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime(&now));
	snprintf(name, sizeof(name), "runs/%s-dry-%d", stamp, getpid());
	if (mkdir(out ?: name, 0755))
		return error_errno(errno, "%s: cannot make the directory of the sweep",
				   out ?: name);
	*ret = realpath(out ?: name, NULL);
	return *ret ? NULL : error_errno(errno, "%s", out ?: name);
}

/* What is done in the target, once for all operations that need it. */
struct plan {
	const struct operation *operation[MAX_OPERATIONS];
	size_t nr;
	bool guests;		/* there are some to begin with */
	char triggers[512];	/* separated by commas */
	const char *situation;	/* NULL: plain */
};

static bool is_nested(const char *trigger)
{
	return !strncmp(trigger, "nested", strlen("nested"));
}

/* The host that an operation needs and no other one does; NULL: any. */
static const char *special_situation(const struct operation *operation)
{
	if (is_nested(operation->trigger))
		return "nested";
	return strcmp(operation->situation, "maxphyaddr") ? NULL : operation->situation;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t end = strcspn(list, ",");

		if (end == length && !strncmp(list, word, length))
			return true;
		if (!list[end])
			return false;
		list += end + 1;
	}
}

static bool needs(const struct plan *plan, const char *trigger)
{
	bool offline = false, last = false;

	/* A guest that is a hypervisor does all that it can. */
	if (is_nested(trigger))
		return plan->situation && !strcmp(plan->situation, "nested");
	for (size_t i = 0; i < plan->nr; i++) {
		const char *needed = plan->operation[i]->trigger;

		if (!strcmp(needed, trigger))
			return true;
		/* There is a first VM only when there is none, ... */
		if (!strcmp(needed, "first") && !strcmp(trigger, "last"))
			return plan->guests;
		offline = offline || !strcmp(needed, "offline");
		last = last || !strcmp(needed, "last");
	}
	/* ... and a CPU goes offline with something to do only if there is one. */
	return offline && last && !strcmp(trigger, "first");
}

/* In an order in which none takes away what a later one needs. */
static void plan_triggers(struct plan *plan)
{
	static const char *const order[] = {
		"create", "reserved-fault", "nested-on", "nested-load", "nested-vmwrite", "nested-enter",
		"nested-clear", "nested-off", "nested-enter", "nested-destroy", "migrate",
		"destroy", "last", "first", "offline",
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t length = strlen(plan->triggers);

		if (needs(plan, order[i]))
			snprintf(plan->triggers + length, sizeof(plan->triggers) - length, "%s%s",
				 length ? "," : "", order[i]);
	}
}

static struct error *make_plan(const char *names, struct plan *plan)
{
	for (size_t i = 0; i < nr_operations; i++) {
		const struct operation *operation = &operations[i];
		const char *situation = special_situation(operation);

		if (!operation->functions[0] ||
		    (names ? !has_word(names, operation->name) : situation != NULL))
			continue;
		plan->operation[plan->nr++] = operation;
		if (situation && plan->situation && strcmp(situation, plan->situation))
			return error_new("dry: %s: these need hosts of different situations, %s and "
					 "%s; run them one after the other", names,
					 plan->situation, situation);
		plan->situation = situation ?: plan->situation;
	}
	for (const char *name = names; name && *name; name += strcspn(name, ",")) {
		_cleanup_free_ char *word = NULL;

		name += *name == ',';
		word = strndup(name, strcspn(name, ","));
		if (!word)
			return &error_no_memory;
		if (!operation_find(word))
			return error_new("dry: %s: no such operation; kdump-torture-points(1) lists them",
					 word);
	}
	if (!plan->nr)
		return error_new("dry: %s: has no boundaries", names);
	plan_triggers(plan);
	return NULL;
}

static struct error *boot(const struct dry_options *options, const struct subject *subject,
			  const char *directory, const struct plan *plan, const struct dry *dry,
			  struct progress *progress, struct snapshot **ret)
{
	const struct snapshot_config config = {
		.kernel = subject->kernel,
		.directory = directory,
		.victim = options->victim,
		.guests = options->guests,
		.bystanders = options->bystanders,
		.situation = plan->situation,
		.dry_table = dry_table(dry),
		.memory = options->memory,
		.cpus = CPUS,
		.timeout = options->timeout,
		.emulator = options->emulator,
	};

	return snapshot_create(&config, progress, NULL, ret);
}

/* *@ret: it was the agent's last line. */
static struct error *take_line(struct dry *dry, struct progress *progress, const char *line,
			       bool *ret)
{
	char word[32];
	int used = 0;

	if (dry_is_line(line))
		return dry_take_line(dry, line, ret);
	if (!strncmp(line, "error ", strlen("error ")) || !strncmp(line, "end ", strlen("end ")))
		return error_new("dry: the target reports: %s", line);
	if (sscanf(line, "phase %31s %n", word, &used) == 1)
		progress_phase(progress, word, line + used);
	return NULL;
}

static struct error *watch(struct target *target, const struct dry_options *options,
			   struct dry *dry, struct progress *progress)
{
	double last_sign = now_seconds();
	bool ended = false;

	while (!ended) {
		const char *text;
		enum target_event event = target_snapshot.next_event(target, TICK, &text);
		struct error *err = NULL;

		if (signals_pending())
			return error_new("interrupted");
		if (event == TARGET_ENDED || event == TARGET_RESET || event == TARGET_SPENT)
			return error_new("dry: the target ended in phase %s: %s",
					 progress_current(progress), text);
		if (event == TARGET_LINE)
			err = take_line(dry, progress, text, &ended);
		if (err)
			return err;
		if (event != TARGET_QUIET)
			last_sign = now_seconds();
		if (now_seconds() - last_sign > options->timeout)
			return error_new("dry: the target hung in phase %s",
					 progress_current(progress));
		progress_tick(progress);
	}
	return NULL;
}

/* In a fork, as it is done for a crash. */
static struct error *run(const struct dry_options *options, const struct subject *subject,
			 const char *directory, const struct snapshot *snapshot,
			 const struct plan *plan, struct dry *dry, struct progress *progress)
{
	_cleanup_free_ char *job = NULL;
	struct target *target;

	if (asprintf(&job, "dry=yes trigger=%s%s%s", plan->triggers,
		     subject->layout ? " layout=" : "", subject->layout ?: "") < 0)
		return &error_no_memory;
	/* An argument of the agent may hold no spaces. */
	for (char *p = strstr(job, " layout="); p && (p = strchr(p + 1, ' '));)
		*p = ',';
	const struct target_config config = {
		.kernel = subject->kernel,
		.directory = directory,
		.job = job,
		.memory = options->memory,
		.cpus = CPUS,
		.snapshot = snapshot,
		.path = SNAPSHOT_FAST,
		.budget = 1000000ULL * options->budget,
	};
	struct error *err = target_snapshot.create(&config, &target);

	if (err)
		return err;
	err = target_snapshot.prepare(target);
	if (!err)
		err = target_snapshot.boot(target);
	if (!err)
		err = watch(target, options, dry, progress);
	target_snapshot.destroy(target);
	return err;
}

static struct error *boot_and_run(const struct dry_options *options,
				  const struct subject *subject, const char *directory,
				  const struct plan *plan, struct dry *dry, double *ret_seconds)
{
	_cleanup_(cleanup_snapshot) struct snapshot *snapshot = NULL;
	struct progress progress;

	progress_init(&progress, options->quiet);
	signals_hold();
	struct error *err = boot(options, subject, directory, plan, dry, &progress, &snapshot);
	double armed = now_seconds();

	if (!err)
		err = run(options, subject, directory, snapshot, plan, dry, &progress);
	*ret_seconds = now_seconds() - armed;
	progress_end(&progress);
	signals_release();
	return err;
}

static struct error *print_json(const struct dry *dry, const struct plan *plan, double seconds)
{
	json_t *root = dry_json(dry);

	if (!root)
		return &error_no_memory;
	json_object_set_new(root, "triggers", json_string(plan->triggers));
	json_object_set_new(root, "seconds", json_real(seconds));
	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	putchar('\n');
	json_decref(root);
	return NULL;
}

struct error *dry_sweep(const struct dry_options *options, enum exit_status *ret)
{
	_cleanup_(cleanup_subject) struct subject *subject = NULL;
	_cleanup_(cleanup_dry) struct dry *dry = NULL;
	_cleanup_free_ char *directory = NULL;
	struct plan plan = { .guests = options->guests || options->bystanders };
	double seconds = 0;
	struct error *err = make_plan(options->operations, &plan);

	if (!err)
		err = subject_create(options->kernel, &subject);
	if (!err)
		err = dry_create(subject->points, plan.operation, plan.nr, &dry);
	if (!err)
		err = make_directory(options->out, &directory);
	if (!err)
		err = boot_and_run(options, subject, directory, &plan, dry, &seconds);
	if (err)
		return err;
	*ret = dry_status(dry);
	if (options->json)
		return print_json(dry, &plan, seconds);
	dry_print(dry, stdout);
	printf("%.1f s from the armed host on, triggers %s\nsweep directory: %s\n", seconds,
	       plan.triggers, directory);
	return NULL;
}
