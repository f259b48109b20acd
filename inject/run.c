// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/run.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyze/analyze.h"
#include "analyze/cleanup.h"
#include "inject/in_capture.h"
#include "inject/kernel_build.h"
#include "inject/operations.h"
#include "inject/outcome.h"
#include "inject/points.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/replay.h"
#include "inject/snapshot/snapshot.h"
#include "inject/subject.h"
#include "inject/target.h"
#include "inject/triggers.h"

#define CPUS		2
/* Milliseconds between looks at signals, clocks and the terminal. */
#define TICK		200
/* A phase may last this many times the longest silence. */
#define PHASE_TIMEOUTS	10
/* MiB; a dump of a target with as much memory as can be asked for is no larger. */
#define DUMP_DISK	256
/* Lines of the console that go into an unsuccessful run's record. */
#define EXCERPT_LINES	20
/* Seven digits: a run of an hour to the millisecond. */
#define RECORD_FORMAT	(JSON_INDENT(2) | JSON_REAL_PRECISION(7))

const struct run_options run_defaults = {
	.target = &target_bochs,
	.kernel = "fixed",
	.point = "list_add/2",
	.deliver = "self",
	.victim = 1,
	.guests = 3,
	.bystanders = 1,
	.memory = 384,
	.timeout = 120,
	.budget = 10000000000,
};

static const char *const path_names[] = {
	[RUN_AUTO] = "auto",
	[RUN_DISK] = "disk",
	[RUN_FULL] = "full",
	[RUN_FAST] = "fast",
};

const char *run_path_name(enum run_path path)
{
	return path_names[path];
}

struct error *run_path_parse(const char *text, enum run_path *ret)
{
	for (size_t i = 0; i < sizeof(path_names) / sizeof(path_names[0]); i++) {
		if (!strcmp(text, path_names[i])) {
			*ret = i;
			return NULL;
		}
	}
	return error_new("--path %s: use auto, disk, full or fast", text);
}

/* One run while it lasts. */
struct run {
	const struct run_options *options;
	const struct subject *subject;
	const struct target_ops *ops;
	const struct snapshot *snapshot; /* to fork; NULL: boot, with a dump disk */
	struct snapshot *own_snapshot;	/* made for this run alone */
	char *boot_directory;	/* of that */
	char version[64];	/* of what runs the target */
	char *directory;
	char *probe;		/* what the driver arms */
	char *place;		/* FUNCTION+0xOFF, instruction, source; "": unknown */
	const char *via;	/* "hook" or "kprobe" */
	const char *trigger, *situation;
	char *job;
	char started[32];	/* local time, ISO 8601 with the offset from UTC */
	struct target *target;
	struct progress progress;
	enum outcome outcome;
	char message[512];	/* what went wrong; empty: nothing */
	char hung_in[32];	/* phase, if that is what happened */
	bool fired;		/* or may have: the driver is armed, or about to be */
	bool judged_in_place;	/* the dump was judged where it was, and nothing of it kept */
	uint64_t ticks;		/* emulated instructions a CPU to the crash kernel; 0: unknown */
	uint64_t memory;	/* of the fork, KiB, at most; 0: unknown */
	bool svm;		/* the host has SVM, and so no VMX */
	char *after;		/* path of EFER of each CPU after the crash; NULL: none */
	json_t *notes;
	json_t *console;	/* its last lines, once the run has ended; NULL: it passed */
	const char *dump_name;	/* on the dump disk; NULL: the capture kernel never ran */
	char *dump;		/* path of the collected dump; NULL: none */
	struct analysis *analysis; /* NULL: no readable dump */
	json_t *verdict;	/* of that */
	enum exit_status status;
};

static void note(struct run *run, const char *text)
{
	json_array_append_new(run->notes, json_string(text));
	if (!run->options->quiet)
		fprintf(stderr, "kdump-torture: note: %s\n", text);
}

static void conclude(struct run *run, enum outcome outcome, const char *message)
{
	run->outcome = outcome;
	snprintf(run->message, sizeof(run->message), "%s", message);
	/* What comes from a target may be anything; the record is JSON. */
	for (char *p = run->message; *p; p++)
		if (!isascii((unsigned char)*p) || iscntrl((unsigned char)*p))
			*p = '?';
}

/* What makes a host pass the point, where nobody has said so: by its operation. */
static void decide_trigger(struct run *run)
{
	const struct run_options *options = run->options;
	const struct operation *operation = operation_of_point(options->point);

	run->trigger = options->trigger;
	run->situation = options->situation;
	if (!run->trigger)
		run->trigger = operation ? operation->trigger : "create,migrate";
	if (!run->situation)
		run->situation = operation ? operation->situation : "plain";
}

/* FUNCTION+0xOFF, what stands there and, if known, the line of source. */
static struct error *describe_place(const struct point *point, char **ret)
{
	int length = point->file ? asprintf(ret, "%s+0x%x (%s; %s:%d)", point->function,
					    point->offset, point->instruction, point->file,
					    point->line) :
				   asprintf(ret, "%s+0x%x (%s)", point->function, point->offset,
					    point->instruction);

