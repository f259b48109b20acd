// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/run.h"
#include "inject/target.h"

/*
 * Seconds without a line of the agent after which the target is given up: the
 * slower emulator needs a minute for the time that the agent gives a test.
 */
#define TIMEOUT 300

static const char *const scripts[] = {
	"lib.sh", "kdump_torture.sh", "vmxon.sh", "maxphyaddr/maxphyaddr.sh",
};

#define NR_SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

/* One boot of the target, for the tests from @first on. */
struct boot {
	const struct suite_config *config;
	struct target *target;
	struct progress *progress;
	size_t first, nr;
	size_t next;		/* the test that has not begun yet */
	bool running;		/* the one before that has not ended */
	double last_line;	/* now_seconds() */
};

static struct error *make_log_directory(char **ret)
{
	const char *base = getenv("TMPDIR");
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/kdump-torture-XXXXXX", base ? base : "/tmp") < 0)
		return &error_no_memory;
	if (!mkdtemp(path))
		return error_new("%s: cannot make a temporary directory", path);
	*ret = no_cleanup_ptr(path);
	return NULL;
}

static void remove_log_directory(const char *path)
{
	static const char *const logs[] = { "console.log", "agent.log", "emulator.log" };

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		_cleanup_free_ char *file = NULL;

		if (asprintf(&file, "%s/%s", path, logs[i]) >= 0)
			unlink(file);
	}
	rmdir(path);
}

/* Names of the tests, with a ',' between them. */
static struct error *write_job(const struct boot *boot, char **ret)
{
	const struct suite_config *config = boot->config;
	_cleanup_free_ char *names = strdup("");

	for (size_t i = 0; names && i < boot->nr; i++) {
		char *longer = NULL;

		if (asprintf(&longer, "%s%s%s", names, i ? "," : "",
			     config->tests[boot->first + i].name) < 0)
			return &error_no_memory;
		free(names);
		names = longer;
	}
	if (!names || asprintf(ret, "role=kselftest tests=%s%s%s append=" CAPTURE_COMMAND_LINE,
			       names, config->arguments ? " arguments=" : "",
			       config->arguments ?: "") < 0)
		return &error_no_memory;
	return NULL;
}

static void free_files(struct target_file *files)
{
	for (struct target_file *file = files; file && file->to; file++) {
		free((char *)file->to);
		free((char *)file->from);
	}
	free(files);
}

static void cleanup_files(struct target_file **files)
{
	free_files(*files);
}

static struct error *add_file(struct target_file *file, const char *to, const char *name,
			      const char *from, const char *below)
{
	char *target = NULL, *host = NULL;

	if (asprintf(&target, "%s%s", to, name) < 0 || asprintf(&host, "%s%s", from, below) < 0)
		return &error_no_memory;
	*file = (struct target_file){ .to = target, .from = host };
	return NULL;
}

static size_t count_files(const struct target_file *files)
{
	size_t nr = 0;

	while (files && files[nr].to)
		nr++;
	return nr;
}

/* The scripts, the programs of this boot's tests, and what else is asked for. */
static struct error *list_files(const struct boot *boot, struct target_file **ret)
{
	_cleanup_(cleanup_files) struct target_file *files =
		calloc(NR_SCRIPTS + boot->nr + count_files(boot->config->files) + 1,
		       sizeof(*files));
	const struct target_file *more = boot->config->files;
	_cleanup_free_ char *directory = NULL;
	struct error *err = NULL;
	size_t nr = 0;

	if (!files || asprintf(&directory, "%s/kselftest/", data_directory()) < 0)
		return &error_no_memory;
	for (size_t i = 0; !err && i < NR_SCRIPTS; i++)
		err = add_file(&files[nr++], "kselftest/", scripts[i], directory, scripts[i]);
	for (size_t i = boot->first; !err && i < boot->first + boot->nr; i++) {
		const struct suite_test *test = &boot->config->tests[i];

		if (test->program)
			err = add_file(&files[nr++], "kselftest/bin/", test->name, test->program,
				       "");
	}
	for (size_t i = 0; !err && i < count_files(more); i++)
		err = add_file(&files[nr++], more[i].to, "", more[i].from, "");
	if (!err)
		*ret = no_cleanup_ptr(files);
	return err;
}

static void end_test(struct boot *boot, enum suite_end end, int number, const char *text)
{
	const struct suite_config *config = boot->config;
	struct suite_result result = { .end = end, .number = number, .text = text };

	boot->running = false;
	progress_clear(boot->progress);
	config->end(config->data, boot->next - 1, &result);
}

/* A second boot, or the capture kernel's: the test took the target down. */
static bool is_crash(const char *line, const struct boot *boot)
{
	return !strcmp(line, "phase capture") || (!strcmp(line, "phase boot") && boot->next);
}

static void take_result(struct boot *boot, const char *how)
{
	static const struct {
		const char *word;
		enum suite_end end;
	} ends[] = { { "exit", SUITE_EXIT }, { "signal", SUITE_SIGNAL }, { "time", SUITE_TIME } };
	char word[16] = "";
	int number = 0;

	if (!boot->running || sscanf(how, "%15s %d", word, &number) != 2)
		return;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!strcmp(ends[i].word, word))
			end_test(boot, ends[i].end, number, "");
}

