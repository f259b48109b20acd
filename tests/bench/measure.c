// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a command and say what it cost, from a process so small that neither its
 * start nor its memory shows: "measure RESULT COMMAND..." writes wall time in
 * seconds, peak resident memory in KiB and exit status to RESULT.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;

	if (argc < 3)
		errx(2, "usage: measure RESULT COMMAND...");
	FILE *result = fopen(argv[1], "we");

	if (!result)
		err(2, "%s", argv[1]);
	double start = now();
	pid_t pid = vfork();

	if (pid < 0)
		err(2, "vfork");
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		err(2, "wait4");
	fprintf(result, "%.6f %ld %d\n", now() - start, usage.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(result) ? 2 : 0;
}
