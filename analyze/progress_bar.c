// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/progress_bar.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH	40

void progress_bar_init(struct progress_bar *bar, const char *what)
{
	*bar = (struct progress_bar){ .what = what, .terminal = isatty(STDERR_FILENO) };
}

void progress_bar_update(struct progress_bar *bar, uint64_t done, uint64_t total)
{
	/* In this order neither product can overflow. */
	unsigned int percent = total >= 100 ? done / (total / 100) : 0;

	if (!bar->terminal || percent == bar->percent)
		return;
	bar->percent = percent > 100 ? 100 : percent;
	fprintf(stderr, "\r%s [", bar->what);
	for (unsigned int i = 0; i < WIDTH; i++)
		fputc(i * 100 < bar->percent * WIDTH ? '#' : '.', stderr);
	fprintf(stderr, "] %3u%%", bar->percent);
	fflush(stderr);
}

void progress_bar_deinit(struct progress_bar *bar)
{
	if (bar->terminal)
		fputs("\r\033[K", stderr);
}
