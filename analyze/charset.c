// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/charset.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum charset charset_of(FILE *out)
{
	if (!isatty(fileno(out)))
		return CHARSET_ASCII;
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	if (!locale)
		return CHARSET_ASCII;
	bool utf8 = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");

	freelocale(locale);
	return utf8 ? CHARSET_UTF8 : CHARSET_ASCII;
}

/* U+0080 to U+009F are C1 controls: in UTF-8 0xc2 and the number itself. */
static bool is_c1(const unsigned char *c)
{
	return c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
}

void charset_write(enum charset charset, const char *text, FILE *out)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool control = (*c < ' ' && *c != '\n') || *c == 0x7f;

		if (control || (*c & 0x80 && charset == CHARSET_ASCII) || is_c1(c)) {
			c += is_c1(c);
			fputc('?', out);
		} else {
			fputc(*c, out);
		}
	}
}
