// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make_seeds DIR CASE...: write the host of each case (tests/unit/cases) into
 * DIR as a small dump, from which a fuzzer starts; hosts with many VMs make none.
 */
#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/host.h"
#include "tests/unit/writer.h"

/* Bytes; the smaller the seeds, the faster they are and the more a mutation means. */
#define MAX_SEED	(32 * 1024)

/* The statements of a case, without what is expected of it; the caller frees them. */
static char *read_host(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL, *line = NULL;
	size_t size, room = 0;
	FILE *out = open_memstream(&text, &size);

	if (!in || !out)
		err(2, "%s", path);
	while (getline(&line, &room, in) > 0) {
		if (strncmp(line, "expect ", 7) && strncmp(line, "formats ", 8))
			fputs(line, out);
	}
	free(line);
	fclose(in);
	fclose(out);
	return text;
}

static void write_seed(const struct host *host, const char *dir, const char *name,
		       const char *format)
{
	char path[512];
	int at = snprintf(path, sizeof(path), "%s/%s-", dir, name);

	snprintf(path + at, sizeof(path) - at, "%s", format);
	for (; path[at]; at++) {
		if (path[at] == ' ')
			path[at] = '-';
	}
	struct bytes file = writer_make(host_machine(host), format, 0);

	if (file.size <= MAX_SEED)
		writer_write(host_machine(host), format, 0, path);
	free(file.data);
}

int main(int argc, char **argv)
{
	/* Most bytes of a seed should mean something, so zeros are left out where that can be. */
	static const char *const formats[] = {
		"elf compact", "elf sparse", "kdump raw sparse", "kdump zstd sparse",
	};

	for (int i = 2; i < argc; i++) {
		char *text = read_host(argv[i]);
		struct host *host = host_create(text);

		write_seed(host, argv[1], basename(argv[i]), formats[i % 4]);
		host_destroy(host);
		free(text);
	}
	return 0;
}
