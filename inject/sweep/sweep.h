/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_SWEEP_H
#define INJECT_SWEEP_SWEEP_H

/* Many crashes, from as few armed snapshots as they need. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"
#include "inject/emulator.h"
#include "inject/run.h"

/* What a user asks of a sweep. Strings belong to the caller. */
struct sweep_options {
	const char *kernel;	/* separated by commas; NULL: those of the scenarios, or fixed */
	char *const *names;	/* of scenarios, groups, or globs ... */
	size_t nr_names;	/* ... 0: the one that the next four make */
	const char *points;	/* comma separated; NULL: every OP/STEP of this kernel */
	const char *deliver;	/* comma separated */
	const char *situation;	/* NULL: the one that each point needs */
	const char *trigger;	/* ditto */
	const char *scenarios;	/* file; NULL: the one that comes along */
	const char *operations;	/* of a dry sweep: comma separated; NULL: its default */
	const char *out;	/* directory; NULL: a new one below runs/ */
	const char *resume;	/* directory of a sweep to go on with; NULL */
	const char *junit;	/* file for JUnit XML; NULL */
	const char *vary;	/* seed of the first crash, the next one's is one more; NULL */
	unsigned int victim;	/* CPU, where a scenario does not say */
	unsigned int guests;	/* without a scenario */
	unsigned int bystanders; /* ditto */
	unsigned int memory;	/* MiB */
	unsigned int repeat;	/* each point this many times */
	unsigned int jobs;	/* at a time; 0: one for each CPU */
	unsigned int sample;	/* every N-th crash by both paths; 0: none but failures */
	unsigned int timeout;	/* seconds without a sign of life */
	unsigned int budget;	/* millions of emulated instructions a CPU and crash */
	enum emulator_choice emulator;
	enum run_path path;	/* RUN_FAST or RUN_FULL */
	bool dry;		/* crash nothing; see inject/dry.h */
	bool keep;		/* every run directory, not only of what did not pass */
	bool quiet;
	bool json;		/* a line of JSON for each crash instead of KTAP */
	const char *command;	/* line, for the record */
};

extern const struct sweep_options sweep_defaults;

/* Of the scenario that has no name but its options'. */
#define SWEEP_UNNAMED	"adhoc"

/*
 * *@ret: the worst status of all crashes. An error means that the sweep did not
 * come about or was broken off. @ret_directory: of the sweep, the caller frees it;
 * may be NULL.
 */
struct error *sweep(const struct sweep_options *options, enum exit_status *ret,
		    char **ret_directory);

/* The scenarios of the file, or those that are named, for people or as JSON. */
struct error *sweep_list(const struct sweep_options *options);

#endif
