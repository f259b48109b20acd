// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/snapshot/preload/emulator.h"

#include <dlfcn.h>
#include <string.h>

#include "analyze/error.h"
#include "inject/snapshot/protocol.h"

/*
 * Bochs 2.7 and 3.0: unsigned char *BX_MEM_C::getHostMemAddr(BX_CPU_C *,
 * bx_phy_address, unsigned rw), static as a machine has one memory, and
 * Bit64u bx_pc_system_c::time_nsec() of the object bx_pc_system.
 */
static unsigned char *(*get_host_address)(void *cpu, uint64_t pa, unsigned int rw);
static uint64_t (*time_nsec)(void *pc_system);
static void *pc_system;

/* emulator/alone.cc; the packaged Bochs has no such. */
static void (*run_alone)(void);

static uint64_t memory_size;
static double ticks_a_nsec;

bool emulator_is_here(void)
{
	get_host_address = dlsym(RTLD_DEFAULT, "_ZN8BX_MEM_C14getHostMemAddrEP8BX_CPU_Cmj");
	time_nsec = dlsym(RTLD_DEFAULT, "_ZN14bx_pc_system_c9time_nsecEv");
	pc_system = dlsym(RTLD_DEFAULT, "bx_pc_system");
	run_alone = dlsym(RTLD_DEFAULT, "run_alone");
	return get_host_address && time_nsec && pc_system;
}

void emulator_init(uint64_t memory, uint64_t ips)
{
	memory_size = memory;
	ticks_a_nsec = ips / 1e9;
}

uint64_t emulator_ticks(void)
{
	/* The nearest: nanoseconds were cut off, too. */
	return time_nsec(pc_system) * ticks_a_nsec + 0.5;
}

void emulator_run_alone(void)
{
	if (run_alone)
		run_alone();
}

unsigned char *guest_page(uint64_t pa)
{
	/* Bochs answers with bytes of its own for what is beyond its memory. */
	if (pa >= memory_size)
		return NULL;
	/* rw 0, read: asked for writing, it refuses pages that MONITOR watches */
	return get_host_address(NULL, pa & -SNAPSHOT_PAGE_SIZE, 0);
}

struct error *guest_read(uint64_t pa, void *buffer, size_t length)
{
	for (unsigned char *to = buffer; length;) {
		unsigned char *page = guest_page(pa);
		size_t offset = pa % SNAPSHOT_PAGE_SIZE;
		size_t part = SNAPSHOT_PAGE_SIZE - offset;

		if (!page)
			return error_new("guest memory: no page at 0x%llx",
					 (unsigned long long)pa);
		if (part > length)
			part = length;
		memcpy(to, page + offset, part);
		to += part;
		pa += part;
		length -= part;
	}
	return NULL;
}
