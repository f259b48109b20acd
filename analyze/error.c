// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char no_memory_message[] = "out of memory";

struct error error_no_memory = { .message = no_memory_message };

/* Takes ownership of @message, which may be NULL when memory ran out. */
static struct error *error_wrap(char *message)
{
	struct error *err = message ? malloc(sizeof(*err)) : NULL;

	if (!err) {
		free(message);
		return &error_no_memory;
	}
	err->message = message;
	return err;
}

static char *format_message(const char *format, va_list ap)
{
	char *message;

	return vasprintf(&message, format, ap) < 0 ? NULL : message;
}

struct error *error_new(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	char *message = format_message(format, ap);
	va_end(ap);
	return error_wrap(message);
}

struct error *error_errno(int errnum, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	char *what = format_message(format, ap);
	va_end(ap);
	if (!what)
		return &error_no_memory;
	struct error *err = error_new("%s: %s", what, strerror(errnum));

	free(what);
	return err;
}

struct error *error_context(struct error *err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	char *what = format_message(format, ap);
	va_end(ap);
	struct error *outer = error_new("%s: %s", what ? what : "?", err->message);

	free(what);
	error_free(err);
	return outer;
}

void error_free(struct error *err)
{
	if (!err || err == &error_no_memory)
		return;
	free(err->message);
	free(err);
}

void error_report(struct error *err)
{
	fprintf(stderr, "kdump-torture: %s\n", err->message);
	error_free(err);
}
