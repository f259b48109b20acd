/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SUITE_H
#define INJECT_SUITE_H

#include <stdbool.h>
#include <stddef.h>

#include "inject/emulator.h"

/* Tests that run in a target and crash nothing, as long as all is well. */

struct error;
struct kernel_build;
struct target_file;
struct target_ops;

struct suite_test {
	const char *name;	/* as the agent knows it, else its program's */
	const char *program;	/* to be taken along as that; NULL: one of the project's own */
	bool breaks;		/* no other test can follow it in the same boot */
};

enum suite_end {
	SUITE_EXIT,	/* number: the exit status */
	SUITE_SIGNAL,	/* number: the signal */
	SUITE_TIME,	/* number: seconds that it had */
	SUITE_CRASH,	/* it took the target down, or the target hung */
};

struct suite_result {
	enum suite_end end;
	int number;
	const char *text;	/* of a crash; else empty */
};

struct suite_config {
	const struct target_ops *target;
	const struct kernel_build *kernel;
	enum emulator_choice emulator;
	unsigned int memory;	/* MiB */
	const struct suite_test *tests;
	size_t nr_tests;
	size_t batch;		/* tests a boot, at most */
	const struct target_file *files; /* to take along besides; NULL: none */
	const char *arguments;	/* of scripts, as the agent has it; NULL: none */
	bool quiet;
	/* What comes of them, in order; @data is passed along. */
	void (*begin)(void *data, size_t test);
	void (*line)(void *data, size_t test, const char *line);
	void (*end)(void *data, size_t test, const struct suite_result *result);
	void *data;
};

/*
 * Run all of them. One that takes its target down is followed by another boot for
 * the rest. An error: the target could not do it, or a signal came; then
 * @logs (owned by the caller) is where the target's logs are, if there are any.
 */
struct error *suite_run(const struct suite_config *config, char **logs);

/* How it ended, in words, such as "killed by signal 11". */
void suite_describe(const struct suite_result *result, char *ret, size_t size);

#endif
