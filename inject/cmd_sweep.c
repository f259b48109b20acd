// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inject/commands.h"
#include "inject/dry.h"
#include "inject/option.h"
#include "inject/sweep/header.h"
#include "inject/sweep/journal.h"
#include "inject/sweep/sweep.h"

static const char help[] =
"Usage: kdump-torture sweep [OPTION...] [SCENARIO|GROUP|GLOB]...\n"
"Boot an emulated KVM host, crash a fork of it at each of many points.\n"
"\n"
"A line of KTAP and a verdict for each crash. The dump is the memory at the moment\n"
"the crash kernel is entered; a sample, and every failure, is made again through the\n"
"capture kernel and makedumpfile, which must come to the same. Without a scenario the\n"
"options say what is swept.\n"
"\n"
"  -k, --kernel LIST      fixed, a mutant (bitmap), or built kernel trees, separated\n"
"                         by commas (default: the scenarios', or fixed)\n"
"  -p, --points LIST      separated by commas: OP/STEP or FUNCTION+0xOFF, or all:\n"
"                         steps (default), boundaries\n"
"  -d, --deliver LIST     self (default), remote, shootdown, separated by commas\n"
"  -c, --cpu N            victim CPU (default 1)\n"
"  -g, --guests N         guests launched on the victim CPU (default 3)\n"
"  -b, --bystanders N     guests launched on another CPU (default 1)\n"
"  -o, --out DIR          new directory for what the sweep leaves (default: in runs/)\n"
"  -j, --jobs N           crashes at a time (default: one for each CPU)\n"
"      --situation NAME   what the host has been through before: plain, idle, offline,\n"
"                         nested or maxphyaddr (default: what each point needs)\n"
"      --trigger LIST     what to do to reach a point (default: what it needs);\n"
"                         'kdump-torture run --help' explains both\n"
"      --list             the scenarios, and nothing else\n"
"      --scenarios FILE   of scenarios (default: the ones that come along)\n"
"      --resume DIR       go on with a sweep that was broken off\n"
"      --dry              no crashes: at each boundary of the operations' functions\n"
"                         hold what a crash would do against what is active\n"
"      --op LIST          with --dry: these operations, separated by commas\n"
"                         (default: all that need no nested guest)\n"
"      --repeat N         each point N times (default 1)\n"
"      --vary SEED        make each crash unlike the others: timing, guests, memory\n"
"      --full             all crashes through the capture kernel\n"
"      --sample N         one in N crashes both ways (default 20; 0: failures only)\n"
"      --keep             keep what passes, too\n"
"      --memory MIB       memory of the target (default 384)\n"
"      --emulator WHICH   packaged or fast (default: fast where 'make emulator' has\n"
"                         built it)\n"
"      --budget N         millions of instructions a CPU may emulate for a crash\n"
"                         (default 1000; ten times that with the capture kernel)\n"
"      --timeout SECONDS  longest wait for a sign of life (default 120)\n"
"      --junit FILE       JUnit XML of the results, too\n"
"      --json             a line of JSON for each crash\n"
"  -q, --quiet            no progress on stderr\n"
"  -h, --help             this text\n"
"\n"
"Exit status: 0 all are as expected, 1 one is not, 2 an error, 3 one is inconclusive.\n";

#define SHORT_OPTIONS	"k:p:d:c:g:b:o:j:qh"

enum {
	OPT_SITUATION = 256,
	OPT_TRIGGER,
	OPT_LIST,
	OPT_SCENARIOS,
	OPT_RESUME,
	OPT_JUNIT,
	OPT_DRY,
	OPT_OP,
	OPT_REPEAT,
	OPT_VARY,
	OPT_FULL,
	OPT_SAMPLE,
	OPT_KEEP,
	OPT_MEMORY,
	OPT_EMULATOR,
	OPT_BUDGET,
	OPT_TIMEOUT,
	OPT_JSON,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "points", required_argument, NULL, 'p' },
	{ "deliver", required_argument, NULL, 'd' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "guests", required_argument, NULL, 'g' },
	{ "bystanders", required_argument, NULL, 'b' },
	{ "out", required_argument, NULL, 'o' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "situation", required_argument, NULL, OPT_SITUATION },
	{ "trigger", required_argument, NULL, OPT_TRIGGER },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "scenarios", required_argument, NULL, OPT_SCENARIOS },
	{ "resume", required_argument, NULL, OPT_RESUME },
	{ "junit", required_argument, NULL, OPT_JUNIT },
	{ "dry", no_argument, NULL, OPT_DRY },
	{ "op", required_argument, NULL, OPT_OP },
	{ "repeat", required_argument, NULL, OPT_REPEAT },
	{ "vary", required_argument, NULL, OPT_VARY },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "sample", required_argument, NULL, OPT_SAMPLE },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "emulator", required_argument, NULL, OPT_EMULATOR },
	{ "budget", required_argument, NULL, OPT_BUDGET },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct command {
	struct sweep_options options;
	json_t *header;		/* of a sweep to be resumed, which the options are of */
	char line[1024];
	bool list;
};

