// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/kernel_build.h"
#include "inject/process.h"

struct error *emulator_parse(const char *text, enum emulator_choice *ret)
{
	static const char *const names[] = {
		[EMULATOR_ANY] = "any",
		[EMULATOR_PACKAGED] = "packaged",
		[EMULATOR_FAST] = "fast",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return NULL;
		}
	}
	return error_new("--emulator %s: use any, packaged or fast", text);
}

static struct error *find_packaged(struct emulator *ret)
{
	_cleanup_free_ char *version = NULL;
	struct error *err = run_tool((const char *[]){ "dpkg-query", "-W", "-f", "${Version} ",
						       "bochs", NULL }, &version);

	/* Whatever dpkg says, what counts is whether it can be started. */
	error_free(err);
	ret->program = strdup("bochs");
	ret->debugger = true;
	if (!ret->program ||
	    asprintf(&ret->version, "Bochs %s(packaged)", version ? version : "") < 0)
		return &error_no_memory;
	return NULL;
}

/* "unknown" if the build left no version. */
static void read_version(const char *path, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file || !fgets(ret, size, file))
		snprintf(ret, size, "unknown");
	ret[strcspn(ret, "\n")] = '\0';
}

static struct error *find_fast(struct emulator *ret)
{
	_cleanup_free_ char *version_file = NULL;
	char version[64];

	ret->debugger = false;
	if (asprintf(&ret->program, "%s/emulator/bochs", data_directory()) < 0 ||
	    asprintf(&version_file, "%s/emulator/version", data_directory()) < 0)
		return &error_no_memory;
	if (access(ret->program, X_OK))
		return error_new("%s: the fast emulator has not been built; run 'make emulator', "
				 "or use --emulator packaged", ret->program);
	read_version(version_file, version, sizeof(version));
	if (asprintf(&ret->version, "Bochs %s (fast)", version) < 0)
		return &error_no_memory;
	return NULL;
}

struct error *emulator_find(enum emulator_choice choice, struct emulator *ret)
{
	_cleanup_(emulator_deinit) struct emulator emulator = {};
	struct error *err = NULL;

	if (choice != EMULATOR_PACKAGED)
		err = find_fast(&emulator);
	if (err && choice == EMULATOR_ANY) {
		error_free(err);
		emulator_deinit(&emulator);
		err = NULL;
		choice = EMULATOR_PACKAGED;
	}
	if (choice == EMULATOR_PACKAGED)
		err = find_packaged(&emulator);
	if (err)
		return err;
	*ret = emulator;
	emulator = (struct emulator){};
	return NULL;
}

bool emulator_explain_end(const struct emulator *emulator, int status, const char *log_path,
			  char *ret, size_t size)
{
	_cleanup_fclose_ FILE *log = log_path ? fopen(log_path, "re") : NULL;
	_cleanup_free_ char *line = NULL;
	bool triple_fault = false;
	size_t line_size = 0;

	if (WIFSIGNALED(status))
		snprintf(ret, size, "emulator: killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == EMULATOR_EXEC_FAILED)
		snprintf(ret, size, "emulator: %s cannot be started; install it with 'make deps'",
			 emulator->program);
	else
		snprintf(ret, size, "emulator: exited with status %d", WEXITSTATUS(status));
	while (log && getline(&line, &line_size, log) > 0) {
		line[strcspn(line, "\n")] = '\0';
		char *panic = strstr(line, "p[");

		if (strstr(line, "exception with no resolution"))
			triple_fault = true;
		if (panic && (triple_fault || strstr(line, ">>PANIC<<")))
			snprintf(ret, size, "emulator: %s", panic);
	}
	return triple_fault;
}

void emulator_deinit(struct emulator *emulator)
{
	free(emulator->program);
	free(emulator->version);
	*emulator = (struct emulator){};
}
