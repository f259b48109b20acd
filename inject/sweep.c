// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "inject/points.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/run.h"
#include "inject/snapshot/snapshot.h"
#include "inject/subject.h"

#define CPUS		2
#define MAX_JOBS	64
/* Milliseconds between looks at signals. */
#define TICK		200
/* A full path executes some ten times what a fast one does. */
#define FULL_BUDGET	10

const struct sweep_options sweep_defaults = {
	.kernel = "fixed",
	.deliver = "self",
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

/* One crash to be made. */
struct shot {
	const char *point;
	const char *deliver;
	size_t nr;		/* from 0, in the order of the sweep */
};

/* What a worker writes to its pipe. */
struct report {
	size_t nr;
	struct run_result result;
	bool both;		/* the full path was gone, too ... */
	char difference[640];	/* ... and this was not the same; empty: all was */
};

struct worker {
	pid_t pid;		/* 0: a free place */
	int pipe;
};

struct sweep {
	const struct sweep_options *options;
	struct subject *subject;
	struct snapshot *snapshot;
	char *directory;
	char *boot_directory;	/* in it, for the snapshot's logs */
	char *points, *deliver;	/* that the shots point into */
	struct shot *shot;
	size_t nr_shots;
	size_t next;		/* shot to be started */
	struct worker worker[MAX_JOBS];
	unsigned int jobs;
	size_t by_status[STATUS_INCONCLUSIVE + 1];
	uint64_t memory;	/* that a crash took, KiB; the most of all */
	double start;
};

static struct error *add_shot(struct sweep *sweep, const char *point, const char *deliver)
{
	struct shot *larger = reallocarray(sweep->shot, sweep->nr_shots + 1, sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	sweep->shot = larger;
	sweep->shot[sweep->nr_shots] = (struct shot){ point, deliver, sweep->nr_shots };
	sweep->nr_shots++;
	return NULL;
}

/* One point by each delivery. @list is left as it is. */
static struct error *add_deliveries(struct sweep *sweep, const char *point, char **names,
				    size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct error *err = add_shot(sweep, point, names[i]);

		if (err)
			return err;
	}
	return NULL;
}

/* Cut @list at its commas. Return: the number of names. */
static size_t split(char *list, char **names, size_t max)
{
	size_t nr = 0;

	for (char *name = strtok(list, ","); name && nr < max; name = strtok(NULL, ","))
		names[nr++] = name;
	return nr;
}

/* Every OP/STEP by which this kernel can be stopped. */
static struct error *add_all_points(struct sweep *sweep, char **deliver, size_t nr_deliver)
{
	const struct points *points = sweep->subject->points;

	for (size_t i = 0; i < points_nr(points); i++) {
		const struct point *point = points_get(points, i);
		struct error *err = NULL;

		if (point->hook || point->kprobe)
			err = add_deliveries(sweep, point->name, deliver, nr_deliver);
		if (err)
			return err;
	}
	return NULL;
}

/* All points once, then all of them again: what is rare is not left for the end. */
static struct error *make_shots(struct sweep *sweep)
{
	const struct sweep_options *options = sweep->options;
	char *points[1024], *deliver[8];

	sweep->deliver = strdup(options->deliver);
	sweep->points = options->points ? strdup(options->points) : NULL;
	if (!sweep->deliver || (options->points && !sweep->points))
		return &error_no_memory;
	size_t nr_deliver = split(sweep->deliver, deliver, 8);
	size_t nr_points = sweep->points ? split(sweep->points, points, 1024) : 0;

	for (unsigned int n = 0; n < options->repeat; n++) {
		struct error *err = options->points ?
			NULL : add_all_points(sweep, deliver, nr_deliver);

		for (size_t i = 0; !err && i < nr_points; i++)
			err = add_deliveries(sweep, points[i], deliver, nr_deliver);
		if (err)
			return err;
	}
	if (!sweep->nr_shots)
		return error_new("sweep: no points");
	return NULL;
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

static struct error *boot(struct sweep *sweep)
{
	const struct sweep_options *options = sweep->options;
	struct progress progress;

	if (asprintf(&sweep->boot_directory, "%s/snapshot", sweep->directory) < 0)
		return &error_no_memory;
	if (mkdir(sweep->boot_directory, 0755))
		return error_errno(errno, "%s: cannot make the directory", sweep->boot_directory);
	struct snapshot_config config = {
		.kernel = sweep->subject->kernel,
		.directory = sweep->boot_directory,
		.victim = options->victim,
		.guests = options->guests,
		.bystanders = options->bystanders,
		.memory = options->memory,
		.cpus = CPUS,
		.timeout = options->timeout,
		.emulator = options->emulator,
	};

	progress_init(&progress, options->quiet);
	struct error *err = snapshot_create(&config, &progress, NULL, &sweep->snapshot);

	if (!err)
		progress_phase(&progress, "sweep", snapshot_version(sweep->snapshot));
	progress_end(&progress);
	return err;
}

/* @path_name: "" or what to put behind the name of the run directory. */
static struct error *crash(const struct sweep *sweep, const struct shot *shot,
			   enum run_path path, bool transient, const char *path_name,
			   struct run_result *ret)
{
	const struct sweep_options *options = sweep->options;
	_cleanup_free_ char *out = NULL, *vary = NULL;
	struct run_options run = run_defaults;

	if (asprintf(&out, "%s/%zu-%s-%s%s", sweep->directory, shot->nr + 1, shot->point,
		     shot->deliver, path_name) < 0)
		return &error_no_memory;
	for (char *p = out + strlen(sweep->directory) + 1; *p; p++)
		if (*p == '/')
			*p = '_';
	if (options->vary &&
	    asprintf(&vary, "%llu", strtoull(options->vary, NULL, 0) + shot->nr) < 0)
		return &error_no_memory;
	run.kernel = options->kernel;
	run.point = shot->point;
	run.deliver = shot->deliver;
	run.out = out;
	run.victim = options->victim;
	run.guests = options->guests;
	run.bystanders = options->bystanders;
	run.memory = options->memory;
	run.timeout = options->timeout;
	run.subject = sweep->subject;
	run.snapshot = sweep->snapshot;
	run.path = path;
	run.budget = 1000000ULL * options->budget * (path == RUN_FULL ? FULL_BUDGET : 1);
	run.vary = vary;
	run.transient = transient;
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
	err = run_tool((const char *[]){ "cmp", filtered, theirs, NULL }, NULL);
	if (err)
		snprintf(report->difference, sizeof(report->difference), "%s", err->message);
	error_free(err);
	unlink(filtered);
	return NULL;
}

/* The same crash again, by the capture kernel. */
static struct error *compare_paths(const struct sweep *sweep, const struct shot *shot,
				   struct report *report)
{
	struct run_result full;
	struct error *err = crash(sweep, shot, RUN_FULL, false, "-full", &full);

	if (err)
		return err;
	report->both = true;
	bool captured = !strcmp(full.outcome, "captured");

	/* What is said without a dump tells where each was stopped. */
	if (full.status != report->result.status ||
	    strcmp(full.outcome, report->result.outcome) ||
	    (captured && strcmp(full.text, report->result.text))) {
		snprintf(report->difference, sizeof(report->difference), "by the full path: %s: %s",
			 full.outcome, full.text);
		return NULL;
	}
	return captured ? compare_dumps(report->result.directory, full.directory, report) : NULL;
}

static struct error *work(const struct sweep *sweep, const struct shot *shot,
			  struct report *report)
{
	const struct sweep_options *options = sweep->options;
	bool fast = options->path == RUN_FAST;
	bool sample = fast && options->sample && shot->nr % options->sample == 0;
	struct error *err = crash(sweep, shot, options->path, !sample && !options->keep, "",
				  &report->result);

	if (!err && fast && (sample || report->result.status == STATUS_FAIL))
		err = compare_paths(sweep, shot, report);
	return err;
}

/* The process that does one crash. */
static void worker_main(const struct sweep *sweep, const struct shot *shot, int out)
{
	struct report report = { .nr = shot->nr };
	struct error *err = work(sweep, shot, &report);

	if (err) {
		report.result.status = STATUS_USAGE;
		snprintf(report.result.outcome, sizeof(report.result.outcome), "error");
		snprintf(report.result.text, sizeof(report.result.text), "%s", err->message);
	}
	_exit(write(out, &report, sizeof(report)) == sizeof(report) ? 0 : 1);
}

static struct error *start_worker(struct sweep *sweep, struct worker *worker)
{
	const struct shot *shot = &sweep->shot[sweep->next++];
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return error_errno(errno, "pipe");
	fflush(NULL);
	worker->pid = fork();
	if (worker->pid < 0) {
		worker->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return error_errno(errno, "sweep: cannot start a process");
	}
	if (!worker->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			worker_main(sweep, shot, fds[1]);
		_exit(1);
	}
	close(fds[1]);
	worker->pipe = fds[0];
	return NULL;
}

static const char *status_word(const struct report *report)
{
	static const char *const words[] = { "pass", "fail", "error", "inconclusive" };

	return report->difference[0] ? "DIFFERS" : words[report->result.status];
}

static void print_json(const struct sweep *sweep, const struct report *report)
{
	const struct shot *shot = &sweep->shot[report->nr];
	const struct run_result *result = &report->result;
	json_t *object = json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:b, s:s, s:s}", "nr",
		(json_int_t)report->nr + 1, "point", shot->point, "deliver", shot->deliver,
		"verdict", status_word(report), "outcome", result->outcome, "text", result->text,
		"seconds", result->seconds, "ticks", (json_int_t)result->ticks, "memory_kib",
		(json_int_t)result->memory, "both_paths", report->both, "difference", report->difference, "directory", result->directory);

	if (sweep->options->vary)
		json_object_set_new(object, "vary",
				    json_integer(strtoull(sweep->options->vary, NULL, 0) +
						 report->nr));
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	putchar('\n');
	json_decref(object);
}

