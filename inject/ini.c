// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t");
}

/* *@in_section: a section has begun. */
static struct error *take_line(char *line, const struct ini_calls *calls, void *arg,
			       bool *in_section)
{
	line = trim(line);
	if (!*line || *line == '#')
		return NULL;
	size_t length = strlen(line);

	if (*line == '[') {
		if (line[length - 1] != ']')
			return error_new("%s: no ] at the end", line);
		line[length - 1] = '\0';
		*in_section = true;
		return calls->section(arg, line + 1);
	}
	char *equals = strchr(line, '=');

	if (!equals)
		return error_new("%s: neither [NAME] nor KEY = VALUE", line);
	if (!*in_section)
		return error_new("%s: no [NAME] before it", line);
	*equals = '\0';
	return calls->key(arg, trim(line), trim(equals + 1));
}

struct error *ini_read(const char *path, const struct ini_calls *calls, void *arg)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	bool in_section = false;
	size_t size = 0;

	if (!file)
		return error_errno(errno, "%s: cannot be read", path);
	for (unsigned int nr = 1; getline(&line, &size, file) > 0; nr++) {
		struct error *err = take_line(line, calls, arg, &in_section);

		if (err)
			return error_context(err, "%s:%u", path, nr);
	}
	return ferror(file) ? error_errno(errno, "%s: cannot be read", path) : NULL;
}
