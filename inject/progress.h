/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_PROGRESS_H
#define INJECT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The phases a run goes through: shown on stderr while they last (on a
 * terminal one line that is redrawn, else a line a phase and one every 15 s),
 * and kept for run.json.
 */

struct phase {
	char name[32];
	char detail[160];
	double start;		/* seconds since the run began */
	double seconds;		/* how long it lasted; the last one: so far */
};

struct progress {
	struct phase phases[32];
	size_t nr_phases;
	double run_start;	/* now_seconds() */
	double last_shown;
	bool terminal;
	bool quiet;
};

void progress_init(struct progress *progress, bool quiet);
/* Begin a phase; names longer than a phase can hold are cut. */
void progress_phase(struct progress *progress, const char *name, const char *detail);
/* Replace the detail of the current phase. */
void progress_detail(struct progress *progress, const char *detail);
/* To be called a few times a second. */
void progress_tick(struct progress *progress);
/* Before something else is written that may come to the same terminal. */
void progress_clear(const struct progress *progress);
/* End the last phase and leave the terminal line free. */
void progress_end(struct progress *progress);
/* Name of the current phase, "none" before the first. */
const char *progress_current(const struct progress *progress);

#endif