	return length < 0 ? &error_no_memory : NULL;
}

static struct error *resolve_hook(struct run *run)
{
	struct point resolved;
	struct error *err = points_find(run->subject->points, run->options->point, &resolved);

	if (err)
		return err;
	if (!resolved.hook)
		return error_new("point %s: this kernel has no such hook; "
				 "'kdump-torture points' lists them", run->options->point);
	run->via = "hook";
	run->probe = strdup(run->options->point);
	if (!run->probe)
		return &error_no_memory;
	if (resolved.function)
		return describe_place(&resolved, &run->place);
	run->place = strdup("");
	return run->place ? NULL : &error_no_memory;
}

/* Wherever the CPU is. */
static struct error *resolve_now(struct run *run)
{
	run->via = "now";
	run->probe = strdup(run->options->point);
	run->place = strdup("");
	return run->probe && run->place ? NULL : &error_no_memory;
}

static struct error *resolve_kprobe(struct run *run)
{
	struct point resolved;
	struct error *err = points_find_kprobe(run->subject->points, run->options->point,
					       &resolved);

	if (err)
		return err;
	run->via = "kprobe";
	if (asprintf(&run->probe, "%s+0x%x", resolved.function, resolved.offset) < 0)
		return &error_no_memory;
	return describe_place(&resolved, &run->place);
}

static bool is_raw_point(const char *point)
{
	return strstr(point, "+0x") != NULL;
}

/* In kvm_amd or, if that has no such function, in kvm. */
static struct error *resolve_svm_kprobe(struct run *run)
{
	const struct kernel_build *kernel = run->subject->kernel;
	_cleanup_(cleanup_points) struct points *points = NULL;
	const char *point = run->options->point;
	struct point resolved;
	struct error *err = points_create(kernel->kvm_amd, &points);

	if (!err)
		err = points_find_kprobe(points, point, &resolved);
	if (err) {
		_cleanup_error_ struct error *in_amd = err;

		points_destroy(points);
		points = NULL;
		err = points_create(kernel->kvm, &points);
		if (!err)
			err = points_find_kprobe(points, point, &resolved);
		if (err)
			err = error_context(err, "%s; in kvm", in_amd->message);
	}
	if (err)
		return err;
	run->via = "kprobe";
	if (asprintf(&run->probe, "%s+0x%x", resolved.function, resolved.offset) < 0)
		return &error_no_memory;
	return describe_place(&resolved, &run->place);
}

/* What of triggers and situations makes use of VMX; NULL: nothing. */
static const char *find_vmx_word(const char *words)
{
	static const char *const prefixes[] = { "nested", "vmxon" };

	for (size_t i = 0; words && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const char *word = strstr(words, prefixes[i]);

		if (word)
			return word;
	}
	return NULL;
}

static struct error *resolve_svm_point(struct run *run)
{
	const struct run_options *options = run->options;
	const char *word = find_vmx_word(options->trigger) ?: find_vmx_word(options->situation);
	struct error *err = kernel_build_need_amd(run->subject->kernel);

	if (err)
		return err;
	if (word)
		return error_new("%s: needs VMX; the CPUs of this target have SVM", word);
	if (options->via == VIA_HOOK)
		return error_new("--via hook: the hooks are in kvm_intel, and this target runs kvm_amd");
	if (!strcmp(options->point, "host/now"))
		return resolve_now(run);
	if (!is_raw_point(options->point))
		return error_new("point %s: a step of what kvm_intel does with a VMCS; the CPUs of this "
				 "target have SVM: use host/now, or FUNCTION+0xOFF of kvm_amd or kvm",
				 options->point);
	return resolve_svm_kprobe(run);
}

static struct error *resolve_point(struct run *run)
{
	const struct run_options *options = run->options;
	const struct subject *subject = run->subject;
	bool hook = subject->kernel->crash_points && options->via != VIA_KPROBE &&
		    !is_raw_point(options->point);
	struct point named;

	decide_trigger(run);
	if (run->svm)
		return resolve_svm_point(run);
	if (options->via == VIA_HOOK && !hook)
		return error_new("--via hook: %s",
				 is_raw_point(options->point) ?
				 "a raw FUNCTION+0xOFF is reached by a kprobe only" :
				 "this kernel is built without the crash-points patches");
	if (subject->layout_problem)
		note(run, subject->layout_problem);
	if (!subject->kernel->crash_points)
		note(run, "this kernel has no crash-points patches: points are kprobes, and there "
			  "is no log of the VMCLEARs of the crash path");
	if (!strcmp(options->point, "host/now"))
		return resolve_now(run);
	/* Not every step has a hook. */
	if (hook && options->via != VIA_HOOK) {
		struct error *err = points_find(subject->points, options->point, &named);

		if (err)
			return err;
		hook = named.hook;
	}
	return hook ? resolve_hook(run) : resolve_kprobe(run);
}

