/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_INI_H
#define INJECT_INI_H

/* Files of sections [NAME], each with lines KEY = VALUE; # begins a comment line. */

struct error;

/* Strings are valid during the call; @value has no white space around it. */
struct ini_calls {
	struct error *(*section)(void *arg, const char *name);
	struct error *(*key)(void *arg, const char *key, const char *value);
};

/* An error, that of a call too, begins with @path and the number of the line. */
struct error *ini_read(const char *path, const struct ini_calls *calls, void *arg);

#endif
