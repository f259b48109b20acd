// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/log_ring.h"

#include <inttypes.h>
#include <string.h>

static void describe(const struct log_ring *log, uint64_t pointer)
{
	machine_info(log->machine, "SYMBOL(prb)=%" PRIx64, pointer);
	machine_info(log->machine, "OFFSET(printk_ringbuffer.desc_ring)=0\n"
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

void log_ring_init(struct log_ring *log, struct machine *machine, unsigned int count_bits,
		   unsigned int size_bits)
{
	uint64_t pointer = machine_alloc(machine, 8, 8);

	*log = (struct log_ring){
		.machine = machine, .count_bits = count_bits, .size_bits = size_bits,
		.prb = machine_alloc(machine, 128, 8),
		.descs = machine_alloc(machine, 24 << count_bits, 8),
		.infos = machine_alloc(machine, 64 << count_bits, 8),
		.data = machine_alloc(machine, 1 << size_bits, 8),
	};
	machine_poke_u64(machine, pointer, log->prb);
	machine_poke_u32(machine, log->prb, count_bits);
	machine_poke_u64(machine, log->prb + 8, log->descs);
	machine_poke_u64(machine, log->prb + 16, log->infos);
	machine_poke_u32(machine, log->prb + 64, size_bits);
	machine_poke_u64(machine, log->prb + 72, log->data);
	describe(log, pointer);
}

void log_ring_start(struct log_ring *log, uint64_t first_id, uint64_t first_lpos)
{
	log->id = first_id;
	log->lpos = first_lpos;
	machine_poke_u64(log->machine, log->prb + 32, first_id);
}

void log_ring_add(struct log_ring *log, enum log_state state, uint64_t ts_nsec,
		  const char *text)
{
	struct machine *machine = log->machine;
	uint64_t index = log->id & ((1ULL << log->count_bits) - 1);
	uint64_t room = 1ULL << log->size_bits;
	uint64_t desc = log->descs + index * 24, info = log->infos + index * 64;
	size_t len = strlen(text);
	uint64_t size = (8 + len + 7) & ~7UL, begin = log->lpos;

	/* A block that does not fit before the end starts over at the beginning. */
	if (begin % room + size > room) {
		log->lpos = (begin | (room - 1)) + 1;
		machine_poke(machine, log->data + 8, text, len);
	} else {
		machine_poke(machine, log->data + begin % room + 8, text, len);
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