static struct error *parse_number_option(int option, struct sweep_options *ret)
{
	switch (option) {
	case 'c':
		return option_number("cpu", optarg, 0, 1, &ret->victim);
	case 'g':
		return option_number("guests", optarg, 0, 64, &ret->guests);
	case 'b':
		return option_number("bystanders", optarg, 0, 64, &ret->bystanders);
	case 'j':
		return option_number("jobs", optarg, 1, 64, &ret->jobs);
	case OPT_REPEAT:
		return option_number("repeat", optarg, 1, 1000000, &ret->repeat);
	case OPT_SAMPLE:
		return option_number("sample", optarg, 0, 1000000, &ret->sample);
	case OPT_MEMORY:
		return option_number("memory", optarg, 256, 2048, &ret->memory);
	case OPT_BUDGET:
		return option_number("budget", optarg, 1, 1000000, &ret->budget);
	case OPT_TIMEOUT:
		return option_number("timeout", optarg, 1, 86400, &ret->timeout);
	}
	return error_new("see 'kdump-torture sweep --help'");
}

static struct error *parse_option(int option, struct command *command)
{
	struct sweep_options *ret = &command->options;
	unsigned int seed;

	switch (option) {
	case OPT_LIST:
		command->list = true;
		return NULL;
	case OPT_SCENARIOS:
		ret->scenarios = optarg;
		return NULL;
	case OPT_RESUME:
		return NULL;
	case OPT_JUNIT:
		ret->junit = optarg;
		return NULL;
	case 'k':
		ret->kernel = optarg;
		return NULL;
	case 'p':
		ret->points = optarg;
		return NULL;
	case 'd':
		ret->deliver = optarg;
		return NULL;
	case OPT_SITUATION:
		ret->situation = optarg;
		return NULL;
	case OPT_TRIGGER:
		ret->trigger = optarg;
		return NULL;
	case 'o':
		ret->out = optarg;
		return NULL;
	case 'q':
		ret->quiet = true;
		return NULL;
	case OPT_VARY:
		ret->vary = optarg;
		return option_number("vary", optarg, 0, 4000000000, &seed);
	case OPT_DRY:
		ret->dry = true;
		return NULL;
	case OPT_OP:
		ret->operations = optarg;
		return NULL;
	case OPT_FULL:
		ret->path = RUN_FULL;
		return NULL;
	case OPT_KEEP:
		ret->keep = true;
		return NULL;
	case OPT_EMULATOR:
		return emulator_parse(optarg, &ret->emulator);
	case OPT_JSON:
		ret->json = true;
		return NULL;
	}
	return parse_number_option(option, ret);
}

static struct error *sweep_dry(const struct sweep_options *options, enum exit_status *ret)
{
	const struct dry_options dry = {
		.kernel = options->kernel ?: "fixed",
		.operations = options->operations,
		.out = options->out,
		.victim = options->victim,
		.guests = options->guests,
		.bystanders = options->bystanders,
		.memory = options->memory,
		.timeout = options->timeout,
		.budget = 10 * options->budget,
		.emulator = options->emulator,
		.json = options->json,
		.quiet = options->quiet,
	};

	return dry_sweep(&dry, ret);
}

/*
 * The options that --resume brings are defaults for the others. Those are parsed
 * later, but would be complained about now.
 */
static struct error *parse_resume(int argc, char **argv, struct command *command)
{
	struct sweep_options *options = &command->options;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		if (option == OPT_RESUME)
			options->resume = optarg;
	}
	opterr = 1;
	optind = 0;
	if (!options->resume)
		return NULL;
	struct error *err = journal_header(options->resume, &command->header);

	return err ?: header_options(command->header, options);
}

static struct error *check(const struct command *command, bool unnamed)
{
	const struct sweep_options *options = &command->options;

	if (options->nr_names && unnamed)
		return error_new("--points, --deliver, --guests, --bystanders, --situation and --trigger: "
				 "a scenario has its own; leave them out, or the scenarios");
	if (options->nr_names && options->dry)
		return error_new("--dry: goes by operations (--op), not by scenarios");
	if (options->dry && (options->points || options->deliver || options->situation ||
			     options->trigger))
		return error_new("--points, --deliver, --situation, --trigger: not with --dry, which "
				 "goes by operations (--op)");
	if (options->resume && options->out)
		return error_new("--out: the sweep that is resumed has its directory");
	return NULL;
}

/* An option that makes the scenario without a name. */
static bool is_of_unnamed(int option)
{
	return option == 'p' || option == 'd' || option == 'g' || option == 'b' ||
	       option == OPT_SITUATION || option == OPT_TRIGGER;
}

/* As far as it fits. */
static void write_line(int argc, char **argv, char *ret, size_t size)
{
	snprintf(ret, size, "kdump-torture");
	for (int i = 0; i < argc; i++)
		snprintf(ret + strlen(ret), size - strlen(ret), " %s", argv[i]);
	/* It becomes JSON. */
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
}

static struct error *parse(int argc, char **argv, struct command *command)
{
	struct sweep_options *options = &command->options;
	bool unnamed = false;
	int option;

	write_line(argc, argv, command->line, sizeof(command->line));
	options->command = command->line;
	struct error *err = parse_resume(argc, argv, command);

	while (!err && (option = getopt_long(argc, argv, SHORT_OPTIONS, long_options,
					     NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(STATUS_PASS);
		}
		err = parse_option(option, command);
		unnamed = unnamed || is_of_unnamed(option);
	}
	if (!err && optind < argc) {
		options->names = argv + optind;
		options->nr_names = argc - optind;
	}
	return err ?: check(command, unnamed);
}

int cmd_sweep(int argc, char **argv)
{
	struct command command = { .options = sweep_defaults };
	const struct sweep_options *options = &command.options;
	enum exit_status status = STATUS_PASS;
	struct error *err = parse(argc, argv, &command);

	if (!err && command.list)
		err = sweep_list(options);
	else if (!err)
		err = options->dry ? sweep_dry(options, &status) : sweep(options, &status, NULL);
	json_decref(command.header);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
