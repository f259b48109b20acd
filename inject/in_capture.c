// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/in_capture.h"

#include <string.h>

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

struct error *in_capture_compare(const char *path, const json_t *verdict)
{
	json_error_t reason;
	json_t *other __attribute__((__cleanup__(cleanup_json))) =
		json_load_file(path, 0, &reason);
	const char *key;
	json_t *value;

	if (!other)
		return error_new("%s: the capture kernel left no verdict of /proc/vmcore: %s; its console tells why",
				 path, reason.text);
	json_object_foreach((json_t *)verdict, key, value) {
		/* The one is in a file of another format. */
		if (strcmp(key, "dump") && !json_equal(value, json_object_get(other, key)))
			return error_new("%s: the verdict of /proc/vmcore in the capture kernel has another \"%s\" than that of the dump, verdict.json",
					 path, key);
	}
	return NULL;
}
