// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel log from its ring buffer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/printk.h"
#include "tests/unit/machine.h"
#include "tests/unit/tap.h"

#define COUNT_BITS	3
#define SIZE_BITS	8
#define NR_DESCS	(1 << COUNT_BITS)
#define DATA_SIZE	(1 << SIZE_BITS)

enum state { RESERVED, COMMITTED, FINALIZED, REUSABLE };

/* A log in the making: the kernel's structures at offsets of our own choice. */
struct log {
	struct machine *machine;
	uint64_t prb, descs, infos, data;
	uint64_t id;		/* of the next record */
	uint64_t lpos;		/* where its text will be, ever growing */
};

static void create_log(struct log *log, uint64_t first_id, uint64_t first_lpos)
{
	struct machine *machine = machine_create();
	uint64_t pointer = machine_alloc(machine, 8, 8);

	*log = (struct log){
		.machine = machine,
		.prb = machine_alloc(machine, 128, 8),
		.descs = machine_alloc(machine, NR_DESCS * 24, 8),
		.infos = machine_alloc(machine, NR_DESCS * 64, 8),
		.data = machine_alloc(machine, DATA_SIZE, 8),
		.id = first_id, .lpos = first_lpos,
	};
	machine_poke_u64(machine, pointer, log->prb);
	machine_poke_u32(machine, log->prb, COUNT_BITS);
	machine_poke_u64(machine, log->prb + 8, log->descs);
	machine_poke_u64(machine, log->prb + 16, log->infos);
	machine_poke_u64(machine, log->prb + 32, first_id);
	machine_poke_u32(machine, log->prb + 64, SIZE_BITS);
	machine_poke_u64(machine, log->prb + 72, log->data);
	machine_info(machine, "SYMBOL(prb)=%" PRIx64, pointer);
	machine_info(machine, "OFFSET(printk_ringbuffer.desc_ring)=0\n"
		     "OFFSET(printk_ringbuffer.text_data_ring)=64\n"
		     "OFFSET(prb_desc_ring.count_bits)=0\n"
		     "OFFSET(prb_desc_ring.descs)=8\n"
		     "OFFSET(prb_desc_ring.infos)=16\n"
		     "OFFSET(prb_desc_ring.head_id)=24\n"
		     "OFFSET(prb_desc_ring.tail_id)=32\n"
		     "SIZE(prb_desc)=24\n"
		     "OFFSET(prb_desc.state_var)=0\n"
		     "OFFSET(prb_desc.text_blk_lpos)=8\n"
		     "OFFSET(prb_data_blk_lpos.begin)=0\n"
		     "OFFSET(prb_data_blk_lpos.next)=8\n"
		     "SIZE(printk_info)=64\n"
		     "OFFSET(printk_info.ts_nsec)=8\n"
		     "OFFSET(printk_info.text_len)=16\n"
		     "OFFSET(prb_data_ring.size_bits)=0\n"
		     "OFFSET(prb_data_ring.data)=8\n"
		     "OFFSET(atomic_long_t.counter)=0");
}

static void add_record(struct log *log, enum state state, uint64_t ts_nsec, const char *text)
{
	struct machine *machine = log->machine;
	uint64_t index = log->id % NR_DESCS;
	uint64_t desc = log->descs + index * 24, info = log->infos + index * 64;
	size_t len = strlen(text);
	uint64_t size = (8 + len + 7) & ~7UL, begin = log->lpos;

	/* A block that does not fit before the end starts over at the beginning. */
	if (begin % DATA_SIZE + size > DATA_SIZE) {
		log->lpos = (begin | (DATA_SIZE - 1)) + 1;
		machine_poke(machine, log->data + 8, text, len);
	} else {
		machine_poke(machine, log->data + begin % DATA_SIZE + 8, text, len);
	}
	log->lpos += size;
	machine_poke_u64(machine, desc, (uint64_t)state << 62 | (log->id & ~(3ULL << 62)));
	machine_poke_u64(machine, desc + 8, *text ? begin : 3);
	machine_poke_u64(machine, desc + 16, *text ? log->lpos : 3);
	machine_poke_u64(machine, info + 8, ts_nsec);
	machine_poke_u32(machine, info + 16, len);
	machine_poke_u64(machine, log->prb + 24, log->id);
	log->id = (log->id + 1) & ~(3ULL << 62);
}

/* Frees the log; the text, or the error's message, is the caller's. */
static char *decode(struct log *log)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct error *err = printk_write_log(&log->machine->memory, &log->machine->info, out);

	fclose(out);
	if (err) {
		free(text);
		text = strdup(err->message);
		error_free(err);
	}
	machine_destroy(log->machine);
	return text;
}

static void expect(struct log *log, const char *expected, const char *fact)
{
	char *text = decode(log);

	if (!tap_ok(!strcmp(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static void expect_error(struct log *log, const char *expected, const char *fact)
{
	char *text = decode(log);

	if (!tap_ok(strstr(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static void test_records(void)
{
	struct log log;

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 1234567890, "Linux version 6.1");
	add_record(&log, COMMITTED, 2000000999, "last words");
	expect(&log, "[    1.234567] Linux version 6.1\n[    2.000000] last words\n",
	       "records are printed with their times, oldest first");

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 0, "two\nlines");
	expect(&log, "[    0.000000] two\n[    0.000000] lines\n", "each line has the time");

	create_log(&log, 0, 0);
	add_record(&log, RESERVED, 0, "half written");
	add_record(&log, FINALIZED, 0, "");
	add_record(&log, REUSABLE, 0, "old");
	add_record(&log, FINALIZED, 0, "good");
	expect(&log, "[    0.000000] good\n", "records unfinished, empty or dead are left out");

	create_log(&log, (1ULL << 62) - 2, 2 * DATA_SIZE - 24);
	add_record(&log, FINALIZED, 0, "before");
	add_record(&log, FINALIZED, 0, "wraps around the end");
	add_record(&log, FINALIZED, 0, "after");
	expect(&log, "[    0.000000] before\n[    0.000000] wraps around the end\n[    0.000000] after\n",
	       "record numbers and text wrap");
}

static void test_damage(void)
{
	struct log log;

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 0, "text");
	machine_poke_u32(log.machine, log.prb + 64, 60);
	expect_error(&log, "impossible", "a ring of 2^60 bytes is an error");

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 0, "text");
	machine_poke_u64(log.machine, log.prb + 24, 1000);
	expect_error(&log, "1001 records in room for 8", "more records than room is an error");

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 0, "text");
	*strstr(log.machine->vmcoreinfo, "SYMBOL(prb)") = '?';
	expect_error(&log, "older than 5.10", "a kernel before 5.10 is named as such");

	create_log(&log, 0, 0);
	add_record(&log, FINALIZED, 0, "text");
	machine_poke_u64(log.machine, log.descs + 8, 64);
	machine_poke_u64(log.machine, log.descs + 16, 16);
	expect(&log, "", "a record whose text ends before it begins is left out");
}

int main(void)
{
	test_records();
	test_damage();
	return tap_done();
}
