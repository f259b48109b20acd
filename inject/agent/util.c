// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return errno;
	ssize_t length = strlen(text);
	int err = write(fd, text, length) == length ? 0 : errno;

	close(fd);
	return err;
}

int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	ssize_t length = read(fd, line, size - 1);
	int err = length < 0 ? errno : 0;

	close(fd);
	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return err;
}

void load_module(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("setup-failed", "%s: %s", path, strerror(errno));
	if (syscall(SYS_finit_module, fd, parameters, 0))
		die("setup-failed", "%s: the kernel refused the module: %s; see the console",
		    path, strerror(errno));
	close(fd);
}

/* Keep the last non-empty line of a stream that arrives in pieces. */
static void keep_last_line(char *last, size_t size, const char *piece, size_t length)
{
	size_t used = strlen(last);

	for (size_t i = 0; i < length; i++) {
		if (piece[i] == '\n' || piece[i] == '\r') {
			/* 1 marks a finished line: the next character starts anew. */
			if (used && used < size - 1 && last[used - 1] != 1)
				last[used++] = 1;
		} else {
			if (used && last[used - 1] == 1)
				used = 0;
			if (used < size - 2)
				last[used++] = piece[i];
		}
		last[used] = '\0';
	}
}

int run_program(char *const argv[], void (*idle)(void), char *last, size_t size)
{
	int out[2];
	char scratch[256];

	if (!last) {
		last = scratch;
		size = sizeof(scratch);
	}
	last[0] = '\0';
	if (pipe2(out, O_CLOEXEC))
		die("setup-failed", "pipe: %s", strerror(errno));
	pid_t pid = fork();

	if (pid < 0)
		die("setup-failed", "fork: %s", strerror(errno));
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execv(argv[0], argv);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);
	for (;;) {
		struct pollfd fd = { .fd = out[0], .events = POLLIN };
		char piece[512];

		if (!poll(&fd, 1, 1000)) {
			if (idle)
				idle();
			continue;
		}
		ssize_t length = read(out[0], piece, sizeof(piece));

		if (length <= 0)
			break;
		/* The whole text goes to the console, for the record. */
		if (write(STDOUT_FILENO, piece, length) < 0)
			break;
		keep_last_line(last, size, piece, length);
	}
	close(out[0]);
	last[strcspn(last, "\001")] = '\0';
	int status;

	waitpid(pid, &status, 0);
	return status;
}

void pin_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("setup-failed", "CPU %u: cannot run there: %s", cpu, strerror(errno));
}

bool wait_for_child(pid_t pid, unsigned int seconds, int *ret)
{
	struct pollfd fd = { .fd = pidfd_open(pid, 0), .events = POLLIN };

	if (fd.fd < 0)
		die("setup-failed", "pidfd of process %d: %s", pid, strerror(errno));
	bool ended = poll(&fd, 1, seconds * 1000) == 1;

	close(fd.fd);
	return ended && waitpid(pid, ret, 0) == pid;
}