static void print_text(const struct sweep *sweep, const struct report *report)
{
	const struct shot *shot = &sweep->shot[report->nr];
	const struct run_result *result = &report->result;

	printf("%-12s %4zu %s %s: ", status_word(report), report->nr + 1, shot->point,
	       shot->deliver);
	if (strcmp(result->outcome, "captured"))
		printf("%s: ", result->outcome);
	printf("%s (%.2f s%s)\n", result->text, result->seconds,
	       report->both && !report->difference[0] ? ", both paths agree" : "");
	if (report->difference[0])
		printf("%17s the paths differ: %s\n", "", report->difference);
	if (result->directory[0] && result->status != STATUS_PASS)
		printf("%17s %s\n", "", result->directory);
}

/* Return: all is in order with @report so far. */
static struct error *take_report(struct sweep *sweep, struct worker *worker)
{
	struct report report;
	ssize_t length = read(worker->pipe, &report, sizeof(report));

	close(worker->pipe);
	waitpid(worker->pid, NULL, 0);
	worker->pid = 0;
	if (length != sizeof(report))
		return error_new("sweep: a worker ended without a result");
	if (report.difference[0])
		report.result.status = STATUS_USAGE;
	sweep->by_status[report.result.status]++;
	if (report.result.memory > sweep->memory)
		sweep->memory = report.result.memory;
	if (sweep->options->json)
		print_json(sweep, &report);
	else
		print_text(sweep, &report);
	fflush(stdout);
	return NULL;
}

