// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/html.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT	0xfffd

/* The character at *@text, which goes behind it; REPLACEMENT for a byte that begins none. */
static uint32_t next_character(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	unsigned int more = *p >= 0xf0 && *p < 0xf8 ? 3 : *p >= 0xe0 && *p < 0xf0 ? 2 :
			    *p >= 0xc0 && *p < 0xe0 ? 1 : 0;
	/* The least that needs so many bytes: a longer form is another way to write it. */
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = more ? *p & (0x3f >> more) : *p;

	++*text;
	if (*p < 0x80)
		return c;
	for (unsigned int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!more || c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return REPLACEMENT;
	*text += more;
	return c;
}

/* Written as such they would let a line look other than it is (CVE-2021-42574). */
static bool turns_direction(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void put_character(FILE *out, uint32_t c, const char *bytes, size_t length)
{
	if (c == '&')
		fputs("&amp;", out);
	else if (c == '<')
		fputs("&lt;", out);
	else if (c == '>')
		fputs("&gt;", out);
	else if (c == '"')
		fputs("&quot;", out);
	else if (c == '\'')
		fputs("&#39;", out);
	else if (c < ' ' && c != '\n' && c != '\t')
		fprintf(out, "&#x%x;", 0x2400 + c);	/* U+2400: the pictures of them */
	else if (c == 0x7f)
		fputs("&#x2421;", out);
	else if ((c > 0x7f && c < 0xa0) || turns_direction(c))
		fprintf(out, "[U+%04X]", c);
	else if (c == REPLACEMENT)
		fputs("&#xfffd;", out);
	else
		fwrite(bytes, 1, length, out);
}

void html_text(FILE *out, const char *text)
{
	while (*text) {
		const char *start = text;
		uint32_t c = next_character(&text);

		put_character(out, c, start, text - start);
	}
}

void html_path(FILE *out, const char *path)
{
	for (; *path; path++) {
		unsigned char c = *path;

		if (isalnum(c) || strchr("-._~/+,=@", c))
			putc(c, out);
		else
			fprintf(out, "%%%02X", c);
	}
}

void html_shell_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./+,=:@%";

	if (*word && !word[strspn(word, plain)]) {
		html_text(out, word);
		return;
	}
	html_text(out, "'");
	while (*word) {
		size_t length = strcspn(word, "'");

		html_print(out, "%.*s", (int)length, word);
		word += length;
		if (*word) {
			html_text(out, "'\\''");
			word++;
		}
	}
	html_text(out, "'");
}

/* What a conversion makes of its arguments goes through here. */
static void put_converted(FILE *out, const char *spec, ...)
{
	_Pragma("GCC diagnostic push")
	_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
	char *text = NULL;
	va_list ap;

	va_start(ap, spec);
	if (vasprintf(&text, spec, ap) >= 0) {
		html_text(out, text);
		free(text);
	}
	va_end(ap);
	_Pragma("GCC diagnostic pop")
}

#define MAX_SPEC	16

/* @spec is one conversion; its arguments are the next of @ap. */
static void convert(FILE *out, const char *spec, va_list *ap)
{
	const char *star = strchr(spec, '*');
	int width = star ? va_arg(*ap, int) : 0;

	switch (spec[strlen(spec) - 1]) {
	case 's':
		if (star)
			put_converted(out, spec, width, va_arg(*ap, const char *));
		else
			html_text(out, va_arg(*ap, const char *));
		break;
	case 'f':
	case 'g':
		put_converted(out, spec, va_arg(*ap, double));
		break;
	default:
		if (strchr(spec, 'z'))
			put_converted(out, spec, va_arg(*ap, size_t));
		else if (strstr(spec, "ll"))
			put_converted(out, spec, va_arg(*ap, long long));
		else
			put_converted(out, spec, va_arg(*ap, int));
	}
}

void html_print(FILE *out, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	while (*format) {
		size_t literal = strcspn(format, "%");
		char spec[MAX_SPEC] = "";

		fwrite(format, 1, literal, out);
		format += literal;
		if (!*format)
			break;
		if (format[1] == '%') {
			putc('%', out);
			format += 2;
			continue;
		}
		size_t length = strcspn(format, "sduxfg") + 1;

		if (length >= sizeof(spec))
			abort();
		memcpy(spec, format, length);
		format += length;
		convert(out, spec, &ap);
	}
	va_end(ap);
}
