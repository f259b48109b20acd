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

static struct error *add_test(struct selftests *selftests, const char *name)
{
	struct selftest *tests = realloc(selftests->tests, (selftests->nr + 1) * sizeof(*tests));

	if (!tests)
		return &error_no_memory;
	selftests->tests = tests;
	tests[selftests->nr] = (struct selftest){ .name = strdup(name) };
	return tests[selftests->nr++].name ? NULL : &error_no_memory;
}

/* In the order in which the tree's Makefile has them. */
static struct error *read_list(const char *output, struct selftests *selftests)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	struct error *err = NULL;
	size_t size = 0;

	if (asprintf(&path, "%s/list", output) < 0)
		return &error_no_memory;
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return error_errno(errno, "%s: cannot read", path);
	while (!err && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		err = add_test(selftests, line);
	}
	return err;
}

static struct error *find_programs(const char *output, struct selftests *selftests)
{
	static const char *const places[] = { "programs/x86_64/", "programs/x86/", "programs/", "" };

	for (size_t i = 0; i < selftests->nr; i++) {
		struct selftest *test = &selftests->tests[i];

		for (size_t j = 0; j < sizeof(places) / sizeof(places[0]) && !test->program; j++) {
			_cleanup_free_ char *path = NULL;

			if (asprintf(&path, "%s/%s%s", output, places[j], test->name) < 0)
				return &error_no_memory;
			if (!access(path, X_OK))
				test->program = no_cleanup_ptr(path);
		}
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

	return err ? error_context(err, "selftests for %s: cannot be built; the whole log is %s",
				   source, log) : NULL;
}

/* By the Makefile in kselftest/@kind; @ret: where the programs are. */
static struct error *build(const char *name, const char *kind, struct selftests *selftests,
			   char **ret)
{
	_cleanup_free_ char *source = NULL, *output = NULL, *makefiles = NULL, *log = NULL;
	char where[64];
	struct error *err = kernel_source(name, &source);

	snprintf(where, sizeof(where), "selftests/%s", kind);
	if (!err)
		err = kernel_output_directory(where, source, &output);
	if (err)
		return err;
	if (asprintf(&makefiles, "%s/kselftest/%s", data_directory(), kind) < 0 ||
	    asprintf(&log, "%s.log", output) < 0)
		return &error_no_memory;
	err = run_make(makefiles, source, output, log);
	if (err)
		return err;
	free(selftests->log);
	selftests->log = no_cleanup_ptr(log);
	*ret = no_cleanup_ptr(output);
	return NULL;
}

struct error *selftests_build_kvm(const char *name, struct selftests *ret)
{
	_cleanup_(selftests_deinit) struct selftests selftests = {};
	_cleanup_free_ char *output = NULL;
	struct error *err = build(name, "kvm", &selftests, &output);

	if (!err)
		err = read_list(output, &selftests);
	if (!err)
		err = find_programs(output, &selftests);
	if (err)
		return err;
	*ret = selftests;
	selftests = (struct selftests){};
	return NULL;
}

struct error *selftests_build_maxphyaddr(const char *name, struct selftests *ret)
{
	/* The kernel's was renamed in Linux 6.2. */
	static const char *const own[] = { "matrix", "corners" };
	static const char *const kernels[] = { "emulator_error_test",
					       "smaller_maxphyaddr_emulation_test" };
	_cleanup_(selftests_deinit) struct selftests selftests = {};
	_cleanup_free_ char *output = NULL, *kvm_output = NULL;
	struct error *err = build(name, "maxphyaddr", &selftests, &output);

	for (size_t i = 0; !err && i < sizeof(own) / sizeof(own[0]); i++)
		err = add_test(&selftests, own[i]);
	if (!err)
		err = find_programs(output, &selftests);
	if (!err)
		err = build(name, "kvm", &selftests, &kvm_output);
	for (size_t i = 0; !err && i < sizeof(kernels) / sizeof(kernels[0]); i++)
		err = add_test(&selftests, kernels[i]);
	if (!err)
		err = find_programs(kvm_output, &selftests);
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
