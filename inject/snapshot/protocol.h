/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SNAPSHOT_PROTOCOL_H
#define INJECT_SNAPSHOT_PROTOCOL_H

/*
 * Who talks to whom about an armed snapshot.
 *
 * The guest rings a doorbell of the emulator: it writes SNAPSHOT_MAGIC, an
 * operation and its 64 bit argument, low byte first, byte by byte to port 0xE9,
 * where Bochs has no device but a debug console. The library that is preloaded
 * into Bochs takes them from there.
 *
 * The host command and the library talk over a UNIX socket that keeps message
 * boundaries. Each job brings a second such socket for what becomes of it. Both
 * ends are built from one tree: there is no version.
 */

#include <stdint.h>

#define SNAPSHOT_PORT	0xe9
#define SNAPSHOT_MAGIC	"\xf5KDT"
#define SNAPSHOT_MAGIC_LENGTH 4
#define SNAPSHOT_ARGUMENT_LENGTH 8

enum snapshot_doorbell {
	/* Physical address of a struct snapshot_page: fork here, a job goes into it. */
	SNAPSHOT_ARMED = 1,
	/* Of the boot parameters: the crash kernel has been entered and done nothing yet. */
	SNAPSHOT_KEXEC,
	/* Of a struct snapshot_chunk: part of the dump that the capture kernel made. */
	SNAPSHOT_DUMP,
};

#define SNAPSHOT_PAGE_SIZE 4096

/* The page that a job is put into; zero but for its magic when the doorbell rings. */
struct snapshot_page {
	uint64_t magic;
	char job[SNAPSHOT_PAGE_SIZE - 8];	/* KEY=VALUE, separated by spaces */
};

#define SNAPSHOT_PAGE_MAGIC 0x656761702d54444bULL	/* "KDT-page" */

#define SNAPSHOT_CHUNK_PAGES 508

/* Page numbers of physical memory that hold @length bytes for @offset of the dump. */
struct snapshot_chunk {
	uint64_t magic;
	uint64_t offset;
	uint64_t length;
	uint64_t nr_pages;
	uint64_t page[SNAPSHOT_CHUNK_PAGES];
};

#define SNAPSHOT_CHUNK_MAGIC 0x6b6e6863732d4b54ULL

/* The library finds its socket's number here; without, it serves no snapshots. */
#define SNAPSHOT_ENVIRONMENT "KDUMP_TORTURE_SNAPSHOT"

/* When each emulated machine is switched on: 2026-01-01 00:00 UTC. */
#define EMULATED_POWER_ON 1767225600

/* The first message to the library, sent before the emulator starts. */
struct snapshot_setup {
	uint64_t memory;	/* of the guest, bytes */
	uint64_t ips;		/* emulated instructions a second */
	uint16_t console_port;	/* that the emulator's serial ports are connected to */
	uint16_t agent_port;
	char boot_image[256];	/* path; reopened by each job, for a position of its own */
	char log[256];		/* path of the emulator's log */
};

enum snapshot_path {
	SNAPSHOT_FAST,		/* take the memory when the crash kernel is entered */
	SNAPSHOT_FULL,		/* let it capture */
};

/* What a job brings along, in this order. */
enum snapshot_fd {
	SNAPSHOT_FD_RESULT,	/* socket; the job ends when its other end is closed */
	SNAPSHOT_FD_CONSOLE,	/* in place of the serial ports' connections */
	SNAPSHOT_FD_AGENT,
	SNAPSHOT_FD_LOG,	/* file, the emulator's log */
	SNAPSHOT_FD_CORE,	/* file, empty, for the dump */
	SNAPSHOT_NR_FDS,
};

/* Every other message to the library: fork, and let the child do this. */
struct snapshot_job {
	uint64_t budget;	/* emulated instructions a CPU from here on; then it ends */
	uint32_t path;		/* enum snapshot_path */
	char text[SNAPSHOT_PAGE_SIZE - 8];	/* for snapshot_page.job */
};

enum snapshot_event_type {
	SNAPSHOT_EVENT_READY,	/* on the server's socket: jobs are taken */
	SNAPSHOT_EVENT_FORKED,	/* the rest on the job's */
	SNAPSHOT_EVENT_KEXEC,	/* the crash kernel was entered */
	SNAPSHOT_EVENT_CORE,	/* fast path: the dump is written */
	SNAPSHOT_EVENT_BUDGET,	/* used up */
	SNAPSHOT_EVENT_FAILED,	/* of ours, not of the guest's; text says what */
	SNAPSHOT_EVENT_ENDED,	/* the child is gone */
};

struct snapshot_event {
	uint32_t type;
	int32_t status;		/* ENDED: wait status; FORKED: process */
	uint64_t ticks;		/* emulated instructions a CPU since power-on */
	uint64_t private_kib;	/* memory of this process alone, at most */
	char text[256];
};

#endif
