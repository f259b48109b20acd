/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PROGRESS_BAR_H
#define ANALYZE_PROGRESS_BAR_H

/* One line on stderr that is redrawn while something lasts; nothing but on a terminal. */

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
	const char *what;
	bool terminal;
	unsigned int percent;	/* shown last */
};

/* @what: "searching memory"; it must stay. */
void progress_bar_init(struct progress_bar *bar, const char *what);
/* May be called as often as one likes. */
void progress_bar_update(struct progress_bar *bar, uint64_t done, uint64_t total);
/* Leave the line empty. */
void progress_bar_deinit(struct progress_bar *bar);

#endif
