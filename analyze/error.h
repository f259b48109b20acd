/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ERROR_H
#define ANALYZE_ERROR_H

#include <stdbool.h>

/*
 * A function that can fail returns struct error *, NULL for success; its
 * results come out through last parameters named ret.  The message reads
 * "object: operation: cause; cure" and grows from the inside out while the
 * error travels up (error_context()).  Whoever does not pass an error on frees it.
 */

/* Exit statuses of every kdump-torture command. */
enum exit_status {
	STATUS_PASS = 0,
	STATUS_FAIL = 1,
	STATUS_USAGE = 2,	 /* usage, set-up, or input that cannot be read */
	STATUS_INCONCLUSIVE = 3,
};

struct error {
	char *message;	/* no newline at the end */
};

/* Out of memory; static, so that reporting it needs no memory. */
extern struct error error_no_memory;

/*
 * Return: a new error owned by the caller, or &error_no_memory; never NULL.
 */
struct error *error_new(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Like error_new(), with ": " and the text of the errno value @err behind it. */
struct error *error_errno(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Put "@format: " before the message of @err.
 * Return: the error to pass on, in place of @err.
 */
struct error *error_context(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL is fine. */
void error_free(struct error *err);

/* Print "kdump-torture: MESSAGE" on stderr and free @err. */
void error_report(struct error *err);

static inline void cleanup_error(struct error **err)
{
	error_free(*err);
}

#define _cleanup_error_	__attribute__((__cleanup__(cleanup_error)))

#endif
