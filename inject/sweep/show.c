// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/show.h"

#include <stdio.h>

#include "inject/process.h"
#include "inject/sweep/ktap.h"

void show_init(struct show *show, size_t total, bool json, bool quiet)
{
	*show = (struct show){ .total = total, .json = json };
	progress_init(&show->progress, quiet);
	if (!json)
		ktap_begin(stdout, total);
}

/* Without what is too long for a line; results.json has it. */
static void print_json(const json_t *result)
{
	json_t *line = json_copy((json_t *)result);

	json_object_del(line, "vmcs");
	json_object_del(line, "lists");
	json_object_del(line, "operations");
	json_object_del(line, "findings");
	json_object_del(line, "console");
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	putchar('\n');
	json_decref(line);
}

void show_result(struct show *show, const json_t *result, bool made)
{
	const char *status = json_string_value(json_object_get(result, "status"));

	results_count_add(&show->count, status ?: "");
	show->made += made;
	progress_clear(&show->progress);
	if (show->json)
		print_json(result);
	else
		ktap_result(stdout, results_count_total(&show->count), result);
	fflush(stdout);
}

static double making_seconds(const struct show *show)
{
	return show->making + (show->resumed_at ? now_seconds() - show->resumed_at : 0);
}

void show_making(struct show *show, bool making)
{
	show->making = making_seconds(show);
	show->resumed_at = making ? now_seconds() : 0;
}

double show_pace(const struct show *show)
{
	double seconds = making_seconds(show);

	return seconds > 0 ? 60 * show->made / seconds : 0;
}

/* "1 h 02 min", "3 min 20 s", "12 s" */
static void write_time(double seconds, char *ret, size_t size)
{
	unsigned long s = seconds + 0.5;

	if (s >= 3600)
		snprintf(ret, size, "%lu h %02lu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(ret, size, "%lu min %02lu s", s / 60, s % 60);
	else
		snprintf(ret, size, "%lu s", s);
}

void show_tick(struct show *show)
{
	const struct results_count *count = &show->count;
	size_t done = results_count_total(count), left = show->total - done;
	size_t bad = count->fail + count->error + count->inconclusive;
	double pace = show_pace(show);
	char text[160], time[32] = "?";

	if (pace > 0)
		write_time(60 * left / pace, time, sizeof(time));
	snprintf(text, sizeof(text), "%zu done, %zu left, %zu not as expected, %.0f a minute, "
		 "%s to go", done, left, bad, pace, time);
	progress_detail(&show->progress, text);
	progress_tick(&show->progress);
}
