// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/maxphyaddr/maxphyaddr.h"
#include "inject/option.h"
#include "inject/process.h"
#include "inject/run.h"
#include "inject/target.h"

static const char help[] =
"Usage: kdump-torture maxphyaddr [OPTION...]\n"
"Does a guest whose MAXPHYADDR is smaller than the host's get the page fault for\n"
"reserved bits that it must get? Every physical-address bit, level, access and\n"
"paging mode, and what else takes such an address; for each combination of the\n"
"parameters of kvm_intel (EPT, allow_smaller_maxphyaddr) or kvm_amd. The tests are\n"
"built first. KTAP on stdout, and behind it a table.\n"
"\n"
"  -k, --kernel KERNEL   under test (default: maxphyaddr, with the patches)\n"
"      --against KERNEL  tell what this one does otherwise; its failures do not count\n"
"                        (default: fixed, without them; none: no other)\n"
"      --mutants         then kernels that each have one check taken out: one that\n"
"                        fails no case of the tests is a failure of these\n"
"  -t, --target NAME     the host to run it on (default: bochs)\n"
"      --emulator WHICH  packaged or fast (default: fast where 'make emulator' has\n"
"                        built it)\n"
"  -p, --program NAME    matrix, corners or emulator_error_test only\n"
"  -c, --parameters \"NAME=VALUE...\"\n"
"                        this combination only, as \"ept=1 allow_smaller_maxphyaddr=1\"\n"
"  -b, --brief           a representative part of the cases\n"
"  -m, --maxphyaddr BITS the guest's, where a program has one (default: 36)\n"
"      --memory MIB      memory of the target (default: 512)\n"
"  -o, --output FILE     write the results as JSON, too\n"
"      --junit FILE      and as JUnit XML\n"
"  -q, --quiet           no progress on stderr\n"
"  -h, --help            this text\n"
"\n"
"Exit status: 0 all as it must be, 1 a case failed (of --against: does not count),\n"
"2 usage or set-up error, 3 nothing was tested.\n";

enum {
	OPT_AGAINST = 256,
	OPT_MUTANTS,
	OPT_EMULATOR,
	OPT_MEMORY,
	OPT_JUNIT,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "against", required_argument, NULL, OPT_AGAINST },
	{ "mutants", no_argument, NULL, OPT_MUTANTS },
	{ "target", required_argument, NULL, 't' },
	{ "emulator", required_argument, NULL, OPT_EMULATOR },
	{ "program", required_argument, NULL, 'p' },
	{ "parameters", required_argument, NULL, 'c' },
	{ "brief", no_argument, NULL, 'b' },
	{ "maxphyaddr", required_argument, NULL, 'm' },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "output", required_argument, NULL, 'o' },
	{ "junit", required_argument, NULL, OPT_JUNIT },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct error *parse_option(int option, struct maxphyaddr_options *ret)
{
	switch (option) {
	case 'k':
		ret->kernel = optarg;
		return NULL;
	case OPT_AGAINST:
		ret->against = strcmp(optarg, "none") ? optarg : NULL;
		return NULL;
	case OPT_MUTANTS:
		ret->mutants = true;
		return NULL;
	case 't':
		return target_find(optarg, &ret->target);
	case OPT_EMULATOR:
		return emulator_parse(optarg, &ret->emulator);
	case 'p':
		ret->program = optarg;
		return NULL;
	case 'c':
		ret->parameters = optarg;
		return NULL;
	case 'b':
		ret->brief = true;
		return NULL;
	case 'm':
		return option_number("maxphyaddr", optarg, 32, 52, &ret->maxphyaddr);
	case OPT_MEMORY:
		return option_number("memory", optarg, 256, 2048, &ret->memory);
	case 'o':
		ret->output = optarg;
		return NULL;
	case OPT_JUNIT:
		ret->junit = optarg;
		return NULL;
	case 'q':
		ret->quiet = true;
		return NULL;
	}
	return error_new("see 'kdump-torture maxphyaddr --help'");
}

int cmd_maxphyaddr(int argc, char **argv)
{
	struct maxphyaddr_options options = {
		.target = run_defaults.target, .kernel = "maxphyaddr", .against = "fixed",
		.memory = 512,
	};
	enum exit_status status = STATUS_USAGE;
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "k:t:p:c:bm:o:qh", long_options,
					     NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STATUS_PASS;
		}
		err = parse_option(option, &options);
	}
	if (!err && optind < argc)
		err = error_new("%s: unexpected argument; see 'kdump-torture maxphyaddr --help'",
				argv[optind]);
	if (!err)
		err = maxphyaddr_run(&options, &status);
	if (err) {
		error_report(err);
		status = STATUS_USAGE;
	}
	signals_release();
	return status;
}