static void replace_character(char *text, char from, char to)
{
	for (; text && *text; text++)
		if (*text == from)
			*text = to;
}

/* An argument of init may hold no spaces: commas stand for them. */
static struct error *write_job(struct run *run)
{
	const struct run_options *options = run->options;
	_cleanup_free_ char *layout = NULL, *skip = NULL, *vary = NULL, *boot = NULL;

	if (!run->svm && run->subject->layout && asprintf(&layout, " layout=%s", run->subject->layout) < 0)
		return &error_no_memory;
	if (layout)
		replace_character(layout + 1, ' ', ',');
	if (options->skip && asprintf(&skip, " skip=%u", options->skip) < 0)
		return &error_no_memory;
	if (options->vary && asprintf(&vary, " vary=%s", options->vary) < 0)
		return &error_no_memory;
	/* A snapshot has this behind it. */
	if (options->path == RUN_DISK &&
	    asprintf(&boot, "role=host victim=%u guests=%u bystanders=%u situation=%s capture=%s "
		     "checks=%s append=" CAPTURE_COMMAND_LINE "%s ", options->victim,
		     options->guests, options->bystanders, run->situation,
		     options->without_crash_kernel ? "no" : "yes",
		     options->checks ? "yes" : "no",
		     options->compress ? ",agent_compress=yes" : "") < 0)
		return &error_no_memory;
	if (asprintf(&run->job, "%spoint=%s probe=%s deliver=%s trigger=%s arm=%s%s%s%s%s",
		     boot ? boot : "", options->point, run->probe, options->deliver,
		     run->trigger, options->without_arming ? "no" : "yes",
		     layout ? layout : "", skip ? skip : "", vary ? vary : "",
		     options->without_svm_off ? " svm=keep" : "") < 0)
		return &error_no_memory;
	return NULL;
}

static struct error *make_parents(const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (mkdir(parent, 0755) && errno != EEXIST)
			return error_errno(errno, "%s: cannot make the directory", parent);
	}
	return NULL;
}

static struct error *make_directory(struct run *run)
{
	const struct run_options *options = run->options;
	_cleanup_free_ char *path = NULL;

	if (options->out) {
		path = strdup(options->out);
	} else {
		_cleanup_free_ char *name = NULL;
		char stamp[32];
		time_t now = time(NULL);

		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime(&now));
		if (asprintf(&name, "%s-%s-%s-%s-%d", stamp, options->kernel, options->point,
			     options->deliver, getpid()) < 0)
			return &error_no_memory;
		replace_character(name, '/', '_');
		if (asprintf(&path, "runs/%s", name) < 0)
			return &error_no_memory;
	}
	if (!path)
		return &error_no_memory;
	struct error *err = make_parents(path);

	if (err)
		return err;
	if (mkdir(path, 0755)) {
		/* An existing directory may serve if there is nothing to lose. */
		if (errno != EEXIST || rmdir(path) || mkdir(path, 0755))
			return error_errno(errno, "%s: cannot make the run directory%s", path,
					   errno == EEXIST || errno == ENOTEMPTY ?
					   " (remove it or name another with --out)" : "");
	}
	run->directory = realpath(path, NULL);
	return run->directory ? NULL : error_errno(errno, "%s", path);
}

static char *run_file(const struct run *run, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", run->directory, name) < 0 ? NULL : path;
}

/*
 * What the crash path left behind in the CPUs, as the capture kernel finds it,
 * which nothing in the dump can tell. Its boot changes none of SVM.
 */
static void record_efer(struct run *run)
{
	uint64_t efer[CPUS];
	_cleanup_free_ char *path = run_file(run, "efer.txt");

	if (!run->ops->read_efer || !path)
		return;
	struct error *err = run->ops->read_efer(run->target, efer);

	_cleanup_fclose_ FILE *file = err ? NULL : fopen(path, "we");

	for (unsigned int i = 0; file && i < CPUS; i++)
		fprintf(file, "cpu %u efer %#" PRIx64 "\n", i, efer[i]);
	if (!err && (!file || fflush(file)))
		err = error_errno(errno, "%s: cannot write", path);
	if (err)
		note(run, err->message);
	else
		run->after = no_cleanup_ptr(path);
	error_free(err);
}

/* Act on one line of the agent. Return: the run has ended. */
static bool take_line(struct run *run, const char *line)
{
	char word[32] = "";
	int used = 0;

	if (sscanf(line, "phase %31s %n", word, &used) == 1) {
		if (!strcmp(word, "boot") && run->progress.nr_phases > 2) {
			conclude(run, OUTCOME_RESET, "the target booted again instead of dumping");
			return true;
		}
		if (!strcmp(word, "arm"))
			run->fired = true;
		if (!strcmp(word, "capture"))
			record_efer(run);
		if (!strcmp(word, "dump"))
			run->dump_name = "vmcore-incomplete";
		progress_phase(&run->progress, word, line + used);
	} else if (!strncmp(line, "progress ", strlen("progress "))) {
		progress_detail(&run->progress, line + strlen("progress "));
	} else if (!strncmp(line, "note ", strlen("note "))) {
		note(run, line + strlen("note "));
	} else if (sscanf(line, "error %31s %n", word, &used) == 1) {
		conclude(run, outcome_find(word), line + used);
		return true;
	} else if (sscanf(line, "end %31s", word) == 1) {
		run->dump_name = "vmcore";
		conclude(run, outcome_find(word), "");
		return true;
	}
	return false;
}

