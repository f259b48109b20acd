// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal of a sweep: whole, cut off anywhere, damaged, in two hands. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/sweep/journal.h"
#include "tests/unit/tap.h"

#define NR_RESULTS	3

static char directory[] = "/tmp/kdump-torture-journal-XXXXXX";
static char path[256];

static void cleanup_journal(struct journal **journal)
{
	journal_close(*journal);
}

static struct error *append(struct journal *journal, int nr)
{
	json_t *result = json_pack("{s:i, s:s}", "nr", nr, "text", "a\nb");
	struct error *error = journal_append(journal, result);

	json_decref(result);
	return error;
}

static struct error *count(void *arg, json_t *result)
{
	int *nr = arg;

	if (json_integer_value(json_object_get(result, "nr")) != ++*nr)
		return error_new("not in order");
	return NULL;
}

static void write_journal(void)
{
	_cleanup_(cleanup_journal) struct journal *journal = NULL;
	json_t *header = json_pack("{s:i, s:s}", "version", 1, "what", "this");

	unlink(path);
	struct error *error = journal_create(directory, header, &journal);

	json_decref(header);
	for (int i = 1; !error && i <= NR_RESULTS; i++)
		error = append(journal, i);
	if (error)
		errx(1, "%s", error->message);
}

/* Return: the number of results; -1: an error, which has @wanted. */
static int resume(const char *wanted)
{
	_cleanup_(cleanup_journal) struct journal *journal = NULL;
	json_t *header = NULL;
	int nr = 0;
	_cleanup_error_ struct error *error = journal_resume(directory, &header, &journal);

	if (!error)
		error = journal_read(journal, count, &nr);
	if (!error)
		error = append(journal, nr + 1);
	json_decref(header);
	if (!error)
		return nr;
	if (!wanted || !strstr(error->message, wanted))
		tap_diag("%s", error->message);
	return wanted && strstr(error->message, wanted) ? -1 : -2;
}

static long size_of(void)
{
	struct stat stat_buffer;

	return stat(path, &stat_buffer) ? -1 : stat_buffer.st_size;
}

static void test_whole(void)
{
	json_t *header = NULL;

	write_journal();
	_cleanup_error_ struct error *error = journal_header(directory, &header);

	tap_ok(!error && !strcmp(json_string_value(json_object_get(header, "what")) ?: "", "this"),
	       "the first line says what is swept");
	json_decref(header);
	tap_ok(resume(NULL) == NR_RESULTS, "all results are there, in order");
	tap_ok(resume(NULL) == NR_RESULTS + 1, "and those of one that went on");
}

/* How many of the results are in the first @size bytes, each line whole. */
static int whole_lines(const char *text, long size)
{
	int nr = -1;

	for (long i = 0; i < size; i++)
		nr += text[i] == '\n';
	return nr;
}

static void test_cut(void)
{
	char text[1024];
	bool good = true;

	write_journal();
	long size = size_of(), header = 0;
	FILE *file = fopen(path, "r");

	if (!file || fread(text, 1, sizeof(text), file) != (size_t)size)
		err(1, "%s", path);
	fclose(file);
	header = strchr(text, '\n') + 1 - text;
	for (long cut = header; cut < size; cut++) {
		write_journal();
		if (truncate(path, cut))
			err(1, "%s", path);
		int nr = resume(NULL);

		if (nr != whole_lines(text, cut)) {
			tap_diag("cut at %ld: %d results", cut, nr);
			good = false;
		}
		/* That it went on is not behind the remains. */
		good = good && resume(NULL) == nr + 1;
	}
	tap_ok(good, "cut off anywhere: the lines that are whole count");
	write_journal();
	if (truncate(path, header - 1))
		err(1, "%s", path);
	tap_ok(resume("not whole: it cannot be resumed") == -1, "cut off in its first line: refused");
}

static void test_damaged(void)
{
	write_journal();
	FILE *file = fopen(path, "a");

	for (int i = 0; i < 4096; i++)
		putc(0, file);
	fclose(file);
	tap_ok(resume(NULL) == NR_RESULTS, "zeroes behind it, as after a power cut");

	write_journal();
	file = fopen(path, "a");
	fputs("{\"nr\": 4\n{\"nr\": 5}\n", file);
	fclose(file);
	tap_ok(resume(":5: damaged") == -1, "damaged in the middle: refused, with the line");

	file = fopen(path, "w");
	fputs("{\"version\":99}\n", file);
	fclose(file);
	tap_ok(resume("another version") == -1, "of another version: refused");
	unlink(path);
	tap_ok(resume("journal.jsonl") == -1, "none there: refused");
}

static void test_two(void)
{
	_cleanup_(cleanup_journal) struct journal *journal = NULL;
	json_t *header = NULL;

	write_journal();
	_cleanup_error_ struct error *error = journal_resume(directory, &header, &journal);

	json_decref(header);
	tap_ok(!error && resume("still running") == -1, "two cannot write it");
	header = json_pack("{s:i}", "version", 1);
	struct journal *other = NULL;

	error = journal_create(directory, header, &other);
	json_decref(header);
	tap_ok(error && !other, "nor begin it anew");
}

int main(void)
{
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/journal.jsonl", directory);
	test_whole();
	test_cut();
	test_damaged();
	test_two();
	unlink(path);
	rmdir(directory);
	return tap_done();
}
