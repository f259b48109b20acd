// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/kernel_build.h"
#include "inject/option.h"
#include "inject/process.h"
#include "inject/run.h"
#include "inject/selftests.h"
#include "inject/suite.h"
#include "inject/target.h"

static const char help[] =
"Usage: kdump-torture kselftest [OPTION...] [NAME...]\n"
"Run tests that crash nothing in an emulated host: those of the driver, and the\n"
"KVM selftests of the kernel's own tree, which are built first. KTAP on stdout.\n"
"\n"
"NAME is driver (what it refuses, list states), driver-armed (the same with a crash\n"
"kernel), vmxon (a VMXON that fails), kvm (all KVM selftests), or one of those, such\n"
"as state_test. Default: driver driver-armed vmxon kvm.\n"
"\n"
"  -t, --target NAME     bochs (default) or qemu, as for 'kdump-torture run'\n"
"  -k, --kernel KERNEL   fixed (default), a mutant, or a built kernel tree\n"
"      --emulator WHICH  packaged or fast (default: fast where 'make emulator' has\n"
"                        built it)\n"
"      --memory MIB      memory of the target (default: 768)\n"
"  -l, --list            list the names and exit\n"
"  -q, --quiet           no progress on stderr\n"
"  -h, --help            this text\n"
"\n"
"Exit status: 0 all passed, 1 a test failed or took the target down,\n"
"2 usage or set-up error.\n";

/* As kselftests say that they do not apply: tools/testing/selftests/kselftest.h */
#define STATUS_SKIP 4

/* Each program takes memory of the target, and of the boot loader's time. */
#define BATCH 16

static const char *const own_tests[] = { "driver", "driver-armed", "vmxon" };

#define NR_OWN (sizeof(own_tests) / sizeof(own_tests[0]))

/* Lines of a test, in KTAP below that of the suite. */
struct ktap {
	const struct suite_test *tests;
	size_t nr;		/* results so far */
	bool failed;
	bool subtest_failed;	/* of the test that runs */
	char skip[256];		/* why the test that runs says it does nothing */
};

static bool is_ktap(const char *line)
{
	static const char *const words[] = { "ok ", "not ok ", "#", "1..", "KTAP ", "TAP ", "  " };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(line, words[i], strlen(words[i])))
			return true;
	return false;
}

static void begin_test(void *data, size_t test)
{
	struct ktap *ktap = data;

	ktap->subtest_failed = false;
	ktap->skip[0] = '\0';
	printf("# Subtest: %s\n", ktap->tests[test].name);
}

static void print_line(void *data, size_t test, const char *line)
{
	struct ktap *ktap = data;
	const char *skip = strstr(line, "SKIP");

	(void)test;
	/* "1..0 # SKIP - why", and "why, skipping test" of the kernel's older ones */
	if (skip && !strncmp(line, "1..0", 4))
		snprintf(ktap->skip, sizeof(ktap->skip), "%s",
			 skip + strspn(skip, "SKIP -"));
	if (!strncmp(line, "not ok ", 7) && !strstr(line, "# TODO"))
		ktap->subtest_failed = true;
	printf("  %s%s\n", is_ktap(line) ? "" : "# ", line);
	fflush(stdout);
}

static void print_result(struct ktap *ktap, bool good, const char *name, const char *directive)
{
	printf("%sok %zu %s%s\n", good ? "" : "not ", ++ktap->nr, name, directive);
	fflush(stdout);
	ktap->failed = ktap->failed || !good;
}

static void end_test(void *data, size_t test, const struct suite_result *result)
{
	struct ktap *ktap = data;
	char how[256], directive[300] = "";
	bool exited = result->end == SUITE_EXIT;

	if (exited && result->number == STATUS_SKIP) {
		snprintf(directive, sizeof(directive), " # SKIP %s",
			 ktap->skip[0] ? ktap->skip : "it says nothing more");
		print_result(ktap, true, ktap->tests[test].name, directive);
		return;
	}
	bool good = exited && !result->number && !ktap->subtest_failed;

	if (!good) {
		suite_describe(result, how, sizeof(how));
		printf("# %s\n", how);
	}
	print_result(ktap, good, ktap->tests[test].name, "");
}

/* What a user asked for. */
struct selection {
	struct selftests selftests;
	struct suite_test *tests;
	size_t nr;
	const char **unbuilt;	/* names of those that do not build */
	size_t nr_unbuilt;
};

static void selection_deinit(struct selection *selection)
{
	selftests_deinit(&selection->selftests);
	free(selection->tests);
	free(selection->unbuilt);
}

static void add_selftest(struct selection *selection, const struct selftest *test)
{
	if (test->program)
		selection->tests[selection->nr++] =
			(struct suite_test){ .name = test->name, .program = test->program };
	else
		selection->unbuilt[selection->nr_unbuilt++] = test->name;
}

static bool is_own(const char *name)
{
	for (size_t i = 0; i < NR_OWN; i++)
		if (!strcmp(own_tests[i], name))
			return true;
	return false;
}

static struct error *add_by_name(struct selection *selection, const char *name)
{
	const struct selftests *selftests = &selection->selftests;