/* @ret: this boot is over. */
static struct error *take_line(struct boot *boot, const char *text, bool *ret)
{
	const struct suite_config *config = boot->config;
	const char *rest = strchr(text, ' ');
	size_t length = rest ? (size_t)(rest++ - text) : strlen(text);

	if (is_crash(text, boot) && boot->running) {
		end_test(boot, SUITE_CRASH, 0, "the target crashed");
		*ret = true;
	} else if (length == 3 && rest && !strncmp(text, "tap", 3) && boot->running) {
		progress_clear(boot->progress);
		config->line(config->data, boot->next - 1, rest);
	} else if (rest && !strncmp(text, "test ", 5) && boot->next < boot->first + boot->nr) {
		progress_phase(boot->progress, "test", rest);
		progress_clear(boot->progress);
		config->begin(config->data, boot->next++);
		boot->running = true;
	} else if (rest && !strncmp(text, "result ", 7)) {
		take_result(boot, rest);
	} else if (rest && !strncmp(text, "phase ", 6)) {
		progress_phase(boot->progress, rest, "");
	} else if (rest && !strncmp(text, "error ", 6) && boot->running) {
		end_test(boot, SUITE_CRASH, 0, rest);
		*ret = true;
	} else if (rest && !strncmp(text, "error ", 6)) {
		return error_new("the target reports: %s", rest);
	} else if (!strcmp(text, "end done")) {
		*ret = true;
	}
	return NULL;
}

/* @ret: this boot is over. */
static struct error *take_event(struct boot *boot, bool *ret)
{
	const struct target_ops *ops = boot->config->target;
	const char *text = "";
	enum target_event event = ops->next_event(boot->target, 200, &text);

	if (signals_pending())
		return error_new("interrupted");
	if (event == TARGET_LINE)
		boot->last_line = now_seconds();
	progress_tick(boot->progress);
	if (event == TARGET_LINE)
		return take_line(boot, text, ret);
	*ret = event == TARGET_ENDED || event == TARGET_RESET ||
	       now_seconds() - boot->last_line > TIMEOUT;
	if (!*ret)
		return NULL;
	if (event == TARGET_RESET)
		text = "the target reset itself";
	else if (event != TARGET_ENDED)
		text = "the target hung";
	if (!boot->running)
		return error_new("%s before a test had begun", text);
	end_test(boot, SUITE_CRASH, 0, text);
	return NULL;
}

static struct error *run_tests(struct boot *boot)
{
	struct error *err = NULL;
	bool over = false;

	boot->last_line = now_seconds();
	while (!err && !over)
		err = take_event(boot, &over);
	if (!err && boot->next == boot->first)
		return error_new("the target ended before a test had begun");
	return err;
}

static struct error *run_boot(struct boot *boot, const char *directory)
{
	const struct suite_config *config = boot->config;
	const struct target_ops *ops = config->target;
	_cleanup_(cleanup_files) struct target_file *files = NULL;
	_cleanup_free_ char *job = NULL;
	struct error *err = write_job(boot, &job);

	if (!err)
		err = list_files(boot, &files);
	if (err)
		return err;
	struct target_config target = {
		.kernel = config->kernel,
		.directory = directory,
		.job = job,
		.files = files,
		.memory = config->memory,
		.disk = 1,
		.cpus = 2,
		.emulator = config->emulator,
	};

	err = ops->create(&target, &boot->target);
	if (!err && ops->why && !boot->first && !config->quiet)
		fprintf(stderr, "kdump-torture: note: %s\n", ops->why(boot->target));
	if (!err)
		err = ops->prepare(boot->target);
	if (!err)
		err = ops->boot(boot->target);
	if (!err)
		err = run_tests(boot);
	if (boot->target)
		ops->destroy(boot->target);
	boot->target = NULL;
	return err;
}

/* How many tests the boot takes that begins with @first. */
static size_t boot_size(const struct suite_config *config, size_t first)
{
	size_t nr = 1;

	while (nr < config->batch && first + nr < config->nr_tests &&
	       !config->tests[first + nr - 1].breaks)
		nr++;
	return nr;
}

struct error *suite_run(const struct suite_config *config, char **logs)
{
	_cleanup_free_ char *directory = NULL;
	struct progress progress;
	struct boot boot = { .config = config, .progress = &progress };
	struct error *err = make_log_directory(&directory);

	if (err)
		return err;
	progress_init(&progress, config->quiet);
	signals_hold();
	while (!err && boot.next < config->nr_tests) {
		boot.first = boot.next;
		boot.nr = boot_size(config, boot.first);
		err = run_boot(&boot, directory);
	}
	progress_end(&progress);
	/* After a failure the logs are worth keeping. */
	if (err)
		*logs = no_cleanup_ptr(directory);
	else
		remove_log_directory(directory);
	return err;
}

void suite_describe(const struct suite_result *result, char *ret, size_t size)
{
	switch (result->end) {
	case SUITE_EXIT:
		snprintf(ret, size, "exit status %d", result->number);
		break;
	case SUITE_SIGNAL:
		snprintf(ret, size, "killed by signal %d (%s)", result->number,
			 strsignal(result->number));
		break;
	case SUITE_TIME:
		snprintf(ret, size, "not done in %d s of the target", result->number);
		break;
	case SUITE_CRASH:
		snprintf(ret, size, "%s", result->text);
		break;
	}
}
