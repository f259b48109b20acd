// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/analyze.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyze/cleanup.h"

static const char usage[] =
"Usage: kdump-torture analyze [--json | --quiet | --log] [--log-lines N] [--scan]\n"
"                             [--vmlinux FILE] [--modules DIR] [--layout FILE]\n"
"                             [--efer FILE] VMCORE...\n"
"\n"
"Say whether every VMCS of the KVM host that crashed was VMCLEARed before the\n"
"next kernel started, from its dump alone. A split dump has several files.\n"
"\n"
"  -j, --json         for programs\n"
"  -q, --quiet        the exit status alone\n"
"  -l, --log          print the kernel log in the dump instead\n"
"  -n, --log-lines N  show the last N lines of the kernel log, 0: none [10]\n"
"  --scan             search all memory for VMCSes that nothing points to\n"
"  --layout FILE      where the host's CPU model keeps what in a VMCS\n"
"  --efer FILE        of an AMD host: EFER of its CPUs after the crash, a line\n"
"                     'cpu N efer 0xVALUE' each, as a run leaves in efer.txt\n"
"  --vmlinux FILE     symbols and types of the kernel from this file\n"
"  --modules DIR      those of modules from files below this directory\n"
"  -h, --help         this text\n"
"\n"
"Exit status: 0 pass, 1 fail, 2 usage or unreadable dump, 3 inconclusive\n";

enum output {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_QUIET,
	OUTPUT_LOG,
};

static struct error *print_json(const struct analysis *analysis)
{
	json_t *json = analysis_json(analysis);

	if (!json)
		return &error_no_memory;
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));

	json_decref(json);
	if (!text)
		return &error_no_memory;
	bool bad = puts(text) == EOF || fflush(stdout);

	return bad ? error_errno(errno, "report: cannot write it") : NULL;
}

static struct error *analyze(const struct analysis_request *request, enum output output,
			     enum exit_status *ret)
{
	static const enum exit_status status[] = {
		[VERDICT_PASS] = STATUS_PASS,
		[VERDICT_FAIL] = STATUS_FAIL,
		[VERDICT_INCONCLUSIVE] = STATUS_INCONCLUSIVE,
	};
	struct analysis *analysis;
	struct error *err = analysis_create(request, &analysis);

	if (err)
		return err;
	if (output == OUTPUT_JSON)
		err = print_json(analysis);
	else if (output == OUTPUT_TEXT)
		err = analysis_print(analysis, charset_of(stdout), stdout);
	*ret = status[analysis_verdict(analysis)];
	analysis_destroy(analysis);
	return err;
}

/* What the command line says. */
struct arguments {
	enum output output;
	bool help;
	struct analysis_request request;
};

/* Return: whether @text is a number; one that is none is named on stderr. */
static bool parse_lines(const char *text, size_t *ret)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (errno || *end || !isdigit((unsigned char)*text)) {
		fprintf(stderr, "kdump-torture: --log-lines %s: not a number of lines\n", text);
		return false;
	}
	*ret = value;
	return true;
}

/* Options that have no letter. */
enum {
	OPTION_SCAN = 256,
	OPTION_LAYOUT,
	OPTION_VMLINUX,
	OPTION_MODULES,
	OPTION_EFER,
};

/* Return: whether the arguments made sense. */
static bool parse(int argc, char **argv, struct arguments *ret)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "log", no_argument, NULL, 'l' },
		{ "log-lines", required_argument, NULL, 'n' },
		{ "scan", no_argument, NULL, OPTION_SCAN },
		{ "layout", required_argument, NULL, OPTION_LAYOUT },
		{ "efer", required_argument, NULL, OPTION_EFER },
		{ "vmlinux", required_argument, NULL, OPTION_VMLINUX },
		{ "modules", required_argument, NULL, OPTION_MODULES },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	/* 0: start over, whatever the caller has parsed */
	optind = 0;
	while ((option = getopt_long(argc, argv, "jqln:h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			ret->output = OUTPUT_JSON;
			break;
		case 'q':
			ret->output = OUTPUT_QUIET;
			break;
		case 'l':
			ret->output = OUTPUT_LOG;
			break;
		case 'n':
			if (!parse_lines(optarg, &ret->request.log_lines))
				return false;
			break;
		case OPTION_SCAN:
			ret->request.scan = true;
			break;
		case OPTION_LAYOUT:
			ret->request.layout = optarg;
			break;
		case OPTION_EFER:
			ret->request.efer = optarg;
			break;
		case OPTION_VMLINUX:
			ret->request.vmlinux = optarg;
			break;
		case OPTION_MODULES:
			ret->request.modules = optarg;
			break;
		case 'h':
			ret->help = true;
			return true;
		default:
			return false;
		}
	}
	ret->request.path = argv + optind;
	ret->request.nr_paths = argc - optind;
	return optind < argc;
}

int cmd_analyze(int argc, char **argv)
{
	struct arguments arguments = { .request.log_lines = ANALYSIS_LOG_LINES };
	enum exit_status status = STATUS_PASS;

	if (!parse(argc, argv, &arguments)) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}
	if (arguments.help) {
		fputs(usage, stdout);
		return STATUS_PASS;
	}
	struct error *err = arguments.output == OUTPUT_LOG ?
			    analysis_write_log(&arguments.request, stdout) :
			    analyze(&arguments.request, arguments.output, &status);

	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return status;
}
