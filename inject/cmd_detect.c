// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/commands.h"
#include "inject/detection.h"
#include "inject/option.h"
#include "inject/sweep/input.h"
#include "inject/sweep/sweep.h"

static const char help[] =
"Usage: kdump-torture detect [OPTION...] [MUTANT]...\n"
"Crash kernels that have a known bug, and one that has none: is each bug caught?\n"
"\n"
"Each mutant is crashed where its bug shows and where it does not, and the kernel\n"
"fixed in all the same places. Behind the KTAP of this sweep there is a table: mutant,\n"
"the commit that mended it, in how many crashes it is seen, and the first of these.\n"
"Default: all mutants.\n"
"\n"
"      --results FILE     the table of a sweep that has been made; sweep nothing\n"
"  -o, --out DIR          new directory for what the sweep leaves (default: in runs/)\n"
"  -j, --jobs N           crashes at a time (default: one for each CPU)\n"
"      --emulator WHICH   packaged or fast (default: fast where 'make emulator' has\n"
"                         built it)\n"
"      --junit FILE       JUnit XML of the results, too\n"
"  -q, --quiet            no progress on stderr\n"
"  -h, --help             this text\n"
"\n"
"Exit status: 0 all are caught and nothing else is seen, 1 not so, 2 an error, 3 a\n"
"crash is inconclusive.\n";

/*
 * Millions of instructions. A mutant's crash may loop until they are used up; one that
 * does not needs a tenth.
 */
#define BUDGET	200

enum {
	OPT_RESULTS = 256,
	OPT_EMULATOR,
	OPT_JUNIT,
};

static const struct option long_options[] = {
	{ "results", required_argument, NULL, OPT_RESULTS },
	{ "out", required_argument, NULL, 'o' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "emulator", required_argument, NULL, OPT_EMULATOR },
	{ "junit", required_argument, NULL, OPT_JUNIT },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct error *parse_option(int option, struct sweep_options *ret, const char **ret_results)
{
	switch (option) {
	case OPT_RESULTS:
		*ret_results = optarg;
		return NULL;
	case 'o':
		ret->out = optarg;
		return NULL;
	case 'j':
		return option_number("jobs", optarg, 1, 64, &ret->jobs);
	case OPT_EMULATOR:
		return emulator_parse(optarg, &ret->emulator);
	case OPT_JUNIT:
		ret->junit = optarg;
		return NULL;
	case 'q':
		ret->quiet = true;
		return NULL;
	}
	return error_new("see 'kdump-torture detect --help'");
}

/* *@ret_results: as the user has it; NULL: sweep. */
static struct error *parse(int argc, char **argv, struct sweep_options *options,
			   const char **ret_results)
{
	static char all[] = MUTANTS_GROUP;
	static char *const all_names[] = { all };
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "o:j:qh", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(STATUS_PASS);
		}
		err = parse_option(option, options, ret_results);
	}
	if (!err && *ret_results && optind < argc)
		err = error_new("--results: the sweep was of its mutants; leave out %s",
				argv[optind]);
	options->names = optind < argc ? argv + optind : all_names;
	options->nr_names = optind < argc ? (size_t)(argc - optind) : 1;
	options->budget = BUDGET;
	options->command = "kdump-torture detect";
	return err;
}

/* A sweep would take any scenario. */
static struct error *check_names(const struct sweep_options *options, const struct mutants *mutants)
{
	for (size_t i = 0; i < options->nr_names; i++) {
		const char *name = options->names[i];
		const struct mutant *mutant = mutants_find(mutants, name);

		if (!mutant && strcmp(name, MUTANTS_GROUP))
			return error_new("%s: there is no mutant of this name", name);
	}
	return NULL;
}

static struct error *tell(const struct mutants *mutants, const char *path, enum exit_status *ret)
{
	_cleanup_(cleanup_results) struct results *results = NULL;
	_cleanup_(detection_deinit) struct detection detection = { 0 };
	struct error *err = results_load(path, &results);

	if (!err)
		err = detection_init(mutants, results, &detection);
	if (err)
		return err;
	detection_print(&detection, stdout);
	*ret = detection_status(&detection);
	return NULL;
}

static struct error *detect(const struct sweep_options *options, const char *results,
			    enum exit_status *ret)
{
	_cleanup_(mutants_deinit) struct mutants mutants = { 0 };
	_cleanup_free_ char *directory = NULL;
	enum exit_status status;
	struct error *err = sweep_load_mutants(&mutants);

	if (!err && !results)
		err = check_names(options, &mutants);
	if (!err && !results)
		err = sweep(options, &status, &directory);
	return err ?: tell(&mutants, results ?: directory, ret);
}

int cmd_detect(int argc, char **argv)
{
	struct sweep_options options = sweep_defaults;
	enum exit_status status = STATUS_PASS;
	const char *results = NULL;
	struct error *err = parse(argc, argv, &options, &results);

	if (!err)
		err = detect(&options, results, &status);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
