/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_LOG_RING_H
#define TESTS_UNIT_LOG_RING_H

/* The kernel's log in the making: its structures at offsets of our own choice. */

#include "tests/unit/machine.h"

enum log_state { LOG_RESERVED, LOG_COMMITTED, LOG_FINALIZED, LOG_REUSABLE };

struct log_ring {
	struct machine *machine;
	unsigned int count_bits, size_bits;
	uint64_t prb, descs, infos, data;
	uint64_t id;		/* of the next record */
	uint64_t lpos;		/* where its text will be, ever growing */
};

/* Room for 2^@count_bits records and 2^@size_bits bytes; @machine's vmcoreinfo tells of it. */
void log_ring_init(struct log_ring *log, struct machine *machine, unsigned int count_bits,
		   unsigned int size_bits);

/* Before the first record: number those, and the bytes of text, from here on. */
void log_ring_start(struct log_ring *log, uint64_t first_id, uint64_t first_lpos);

void log_ring_add(struct log_ring *log, enum log_state state, uint64_t ts_nsec,
		  const char *text);

#endif
