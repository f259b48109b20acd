/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_H
#define INJECT_SWEEP_H

/* Many crashes from one armed snapshot. */

#include <stdbool.h>
#include <stdint.h>

#include "analyze/error.h"
#include "inject/emulator.h"
#include "inject/run.h"

/* What a user asks of a sweep. Strings belong to the caller. */
struct sweep_options {
	const char *kernel;
	const char *points;	/* comma separated; NULL: every OP/STEP of this kernel */
	const char *deliver;	/* comma separated */
	const char *operations;	/* of a dry sweep: comma separated; NULL: its default */
	const char *out;	/* directory; NULL: a new one below runs/ */
	const char *vary;	/* seed of the first crash, the next one's is one more; NULL */
	unsigned int victim;	/* CPU */
	unsigned int guests;
	unsigned int bystanders;
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
	bool json;		/* a line of JSON for each crash instead of text */
};

extern const struct sweep_options sweep_defaults;

/*
 * *@ret: the worst status of all crashes. An error means that the sweep did not
 * come about or was broken off.
 */
struct error *sweep(const struct sweep_options *options, enum exit_status *ret);

#endif
