// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/compiled.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define FLAGS	"-ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone "	\
		"-mgeneral-regs-only -fno-asynchronous-unwind-tables "		\
		"-fno-stack-protector -fcf-protection=none -w"

bool run(const char *command)
{
	int status = system(command);

	return status != -1 && WIFEXITED(status) && !WEXITSTATUS(status);
}

FILE *run_read(const char *command)
{
	FILE *pipe = popen(command, "r");

	if (!pipe)
		err(1, "%s", command);
	return pipe;
}

/* "ld -r" also leaves each object's own static functions, of whatever name. */
void compile_module(const char *path, const char *cc, const char *flags, const char *sources)
{
	char command[8192], objects[2048] = "", list[512], *rest;

	snprintf(list, sizeof(list), "%s", sources);
	for (char *source = strtok_r(list, " ", &rest); source;
	     source = strtok_r(NULL, " ", &rest)) {
		char object[1024];

		snprintf(object, sizeof(object), "%s.%s.o", path, strrchr(source, '/') + 1);
		snprintf(command, sizeof(command), "%s " FLAGS " %s -c %s -o %s", cc, flags, source,
			 object);
		if (!run(command))
			errx(1, "%s: failed", command);
		snprintf(objects + strlen(objects), sizeof(objects) - strlen(objects), " %s",
			 object);
	}
	snprintf(command, sizeof(command), "ld -r -o %s%s && rm%s", path, objects, objects);
	if (!run(command))
		errx(1, "%s: failed", command);
}
