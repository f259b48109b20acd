/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_CHARSET_H
#define ANALYZE_CHARSET_H

/* What characters a report may have. */

#include <stdio.h>

enum charset {
	CHARSET_ASCII,
	CHARSET_UTF8,	/* box drawing characters, too */
};

/* UTF-8 only for a terminal in a UTF-8 locale; a file may be read anywhere. */
enum charset charset_of(FILE *out);

/*
 * Write @text, of which the dump may have made a part: what could steer a
 * terminal, or is not in @charset, becomes "?".
 */
void charset_write(enum charset charset, const char *text, FILE *out);

#endif
