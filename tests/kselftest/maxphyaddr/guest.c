// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs in the guest, compiled for 64-bit and for 32-bit modes: makes the paging
 * structures of each case, tries the access, and writes down what came of it.
 */
#include "guest.h"

#define GP		13
#define EFER		0xc0000080
#define RFLAGS_FIXED	0x2
#define RFLAGS_AC	(1 << 18)

/* As enum access_type of model.h, which a 32-bit compiler need not see */
enum { READ, WRITE, FETCH };

static volatile struct guest_try *const try = (void *)GUEST_TRY;
static struct guest_batch *const batch = (void *)GUEST_BATCH;
static struct guest_case *const cases = (void *)GUEST_CASES;

static uint32_t known_efer;

void guest_attempt(void);
void guest_main(void);

static void write_cr0(unsigned long value)
{
	asm volatile("mov %0, %%cr0" :: "r"(value) : "memory");
}

static unsigned long read_cr0(void)
{
	unsigned long value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static unsigned long read_cr3(void)
{
	unsigned long value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static void write_cr4(unsigned long value)
{
	asm volatile("mov %0, %%cr4" :: "r"(value) : "memory");
}

static unsigned long read_cr4(void)
{
	unsigned long value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static uint32_t read_efer(void)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(EFER));
	return low;
}

static void write_efer(uint32_t value)
{
	asm volatile("wrmsr" :: "a"(value), "d"(0), "c"(EFER) : "memory");
}

static uint64_t read_entry(uint32_t at)
{
	if (batch->entry_size == 4)
		return *(volatile uint32_t *)(uintptr_t)at;
	return *(volatile uint64_t *)(uintptr_t)at;
}

static void write_entry(uint32_t at, uint64_t entry)
{
	if (batch->entry_size == 4)
		*(volatile uint32_t *)(uintptr_t)at = entry;
	else
		*(volatile uint64_t *)(uintptr_t)at = entry;
}

/*
 * QEMU sets the accessed flag in PDPTEs of PAE paging, where it is reserved: KVM then
 * refuses to load them again.
 */
static void mend_own_entry(void)
{
	if (read_entry(batch->own_entry_at) != batch->own_entry)
		write_entry(batch->own_entry_at, batch->own_entry);
}

static void set_controls(const struct guest_case *c)
{
	if (read_cr0() != c->cr0)
		write_cr0(c->cr0);
	if (read_cr4() != c->cr4) {
		mend_own_entry();
		write_cr4(c->cr4);
	}
	/* RDMSR is slow for it exits: what is known is not asked for. */
	if (!batch->has_efer || known_efer == c->efer)
		return;
	if (read_efer() != c->efer)
		write_efer(c->efer);
	known_efer = c->efer;
}

static void set_try(const struct guest_case *c)
{
	uint32_t stubs = c->user ? GUEST_USER : GUEST_STUBS;

	try->cr3 = read_cr3();
	try->cs = c->user ? GUEST_USER_CS : GUEST_CS;
	try->ss = c->user ? GUEST_USER_SS : GUEST_SS;
	try->sp = GUEST_STACK / 2 + GUEST_CODE / 2;
	try->flags = RFLAGS_FIXED | (c->ac ? RFLAGS_AC : 0);
	try->address = c->address;
	if (c->type == FETCH)
		try->ip = c->address;
	else
		try->ip = stubs + (c->type == READ ? STUB_READ : STUB_WRITE);
}

static void run_case(struct guest_case *c)
{
	/* None of an earlier case's is in the way of MOV to CR4, which loads PDPTEs. */
	set_controls(c);
	for (int i = 0; i < c->nr_entries; i++)
		write_entry(c->entry_at[i], c->entry[i]);
	set_try(c);
	/* An interrupt of the host in between gives QEMU the time to set it again. */
	for (int i = 0; i < 3; i++) {
		mend_own_entry();
		guest_attempt();
		if (try->vector != GP)
			break;
	}
	c->vector = try->vector;
	c->error_code = try->error_code;
	c->cr2 = try->cr2;
	for (int i = 0; i < c->nr_entries; i++)
		c->entry[i] = read_entry(c->entry_at[i]);
	write_entry(c->entry_at[0], 0);
}

void guest_main(void)
{
	known_efer = 0;
	for (;;) {
		for (; batch->current < batch->nr; batch->current++)
			run_case(&cases[batch->current]);
		asm volatile("outb %%al, %%dx" :: "a"(0), "d"(GUEST_PORT) : "memory");
	}
}
