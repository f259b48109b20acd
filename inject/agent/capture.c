// SPDX-License-Identifier: GPL-2.0-or-later
/* The capture kernel: makedumpfile from /proc/vmcore to the dump disk. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DUMP_DISK	"/dev/sda"
#define DUMP_DIR	"/dump"
/* The name that kdump scripts of the distributions give to an unfinished dump. */
#define DUMP_UNFINISHED	DUMP_DIR "/vmcore-incomplete"
#define DUMP_FINISHED	DUMP_DIR "/vmcore"

/* There if the dump is to be judged here, too */
#define ANALYZER	"/usr/bin/kdump-torture-analyze"
#define VERDICT		DUMP_DIR "/verdict-in-capture.json"

static void report_growth(void)
{
	struct stat st;

	if (!stat(DUMP_UNFINISHED, &st))
		report("progress %lld KiB", (long long)st.st_size / 1024);
}

/* What the verdict is compared with says whether it is there and makes sense. */
static void analyze_vmcore(void)
{
	if (access(ANALYZER, X_OK))
		return;
	report("phase in-capture");
	pid_t pid = fork();

	if (!pid) {
		int out = open(VERDICT, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(out, STDOUT_FILENO);
		execl(ANALYZER, ANALYZER, "--json", "/proc/vmcore", NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Dump to the file system at DUMP_DIR. Return: size of the dump. */
static long long dump(const struct job *job)
{
	char last[256];
	struct stat st;
	/* 6: messages and errors, no progress bar; the size of the file tells. */
	char *plain[] = { "/usr/bin/makedumpfile", "--message-level", "6", "-d", "31",
			  "/proc/vmcore", DUMP_UNFINISHED, NULL };
	char *zlib[] = { "/usr/bin/makedumpfile", "--message-level", "6", "-c", "-d", "31",
			 "/proc/vmcore", DUMP_UNFINISHED, NULL };
	int status = run_program(!strcmp(job->compress, "yes") ? zlib : plain, report_growth,
				 last, sizeof(last));

	if (status) {
		umount(DUMP_DIR);
		die("dump-incomplete", "makedumpfile: status %d: %s",
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), last);
	}
	if (rename(DUMP_UNFINISHED, DUMP_FINISHED) || stat(DUMP_FINISHED, &st))
		die("dump-incomplete", "%s: %s", DUMP_FINISHED, strerror(errno));
	return st.st_size;
}

void capture_main(const struct job *job)
{
	bool to_disk = !strcmp(job->dump, "disk");
	struct stat st;

	report("phase capture");
	if (stat("/proc/vmcore", &st))
		die("capture-failed", "/proc/vmcore: %s; the capture kernel was not given elfcorehdr=",
		    strerror(errno));
	mkdir(DUMP_DIR, 0700);
	/* All of this kernel's memory, for there is nothing else to be done with it */
	if (to_disk ? mount(DUMP_DISK, DUMP_DIR, "ext2", 0, NULL) :
		      mount("tmpfs", DUMP_DIR, "tmpfs", 0, "size=100%"))
		die("capture-failed", "%s: cannot mount the dump disk: %s",
		    to_disk ? DUMP_DISK : "tmpfs", strerror(errno));
	report("phase dump %lld KiB of memory", (long long)st.st_size / 1024);
	long long size = dump(job);

	analyze_vmcore();
	report("phase sync");
	if (!to_disk)
		snapshot_hand_over(DUMP_FINISHED);
	else if (umount(DUMP_DIR))
		die("dump-incomplete", "%s: unmount: %s", DUMP_DIR, strerror(errno));
	report("end captured %lld", size);
	halt_here();
}
