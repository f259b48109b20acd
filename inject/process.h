/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_PROCESS_H
#define INJECT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

/*
 * Run a tool to its end, with its output kept off the terminal.
 * @argv: NULL terminated; argv[0] is looked up in PATH.
 * @ret: its standard output, NUL terminated, owned by the caller; NULL: unwanted.
 *
 * An exit status other than 0 is an error that quotes the last line the tool
 * wrote.
 */
struct error *run_tool(const char *const argv[], char **ret);

/*
 * From now on a termination signal (INT, TERM, HUP) is only noted, so that
 * what was started can be ended first.
 */
void signals_hold(void);
/* The signal that was noted since signals_hold(), or 0. */
int signals_pending(void);
/* Die of the noted signal as if it had never been held; returns if none was. */
void signals_release(void);

/* Seconds of a monotonic clock. */
double now_seconds(void);

#endif