	if (is_own(name)) {
		selection->tests[selection->nr++] =
			(struct suite_test){ .name = name, .breaks = !strcmp(name, "vmxon") };
		return NULL;
	}
	if (!strcmp(name, "kvm")) {
		for (size_t i = 0; i < selftests->nr; i++)
			add_selftest(selection, &selftests->tests[i]);
		return NULL;
	}
	const struct selftest *test = selftests_find(selftests, name);

	if (!test)
		return error_new("%s: no such test; 'kdump-torture kselftest --list' lists them",
				 name);
	add_selftest(selection, test);
	return NULL;
}

static struct error *select_tests(const char *kernel, char **names, size_t nr, bool quiet,
				  struct selection *ret)
{
	static char *all[] = { "driver", "driver-armed", "vmxon", "kvm" };
	struct error *err = NULL;
	bool build = false;

	if (!nr) {
		names = all;
		nr = sizeof(all) / sizeof(all[0]);
	}
	for (size_t i = 0; i < nr; i++)
		build = build || !is_own(names[i]);
	if (build && !quiet)
		fprintf(stderr, "kdump-torture: building the KVM selftests, if they are not "
			"(a minute)\n");
	if (build)
		err = selftests_build_kvm(kernel, &ret->selftests);
	if (err)
		return err;
	/* However often a name comes, or kvm does */
	size_t most = nr * (ret->selftests.nr + 1);

	ret->tests = calloc(most, sizeof(*ret->tests));
	ret->unbuilt = calloc(most, sizeof(*ret->unbuilt));
	if (!ret->tests || !ret->unbuilt)
		return &error_no_memory;
	for (size_t i = 0; !err && i < nr; i++)
		err = add_by_name(ret, names[i]);
	return err;
}

struct request {
	const struct target_ops *target;
	const char *kernel;
	enum emulator_choice emulator;
	unsigned int memory;
	bool list;
	bool quiet;
};

static void list_names(const struct selection *selection)
{
	for (size_t i = 0; i < selection->nr; i++)
		puts(selection->tests[i].name);
	for (size_t i = 0; i < selection->nr_unbuilt; i++)
		puts(selection->unbuilt[i]);
}

static struct error *run_tests(const struct request *request, const struct selection *selection,
			       enum exit_status *ret)
{
	_cleanup_(cleanup_kernel_build) struct kernel_build *kernel = NULL;
	struct ktap ktap = { .tests = selection->tests };
	_cleanup_free_ char *logs = NULL;
	struct error *err = kernel_build_open(request->kernel, &kernel);

	if (err)
		return err;
	printf("KTAP version 1\n1..%zu\n", selection->nr + selection->nr_unbuilt);
	for (size_t i = 0; i < selection->nr_unbuilt; i++)
		print_result(&ktap, true, selection->unbuilt[i],
			     " # SKIP no program comes of it in this tree");
	err = suite_run(&(struct suite_config){
		.target = request->target, .kernel = kernel, .emulator = request->emulator,
		.memory = request->memory, .tests = selection->tests, .nr_tests = selection->nr,
		.batch = BATCH, .quiet = request->quiet, .begin = begin_test,
		.line = print_line, .end = end_test, .data = &ktap,
	}, &logs);
	*ret = ktap.failed ? STATUS_FAIL : err ? STATUS_USAGE : STATUS_PASS;
	if (err)
		error_report(error_context(err, "kselftest (logs in %s)", logs));
	signals_release();
	return NULL;
}

static struct error *kselftest(const struct request *request, char **names, size_t nr,
			       enum exit_status *ret)
{
	_cleanup_(selection_deinit) struct selection selection = {};
	struct error *err = select_tests(request->kernel, names, nr, request->quiet, &selection);

	if (err)
		return err;
	if (!request->list)
		return run_tests(request, &selection, ret);
	list_names(&selection);
	*ret = STATUS_PASS;
	return NULL;
}

enum {
	OPT_EMULATOR = 256,
	OPT_MEMORY,
};

int cmd_kselftest(int argc, char **argv)
{
	static const struct option options[] = {
		{ "target", required_argument, NULL, 't' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "emulator", required_argument, NULL, OPT_EMULATOR },
		{ "memory", required_argument, NULL, OPT_MEMORY },
		{ "list", no_argument, NULL, 'l' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct request request = {
		.target = run_defaults.target, .kernel = run_defaults.kernel,
		.emulator = EMULATOR_ANY, .memory = 768,
	};
	enum exit_status status = STATUS_USAGE;
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "t:k:lqh", options, NULL)) != -1) {
		switch (option) {
		case 't':
			err = target_find(optarg, &request.target);
			break;
		case 'k':
			request.kernel = optarg;
			break;
		case OPT_EMULATOR:
			err = emulator_parse(optarg, &request.emulator);
			break;
		case OPT_MEMORY:
			err = option_number("memory", optarg, 256, 2048, &request.memory);
			break;
		case 'l':
			request.list = true;
			break;
		case 'q':
			request.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_PASS;
		default:
			return STATUS_USAGE;
		}
	}
	if (!err && request.target != &target_bochs && request.emulator != EMULATOR_ANY)
		err = error_new("--emulator: goes with --target bochs");
	if (!err)
		err = kselftest(&request, argv + optind, argc - optind, &status);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
