// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyze.h"
#include "analyze/error.h"
#include "inject/commands.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "run", cmd_run, "crash a KVM host at one chosen instruction and judge the dump" },
	{ "sweep", cmd_sweep, "crash at many points, from one boot" },
	{ "regress", cmd_regress, "sweep again, and say what is worse than it was" },
	{ "detect", cmd_detect, "crash kernels with known bugs: is each of them caught?" },
	{ "report", cmd_report, "show the results of a sweep in one HTML page" },
	{ "points", cmd_points, "list the crash points of a kernel" },
	{ "analyze", cmd_analyze, "judge a vmcore: was every VMCS cleared?" },
	{ "maxphyaddr", cmd_maxphyaddr, "test guests whose MAXPHYADDR is smaller than the host's" },
	{ "kselftest", cmd_kselftest, "run the tests that crash nothing in a target" },
	{ "doctor", cmd_doctor, "say what this machine lacks, and how to get it" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
	fputs("Usage: kdump-torture COMMAND [OPTION...]\n"
	      "If a Linux host that runs KVM crashes at the worst possible instruction,\n"
	      "is the crash dump good and is the next kernel safe?\n\n", to);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'kdump-torture COMMAND --help' and kdump-torture-COMMAND(1) tell more.\n"
	      "Exit status of every command: 0 pass, 1 fail, 2 usage or set-up error,\n"
	      "3 inconclusive.\n", to);
}

/* A result that did not reach its reader is no success. */
static int check_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	error_report(error_errno(errno, "standard output: cannot write"));
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return STATUS_PASS;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("kdump-torture " VERSION);
		return STATUS_PASS;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, argv[1]))
			return check_output(commands[i].run(argc - 1, argv + 1));
	fprintf(stderr, "kdump-torture: %s: no such command; see 'kdump-torture --help'\n",
		argv[1]);
	return STATUS_USAGE;
}
