// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole report of some cases: reports/NAME.txt is that of cases/NAME.host as
 * it is for a file, reports/NAME.utf8.txt as for a terminal.  The dump is called
 * "vmcore" there.  With UPDATE_REPORTS in the environment those files are written
 * anew instead; look at the difference.  With JSON_DIRECTORY the JSON of every
 * case goes there, for whoever checks it against the schema.
 */
#include <err.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "tests/unit/host.h"
#include "tests/unit/tap.h"
#include "tests/unit/textfile.h"
#include "tests/unit/writer.h"

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (!out || fputs(text, out) == EOF || fclose(out))
		err(2, "%s", path);
}

/* The statements about the host of the case @path (test_cases.c); the caller's. */
static char *read_host(const char *path)
{
	char *text = read_file(path), *host = NULL, *save;
	size_t size;
	FILE *out = open_memstream(&host, &size);

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != '/' && strncmp(line, "expect ", 7) && strncmp(line, "formats ", 8))
			fprintf(out, "%s\n", line);
	}
	fclose(out);
	free(text);
	return host;
}

/* Return: NULL if the dump of the case @path cannot be analysed, which some are about. */
static struct analysis *analyse(const char *path, char *dump)
{
	struct analysis *analysis = NULL;
	char *text = read_host(path);
	struct host *host = host_create(text);
	const struct analysis_request request = {
		.path = &dump, .nr_paths = 1, .scan = host_scan(host),
		.log_lines = ANALYSIS_LOG_LINES,
	};

	writer_write(host_machine(host), "elf", 0, dump);
	error_free(analysis_create(&request, &analysis));
	if (analysis)
		strcpy(analysis->path, "vmcore");
	host_destroy(host);
	free(text);
	return analysis;
}

static void explain(const char *text, const char *expected)
{
	while (*text && *text == *expected)
		text++, expected++;
	tap_diag("it differs here: \"%.*s\", expected \"%.*s\"", (int)strcspn(text, "\n"), text,
		 (int)strcspn(expected, "\n"), expected);
}

/* @file is reports/NAME.txt or reports/NAME.utf8.txt. */
static void check_report(const char *file, char *dump)
{
	const char *name = strchr(file, '/') + 1;
	char path[256], *text = NULL;
	size_t size;

	snprintf(path, sizeof(path), "cases/%.*s.host", (int)strcspn(name, "."), name);
	struct analysis *analysis = analyse(path, dump);
	FILE *out = open_memstream(&text, &size);

	if (!analysis)
		errx(2, "%s: no verdict", path);
	error_free(analysis_print(analysis, strstr(name, ".utf8.") ? CHARSET_UTF8 : CHARSET_ASCII,
				  out));
	fclose(out);
	analysis_destroy(analysis);
	if (getenv("UPDATE_REPORTS"))
		write_file(file, text);
	char *expected = read_file(file);

	if (!tap_ok(!strcmp(text, expected), "the report is as %s has it", file))
		explain(text, expected);
	free(expected);
	free(text);
}

static void write_json(const char *path, const char *directory, char *dump)
{
	const char *name = strchr(path, '/') + 1;
	struct analysis *analysis = analyse(path, dump);
	char file[512];

	if (!analysis)
		return;
	snprintf(file, sizeof(file), "%s/%.*s.json", directory, (int)strcspn(name, "."), name);
	json_t *json = analysis_json(analysis);

	if (!json || json_dump_file(json, file, JSON_INDENT(2)))
		err(2, "%s", file);
	json_decref(json);
	analysis_destroy(analysis);
}

static glob_t find(const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		errx(2, "%s: none", pattern);
	return found;
}

int main(void)
{
	const char *directory = getenv("JSON_DIRECTORY");
	char dump[] = "/tmp/kdump-torture-report-XXXXXX";
	int fd = mkstemp(dump);
	glob_t reports = find("reports/*.txt"), cases = find("cases/*.host");

	if (fd < 0)
		err(2, "%s", dump);
	close(fd);
	for (size_t i = 0; i < reports.gl_pathc; i++)
		check_report(reports.gl_pathv[i], dump);
	for (size_t i = 0; directory && i < cases.gl_pathc; i++)
		write_json(cases.gl_pathv[i], directory, dump);
	globfree(&reports);
	globfree(&cases);
	unlink(dump);
	return tap_done();
}
