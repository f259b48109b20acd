// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/commands.h"
#include "inject/option.h"
#include "inject/results.h"
#include "inject/sweep/header.h"
#include "inject/sweep/sweep.h"

static const char help[] =
"Usage: kdump-torture regress --baseline FILE [OPTION...] [SCENARIO|GROUP|GLOB]...\n"
"Sweep a kernel and say what is worse than it was.\n"
"\n"
"What the sweep of the baseline did is done again, or the scenarios that are named,\n"
"and held against it: a place in a function that was compiled otherwise is compared\n"
"by the steps that it lies between.\n"
"\n"
"      --baseline FILE    results.json of an earlier sweep, or its directory\n"
"  -k, --kernel KERNEL    the kernel to be tested (default: that of the baseline)\n"
"      --results FILE     compare these, of a sweep that has been made; sweep nothing\n"
"      --scenarios FILE   of scenarios (default: as the baseline's sweep)\n"
"  -o, --out DIR          new directory for what the sweep leaves (default: in runs/)\n"
"  -j, --jobs N           crashes at a time (default: one for each CPU)\n"
"      --emulator WHICH   packaged or fast (default: as the baseline's sweep)\n"
"      --junit FILE       JUnit XML of the new results, too\n"
"  -q, --quiet            no progress on stderr\n"
"  -h, --help             this text\n"
"\n"
"Exit status: 0 nothing is worse, 1 there are new failures, 2 an error, 3 something\n"
"that passed was not made, or nothing can be said of it.\n";

enum {
	OPT_BASELINE = 256,
	OPT_RESULTS,
	OPT_SCENARIOS,
	OPT_EMULATOR,
	OPT_JUNIT,
};

static const struct option long_options[] = {
	{ "baseline", required_argument, NULL, OPT_BASELINE },
	{ "kernel", required_argument, NULL, 'k' },
	{ "results", required_argument, NULL, OPT_RESULTS },
	{ "scenarios", required_argument, NULL, OPT_SCENARIOS },
	{ "out", required_argument, NULL, 'o' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "emulator", required_argument, NULL, OPT_EMULATOR },
	{ "junit", required_argument, NULL, OPT_JUNIT },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct regress {
	const char *baseline_path;
	const char *results_path;	/* NULL: sweep */
	struct results *baseline;
	char *const *stored_names;	/* of the baseline's options */
	struct sweep_options options;
};

/* As the user has it; the baseline's options go where there is none. */
struct asked {
	const char *kernel, *scenarios, *out, *junit;
	unsigned int jobs;
	bool has_emulator, quiet;
	enum emulator_choice emulator;
};

static struct error *parse_option(int option, struct regress *regress, struct asked *asked)
{
	switch (option) {
	case OPT_BASELINE:
		regress->baseline_path = optarg;
		return NULL;
	case OPT_RESULTS:
		regress->results_path = optarg;
		return NULL;
	case 'k':
		asked->kernel = optarg;
		return NULL;
	case OPT_SCENARIOS:
		asked->scenarios = optarg;
		return NULL;
	case 'o':
		asked->out = optarg;
		return NULL;
	case 'j':
		return option_number("jobs", optarg, 1, 64, &asked->jobs);
	case OPT_EMULATOR:
		asked->has_emulator = true;
		return emulator_parse(optarg, &asked->emulator);
	case OPT_JUNIT:
		asked->junit = optarg;
		return NULL;
	case 'q':
		asked->quiet = true;
		return NULL;
	}
	return error_new("see 'kdump-torture regress --help'");
}

/* The options of the new sweep: the baseline's, but for what was asked. */
static struct error *merge_options(struct regress *regress, const struct asked *asked,
				   char **names, size_t nr_names)
{
	struct sweep_options *options = &regress->options;
	struct error *err = header_options(results_json(regress->baseline), options);

	regress->stored_names = options->names;
	if (err)
		return error_context(err, "%s", regress->baseline_path);
	if (nr_names) {
		options->names = names;
		options->nr_names = nr_names;
		options->points = options->deliver = NULL;
		options->situation = options->trigger = NULL;
	}
	if (asked->kernel)
		options->kernel = asked->kernel;
	if (asked->scenarios)
		options->scenarios = asked->scenarios;
	if (asked->has_emulator)
		options->emulator = asked->emulator;
	options->out = asked->out;
	options->junit = asked->junit;
	options->jobs = asked->jobs;
	options->quiet = asked->quiet;
	return NULL;
}

static struct error *parse(int argc, char **argv, struct regress *regress)
{
	struct asked asked = { 0 };
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "k:o:j:qh", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(STATUS_PASS);
		}
		err = parse_option(option, regress, &asked);
	}
	if (err)
		return err;
	if (!regress->baseline_path)
		return error_new("--baseline: name the results.json of the sweep to compare with");
	err = results_load(regress->baseline_path, &regress->baseline);
	if (err || regress->results_path)
		return err;
	return merge_options(regress, &asked, argv + optind, argc - optind);
}

static struct error *compare(const struct regress *regress, const char *path,
			     enum exit_status *ret)
{
	_cleanup_(cleanup_results) struct results *results = NULL;
	_cleanup_(results_comparison_deinit) struct results_comparison comparison = { 0 };
	struct error *err = results_load(path, &results);

	if (!err)
		err = results_compare(regress->baseline, results, &comparison);
	if (err)
		return err;
	results_comparison_print(&comparison, stdout);
	*ret = results_comparison_status(&comparison);
	return NULL;
}

static struct error *sweep_and_compare(const struct regress *regress, enum exit_status *ret)
{
	_cleanup_free_ char *directory = NULL;
	enum exit_status status;
	struct error *err = sweep(&regress->options, &status, &directory);

	return err ?: compare(regress, directory, ret);
}

int cmd_regress(int argc, char **argv)
{
	struct regress regress = { .options = sweep_defaults };
	enum exit_status status = STATUS_PASS;
	struct error *err = parse(argc, argv, &regress);

	if (!err && regress.results_path)
		err = compare(&regress, regress.results_path, &status);
	else if (!err)
		err = sweep_and_compare(&regress, &status);
	free((void *)regress.stored_names);
	results_destroy(regress.baseline);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
