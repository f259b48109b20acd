// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/printk.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "analyze/cleanup.h"

/* CONFIG_LOG_BUF_SHIFT is at most 25, log_buf_len= at most 2 GiB. */
#define MAX_SIZE_BITS	31
/* A descriptor for every 32 bytes of text (PRB_AVGBITS) */
#define MAX_COUNT_BITS	26

/* Records without text that are passed over in search of the last lines */
#define MAX_NO_TEXT	4096

/* The ID that precedes the text in each data block */
#define BLOCK_ID_SIZE	sizeof(uint64_t)

/* The two top bits of a state variable are the state, the rest is the ID. */
#define DESC_STATE_SHIFT	62
#define DESC_ID_MASK		((1ULL << DESC_STATE_SHIFT) - 1)

enum desc_state {
	DESC_COMMITTED = 1,
	DESC_FINALIZED = 2,
};

struct ring_layout {
	uint64_t desc_ring, text_data_ring;		/* in printk_ringbuffer */
	uint64_t count_bits, descs, infos, head_id, tail_id;
	uint64_t desc_size, state_var, text_blk_lpos;	/* prb_desc */
	uint64_t begin, next;				/* prb_data_blk_lpos */
	uint64_t info_size, ts_nsec, text_len;		/* printk_info */
	uint64_t size_bits, data;			/* prb_data_ring */
	uint64_t counter;				/* atomic_long_t */
};

struct ring {
	const struct memory *mem;
	struct ring_layout layout;
	uint32_t count_bits, size_bits;
	uint64_t descs, infos, data;
	uint64_t head_id, tail_id;
	char *text;		/* one record */
	FILE *out;
};

static struct error *find_layout(const struct vmcoreinfo *info, struct ring_layout *ret)
{
	const struct {
		const char *kind, *name;
		uint64_t *value;
	} wanted[] = {
		{ "OFFSET", "printk_ringbuffer.desc_ring", &ret->desc_ring },
		{ "OFFSET", "printk_ringbuffer.text_data_ring", &ret->text_data_ring },
		{ "OFFSET", "prb_desc_ring.count_bits", &ret->count_bits },
		{ "OFFSET", "prb_desc_ring.descs", &ret->descs },
		{ "OFFSET", "prb_desc_ring.infos", &ret->infos },
		{ "OFFSET", "prb_desc_ring.head_id", &ret->head_id },
		{ "OFFSET", "prb_desc_ring.tail_id", &ret->tail_id },
		{ "SIZE", "prb_desc", &ret->desc_size },
		{ "OFFSET", "prb_desc.state_var", &ret->state_var },
		{ "OFFSET", "prb_desc.text_blk_lpos", &ret->text_blk_lpos },
		{ "OFFSET", "prb_data_blk_lpos.begin", &ret->begin },
		{ "OFFSET", "prb_data_blk_lpos.next", &ret->next },
		{ "SIZE", "printk_info", &ret->info_size },
		{ "OFFSET", "printk_info.ts_nsec", &ret->ts_nsec },
		{ "OFFSET", "printk_info.text_len", &ret->text_len },
		{ "OFFSET", "prb_data_ring.size_bits", &ret->size_bits },
		{ "OFFSET", "prb_data_ring.data", &ret->data },
		{ "OFFSET", "atomic_long_t.counter", &ret->counter },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!vmcoreinfo_number(info, wanted[i].kind, wanted[i].name, wanted[i].value))
			return error_new("vmcoreinfo has no %s(%s): the kernel is older than 5.10 or has CONFIG_PRINTK off",
					 wanted[i].kind, wanted[i].name);
	}
	return NULL;
}

static struct error *find_ring(const struct vmcoreinfo *info, struct ring *ring)
{
	const struct memory *mem = ring->mem;
	const struct ring_layout *layout = &ring->layout;
	uint64_t symbol, prb;

	if (!vmcoreinfo_symbol(info, "prb", &symbol))
		return error_new("vmcoreinfo has no SYMBOL(prb): the kernel is older than 5.10 or has CONFIG_PRINTK off");
	struct error *err = memory_read_u64(mem, symbol, &prb);
	uint64_t desc_ring = err ? 0 : prb + layout->desc_ring;
	uint64_t data_ring = err ? 0 : prb + layout->text_data_ring;

