// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The library that is preloaded into Bochs. Bochs prints what the guest writes
 * to port 0xE9, a byte at a time; these functions stand in front of those it
 * prints with.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/error.h"
#include "inject/snapshot/preload/core.h"
#include "inject/snapshot/preload/emulator.h"
#include "inject/snapshot/preload/server.h"

static bool active;

int doorbell_putc(int c, FILE *file) IN_FRONT_OF(putc);
int doorbell_putchar(int c) IN_FRONT_OF(putchar);

static void kexec_entered(uint64_t boot_params)
{
	job_report(SNAPSHOT_EVENT_KEXEC, NULL);
	if (job_path() == SNAPSHOT_FULL) {
		emulator_run_alone();
		return;
	}
	struct error *err = core_write(boot_params, job_core());

	job_report(err ? SNAPSHOT_EVENT_FAILED : SNAPSHOT_EVENT_CORE, err ? err->message : NULL);
	job_end();
}

static void dump_chunk(uint64_t pa)
{
	struct error *err = core_write_chunk(pa, job_core());

	if (!err)
		return;
	job_report(SNAPSHOT_EVENT_FAILED, err->message);
	job_end();
}

static void ring(unsigned int doorbell, uint64_t argument)
{
	if (doorbell == SNAPSHOT_ARMED && !job_is_running())
		server_run(argument);
	else if (doorbell == SNAPSHOT_KEXEC && job_is_running())
		kexec_entered(argument);
	else if (doorbell == SNAPSHOT_DUMP && job_is_running())
		dump_chunk(argument);
}

/* Return: @byte belongs to a doorbell, or so far looks like it. */
static bool take_byte(unsigned char byte)
{
	static unsigned int taken, doorbell;
	static uint64_t argument;

	if (taken < SNAPSHOT_MAGIC_LENGTH) {
		taken = byte == (unsigned char)SNAPSHOT_MAGIC[taken] ? taken + 1 : 0;
		return taken;
	}
	if (taken++ == SNAPSHOT_MAGIC_LENGTH) {
		doorbell = byte;
		argument = 0;
		return true;
	}
	argument |= (uint64_t)byte << 8 * (taken - SNAPSHOT_MAGIC_LENGTH - 2);
	if (taken == SNAPSHOT_MAGIC_LENGTH + 1 + SNAPSHOT_ARGUMENT_LENGTH) {
		taken = 0;
		ring(doorbell, argument);
	}
	return true;
}

int doorbell_putc(int c, FILE *file)
{
	if (active && file == stdout && take_byte(c))
		return c;
	return fputc(c, file);
}

int doorbell_putchar(int c)
{
	return doorbell_putc(c, stdout);
}

/* Bochs is one program of those that a wrapper script starts. */
__attribute__((constructor)) static void preload_init(void)
{
	const char *fd = getenv(SNAPSHOT_ENVIRONMENT);

	if (!emulator_is_here())
		return;
	unsetenv("LD_PRELOAD");
	if (!fd)
		return;
	server_init(atoi(fd));
	active = true;
}