/* @how: by which limit it was found to hang. */
static void hang(struct run *run, const char *how)
{
	const char *phase = progress_current(&run->progress);
	char message[256];

	snprintf(message, sizeof(message), "no end of phase %s; %s", phase, how);
	conclude(run, OUTCOME_HUNG, message);
	snprintf(run->hung_in, sizeof(run->hung_in), "%s", phase);
}

/* From power-on to the agent's last line, or to whatever ends the run before. */
static void watch(struct run *run)
{
	const struct target_ops *ops = run->ops;
	double last_sign = now_seconds();
	size_t phase = 0;
	double phase_start = last_sign;

	for (;;) {
		const char *text;
		enum target_event event = ops->next_event(run->target, TICK, &text);
		double now = now_seconds();

		if (phase != run->progress.nr_phases) {
			phase = run->progress.nr_phases;
			phase_start = now;
		}

		if (signals_pending()) {
			conclude(run, OUTCOME_INTERRUPTED, "interrupted by a signal");
			return;
		}
		if (event == TARGET_LINE && take_line(run, text))
			return;
		if (event == TARGET_RESET || event == TARGET_ENDED) {
			conclude(run, event == TARGET_RESET ? OUTCOME_RESET : OUTCOME_TARGET_DIED,
				 text);
			return;
		}
		if (event == TARGET_SPENT) {
			hang(run, text);
			return;
		}
		if (event != TARGET_QUIET)
			last_sign = now;
		/* A console that repeats itself is alive, but no progress. */
		if (now - last_sign > run->options->timeout ||
		    now - phase_start > PHASE_TIMEOUTS * run->options->timeout) {
			char how[64];

			snprintf(how, sizeof(how), "last sign of life %.0f s ago", now - last_sign);
			hang(run, how);
			return;
		}
		progress_tick(&run->progress);
	}
}

/* That it is missing is noticed when it is compared. */
static void collect_in_capture(struct run *run)
{
	_cleanup_free_ char *path = run_file(run, IN_CAPTURE_VERDICT);
	bool found;

	if (path)
		error_free(run->ops->collect(run->target, IN_CAPTURE_VERDICT, path,
							 &found));
}

static void collect(struct run *run)
{
	_cleanup_free_ char *path = NULL;
	bool found = false;

	if (!run->dump_name)
		return;
	progress_phase(&run->progress, "collect", run->dump_name);
	path = run_file(run, run->dump_name);
	if (!path)
		return;
	struct error *err = run->ops->collect(run->target, run->dump_name, path,
							  &found);

	if (!err && found)
		run->dump = no_cleanup_ptr(path);
	/* A part of it is worth less than room for the record. */
	if (err)
		unlink(path);
	if (!run->dump && run->outcome == OUTCOME_CAPTURED)
		conclude(run, OUTCOME_DUMP_UNREADABLE,
			 err ? err->message : "the dump disk holds no vmcore");
	error_free(err);
	if (run->options->in_capture)
		collect_in_capture(run);
}

/* @object may be NULL: memory ran out. */
static struct error *write_json(const json_t *object, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	if (!file || !object || json_dumpf(object, file, RECORD_FORMAT) ||
	    putc('\n', file) == EOF || fflush(file))
		return error_errno(errno, "%s: cannot write", path);
	return NULL;
}

static struct error *write_report_files(struct run *run)
{
	_cleanup_free_ char *text = run_file(run, "verdict.txt");
	_cleanup_free_ char *json = run_file(run, "verdict.json");
	_cleanup_free_ char *log = run_file(run, "dmesg.txt");
	_cleanup_fclose_ FILE *text_file = text ? fopen(text, "we") : NULL;
	_cleanup_fclose_ FILE *log_file = log ? fopen(log, "we") : NULL;

	if (!text_file || !log_file || !json)
		return error_errno(errno, "%s: cannot write the verdict", run->directory);
	const struct analysis_request request = { .path = &run->dump, .nr_paths = 1 };
	struct error *err = analysis_write_log(&request, log_file);

	/* A log that cannot be read does not make the verdict worse. */
	if (err)
		note(run, err->message);
	error_free(err);
	err = analysis_print(run->analysis, CHARSET_ASCII, text_file);
	if (err)
		return err;
	return write_json(run->verdict, json);
}

static enum exit_status verdict_status(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return STATUS_PASS;
	case VERDICT_FAIL:
		return STATUS_FAIL;
	default:
		return STATUS_INCONCLUSIVE;
	}
}

/*
 * Why a dump that passes is no pass of this run; NULL: it is one. Without the
 * evidence of this very point it may be the dump of some other crash.
 */
