// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/vmcoreinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value behind "@key=", up to the end of its line, or NULL. */
static const char *find_value(const struct vmcoreinfo *info, const char *key)
{
	size_t len = strlen(key);
	const char *line = info->text;

	while (*line) {
		if (!strncmp(line, key, len) && line[len] == '=')
			return line + len + 1;
		line += strcspn(line, "\n");
		line += strspn(line, "\n");
	}
	return NULL;
}

bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key,
		       char *ret, size_t size)
{
	const char *value = find_value(info, key);

	if (!value)
		return false;
	snprintf(ret, size, "%.*s", (int)strcspn(value, "\n"), value);
	return true;
}

static bool find_u64(const struct vmcoreinfo *info, const char *kind,
		     const char *name, int base, uint64_t *ret)
{
	char key[128];

	snprintf(key, sizeof(key), "%s(%s)", kind, name);
	const char *value = find_value(info, key);

	/* Decimal ones are signed: phys_base is negative where KASLR maps text above its place. */
	if (!value || !isxdigit((unsigned char)value[base == 10 && *value == '-']))
		return false;
	char *end;

	errno = 0;
	uint64_t number = strtoull(value, &end, base);

	if (errno || (*end && *end != '\n'))
		return false;
	*ret = number;
	return true;
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name,
		       uint64_t *ret)
{
	return find_u64(info, "SYMBOL", name, 16, ret);
}

bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *kind,
		       const char *name, uint64_t *ret)
{
	return find_u64(info, kind, name, 10, ret);
}
