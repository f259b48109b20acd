// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/report/report.h"

static const char help[] =
"Usage: kdump-torture report [OPTION...] RESULTS\n"
"Write the results of a sweep as one HTML page, which needs nothing else.\n"
"\n"
"RESULTS is the results.json of a sweep, or its directory. The path of the page is\n"
"printed.\n"
"\n"
"  -o, --output FILE      the page (default: report.html beside the results)\n"
"      --baseline OLD     results of an earlier sweep: say what has changed since\n"
"      --source TREE      source of the kernel: show its lines beside the instructions\n"
"  -h, --help             this text\n"
"\n"
"Exit status: 0 the page is written, whatever it says; 2 an error.\n";

enum {
	OPT_BASELINE = 256,
	OPT_SOURCE,
};

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "baseline", required_argument, NULL, OPT_BASELINE },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct error *parse_option(int option, struct report_options *options)
{
	switch (option) {
	case 'o':
		options->out = optarg;
		return NULL;
	case OPT_BASELINE:
		options->baseline = optarg;
		return NULL;
	case OPT_SOURCE:
		options->source = optarg;
		return NULL;
	}
	return error_new("see 'kdump-torture report --help'");
}

static struct error *parse(int argc, char **argv, struct report_options *options)
{
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(STATUS_PASS);
		}
		err = parse_option(option, options);
	}
	if (err)
		return err;
	if (optind == argc)
		return error_new("name the results.json of a sweep, or its directory");
	if (optind + 1 < argc)
		return error_new("%s: unexpected argument", argv[optind + 1]);
	options->results = argv[optind];
	return NULL;
}

int cmd_report(int argc, char **argv)
{
	struct report_options options = { 0 };
	_cleanup_free_ char *path = NULL;
	struct error *err = parse(argc, argv, &options);

	if (!err)
		err = report_write(&options, &path);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	puts(path);
	return STATUS_PASS;
}
