// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/target.h"

#include <stdio.h>
#include <string.h>

#include "analyze/error.h"

const struct target_ops *const targets[] = { &target_bochs, &target_qemu, NULL };

struct error *target_find(const char *name, const struct target_ops **ret)
{
	char names[128] = "";

	for (size_t i = 0; targets[i]; i++) {
		if (!strcmp(targets[i]->name, name)) {
			*ret = targets[i];
			return NULL;
		}
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", used ? " or " : "",
			 targets[i]->name);
	}
	return error_new("--target %s: no such target; use %s", name, names);
}
