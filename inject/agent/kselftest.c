// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests that run in the target and crash nothing, one after the other as the job
 * lists them. Of each goes out "test NAME", what it prints, and "result HOW".
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Tests of the project; every other name is a program in PROGRAMS. */
static const struct test {
	const char *name;
	const char *script;
	bool crash_kernel;	/* to be loaded before it; it stays for the rest */
	bool own_kvm;		/* the script loads kvm_intel or kvm_amd as it wants it */
	unsigned int seconds;	/* by the target's clock, as in the kernel's "settings" */
} tests[] = {
	{ "driver", "/kselftest/kdump_torture.sh", .seconds = 300 },
	{ "driver-armed", "/kselftest/kdump_torture.sh", .crash_kernel = true, .seconds = 300 },
	{ "vmxon", "/kselftest/vmxon.sh", .seconds = 300 },
	{ "maxphyaddr", "/kselftest/maxphyaddr/maxphyaddr.sh", .own_kvm = true,
	  .seconds = 3600 },
};

#define PROGRAMS	"/kselftest/bin/"
/* As tools/testing/selftests/kvm/settings has it */
#define PROGRAM_SECONDS	120
/* A character on an emulated serial port is dear: what is told of a program. */
#define PROGRAM_LINES	60
#define KILL_SECONDS	20
#define MAX_ARGUMENTS	32

struct output {
	int fd;			/* does not block */
	char line[400];		/* that has not ended yet */
	size_t length;
	unsigned int nr;	/* lines so far */
	unsigned int max;	/* 0: all */
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void end_line(struct output *output)
{
	output->line[output->length] = '\0';
	if (output->length && (!output->max || output->nr < output->max))
		report("tap %s", output->line);
	output->nr += output->length != 0;
	output->length = 0;
}

/* What is there; what is too long for a line is cut off. */
static void pass_on(struct output *output)
{
	char piece[1024];
	ssize_t length;

	while ((length = read(output->fd, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			if (piece[i] == '\n')
				end_line(output);
			else if (output->length < sizeof(output->line) - 1)
				output->line[output->length++] = piece[i];
		}
	}
}

/* Wait until @pid has ended and all that it wrote was read. Return: in time. */
static bool follow(pid_t pid, struct output *output, unsigned int seconds, int *status)
{
	time_t end = now() + seconds;

	for (;;) {
		struct pollfd readable = { .fd = output->fd, .events = POLLIN };
		bool ended = waitpid(pid, status, WNOHANG) == pid;

		if (!ended)
			poll(&readable, 1, 200);
		pass_on(output);
		if (ended)
			return true;
		if (now() >= end)
			return false;
	}
}

static pid_t start(char *const argv[], int out)
{
	pid_t pid = fork();

	if (pid < 0)
		die("setup-failed", "fork: %s", strerror(errno));
	if (pid)
		return pid;
	/* A group, so that nothing of a test that takes too long stays behind */
	setpgid(0, 0);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void run_test(const char *name, char *const argv[], unsigned int seconds,
		     unsigned int max_lines)
{
	struct output output = { .max = max_lines };
	int out[2], status = 0;

	report("test %s", name);
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK))
		die("setup-failed", "pipe: %s", strerror(errno));
	fcntl(out[1], F_SETFL, 0);
	output.fd = out[0];
	pid_t pid = start(argv, out[1]);

	close(out[1]);
	bool ended = follow(pid, &output, seconds, &status);

	kill(-pid, SIGKILL);
	/* A task that the kernel holds on to makes the rest of no use. */
	if (!ended && !wait_for_child(pid, KILL_SECONDS, NULL))
		die("setup-failed", "%s cannot be killed", name);
	end_line(&output);
	if (output.max && output.nr > output.max)
		report("tap # and %u lines more", output.nr - output.max);
	close(out[0]);
	if (!ended)
		report("result time %u", seconds);
	else if (WIFSIGNALED(status))
		report("result signal %d", WTERMSIG(status));
	else
		report("result exit %d", WEXITSTATUS(status));
}

static const struct test *find_test(const char *name)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(tests[i].name, name))
			return &tests[i];
	return NULL;
}

static void run_own(const struct job *job, const struct test *test)
{
	static bool crash_kernel;
	char *arguments = strdup(job->arguments);
	char *argv[3 + MAX_ARGUMENTS] = { "/bin/sh", (char *)test->script };
	int nr = 2;

	if (test->crash_kernel && !crash_kernel)
		load_crash_kernel(job);
	crash_kernel = crash_kernel || test->crash_kernel;
	for (char *a = strtok(arguments, ","); a && nr < 2 + MAX_ARGUMENTS; a = strtok(NULL, ",")) {
		/* '+' for the space within one */
		for (char *p = a; *p; p++)
			*p = *p == '+' ? ' ' : *p;
		argv[nr++] = a;
	}
	run_test(test->name, argv, test->seconds, 0);
}

static void run_by_name(const struct job *job, const char *name)
{
	static bool have_kvm;
	const struct test *test = find_test(name);
	char path[128];

	if (!have_kvm && test && test->own_kvm)
		load_kvm_core();
	else if (!have_kvm)
		load_kvm("");
	have_kvm = true;
	if (test) {
		run_own(job, test);
		return;
	}
	snprintf(path, sizeof(path), PROGRAMS "%s", name);
	run_test(name, (char *[]){ path, NULL }, PROGRAM_SECONDS, PROGRAM_LINES);
}

/* What programs of the kernel's selftests find on an installed system */
static void make_room(void)
{
	struct rlimit files = { 4096, 4096 };

	setrlimit(RLIMIT_NOFILE, &files);
	/* They map more for their guests than these touch. */
	write_file("/proc/sys/vm/overcommit_memory", "1");
	mkdir("/dev/shm", 01777);
	mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
}

void kselftest_main(const struct job *job)
{
	char *argv[] = { "/bin/busybox", "--install", "-s", "/bin", NULL };
	char *list = strdup(job->tests);

	report("phase boot");
	int status = run_program(argv, NULL, NULL, 0);

	if (status)
		die("setup-failed", "busybox: cannot install its applets: status %d", status);
	make_room();
	setenv("PATH", "/bin:/sbin", 1);
	setenv("KDUMP_TORTURE_KO", "/modules/kdump_torture.ko", 1);
	setenv("KDUMP_TORTURE_CREATE_VM", "/init", 1);
	setenv("KDUMP_TORTURE_MODULES", "/modules", 1);
	/* vmxon is asked for as the last of its boot. */
	setenv("KDUMP_TORTURE_MAY_BREAK_KVM", "1", 1);
	char *rest = NULL;

	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
		run_by_name(job, name);
	report("end done");
	halt_here();
}
