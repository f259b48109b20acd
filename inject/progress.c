// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inject/process.h"

/* Seconds between signs of life where lines cannot be redrawn. */
#define PLAIN_INTERVAL 15

void progress_init(struct progress *progress, bool quiet)
{
	*progress = (struct progress){ .quiet = quiet };
	progress->run_start = now_seconds();
	progress->terminal = isatty(STDERR_FILENO);
}

static struct phase *current(struct progress *progress)
{
	return progress->nr_phases ? &progress->phases[progress->nr_phases - 1] : NULL;
}

static void show(struct progress *progress, const char *end)
{
	struct phase *phase = current(progress);

	if (!phase || progress->quiet)
		return;
	fprintf(stderr, "%s%7.1f s  %-12s %s%s", progress->terminal ? "\r\033[K" : "",
		now_seconds() - progress->run_start, phase->name, phase->detail, end);
	fflush(stderr);
	progress->last_shown = now_seconds();
}

static void finish_current(struct progress *progress)
{
	struct phase *phase = current(progress);

	if (!phase)
		return;
	phase->seconds = now_seconds() - progress->run_start - phase->start;
	if (progress->terminal)
		show(progress, "\n");
}

void progress_phase(struct progress *progress, const char *name, const char *detail)
{
	finish_current(progress);
	if (progress->nr_phases == sizeof(progress->phases) / sizeof(progress->phases[0]))
		progress->nr_phases--;
	struct phase *phase = &progress->phases[progress->nr_phases++];

	*phase = (struct phase){ .start = now_seconds() - progress->run_start };
	snprintf(phase->name, sizeof(phase->name), "%s", name);
	snprintf(phase->detail, sizeof(phase->detail), "%s", detail);
	show(progress, progress->terminal ? "" : "\n");
}

void progress_detail(struct progress *progress, const char *detail)
{
	struct phase *phase = current(progress);

	if (phase)
		snprintf(phase->detail, sizeof(phase->detail), "%s", detail);
}

void progress_tick(struct progress *progress)
{
	if (progress->terminal)
		show(progress, "");
	else if (now_seconds() - progress->last_shown >= PLAIN_INTERVAL)
		show(progress, "\n");
}

void progress_clear(const struct progress *progress)
{
	if (!progress->terminal || progress->quiet)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	finish_current(progress);
}

const char *progress_current(const struct progress *progress)
{
	return progress->nr_phases ? progress->phases[progress->nr_phases - 1].name : "none";
}
