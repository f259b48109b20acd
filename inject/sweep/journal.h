/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_JOURNAL_H
#define INJECT_SWEEP_JOURNAL_H

/*
 * What is known of a sweep while it lasts, DIRECTORY/journal.jsonl: a line of
 * JSON that says what is swept, then one for each finished crash. Whatever ends
 * the sweep, even a power cut, costs no more than the last lines.
 */

#include <jansson.h>

struct error;
struct journal;

/* What is done with each crash of a journal. */
typedef struct error *(*journal_take)(void *arg, json_t *result);

/* The first line of a journal, which another process may be writing. */
struct error *journal_header(const char *directory, json_t **ret);

struct error *journal_create(const char *directory, const json_t *header,
			     struct journal **ret);
/*
 * Go on with one that exists; a last line that is not whole is cut off. An error,
 * too, if another process is writing it. @ret_header belongs to the caller.
 */
struct error *journal_resume(const char *directory, json_t **ret_header,
			     struct journal **ret);
/* NULL is fine. */
void journal_close(struct journal *journal);

struct error *journal_append(struct journal *journal, const json_t *result);

/* All crashes, in the order in which they ended. */
struct error *journal_read(const struct journal *journal, journal_take take, void *arg);

/* In a process that was forked, which writes nothing: let the journal go. */
void journal_forget(struct journal *journal);

#endif
