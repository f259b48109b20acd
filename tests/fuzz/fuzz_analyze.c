// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any bytes as a dump, from opening it to the printed report
 * and JSON.  Whatever they are, they end in a verdict or an error.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/analyze.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* Half the time of an execution would go into remembering what was freed, and by whom. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=1:max_malloc_fill_size=0";
}

/* The dump is a file in memory, the same one each time: making one costs more than filling it. */
static int dump_file(const uint8_t *data, size_t size, char *path, size_t room)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("dump", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, size) || pwrite(fd, data, size, 0) != (ssize_t)size)
		err(2, "dump");
	snprintf(path, room, "/proc/self/fd/%d", fd);
	return fd;
}

static int count(const char *buffer, size_t size, void *data)
{
	(void)buffer;
	*(size_t *)data += size;
	return 0;
}

/* Say all there is to say, as text and as JSON, and throw it away. */
static void report(const struct analysis *analysis)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *json = analysis_json(analysis);

	if (!out || !json)
		errx(2, "no memory, or a string that is no JSON");
	error_free(analysis_print(analysis, CHARSET_UTF8, out));
	fclose(out);
	/* "PASS: " needs a reason behind it. */
	if (size < strlen(verdict_name(analysis_verdict(analysis))) + 2)
		abort();
	json_dump_callback(json, count, &size, 0);
	json_decref(json);
	free(text);
}

/* Saying it costs as much as finding it out: one input in four has it said, the same each time. */
static bool is_reported(const uint8_t *data, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	return sum % 4 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], *paths[] = { path };
	const struct analysis_request request = {
		.path = paths, .nr_paths = 1, .log_lines = ANALYSIS_LOG_LINES,
	};
	struct analysis *analysis = NULL;

	dump_file(data, size, path, sizeof(path));
	struct error *error = analysis_create(&request, &analysis);

	if (error) {
		error_free(error);
		return 0;
	}
	if (is_reported(data, size))
		report(analysis);
	analysis_destroy(analysis);
	return 0;
}
