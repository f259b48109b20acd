// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/textfile.h"

#include <err.h>
#include <stdio.h>

char *read_file(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!in || getdelim(&text, &size, '\0', in) < 0)
		err(2, "%s", path);
	fclose(in);
	return text;
}
