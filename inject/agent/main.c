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

/* Where in struct job the value of a key goes: a string or a number. */
struct job_key {
	const char *key;
	size_t text;		/* offset; 0 where it is a number: role is no number */
	size_t number;
};

#define TEXT(field)	{ #field, offsetof(struct job, field), 0 }
#define NUMBER(field)	{ #field, 0, offsetof(struct job, field) }

static const struct job_key job_keys[] = {
	TEXT(role),
	NUMBER(guests), NUMBER(bystanders), NUMBER(victim),
	TEXT(point), TEXT(probe), TEXT(deliver), TEXT(trigger), TEXT(situation),
	TEXT(skip), TEXT(svm), TEXT(layout),
	TEXT(capture), TEXT(checks), TEXT(arm), TEXT(snapshot), TEXT(vary), TEXT(dry),
	TEXT(dump), TEXT(compress), TEXT(tests), TEXT(arguments), TEXT(append),
};

#define NR_KEYS (sizeof(job_keys) / sizeof(job_keys[0]))

static void set_key(struct job *job, const struct job_key *key, const char *value)
{
	if (key->number)
		*(unsigned int *)((char *)job + key->number) = strtoul(value, NULL, 0);
	else
		*(const char **)((char *)job + key->text) = value;
}

void job_parse(struct job *job, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		size_t k, length = strcspn(argv[i], "=");

		for (k = 0; k < NR_KEYS; k++)
			if (strlen(job_keys[k].key) == length &&
			    !strncmp(argv[i], job_keys[k].key, length))
				break;
		if (k == NR_KEYS || argv[i][length] != '=')
			die("setup-failed", "agent: %s: not a KEY=VALUE it knows", argv[i]);
		set_key(job, &job_keys[k], argv[i] + length + 1);
	}
}

static void parse_environment(struct job *job)
{
	for (size_t k = 0; k < NR_KEYS; k++) {
		char name[32];

		snprintf(name, sizeof(name), "agent_%s", job_keys[k].key);
		if (getenv(name) && !job_keys[k].number)
			set_key(job, &job_keys[k], getenv(name));
	}
}

int main(int argc, char **argv)
{
	struct job job = { .role = "host", .deliver = "self", .trigger = "create",
			   .situation = "plain", .capture = "yes", .checks = "no", .arm = "yes",
			   .snapshot = "no", .dry = "no",
			   .dump = "disk", .compress = "no", .tests = "", .arguments = "",
			   .append = "" };

	/* For a script in the target, which cannot do it itself */
	if (argc == 2 && !strcmp(argv[1], "role=create-vm"))
		return try_vm();
	mount_kernel_filesystems();
	report_open();
	parse_environment(&job);
	job_parse(&job, argc - 1, argv + 1);
	if (!strcmp(job.role, "capture"))
		capture_main(&job);
	if (!strcmp(job.role, "kselftest"))
		kselftest_main(&job);
	host_main(&job);
}