	if (!err)
		err = memory_read_u32(mem, desc_ring + layout->count_bits, &ring->count_bits);
	if (!err)
		err = memory_read_u64(mem, desc_ring + layout->descs, &ring->descs);
	if (!err)
		err = memory_read_u64(mem, desc_ring + layout->infos, &ring->infos);
	if (!err)
		err = memory_read_u64(mem, desc_ring + layout->head_id + layout->counter,
				      &ring->head_id);
	if (!err)
		err = memory_read_u64(mem, desc_ring + layout->tail_id + layout->counter,
				      &ring->tail_id);
	if (!err)
		err = memory_read_u32(mem, data_ring + layout->size_bits, &ring->size_bits);
	if (!err)
		err = memory_read_u64(mem, data_ring + layout->data, &ring->data);
	if (err)
		return err;
	if (ring->count_bits > MAX_COUNT_BITS || ring->size_bits > MAX_SIZE_BITS)
		return error_new("rings of 2^%" PRIu32 " records and 2^%" PRIu32
				 " bytes are impossible: the dump is damaged", ring->count_bits,
				 ring->size_bits);
	return NULL;
}

struct record {
	bool present;		/* it is one, and has text; that may be empty */
	uint64_t ts_nsec;
	uint64_t text;
	size_t len;
};

/* Print the text of @record in ring->text but for @skip lines, each line with its time. */
static void write_record(const struct ring *ring, const struct record *record, size_t skip)
{
	const char *line = ring->text, *end = ring->text + record->len;

	do {
		const char *newline = memchr(line, '\n', end - line);
		size_t chars = (newline ? newline : end) - line;

		if (skip) {
			skip--;
		} else {
			fprintf(ring->out, "[%5" PRIu64 ".%06" PRIu64 "] ",
				record->ts_nsec / 1000000000, record->ts_nsec % 1000000000 / 1000);
			fwrite(line, 1, chars, ring->out);
			fputc('\n', ring->out);
		}
		line += chars + 1;
	} while (line < end);
}

/* How many lines write_record() prints. */
static size_t count_lines(const struct ring *ring, const struct record *record)
{
	const char *line = ring->text, *end = ring->text + record->len;
	size_t nr = 1;

	/* A newline at the very end begins no line. */
	while ((line = memchr(line, '\n', end - line)) && ++line < end)
		nr++;
	return nr;
}

/*
 * A block from @begin to @next in the data ring; one that would cross the ring's
 * end starts over at its beginning.  Return: the bytes of text in it, their
 * address in *@ret; 0 for no text or for positions that no block can have.
 */
static size_t locate_text(const struct ring *ring, uint64_t begin, uint64_t next, uint64_t *ret)
{
	uint64_t size = 1ULL << ring->size_bits;

	/* Odd positions mean a record without text. */
	if (begin & 1 || next & 1)
		return 0;
	if (begin >> ring->size_bits == next >> ring->size_bits && begin < next) {
		*ret = ring->data + begin % size + BLOCK_ID_SIZE;
		next -= begin;
	} else if ((begin + size) >> ring->size_bits == next >> ring->size_bits) {
		*ret = ring->data + BLOCK_ID_SIZE;
		next %= size;
	} else {
		return 0;
	}
	return next < BLOCK_ID_SIZE ? 0 : next - BLOCK_ID_SIZE;
}

/* Record @id to *@ret and its text to ring->text. */
static struct error *read_record(const struct ring *ring, uint64_t id, struct record *ret)
{
	const struct ring_layout *layout = &ring->layout;
	const struct memory *mem = ring->mem;
	uint64_t index = id & ((1ULL << ring->count_bits) - 1);
	uint64_t desc = ring->descs + index * layout->desc_size;
	uint64_t info = ring->infos + index * layout->info_size;
	uint64_t state, begin, next;
	uint16_t text_len;
	struct error *err = memory_read_u64(mem, desc + layout->state_var + layout->counter,
					    &state);

