/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_STORY_H
#define INJECT_REPORT_STORY_H

#include <stdio.h>

#include "inject/report/model.h"

/* What has to be known of the page to tell of a crash. */
struct story_context {
	const struct model *model;
	const char *link;	/* to the directory of the sweep, with a slash at the end; empty:
				 * the page is in it */
};

/*
 * A sheet for each crash: what was interrupted, what the crash path made of it, what is
 * wrong, the console, and how to repeat it. Crashes that left the same VMCSes and
 * lists behind share these.
 */
void stories(FILE *out, const struct story_context *context);

/* What is to be said of a crash in a table. */
void story_text(FILE *out, const struct crash *crash);

#endif
