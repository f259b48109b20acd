/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

/* The Test Anything Protocol: a fact a line; the plan comes last. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_run, tap_failed;

/* Return: @good, so that a test can say more about a failure with tap_diag(). */
__attribute__((format(printf, 2, 3)))
static inline bool tap_ok(bool good, const char *fact, ...)
{
	va_list ap;

	tap_failed += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tap_run);
	va_start(ap, fact);
	vprintf(fact, ap);
	va_end(ap);
	putchar('\n');
	return good;
}

__attribute__((format(printf, 1, 2)))
static inline void tap_diag(const char *format, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

/* What main() returns. */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed != 0;
}

#endif
