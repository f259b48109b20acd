// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel log from its ring buffer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/printk.h"
#include "tests/unit/log_ring.h"
#include "tests/unit/tap.h"

#define COUNT_BITS	3
#define SIZE_BITS	8
#define DATA_SIZE	(1 << SIZE_BITS)

/* A log whose first record and text have these numbers. */
static void create_log(struct log_ring *log, uint64_t first_id, uint64_t first_lpos)
{
	log_ring_init(log, machine_create(), COUNT_BITS, SIZE_BITS);
	log_ring_start(log, first_id, first_lpos);
}

/* Frees the log; the text, or the error's message, is the caller's. */
static char *decode(struct log_ring *log, size_t lines)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct error *err = printk_write_log(&log->machine->memory, &log->machine->info, lines,
					     out);

	fclose(out);
	if (err) {
		free(text);
		text = strdup(err->message);
		error_free(err);
	}
	machine_destroy(log->machine);
	return text;
}

static void expect(struct log_ring *log, const char *expected, const char *fact)
{
	char *text = decode(log, PRINTK_ALL_LINES);

	if (!tap_ok(!strcmp(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static void expect_error(struct log_ring *log, const char *expected, const char *fact)
{
	char *text = decode(log, PRINTK_ALL_LINES);

	if (!tap_ok(strstr(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static void test_records(void)
{
	struct log_ring log;

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 1234567890, "Linux version 6.1");
	log_ring_add(&log, LOG_COMMITTED, 2000000999, "last words");
	expect(&log, "[    1.234567] Linux version 6.1\n[    2.000000] last words\n",
	       "records are printed with their times, oldest first");

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 0, "two\nlines");
	expect(&log, "[    0.000000] two\n[    0.000000] lines\n", "each line has the time");

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_RESERVED, 0, "half written");
	log_ring_add(&log, LOG_FINALIZED, 0, "");
	log_ring_add(&log, LOG_REUSABLE, 0, "old");
	log_ring_add(&log, LOG_FINALIZED, 0, "good");
	expect(&log, "[    0.000000] good\n", "records unfinished, empty or dead are left out");

	create_log(&log, (1ULL << 62) - 2, 2 * DATA_SIZE - 24);
	log_ring_add(&log, LOG_FINALIZED, 0, "before");
	log_ring_add(&log, LOG_FINALIZED, 0, "wraps around the end");
	log_ring_add(&log, LOG_FINALIZED, 0, "after");
	expect(&log, "[    0.000000] before\n[    0.000000] wraps around the end\n[    0.000000] after\n",
	       "record numbers and text wrap");
}

static void test_damage(void)
{
	struct log_ring log;

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 0, "text");
	machine_poke_u32(log.machine, log.prb + 64, 60);
	expect_error(&log, "impossible", "a ring of 2^60 bytes is an error");

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 0, "text");
	machine_poke_u64(log.machine, log.prb + 24, 1000);
	expect_error(&log, "1001 records in room for 8", "more records than room is an error");

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 0, "text");
	*strstr(log.machine->vmcoreinfo, "SYMBOL(prb)") = '?';
	expect_error(&log, "older than 5.10", "a kernel before 5.10 is named as such");

	create_log(&log, 0, 0);
	log_ring_add(&log, LOG_FINALIZED, 0, "text");
	machine_poke_u64(log.machine, log.descs + 8, 64);
	machine_poke_u64(log.machine, log.descs + 16, 16);
	expect(&log, "", "a record whose text ends before it begins is left out");

	create_log(&log, 0, 0);
	for (int i = 0; i < 8; i++)
		log_ring_add(&log, LOG_FINALIZED, 0, "no ring of 256 bytes has room for eight of these");
	expect_error(&log, "more text than the ring's 256 bytes",
		     "records that share their text are an error");
}

static void expect_tail(struct log_ring *log, size_t lines, const char *expected,
			const char *fact)
{
	char *text = decode(log, lines);

	if (!tap_ok(!strcmp(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

/* Four lines in three records, with one between them that was never finished. */
static void create_lines(struct log_ring *log)
{
	create_log(log, 0, 0);
	log_ring_add(log, LOG_FINALIZED, 0, "one");
	log_ring_add(log, LOG_FINALIZED, 1000, "two\nthree");
	log_ring_add(log, LOG_RESERVED, 0, "half written");
	log_ring_add(log, LOG_FINALIZED, 2000, "four\n");
}

static void test_tail(void)
{
	struct log_ring log;

	create_lines(&log);
	expect_tail(&log, 2, "[    0.000001] three\n[    0.000002] four\n",
		    "the last lines may begin within a record");
	create_lines(&log);
	expect_tail(&log, 3, "[    0.000001] two\n[    0.000001] three\n[    0.000002] four\n",
		    "or with it");
	create_lines(&log);
	expect_tail(&log, 5, "[    0.000000] one\n[    0.000001] two\n[    0.000001] three\n"
		    "[    0.000002] four\n", "more lines than there are: all of them");
	create_lines(&log);
	expect_tail(&log, 0, "", "no lines: nothing");

	/* The first record's struct printk_info ends a page that the dump does not have. */
	create_log(&log, 0, 0);
	log.infos = machine_alloc(log.machine, 2 * MACHINE_PAGE, MACHINE_PAGE) + MACHINE_PAGE - 64;
	machine_poke_u64(log.machine, log.prb + 16, log.infos);
	log_ring_add(&log, LOG_FINALIZED, 0, "old");
	log_ring_add(&log, LOG_FINALIZED, 0, "new");
	machine_drop(log.machine, log.infos);
	expect_tail(&log, 1, "[    0.000000] new\n", "older records are not read");
}

int main(void)
{
	test_records();
	test_tail();
	test_damage();
	return tap_done();
}
