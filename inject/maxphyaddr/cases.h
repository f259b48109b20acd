/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_MAXPHYADDR_CASES_H
#define INJECT_MAXPHYADDR_CASES_H

/*
 * What kselftest/maxphyaddr/maxphyaddr.sh says, as results: one for each group of
 * cases that a program reports, or for the program where it reports none.
 */

#include <jansson.h>

struct cases;

/* Of kernel @kernel on @target. NULL: no memory. */
struct cases *cases_new(const char *target, const char *kernel);
/* Take the next line. */
void cases_take(struct cases *cases, const char *line);
/*
 * No line follows; @why the target ended before the script, or NULL. What it was
 * about then is a failure.
 */
void cases_end(struct cases *cases, const char *why);
/*
 * An array, in order, of objects with target, kernel, parameters, program, name
 * ("MODE LEVEL CHECK"), pass, fail, xfail, skip (numbers of cases), status (pass, fail
 * or skip), text (of a failure or a skip) and notes (expected failures). Owned by @cases.
 */
json_t *cases_results(struct cases *cases);
void cases_free(struct cases *cases);

static inline void cleanup_cases(struct cases **cases)
{
	cases_free(*cases);
}

#endif