static const char *find_doubt(const struct run *run, const json_t *verdict)
{
	const json_t *evidence = json_object_get(verdict, "evidence");
	const char *state = json_string_value(json_object_get(evidence, "state"));
	const char *point = json_string_value(json_object_get(evidence, "point"));
	const char *deliver = json_string_value(json_object_get(evidence, "delivery"));
	unsigned int launched = 0;
	json_t *vmcs;
	size_t i;

	/* It went on, and nothing of it was at stake when the crash kernel started. */
	bool let_go = state && !strcmp(state, "let-go");

	if (!state || !point || !deliver ||
	    (strcmp(state, "nmi-sent") && strcmp(state, "nmi-taken") && !let_go))
		return "the driver's NMI did not cause this crash";
	if (strcmp(point, run->options->point) || strcmp(deliver, run->options->deliver) ||
	    json_integer_value(json_object_get(evidence, "victim_cpu")) !=
		    (json_int_t)run->options->victim)
		return "the driver's evidence is of another crash";
	if (run->svm)
		return NULL;
	json_array_foreach(json_object_get(verdict, "vmcs"), i, vmcs)
		launched += json_is_true(json_object_get(vmcs, "launched")) &&
			    json_integer_value(json_object_get(vmcs, "cpu")) ==
				    (json_int_t)run->options->victim;
	if (run->options->guests && !launched && !let_go)
		return "no VMCS was launched on the victim CPU: nothing was at stake";
	return NULL;
}

/* The capture kernel must have come to the same verdict. */
static struct error *check_in_capture(struct run *run, const json_t *verdict)
{
	_cleanup_free_ char *path = run_file(run, IN_CAPTURE_VERDICT);

	return path ? in_capture_compare(path, verdict) : &error_no_memory;
}

/* Analyse the dump at @path: run->analysis, run->status, and what is wrong with a pass. */
static struct error *judge(struct run *run, const char *path)
{
	char *dump = (char *)path;
	const struct analysis_request request = {
		.path = &dump, .nr_paths = 1, .log_lines = ANALYSIS_LOG_LINES,
		.efer = run->after,
	};
	struct error *err = analysis_create(&request, &run->analysis);

	if (err)
		return err;
	run->status = verdict_status(analysis_verdict(run->analysis));
	json_decref(run->verdict);
	run->verdict = analysis_json(run->analysis);
	const char *doubt = run->status == STATUS_PASS ? find_doubt(run, run->verdict) : NULL;

	if (doubt) {
		conclude(run, run->outcome, doubt);
		run->status = STATUS_INCONCLUSIVE;
	}
	err = run->options->in_capture ? check_in_capture(run, run->verdict) : NULL;
	if (err) {
		conclude(run, run->outcome, err->message);
		run->status = STATUS_INCONCLUSIVE;
	}
	error_free(err);
	return NULL;
}

