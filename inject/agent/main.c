// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void mount_kernel_filesystems(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "devtmpfs", "/dev" },
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tmpfs", "/tmp" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
	}
	/* The initramfs holds no device nodes: stdio comes from devtmpfs. */
	int console = open("/dev/console", O_RDWR | O_NOCTTY);

	if (console < 0)
		return;
	for (int fd = 0; fd <= 2; fd++)
		dup2(console, fd);
	if (console > 2)
		close(console);
}

static void parse_job(int argc, char **argv, struct job *job)
{
	struct {
		const char *key;
		const char **text;
		unsigned int *number;
	} keys[] = {
		{ "role", &job->role, NULL },
		{ "guests", NULL, &job->guests },
		{ "bystanders", NULL, &job->bystanders },
		{ "victim", NULL, &job->victim },
		{ "point", &job->point, NULL },
		{ "probe", &job->probe, NULL },
		{ "deliver", &job->deliver, NULL },
		{ "trigger", &job->trigger, NULL },
		{ "skip", &job->skip, NULL },
		{ "layout", &job->layout, NULL },
		{ "capture", &job->capture, NULL },
		{ "arm", &job->arm, NULL },
		{ "append", &job->append, NULL },
	};
	size_t nr_keys = sizeof(keys) / sizeof(keys[0]);

	*job = (struct job){ .role = "host", .deliver = "self", .trigger = "create",
			     .capture = "yes", .arm = "yes",
			     .append = "" };
	for (size_t k = 0; k < nr_keys; k++) {
		char name[32];

		snprintf(name, sizeof(name), "agent_%s", keys[k].key);
		if (getenv(name) && keys[k].text)
			*keys[k].text = getenv(name);
	}
	for (int i = 1; i < argc; i++) {
		size_t k, length = strcspn(argv[i], "=");

		for (k = 0; k < nr_keys; k++)
			if (strlen(keys[k].key) == length && !strncmp(argv[i], keys[k].key, length))
				break;
		if (k == nr_keys || argv[i][length] != '=')
			die("setup-failed", "agent: %s: not a KEY=VALUE it knows", argv[i]);
		const char *value = argv[i] + length + 1;

		if (keys[k].text)
			*keys[k].text = value;
		else
			*keys[k].number = strtoul(value, NULL, 0);
	}
	if (!job->probe)
		job->probe = job->point;
}

int main(int argc, char **argv)
{
	struct job job;

	mount_kernel_filesystems();
	report_open();
	parse_job(argc, argv, &job);
	if (!strcmp(job.role, "capture"))
		capture_main();
	if (!strcmp(job.role, "kselftest"))
		kselftest_main(&job);
	if (!job.point)
		die("setup-failed", "agent: no point to arm");
	host_main(&job);
}
