// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Forks of one snapshot do the same, instruction for instruction. Between the
 * fork and the crash this makes them different in what a crash may depend on:
 * timing, the number of guests elsewhere, where memory is allocated.
 */
#include "agent.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_GUESTS	3
#define MAX_BLOCKS	64
#define PAGE		4096

/* SplitMix64: any seed will do, also 0 and those that follow each other. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Below @limit. */
static unsigned int pick(uint64_t *state, unsigned int limit)
{
	return next_random(state) % limit;
}

/* Every other block is given back: what comes next is allocated among the rest. */
static void stir_memory(uint64_t *state)
{
	unsigned int nr = pick(state, MAX_BLOCKS);
	void *last = NULL;
	size_t last_size = 0;

	for (unsigned int i = 0; i < nr; i++) {
		size_t size = (1 + pick(state, 16)) * PAGE;
		void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (block == MAP_FAILED)
			return;
		if (i % 2)
			munmap(last, last_size);
		last = block;
		last_size = size;
	}
}

void vary(struct host *host, const char *seed)
{
	unsigned int cpu = other_cpu(host->job);
	uint64_t state = strtoull(seed, NULL, 0);
	unsigned int nr = pick(&state, MAX_GUESTS + 1);

	/* What a situation has taken away stays away. */
	if (!vms_living(host) || !cpu_is_online(cpu))
		nr = 0;
	for (unsigned int i = 0; i < nr; i++) {
		char name[16];

		stir_memory(&state);
		snprintf(name, sizeof(name), "guest-vary-%u", i);
		guest_launch(vms_add(host, name, cpu));
	}
	stir_memory(&state);
	usleep(pick(&state, 20000));
}