/* Judge the dump where it is. Return: it is as expected, and there is nothing to keep. */
static bool is_expected_in_place(struct run *run)
{
	const struct target_ops *ops = run->ops;
	int file = ops->dump_file ? ops->dump_file(run->target) : -1;
	char path[32];

	if (run->outcome != OUTCOME_CAPTURED || !run->dump_name || file < 0)
		return false;
	progress_phase(&run->progress, "analyze", "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	struct error *err = judge(run, path);

	run->judged_in_place = !err && run->status == run->options->expected;
	error_free(err);
	if (!run->judged_in_place) {
		analysis_destroy(run->analysis);
		run->analysis = NULL;
	}
	return run->judged_in_place;
}

static void analyze(struct run *run)
{
	run->status = outcome_status(run->outcome, run->fired);
	if (!run->dump || run->outcome != OUTCOME_CAPTURED)
		return;
	progress_phase(&run->progress, "analyze", run->dump);
	struct error *err = judge(run, run->dump);

	if (!err)
		err = write_report_files(run);
	if (err) {
		conclude(run, OUTCOME_DUMP_UNREADABLE, err->message);
		error_free(err);
		run->status = outcome_status(run->outcome, run->fired);
	}
}

static const char *status_name(enum exit_status status)
{
	switch (status) {
	case STATUS_PASS:
		return "pass";
	case STATUS_FAIL:
		return "fail";
	default:
		return "inconclusive";
	}
}

static json_t *phases_json(const struct run *run)
{
	json_t *phases = json_array();

	for (size_t i = 0; i < run->progress.nr_phases; i++) {
		const struct phase *phase = &run->progress.phases[i];

		json_array_append_new(phases, json_pack("{s:s, s:s, s:f, s:f}", "name", phase->name,
							"detail", phase->detail, "start",
							phase->start, "seconds", phase->seconds));
	}
	return phases;
}

/* The last lines of the console; an empty array if there are none. */
static json_t *console_excerpt(const struct run *run)
{
	bool never_armed = run->boot_directory && !run->target;
	_cleanup_free_ char *path = run_file(run, never_armed ? "boot/console.log" : "console.log");
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *console = path ? fopen(path, "re") : NULL;
	json_t *excerpt = json_array();
	size_t size = 0;

	while (console && getline(&line, &size, console) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		/* Replacing what is no UTF-8 keeps the record readable. */
		for (char *p = line; *p; p++)
			if ((unsigned char)*p >= 0x80 || (unsigned char)*p < ' ')
				*p = '?';
		json_array_append_new(excerpt, json_string(line));
		if (json_array_size(excerpt) > EXCERPT_LINES)
			json_array_remove(excerpt, 0);
	}
	return excerpt;
}

/* What only a replay asks for. */
static void add_replay_keys(const struct run *run, json_t *object)
{
	const struct run_options *options = run->options;

	json_object_set(object, "inputs", run->subject->inputs);
	json_object_set_new(object, "same_kernel", json_boolean(options->same_kernel));
	json_object_set_new(object, "in_capture", json_boolean(options->in_capture));
	if (options->without_crash_kernel || options->without_arming)
		json_object_set_new(object, "without",
				    json_string(options->without_arming ? "arming" : "crash-kernel"));
	if (options->without_svm_off)
		json_object_set_new(object, "without", json_string("svm-off"));
	if (options->path != RUN_DISK)
		json_object_set_new(object, "budget", json_integer(options->budget));
	if (run->snapshot)
		json_object_set_new(object, "armed_ticks",
				    json_integer(snapshot_ticks(run->snapshot)));
	if (options->replay)
		json_object_set_new(object, "replay_of",
				    json_string(replay_directory(options->replay)));
}

static json_t *run_json(const struct run *run)
{
	const struct run_options *options = run->options;
	const struct kernel_build *kernel = run->subject->kernel;
	json_t *object = json_pack(
		"{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:{s:s, s:s, s:b}, s:{s:s, s:s, s:s, s:s}, "
		"s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:o, s:O}",
		"schema", 1, "outcome", outcome_name(run->outcome), "verdict",
		status_name(run->status), "exit_status", run->status, "message", run->message,
		"target", run->ops->name, "target_version", run->version,
		"kernel", "name", options->kernel, "bzimage", kernel->bzimage,
		"crash_points", kernel->crash_points, "point", "name", options->point,
		"via", run->via, "probe", run->probe, "place", run->place, "deliver",
		options->deliver, "trigger", run->trigger, "situation", run->situation,
		"victim", options->victim, "guests", options->guests,
		"bystanders", options->bystanders, "memory_mib", options->memory,
		"skip", options->skip, "disk_mib", options->disk, "timeout", options->timeout,
		"started", run->started, "phases", phases_json(run), "notes", run->notes);

	if (run->outcome == OUTCOME_HUNG)
		json_object_set_new(object, "hung_in", json_string(run->hung_in));
	json_object_set_new(object, "capture_kernel",
			    json_string(kernel_build_capture(kernel, options->same_kernel)));
	json_object_set_new(object, "checks", json_boolean(options->checks));
	json_object_set_new(object, "compress", json_boolean(options->compress));
	json_object_set_new(object, "path", json_string(run_path_name(options->path)));
	if (run->ticks)
		json_object_set_new(object, "ticks", json_integer(run->ticks));
	if (options->vary)
		json_object_set_new(object, "vary", json_string(options->vary));
	if (run->dump)
		json_object_set_new(object, "dump", json_string(run->dump));
	if (run->status != STATUS_PASS)
		json_object_set(object, "console", run->console);
	add_replay_keys(run, object);
	return object;
}

static struct error *write_record(struct run *run)
{
	_cleanup_free_ char *path = run_file(run, "run.json");
	json_t *object = run_json(run);
	struct error *err = NULL;

	if (!path)
		err = &error_no_memory;
	else
		err = write_json(object, path);
	if (!err && run->options->json && !run->options->silent) {
		json_dumpf(object, stdout, RECORD_FORMAT);
		putchar('\n');
	}
	json_decref(object);
	return err;
}

static struct error *report(struct run *run)
{
	const struct run_options *options = run->options;

	if (options->json || options->silent)
		return NULL;
	struct error *err = run->analysis ?
			    analysis_print(run->analysis, charset_of(stdout), stdout) : NULL;

	if (!run->analysis)
		printf("%s: %s%s%s\n", run->status == STATUS_FAIL ? "FAIL" :
				       run->status == STATUS_USAGE ? "ERROR" : "INCONCLUSIVE",
		       outcome_name(run->outcome), run->message[0] ? ": " : "", run->message);
	else if (run->message[0])
		printf("INCONCLUSIVE: %s\n", run->message);
	printf("\nkernel %s, point %s by %s%s%s, delivery %s, victim CPU %u\nrun directory: %s\n",
	       options->kernel, options->point, run->via, run->place[0] ? " at " : "", run->place,
	       options->deliver, options->victim, run->directory);
	if (run->analysis)
		return err;
	json_t *line;
	size_t i;

	if (json_array_size(run->console))
		puts("last lines of the console:");
	json_array_foreach(run->console, i, line)
		printf("  %s\n", json_string_value(line));
	return err;
}

/* One that serves this crash alone. Without it the run has come to its end, or an error. */
static struct error *boot_snapshot(struct run *run)
{
	const struct run_options *options = run->options;

	run->boot_directory = run_file(run, "boot");
	if (!run->boot_directory)
		return &error_no_memory;
	if (mkdir(run->boot_directory, 0755))
		return error_errno(errno, "%s: cannot make the directory", run->boot_directory);
	const struct snapshot_config config = {
		.kernel = run->subject->kernel,
		.same_kernel = options->same_kernel,
		.directory = run->boot_directory,
		.victim = options->victim,
		.guests = options->guests,
		.bystanders = options->bystanders,
		.situation = run->situation,
		.memory = options->memory,
		.cpus = CPUS,
		.timeout = options->timeout,
		.emulator = options->emulator,
	};
	struct snapshot_failure failure;
	struct error *err = snapshot_create(&config, &run->progress, &failure, &run->own_snapshot);

	run->snapshot = run->own_snapshot;
	if (!err || failure.outcome == OUTCOME_CAPTURED)
		return err;
	error_free(err);
	conclude(run, failure.outcome, failure.text);
	snprintf(run->version, sizeof(run->version), "%s", failure.version);
	if (failure.outcome == OUTCOME_HUNG)
		snprintf(run->hung_in, sizeof(run->hung_in), "%s",
			 progress_current(&run->progress));
	return NULL;
}

static struct error *crash_and_capture(struct run *run)
{
	const struct target_ops *ops = run->ops;
	_cleanup_free_ char *analyzer = NULL;

	if (asprintf(&analyzer, "%s/kdump-torture-analyze", data_directory()) < 0)
		return &error_no_memory;
	if (run->options->path != RUN_DISK && !run->snapshot) {
		struct error *err = boot_snapshot(run);

		if (err || !run->snapshot)
			return err;
	}
	struct target_config config = {
		.kernel = run->subject->kernel,
		.same_kernel = run->options->same_kernel,
		.directory = run->directory,
		.job = run->job,
		.memory = run->options->memory,
		.disk = run->options->disk,
		.cpus = CPUS,
		.analyzer = run->options->in_capture ? analyzer : NULL,
		.emulator = run->options->emulator,
		.snapshot = run->snapshot,
		.path = run->options->path == RUN_FAST ? SNAPSHOT_FAST : SNAPSHOT_FULL,
		.budget = run->options->budget,
		.keep = run->options->keep_images,
	};
	struct error *err = ops->create(&config, &run->target);

	if (err)
		return err;
	snprintf(run->version, sizeof(run->version), "%s", ops->version(run->target));
	if (ops->why)
		note(run, ops->why(run->target));
	progress_phase(&run->progress, run->snapshot ? "fork" : "images", "");
	err = ops->prepare(run->target);
	if (err)
		return err;
	if (!run->snapshot)
		progress_phase(&run->progress, "power-on", run->version);
	err = ops->boot(run->target);
	if (err)
		return err;
	watch(run);
	if (ops->ticks)
		run->ticks = ops->ticks(run->target);
	if (ops->memory)
		run->memory = ops->memory(run->target);
	if (!run->options->transient || !is_expected_in_place(run))
		collect(run);
	ops->reset(run->target);
	return NULL;
}

static bool is_one_of(const char *word, size_t length, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == length && !strncmp(word, *words, length))
			return true;
	return false;
}

