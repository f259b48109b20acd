// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/emulator.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/target_qemu.h"

static const char help[] =
"Usage: kdump-torture doctor [--json]\n"
"Say what this machine lacks for crash runs, and how to get it.\n"
"\n"
"  -j, --json   the same as JSON\n"
"  -h, --help   this text\n"
"\n"
"Exit status: 0 nothing is missing, 2 something is.\n";

/* A kernel takes 2.6 GB to build; a run leaves 30 MB and needs 100 while it lasts. */
#define NEED_BUILD_MIB	6000
#define NEED_RUN_MIB	500
#define NEED_MEMORY_MIB	2000

/* The findings, as they are made. */
struct diagnosis {
	json_t *checks;
	bool lacking;
};

static void add(struct diagnosis *diagnosis, bool good, const char *what, const char *found,
		const char *cure)
{
	json_array_append_new(diagnosis->checks,
			      json_pack("{s:s, s:b, s:s, s:s}", "check", what, "ok", good, "found",
					found, "cure", good ? "" : cure));
	if (!good)
		diagnosis->lacking = true;
}

static bool package_installed(const char *name)
{
	_cleanup_free_ char *status = NULL;
	struct error *err = run_tool((const char *[]){ "dpkg-query", "-W", "-f",
						       "${db:Status-Status}", name, NULL },
				     &status);
	bool installed = !err && !strcmp(status, "installed");

	error_free(err);
	return installed;
}

static void check_packages(struct diagnosis *diagnosis)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	char missing[1024] = "";
	size_t size = 0;
	int total = 0;

	if (asprintf(&path, "%s/packages", data_directory()) < 0)
		return;
	_cleanup_fclose_ FILE *list = fopen(path, "re");

	while (list && getline(&line, &size, list) > 0) {
		line[strcspn(line, " \n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		total++;
		if (package_installed(line))
			continue;
		strncat(missing, missing[0] ? " " : "", sizeof(missing) - strlen(missing) - 1);
		strncat(missing, line, sizeof(missing) - strlen(missing) - 1);
	}
	char found[1200];

	if (missing[0])
		snprintf(found, sizeof(found), "missing: %s", missing);
	else
		snprintf(found, sizeof(found), "%d, all installed", total);
	add(diagnosis, list && !missing[0], "Debian packages", list ? found : "list not found",
	    list ? "make deps" : "make host");
}

/* Return: it is there. */
static bool check_kernel(struct diagnosis *diagnosis, const char *name)
{
	_cleanup_(cleanup_kernel_build) struct kernel_build *kernel = NULL;
	struct error *err = kernel_build_open(name, &kernel);
	char what[64], cure[64];

	snprintf(what, sizeof(what), "kernel %s", name);
	snprintf(cure, sizeof(cure), "make kernel KERNEL=%s", name);
	add(diagnosis, !err, what, err ? err->message : kernel->bzimage, cure);
	error_free(err);
	return kernel;
}

static void check_agent(struct diagnosis *diagnosis)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/agent", data_directory());
	add(diagnosis, !access(path, R_OK), "agent for targets", path, "make host");
}

/* The packaged one is in the list of packages; that there is no other is no lack. */
static void check_emulator(struct diagnosis *diagnosis)
{
	_cleanup_(emulator_deinit) struct emulator emulator = {};
	_cleanup_free_ char *found = NULL;
	struct error *err = emulator_find(EMULATOR_ANY, &emulator);

	if (err || asprintf(&found, "%s%s", emulator.version, emulator.debugger ?
			    "; 'make emulator' makes a fast one" : "") < 0) {
		error_free(err);
		return;
	}
	add(diagnosis, true, "emulator", found, "");
}

/* That QEMU is there is for the list of packages to say. */
static void check_qemu(struct diagnosis *diagnosis)
{
	char found[256];
	_cleanup_error_ struct error *err = target_qemu_describe(found, sizeof(found));

	if (!err)
		add(diagnosis, true, "target qemu", found, "");
}

static void check_room(struct diagnosis *diagnosis, unsigned long need_disk)
{
	struct statvfs disk;
	struct sysinfo info;
	char found[64];

	if (!statvfs(".", &disk)) {
		unsigned long mib = (disk.f_bavail * disk.f_frsize) >> 20;

		snprintf(found, sizeof(found), "%lu MiB free here", mib);
		add(diagnosis, mib >= need_disk, "disk", found,
		    "6 GB free to build a kernel, 500 MB for a run");
	}
	if (!sysinfo(&info)) {
		unsigned long mib = (info.totalram * info.mem_unit) >> 20;

		snprintf(found, sizeof(found), "%lu MiB", mib);
		add(diagnosis, mib >= NEED_MEMORY_MIB, "memory", found,
		    "a machine with 2 GB or more");
	}
}

static void print(const struct diagnosis *diagnosis)
{
	json_t *check;
	size_t i;

	json_array_foreach(diagnosis->checks, i, check) {
		bool good = json_is_true(json_object_get(check, "ok"));

		printf("%-8s %-18s %s\n", good ? "ok" : "MISSING",
		       json_string_value(json_object_get(check, "check")),
		       json_string_value(json_object_get(check, "found")));
		if (!good)
			printf("%-27s cure: %s\n", "",
			       json_string_value(json_object_get(check, "cure")));
	}
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STATUS_PASS;
		}
		if (option != 'j')
			return STATUS_USAGE;
		json = true;
	}
	if (optind < argc) {
		error_report(error_new("%s: unexpected argument; see 'kdump-torture doctor --help'",
				       argv[optind]));
		return STATUS_USAGE;
	}
	struct diagnosis diagnosis = { .checks = json_array() };

	check_packages(&diagnosis);
	check_agent(&diagnosis);
	check_emulator(&diagnosis);
	check_qemu(&diagnosis);
	bool built = check_kernel(&diagnosis, "fixed");

	check_room(&diagnosis, built ? NEED_RUN_MIB : NEED_BUILD_MIB);
	if (json) {
		json_dumpf(diagnosis.checks, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print(&diagnosis);
	}
	json_decref(diagnosis.checks);
	return diagnosis.lacking ? STATUS_USAGE : STATUS_PASS;
}
