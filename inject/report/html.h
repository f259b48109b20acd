/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_HTML_H
#define INJECT_REPORT_HTML_H

#include <stdio.h>

/*
 * HTML out of text that anybody may have written: a console, a kernel, a user.
 * What stands in a format is markup, what goes in is text.
 */

/*
 * Like fprintf(), with what goes in escaped, for an element or a quoted attribute.
 * It knows the conversions %s and %.*s; %d, %u, %x, %zu, %lld, %f and %g, with flags,
 * width and precision as numbers.
 */
void html_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * @text escaped. Control characters, and those that turn the direction of writing, become
 * visible; a byte that is not UTF-8 becomes U+FFFD.
 */
void html_text(FILE *out, const char *text);

/* @path as the path of a URL, with what has a meaning there percent-encoded. */
void html_path(FILE *out, const char *path);

/* @word as a word of a POSIX shell, escaped. */
void html_shell_word(FILE *out, const char *word);

#endif