/* An option that only the path by disk has, if one was given; else NULL. */
static const char *option_by_disk(const struct run_options *options)
{
	if (options->in_capture)
		return "in-capture";
	if (options->checks)
		return "checks";
	if (options->compress)
		return "compress";
	if (options->without_crash_kernel)
		return "without crash-kernel";
	if (options->keep_images)
		return "keep";
	return options->disk ? "disk" : NULL;
}

static bool has_svm(const struct target_ops *target)
{
	return target->has_svm && target->has_svm();
}

static struct error *check_options(const struct run_options *options)
{
	static const char *const deliveries[] = { "self", "remote", "shootdown", NULL };

	if (options->out && !options->out[0])
		return error_new("--out: an empty name");
	if (options->victim >= CPUS)
		return error_new("--cpu %u: the target has CPUs 0 to %d", options->victim, CPUS - 1);
	if (options->target != &target_bochs && options->path != RUN_DISK)
		return error_new("--path %s: goes with --target bochs, which can be forked; %s has disk",
				 run_path_name(options->path), options->target->name);
	if (options->target != &target_bochs && options->emulator != EMULATOR_ANY)
		return error_new("--emulator: goes with --target bochs");
	if (options->target != &target_bochs && options->in_capture)
		return error_new("--in-capture: goes with --target bochs: what is left of SVM is seen "
				 "from outside alone");
	if (options->without_svm_off && !has_svm(options->target))
		return error_new("--without svm-off: goes with a target that has SVM: --target qemu");
	if (strchr(options->point, ' ') || !strpbrk(options->point, "/+"))
		return error_new("--point %s: neither OP/STEP nor FUNCTION+0xOFF; "
				 "'kdump-torture points' lists them", options->point);
	if (!is_one_of(options->deliver, strlen(options->deliver), deliveries))
		return error_new("--deliver %s: use self, remote or shootdown", options->deliver);
	const char *by_disk = option_by_disk(options);

