/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SNAPSHOT_SNAPSHOT_H
#define INJECT_SNAPSHOT_SNAPSHOT_H

/*
 * An armed snapshot: an emulated host that has booted once, with its guests
 * launched and its crash kernel loaded, and is forked for each crash.
 */

#include <stdint.h>

#include "inject/emulator.h"
#include "inject/outcome.h"
#include "inject/snapshot/protocol.h"
#include "inject/target.h"

struct error;
struct progress;
struct snapshot;

struct snapshot_config {
	const struct kernel_build *kernel; /* outlives the snapshot, as do the rest */
	const char *directory;	/* for the logs of the boot; exists */
	bool same_kernel;	/* it captures its dumps itself */
	unsigned int victim;	/* CPU */
	unsigned int guests;	/* on it */
	unsigned int bystanders;
	const char *situation;	/* as in the agent's job; NULL: plain */
	const char *dry_table;	/* of a dry sweep (inject/dry.h); NULL */
	unsigned int memory;	/* MiB */
	unsigned int cpus;
	unsigned int timeout;	/* seconds without a sign of life */
	enum emulator_choice emulator;
};

/* A host that did not come to be armed. */
struct snapshot_failure {
	enum outcome outcome;	/* OUTCOME_CAPTURED: none of the host's */
	char text[512];
	char version[64];	/* of the emulator */
};

/*
 * Boot a host up to where it is armed. Interrupted by signals_pending(). If the
 * host is to blame for the error, @failure says how; may be NULL.
 */
struct error *snapshot_create(const struct snapshot_config *config, struct progress *progress,
			      struct snapshot_failure *failure, struct snapshot **ret);
/* End it, and with it every job that is still running. */
void snapshot_destroy(struct snapshot *snapshot);

static inline void cleanup_snapshot(struct snapshot **snapshot)
{
	snapshot_destroy(*snapshot);
}

/* Which emulator runs it; valid as long as it. */
const char *snapshot_version(const struct snapshot *snapshot);
/* Where it is armed: emulated instructions a CPU since power-on. */
uint64_t snapshot_ticks(const struct snapshot *snapshot);
/* Memory of its process, which the jobs share, KiB. */
uint64_t snapshot_memory(const struct snapshot *snapshot);

/* An error if it is gone. To be called by the process that made it, and often. */
struct error *snapshot_check(struct snapshot *snapshot);

/*
 * Fork it for @job, whose files are @fds; they stay open here. May be called by
 * any process that was forked off the one that made the snapshot.
 */
struct error *snapshot_fork(const struct snapshot *snapshot, const struct snapshot_job *job,
			    const int fds[SNAPSHOT_NR_FDS]);

/* A target that is such a fork; config.snapshot says of what. */
extern const struct target_ops target_snapshot;

#endif
