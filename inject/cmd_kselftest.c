// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/run.h"
#include "inject/target.h"

static const char help[] =
"Usage: kdump-torture kselftest [OPTION...]\n"
"Run the tests that crash nothing in the emulated host: what the driver refuses,\n"
"arming and disarming, the half-done states of list operations; then what KVM makes\n"
"of a VMXON that fails. KTAP on stdout.\n"
"\n"
"  -k, --kernel KERNEL   fixed (default), a mutant, or a built kernel tree\n"
"      --emulator WHICH  packaged or fast (default: fast where 'make emulator' has\n"
"                        built it)\n"
"  -q, --quiet           no progress on stderr\n"
"  -h, --help            this text\n"
"\n"
"Exit status: 0 all passed, 1 a test failed or took the target down,\n"
"2 usage or set-up error.\n";

/* Seconds without a sign of life after which the target is given up. */
#define TIMEOUT 120

/* Where the target's logs go while it runs. */
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

/* A second boot, or the capture kernel's: the tests took the target down. */
static bool is_crash(const char *line, const struct progress *progress)
{
	return !strcmp(line, "phase capture") ||
	       (!strcmp(line, "phase boot") && progress->nr_phases);
}

/*
 * Print the target's KTAP until it is done.
 * @ret: a test has failed.
 */
static struct error *print_results(const struct target_ops *ops, struct target *target,
				   struct progress *progress, bool *ret)
{
	double last_sign = now_seconds();

	for (;;) {
		const char *text;
		enum target_event event = ops->next_event(target, 200, &text);

		if (signals_pending())
			return error_new("interrupted");
		if (event == TARGET_ENDED)
			return error_new("the target ended: %s", text);
		if (event == TARGET_RESET || (event == TARGET_LINE && is_crash(text, progress))) {
			*ret = true;
			return error_new("the target crashed: %s", text);
		}
		if (event != TARGET_QUIET)
			last_sign = now_seconds();
		if (now_seconds() - last_sign > TIMEOUT) {
			*ret = true;
			return error_new("the target hung in phase %s",
					 progress_current(progress));
		}
		progress_tick(progress);
		if (event != TARGET_LINE)
			continue;
		if (!strncmp(text, "tap ", strlen("tap "))) {
			puts(text + strlen("tap "));
			fflush(stdout);
			if (!strncmp(text, "tap not ok", strlen("tap not ok")))
				*ret = true;
		} else if (!strncmp(text, "phase ", strlen("phase "))) {
			progress_phase(progress, text + strlen("phase "), "");
		} else if (!strncmp(text, "error ", strlen("error "))) {
			return error_new("the target reports: %s", text + strlen("error "));
		} else if (!strcmp(text, "end done")) {
			return NULL;
		}
	}
}

static struct error *run_kselftest(const char *kernel_name, enum emulator_choice emulator,
				   bool quiet, enum exit_status *ret)
{
	bool failed = false;
	const struct target_ops *ops = run_defaults.target;
	_cleanup_(cleanup_kernel_build) struct kernel_build *kernel = NULL;
	_cleanup_free_ char *directory = NULL, *kselftest = NULL;
	struct target *target = NULL;
	struct progress progress;
	struct error *err = kernel_build_open(kernel_name, &kernel);

	if (err)
		return err;
	if (asprintf(&kselftest, "%s/kselftest", data_directory()) < 0)
		return &error_no_memory;
	err = make_log_directory(&directory);
	if (err)
		return err;
	struct target_config config = {
		.kernel = kernel,
		.directory = directory,
		.job = "role=kselftest append=" CAPTURE_COMMAND_LINE,
		.kselftest = kselftest,
		.memory = run_defaults.memory,
		.disk = 1,
		.cpus = 2,
		.emulator = emulator,
	};

	progress_init(&progress, quiet);
	signals_hold();
	err = ops->create(&config, &target);
	if (!err)
		err = ops->prepare(target);
	if (!err)
		err = ops->boot(target);
	if (!err)
		err = print_results(ops, target, &progress, &failed);
	progress_end(&progress);
	if (target)
		ops->destroy(target);
	/* After a failure the logs are worth keeping. */
	*ret = failed ? STATUS_FAIL : err ? STATUS_USAGE : STATUS_PASS;
	if (err)
		error_report(error_context(err, "kselftest (logs in %s)", directory));
	else
		remove_log_directory(directory);
	signals_release();
	return NULL;
}

enum {
	OPT_EMULATOR = 256,
};

int cmd_kselftest(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "emulator", required_argument, NULL, OPT_EMULATOR },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	enum emulator_choice emulator = EMULATOR_ANY;
	const char *kernel = run_defaults.kernel;
	enum exit_status status;
	struct error *err = NULL;
	bool quiet = false;
	int option;

	while (!err && (option = getopt_long(argc, argv, "k:qh", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			kernel = optarg;
			break;
		case OPT_EMULATOR:
			err = emulator_parse(optarg, &emulator);
			break;
		case 'q':
			quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_PASS;
		default:
			return STATUS_USAGE;
		}
	}
	if (!err && optind < argc)
		err = error_new("%s: unexpected argument; see 'kdump-torture kselftest --help'",
				argv[optind]);
	if (!err)
		err = run_kselftest(kernel, emulator, quiet, &status);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