	if (by_disk && options->path != RUN_DISK)
		return error_new("--%s: goes with --path disk", by_disk);
	if (options->vary && options->path == RUN_DISK)
		return error_new("--vary: goes with --path full or fast%s",
				 options->target == &target_bochs ? "" : " of --target bochs");
	struct error *err = options->trigger ? triggers_check("--trigger", options->trigger) : NULL;

	if (!err && options->situation)
		err = situation_check("--situation", options->situation);
	return err;
}

static void run_deinit(struct run *run)
{
	if (run->target)
		run->ops->destroy(run->target);
	snapshot_destroy(run->own_snapshot);
	free(run->boot_directory);
	analysis_destroy(run->analysis);
	json_decref(run->verdict);
	json_decref(run->console);
	json_decref(run->notes);
	free(run->directory);
	free(run->probe);
	free(run->place);
	free(run->job);
	free(run->dump);
	free(run->after);
}

/* A directory that holds nothing but logs of a run that passed. */
static void remove_directory(const struct run *run)
{
	static const char *const logs[] = { "console.log", "agent.log", "emulator.log" };

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		_cleanup_free_ char *path = run_file(run, logs[i]);

		if (path)
			unlink(path);
	}
	rmdir(run->directory);
}

/* Judge what was captured, and say and record it. */
static struct error *finish(struct run *run)
{
	if (run->judged_in_place) {
		progress_end(&run->progress);
		remove_directory(run);
		return NULL;
	}
	analyze(run);
	progress_end(&run->progress);
	if (run->status != STATUS_PASS)
		run->console = console_excerpt(run);
	struct error *err = write_record(run);
	/* A record that cannot be written does not cost the verdict. */
	struct error *unsaid = report(run);

	if (!err)
		return unsaid;
	error_free(unsaid);
	return err;
}

static void summarize(const struct run *run, struct run_result *ret)
{
	const char *text = run->message;

	if (!text[0] && run->analysis)
		text = analysis_summary(run->analysis);
	*ret = (struct run_result){
		.status = run->status,
		.seconds = now_seconds() - run->progress.run_start,
		.ticks = run->ticks,
		.armed_ticks = run->snapshot ? snapshot_ticks(run->snapshot) : 0,
		.memory = run->memory,
		.verdict = run->outcome == OUTCOME_CAPTURED ? json_incref(run->verdict) : NULL,
		.console = json_incref(run->console),
	};
	snprintf(ret->phase, sizeof(ret->phase), "%s", run->hung_in);
	snprintf(ret->outcome, sizeof(ret->outcome), "%s", outcome_name(run->outcome));
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	if (!run->judged_in_place)
		snprintf(ret->directory, sizeof(ret->directory), "%s", run->directory);
}

void run_result_deinit(struct run_result *result)
{
	json_decref(result->verdict);
	json_decref(result->console);
}

/* What nobody asked for but must be decided. */
static struct run_options complete_options(const struct run_options *asked)
{
	struct run_options options = *asked;

	if (options.path == RUN_AUTO)
		options.path = options.target != &target_bochs || option_by_disk(&options) ?
				       RUN_DISK : RUN_FULL;
	if (!options.point)
		options.point = has_svm(options.target) ? "host/now" : run_defaults.point;
	if (options.path == RUN_DISK && !options.disk)
		options.disk = DUMP_DISK;
	return options;
}

struct error *run_once(const struct run_options *asked, struct run_result *ret)
{
	const struct run_options completed = complete_options(asked), *options = &completed;
	_cleanup_(run_deinit) struct run run = {
		.options = options, .notes = json_array(), .subject = options->subject,
		.snapshot = options->snapshot,
		.ops = options->path == RUN_DISK ? options->target : &target_snapshot,
		.svm = has_svm(options->target),
	};
	_cleanup_(cleanup_subject) struct subject *subject = NULL;
	struct error *err = check_options(options);
	time_t now = time(NULL);

	strftime(run.started, sizeof(run.started), "%FT%T%z", localtime(&now));

	progress_init(&run.progress, options->quiet);
	if (!err && !run.subject) {
		err = subject_create(options->kernel, &subject);
		run.subject = subject;
	}
	if (!err && options->replay)
		err = replay_check_inputs(options->replay, run.subject->inputs);
	if (!err)
		err = resolve_point(&run);
	if (!err)
		err = write_job(&run);
	if (!err)
		err = make_directory(&run);
	if (err)
		return err;
	signals_hold();
	err = crash_and_capture(&run);
	if (!err)
		err = finish(&run);
	if (run.target)
		run.ops->reset(run.target);
	fflush(NULL);
	signals_release();
	summarize(&run, ret);
	return err;
}