	*ret = (struct record){};
	if (err)
		return err;
	/* Others are being written, or were never used. */
	if ((state & DESC_ID_MASK) != id || (state >> DESC_STATE_SHIFT != DESC_COMMITTED &&
					     state >> DESC_STATE_SHIFT != DESC_FINALIZED))
		return NULL;
	err = memory_read_u64(mem, desc + layout->text_blk_lpos + layout->begin, &begin);
	if (!err)
		err = memory_read_u64(mem, desc + layout->text_blk_lpos + layout->next, &next);
	if (!err)
		err = memory_read_u64(mem, info + layout->ts_nsec, &ret->ts_nsec);
	if (!err)
		err = memory_read(mem, info + layout->text_len, &text_len, sizeof(text_len));
	if (err)
		return err;
	size_t len = locate_text(ring, begin, next, &ret->text);

	if (!len)
		return NULL;
	ret->present = true;
	ret->len = len < text_len ? len : text_len;
	return memory_read(mem, ret->text, ring->text, ret->len);
}

/*
 * The oldest record that is needed for the last @lines lines, and how many lines
 * of it are too many.
 */
static struct error *find_tail(const struct ring *ring, uint64_t nr, size_t lines,
			       uint64_t *ret_first, size_t *ret_skip)
{
	uint64_t bound = lines < SIZE_MAX - MAX_NO_TEXT ? lines + MAX_NO_TEXT : SIZE_MAX;
	size_t found = 0;

	*ret_first = nr > bound ? nr - bound : 0;
	*ret_skip = 0;
	for (uint64_t i = lines == PRINTK_ALL_LINES ? 0 : nr; i > *ret_first; i--) {
		struct record record;

		if (found >= lines) {
			*ret_first = i;
			*ret_skip = found - lines;
			return NULL;
		}
		struct error *err = read_record(ring, (ring->tail_id + i - 1) & DESC_ID_MASK,
						&record);

		if (err)
			return err;
		if (record.present)
			found += count_lines(ring, &record);
	}
	*ret_skip = found > lines ? found - lines : 0;
	return NULL;
}

/*
 * Print the records from the one at @first to the newest, IDs wrap.  All their
 * text has been in the ring at once.
 */
static struct error *write_records(const struct ring *ring, uint64_t nr, uint64_t first,
				   size_t skip)
{
	uint64_t total = 0;

	for (uint64_t i = first; i < nr; i++) {
		struct record record;
		struct error *err = read_record(ring, (ring->tail_id + i) & DESC_ID_MASK, &record);

		if (err)
			return err;
		total += record.len;
		if (total > 1ULL << ring->size_bits)
			return error_new("more text than the ring's %llu bytes: the dump is damaged",
					 1ULL << ring->size_bits);
		if (record.present)
			write_record(ring, &record, skip);
		skip = record.present ? 0 : skip;
	}
	return NULL;
}

struct error *printk_write_log(const struct memory *mem, const struct vmcoreinfo *info,
			       size_t lines, FILE *out)
{
	struct ring ring = { .mem = mem, .out = out };
	struct error *err = find_layout(info, &ring.layout);

	if (!err)
		err = find_ring(info, &ring);
	_cleanup_free_ char *text = malloc(UINT16_MAX);

	if (!err && !text)
		err = &error_no_memory;
	ring.text = text;
	/* From the oldest to the newest, both included; IDs wrap. */
	uint64_t nr = ((ring.head_id - ring.tail_id) & DESC_ID_MASK) + 1, first = 0;
	size_t skip = 0;

	if (!err && nr > 1ULL << ring.count_bits)
		err = error_new("%" PRIu64 " records in room for %llu: the dump is damaged", nr,
				1ULL << ring.count_bits);
	if (!err)
		err = find_tail(&ring, nr, lines, &first, &skip);
	if (!err)
		err = write_records(&ring, nr, first, skip);
	return err ? error_context(err, "kernel log") : NULL;
}

const char *printk_last_lines(const char *log, size_t lines)
{
	const char *start = log + strlen(log);

	/* Each line ends in a newline. */
	for (size_t found = 0; start > log; start--) {
		found += start[-1] == '\n';
		if (found > lines)
			break;
	}
	return start;
}
