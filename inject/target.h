/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_TARGET_H
#define INJECT_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "inject/emulator.h"
#include "inject/snapshot/protocol.h"

/*
 * A target is a machine that may be crashed. inject/ knows it only through
 * this interface; a target is one file.
 */

struct error;
struct kernel_build;
struct snapshot;

/* A file of this machine, and what it is on the target; a list ends with NULL. */
struct target_file {
	const char *to, *from;
};

/* What a target needs to know; everything in it outlives the target. */
struct target_config {
	const struct kernel_build *kernel;
	const char *directory;	/* logs of the target go here; exists */
	const char *job;	/* arguments of the agent, separated by spaces */
	const struct target_file *files; /* to take along, with a shell; NULL: none */
	const char *dry_table;	/* for the driver, as /dry; NULL: none */
	const char *analyzer;	/* program for the capture kernel to run on /proc/vmcore, or NULL */
	unsigned int memory;	/* MiB */
	unsigned int disk;	/* size of the dump disk, MiB */
	unsigned int cpus;
	enum emulator_choice emulator; /* where there is a choice */
	bool serve_snapshots;	/* target_bochs: be forked, once it is armed */
	/* target_snapshot: the armed host to fork, and as which kind of job */
	const struct snapshot *snapshot;
	enum snapshot_path path;
	uint64_t budget;	/* emulated instructions a CPU */
	bool amd;		/* target_qemu, of itself: the host has SVM */
	bool same_kernel;	/* the kernel captures its dump itself */
	bool keep;		/* leave the images behind */
};

enum target_event {
	TARGET_QUIET,	/* nothing in the time given */
	TARGET_ALIVE,	/* something was seen, but no line of the agent */
	TARGET_LINE,	/* a line of the agent (agent/agent.h has its form) */
	TARGET_RESET,	/* the machine reset itself: triple fault or reboot */
	TARGET_SPENT,	/* the machine has used up its emulated instructions */
	TARGET_ENDED,	/* the machine is gone */
};

struct target;

struct target_ops {
	const char *name;
	struct error *(*create)(const struct target_config *config, struct target **ret);
	/* Build images, whatever can fail before the machine runs. */
	struct error *(*prepare)(struct target *target);
	struct error *(*boot)(struct target *target);
	/*
	 * Wait at most @timeout milliseconds for a sign of life. @text is valid
	 * until the next call: the line, or why the machine is gone.
	 */
	enum target_event (*next_event)(struct target *target, int timeout, const char **text);
	/*
	 * Copy the file @name of the dump disk, such as vmcore or
	 * vmcore-incomplete, to @path; false in *@ret: there is none.
	 */
	struct error *(*collect)(struct target *target, const char *name, const char *path,
				 bool *ret);
	/*
	 * A file that the dump is in, open; -1 if only collect() can bring it.
	 * NULL: no target of this kind has one.
	 */
	int (*dump_file)(const struct target *target);
	/*
	 * Emulated instructions a CPU from power-on to the crash kernel, 0: it was
	 * not entered. NULL: no target of this kind can tell.
	 */
	uint64_t (*ticks)(const struct target *target);
	/* Memory that the target alone took so far, at most, KiB. NULL as for ticks. */
	uint64_t (*memory)(const struct target *target);
	/*
	 * EFER of each of config.cpus CPUs, as it is at this moment. NULL: no target
	 * of this kind can tell.
	 */
	struct error *(*read_efer)(struct target *target, uint64_t *ret);
	/*
	 * Whether the host's CPUs will have SVM, and so no VMX. NULL: they have VMX.
	 */
	bool (*has_svm)(void);
	/* Why it is run in this way, where there is a choice; NULL: there is none. */
	const char *(*why)(const struct target *target);
	/* What runs the target, for the record: "Bochs 2.7 (packaged)". */
	const char *(*version)(const struct target *target);
	/* End the machine at once and remove what only it needed. May be repeated. */
	void (*reset)(struct target *target);
	void (*destroy)(struct target *target);
};

extern const struct target_ops target_bochs, target_qemu;

/* By its name; an error lists those that there are. */
struct error *target_find(const char *name, const struct target_ops **ret);

#endif
