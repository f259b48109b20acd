// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "analyze/error.h"

struct error *option_number(const char *option, const char *text, unsigned int min,
			    unsigned int max, unsigned int *ret)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || errno || value < min || value > max)
		return error_new("--%s %s: not a number from %u to %u", option, text, min, max);
	*ret = value;
	return NULL;
}
