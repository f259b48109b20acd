/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_TRIGGERS_H
#define INJECT_TRIGGERS_H

/*
 * What an agent can do with a host: triggers, which take the victim CPU to the
 * point, and situations, which come before. The agent does them; here is what
 * is to be known of them from outside.
 */

#include <stdio.h>

struct error;

struct trigger {
	const char *name;
	const char *meaning;	/* a line for people */
};

/* Both end with a NULL name. */
extern const struct trigger triggers[], situations[];

/*
 * Is @list names of triggers, with commas between? @what: how the user says it,
 * --trigger or, in a file, trigger.
 */
struct error *triggers_check(const char *what, const char *list);
struct error *situation_check(const char *what, const char *name);

/* A line of help for each. */
void triggers_print(const struct trigger *table, FILE *out);

#endif
