// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/selftests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/kernel_build.h"
#include "inject/process.h"

/* In the order in which the tree's Makefile has them. */
static struct error *read_list(const char *output, struct selftests *selftests)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (asprintf(&path, "%s/list", output) < 0)
		return &error_no_memory;
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return error_errno(errno, "%s: cannot read", path);
	while ((length = getline(&line, &size, file)) > 0) {
		struct selftest *tests = realloc(selftests->tests,
						 (selftests->nr + 1) * sizeof(*tests));

		if (!tests)
			return &error_no_memory;
		selftests->tests = tests;
		line[strcspn(line, "\n")] = '\0';
		tests[selftests->nr] = (struct selftest){ .name = strdup(line) };
		if (!tests[selftests->nr++].name)
			return &error_no_memory;
	}
	return NULL;
}

static struct error *find_program(const char *output, struct selftest *test)
{
	static const char *const places[] = { "programs/x86_64", "programs/x86", "programs" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s/%s", output, places[i], test->name) < 0)
			return &error_no_memory;
		if (access(path, X_OK))
			continue;
		test->program = no_cleanup_ptr(path);
		return NULL;
	}
	return NULL;
}

static struct error *run_make(const char *makefiles, const char *source, const char *output,
			      const char *log)
{
	static const char command[] =
		"mkdir -p \"$3\" && make -j\"$(nproc)\" -C \"$1\" KSRC=\"$2\" OUTPUT=\"$3\" "
		"> \"$4\" 2>&1 || { tail -n 1 \"$4\" >&2; false; }";

	/* Below a make of the user's, whose jobs are not ours to share */
	unsetenv("MAKEFLAGS");
	unsetenv("MAKELEVEL");
	struct error *err = run_tool((const char *[]){ "sh", "-c", command, "sh", makefiles,
						       source, output, log, NULL }, NULL);

	return err ? error_context(err, "KVM selftests of %s: cannot be built; the whole log is %s",
				   source, log) : NULL;
}

struct error *selftests_build_kvm(const char *name, struct selftests *ret)
{
	_cleanup_(selftests_deinit) struct selftests selftests = {};
	_cleanup_free_ char *source = NULL, *output = NULL, *makefiles = NULL;
	struct error *err = kernel_source(name, &source);

	if (!err)
		err = kernel_output_directory("selftests/kvm", source, &output);
	if (err)
		return err;
	if (asprintf(&makefiles, "%s/kselftest/kvm", data_directory()) < 0 ||
	    asprintf(&selftests.log, "%s.log", output) < 0)
		return &error_no_memory;
	err = run_make(makefiles, source, output, selftests.log);
	if (!err)
		err = read_list(output, &selftests);
	for (size_t i = 0; !err && i < selftests.nr; i++)
		err = find_program(output, &selftests.tests[i]);
	if (err)
		return err;
	*ret = selftests;
	selftests = (struct selftests){};
	return NULL;
}

const struct selftest *selftests_find(const struct selftests *selftests, const char *name)
{
	for (size_t i = 0; i < selftests->nr; i++)
		if (!strcmp(selftests->tests[i].name, name))
			return &selftests->tests[i];
	return NULL;
}

void selftests_deinit(struct selftests *selftests)
{
	for (size_t i = 0; i < selftests->nr; i++) {
		free(selftests->tests[i].name);
		free(selftests->tests[i].program);
	}
	free(selftests->tests);
	free(selftests->log);
	*selftests = (struct selftests){};
}
