// SPDX-License-Identifier: GPL-2.0-or-later
/* A dry run: the driver watches all boundaries of a table, and nothing crashes. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE		"/dry"
/* Less than the driver takes in one write, with room for a line more. */
#define PIECE		3500
/* Of a report; what is longer is cut off. */
#define MAX_REPORT	400

static void feed_table(void)
{
	FILE *table = fopen(TABLE, "r");
	char piece[4096], line[256];
	size_t length = 0;

	if (!table)
		die("setup-failed", TABLE ": %s", strerror(errno));
	set_knob("dry_table", "\n");
	while (fgets(line, sizeof(line), table)) {
		length += snprintf(piece + length, sizeof(piece) - length, "%s", line);
		if (length < PIECE)
			continue;
		set_knob("dry_table", piece);
		length = 0;
	}
	fclose(table);
	if (length)
		set_knob("dry_table", piece);
}

/* INDEX:NUMBER, many to a line. */
struct counts {
	const char *word;	/* the line's first */
	char line[MAX_REPORT];
};

static void counts_end(struct counts *counts)
{
	if (counts->line[0])
		report("%s%s", counts->word, counts->line);
	counts->line[0] = '\0';
}

static void counts_add(struct counts *counts, unsigned int index, unsigned long number)
{
	char text[40];

	snprintf(text, sizeof(text), " %u:%lu", index, number);
	if (strlen(counts->line) + strlen(text) >= sizeof(counts->line))
		counts_end(counts);
	strcat(counts->line, text);
}

static void report_result(void)
{
	struct counts hits = { .word = "dry" }, missed = { .word = "dry-missed" };
	FILE *result = fopen(KNOBS "dry_result", "r");
	char line[256];

	if (!result)
		die("setup-failed", KNOBS "dry_result: %s", strerror(errno));
	while (fgets(line, sizeof(line), result)) {
		unsigned long number;
		unsigned int index;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%u %lu", &index, &number) == 2) {
			counts_add(&hits, index, number);
			continue;
		}
		counts_end(&hits);
		if (sscanf(line, "missed %u %lu", &index, &number) == 2) {
			counts_add(&missed, index, number);
			continue;
		}
		counts_end(&missed);
		report("dry-%s", line);
	}
	fclose(result);
}

void dry_main(struct host *host)
{
	char *triggers = strdup(host->job->trigger);

	report("phase dry");
	/* Guests that run all the time come to more boundaries than a CPU can do. */
	vms_stay(host);
	feed_table();
	set_layout(host->job);
	set_knob("dry", "1");
	for (char *t = strtok(triggers, ","); t; t = strtok(NULL, ","))
		trigger_pull(host, t);
	set_knob("dry", "0");
	report("phase dry-result");
	report_result();
	halt_here();
}