/* Keep all places busy until there is nothing left to do. */
static struct error *run_shots(struct sweep *sweep)
{
	for (;;) {
		struct pollfd fds[MAX_JOBS];
		size_t busy = 0;

		for (size_t i = 0; i < sweep->jobs; i++) {
			struct worker *worker = &sweep->worker[i];
			struct error *err = NULL;

			if (!worker->pid && sweep->next < sweep->nr_shots)
				err = start_worker(sweep, worker);
			if (err)
				return err;
			fds[i] = (struct pollfd){ .fd = worker->pid ? worker->pipe : -1,
						  .events = POLLIN };
			busy += worker->pid != 0;
		}
		if (!busy)
			return NULL;
		struct error *gone = snapshot_check(sweep->snapshot);

		if (gone)
			return gone;
		if (signals_pending())
			return error_new("interrupted");
		if (poll(fds, sweep->jobs, TICK) <= 0)
			continue;
		for (size_t i = 0; i < sweep->jobs; i++) {
			struct error *err = fds[i].revents ?
					    take_report(sweep, &sweep->worker[i]) : NULL;

			if (err)
				return err;
		}
	}
}

static void print_summary(const struct sweep *sweep)
{
	double seconds = now_seconds() - sweep->start;

	if (sweep->options->json)
		return;
	printf("\n%zu passed, %zu failed, %zu inconclusive, %zu errors in %.1f s: %.0f a minute, "
	       "%u at a time\n", sweep->by_status[STATUS_PASS], sweep->by_status[STATUS_FAIL],
	       sweep->by_status[STATUS_INCONCLUSIVE], sweep->by_status[STATUS_USAGE], seconds,
	       60 * sweep->nr_shots / seconds, sweep->jobs);
	printf("snapshot: %s, armed after %llu instructions, %llu MiB and at most %llu more for a "
	       "crash\nsweep directory: %s\n",
	       snapshot_version(sweep->snapshot),
	       (unsigned long long)snapshot_ticks(sweep->snapshot),
	       (unsigned long long)snapshot_memory(sweep->snapshot) / 1024,
	       (unsigned long long)sweep->memory / 1024, sweep->directory);
}

