// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

#define VERSION_KEY	"version"
#define VERSION_VALUE	1

struct journal {
	char *path;
	FILE *file;
};

static struct error *check_header(const struct journal *journal, const json_t *header)
{
	if (json_integer_value(json_object_get(header, VERSION_KEY)) == VERSION_VALUE)
		return NULL;
	return error_new("%s: was written by another version, or is not whole: it cannot be "
			 "resumed", journal->path);
}

static void cleanup_journal(struct journal **journal)
{
	journal_close(*journal);
}

/* Two sweeps in one directory would mix their results. */
static struct error *lock(const struct journal *journal)
{
	if (!flock(fileno(journal->file), LOCK_EX | LOCK_NB))
		return NULL;
	if (errno == EWOULDBLOCK)
		return error_new("%s: the sweep is still running", journal->path);
	return error_errno(errno, "%s: cannot lock", journal->path);
}

static struct error *open_file(const char *directory, const char *mode, struct journal **ret)
{
	_cleanup_(cleanup_journal) struct journal *journal = calloc(1, sizeof(*journal));

	if (!journal || asprintf(&journal->path, "%s/journal.jsonl", directory) < 0)
		return &error_no_memory;
	journal->file = fopen(journal->path, mode);
	if (!journal->file)
		return error_errno(errno, "%s: cannot open the journal of the sweep",
				   journal->path);
	struct error *err = lock(journal);

	if (!err)
		*ret = no_cleanup_ptr(journal);
	return err;
}

static struct error *write_line(const struct journal *journal, const json_t *line)
{
	if (json_dumpf(line, journal->file, JSON_COMPACT | JSON_REAL_PRECISION(7)) ||
	    putc('\n', journal->file) == EOF || fflush(journal->file))
		return error_errno(errno, "%s: cannot write", journal->path);
	return NULL;
}

struct error *journal_create(const char *directory, const json_t *header, struct journal **ret)
{
	_cleanup_(cleanup_journal) struct journal *journal = NULL;
	struct error *err = open_file(directory, "wxe", &journal);

	if (!err)
		err = write_line(journal, header);
	if (err)
		return err;
	if (fsync(fileno(journal->file)))
		return error_errno(errno, "%s: cannot write", journal->path);
	*ret = no_cleanup_ptr(journal);
	return NULL;
}

/*
 * Read on. *@ret: the line; NULL: none is left, or the last one is not whole.
 */
static struct error *next_line(const struct journal *journal, FILE *file, char **line,
			       size_t *size, unsigned int nr, json_t **ret)
{
	json_error_t problem;

	*ret = NULL;
	ssize_t length = getline(line, size, file);

	if (length < 0)
		return ferror(file) ? error_errno(errno, "%s: cannot read", journal->path) : NULL;
	bool whole = (*line)[length - 1] == '\n';
	int next = getc(file);

	ungetc(next, file);
	/* The last pages of a file can be zeroes after a power cut. */
	*ret = json_loadb(*line, length, JSON_REJECT_DUPLICATES, &problem);
	if (*ret && (!whole || !json_is_object(*ret))) {
		json_decref(*ret);
		*ret = NULL;
	}
	if (*ret || next == EOF)
		return NULL;
	return error_new("%s:%u: damaged: %s", journal->path, nr, problem.text);
}

static struct error *read_lines(const struct journal *journal, json_t **ret_header,
				journal_take take, void *arg, long *ret_length)
{
	_cleanup_fclose_ FILE *file = fopen(journal->path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!file)
		return error_errno(errno, "%s: cannot read", journal->path);
	for (unsigned int nr = 1;; nr++) {
		json_t *object;
		struct error *err;

		*ret_length = ftell(file);
		err = next_line(journal, file, &line, &size, nr, &object);
		if (err || !object)
			return err;
		if (nr == 1)
			*ret_header = json_incref(object);
		else if (take)
			err = take(arg, object);
		json_decref(object);
		if (err)
			return err;
	}
}

struct error *journal_header(const char *directory, json_t **ret)
{
	_cleanup_(cleanup_journal) struct journal *journal = calloc(1, sizeof(*journal));
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	json_t *header = NULL;
	size_t size = 0;

	if (!journal || asprintf(&journal->path, "%s/journal.jsonl", directory) < 0)
		return &error_no_memory;
	file = fopen(journal->path, "re");
	if (!file)
		return error_errno(errno, "%s: cannot read the journal of a sweep", journal->path);
	struct error *err = next_line(journal, file, &line, &size, 1, &header);

	if (!err)
		err = check_header(journal, header);
	if (err)
		json_decref(header);
	else
		*ret = header;
	return err;
}

struct error *journal_resume(const char *directory, json_t **ret_header, struct journal **ret)
{
	_cleanup_(cleanup_journal) struct journal *journal = NULL;
	json_t *header = NULL;
	long length = 0;
	struct error *err = open_file(directory, "r+e", &journal);

	if (!err)
		err = read_lines(journal, &header, NULL, NULL, &length);
	if (!err)
		err = check_header(journal, header);
	if (!err && (ftruncate(fileno(journal->file), length) ||
		     fseek(journal->file, 0, SEEK_END)))
		err = error_errno(errno, "%s: cannot write", journal->path);
	if (err) {
		json_decref(header);
		return err;
	}
	*ret_header = header;
	*ret = no_cleanup_ptr(journal);
	return NULL;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->file)
		fclose(journal->file);
	free(journal->path);
	free(journal);
}

void journal_forget(struct journal *journal)
{
	close(fileno(journal->file));
}

struct error *journal_append(struct journal *journal, const json_t *result)
{
	return write_line(journal, result);
}

struct error *journal_read(const struct journal *journal, journal_take take, void *arg)
{
	json_t *header = NULL;
	long length;
	struct error *err = read_lines(journal, &header, take, arg, &length);

	json_decref(header);
	return err;
}
