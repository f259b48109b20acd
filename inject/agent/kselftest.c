// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tests that run in the target and crash nothing. Those of the driver, twice:
 * without a crash kernel and with one, for it behaves differently. Each line of
 * KTAP goes out as "tap LINE".
 */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KSFT_SKIP 4

/* Run the script, its lines nested below the test that it is. Return: its exit status. */
static int run_script(const char *name)
{
	char command[64], line[400];

	snprintf(command, sizeof(command), "/bin/sh /kselftest/%s 2>&1", name);
	FILE *lines = popen(command, "r");

	if (!lines)
		die("setup-failed", "kselftest: cannot start: %s", strerror(errno));
	while (fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\n")] = '\0';
		report("tap   %s", line);
	}
	int status = pclose(lines);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_test(unsigned int nr, const char *name, const char *script)
{
	int status = run_script(script);

	report("tap %sok %u %s%s", !status || status == KSFT_SKIP ? "" : "not ", nr, name,
	       status == KSFT_SKIP ? " # SKIP" : "");
}

void kselftest_main(const struct job *job)
{
	report("phase boot");
	char *argv[] = { "/bin/busybox", "--install", "-s", "/bin", NULL };
	int status = run_program(argv, NULL, NULL, 0);

	if (status)
		die("setup-failed", "busybox: cannot install its applets: status %d", status);
	load_kvm();
	setenv("PATH", "/bin", 1);
	setenv("KDUMP_TORTURE_KO", "/modules/kdump_torture.ko", 1);
	setenv("KDUMP_TORTURE_CREATE_VM", "/init", 1);
	report("phase kselftest");
	report("tap KTAP version 1");
	report("tap 1..3");
	run_test(1, "driver without a crash kernel", "kdump_torture.sh");
	load_crash_kernel(job);
	report("phase kselftest with a crash kernel");
	run_test(2, "driver with a crash kernel", "kdump_torture.sh");
	/* The last, for it may break KVM. */
	report("phase kselftest of VMXON");
	setenv("KDUMP_TORTURE_MAY_BREAK_KVM", "1", 1);
	run_test(3, "VMXON that fails", "vmxon.sh");
	report("end done");
	halt_here();
}