/* An error of ours is worse than a failure, and that than not knowing. */
static enum exit_status worst_status(const struct sweep *sweep)
{
	static const enum exit_status order[] = { STATUS_USAGE, STATUS_FAIL, STATUS_INCONCLUSIVE };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (sweep->by_status[order[i]])
			return order[i];
	return STATUS_PASS;
}

static void sweep_deinit(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->jobs; i++) {
		if (!sweep->worker[i].pid)
			continue;
		kill(sweep->worker[i].pid, SIGKILL);
		waitpid(sweep->worker[i].pid, NULL, 0);
		close(sweep->worker[i].pipe);
	}
	snapshot_destroy(sweep->snapshot);
	subject_destroy(sweep->subject);
	free(sweep->directory);
	free(sweep->boot_directory);
	free(sweep->points);
	free(sweep->deliver);
	free(sweep->shot);
}

static struct error *do_sweep(struct sweep *sweep)
{
	struct error *err = subject_create(sweep->options->kernel, &sweep->subject);

	if (!err)
		err = make_shots(sweep);
	if (!err)
		err = make_directory(sweep);
	if (!err)
		err = boot(sweep);
	if (err)
		return err;
	sweep->start = now_seconds();
	err = run_shots(sweep);
	if (!err)
		print_summary(sweep);
	return err;
}

struct error *sweep(const struct sweep_options *options, enum exit_status *ret)
{
	struct sweep sweep = { .options = options, .jobs = options->jobs };

	if (!sweep.jobs)
		sweep.jobs = sysconf(_SC_NPROCESSORS_ONLN);
	if (sweep.jobs > MAX_JOBS)
		sweep.jobs = MAX_JOBS;
	signals_hold();
	struct error *err = do_sweep(&sweep);

	*ret = worst_status(&sweep);
	sweep_deinit(&sweep);
	fflush(NULL);
	/* Of a signal this process dies, and could not tell then. */
	if (err && signals_pending()) {
		error_report(err);
		err = NULL;
	}
	signals_release();
	return err;
}
