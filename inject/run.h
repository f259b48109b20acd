/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_RUN_H
#define INJECT_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "analyze/error.h"
#include "inject/emulator.h"

struct target_ops;

/* Command line of the capture kernel, as the agent's job has it: ',' for ' '. */
#define CAPTURE_COMMAND_LINE                                                       \
	"console=ttyS0,,115200,quiet,nr_cpus=1,irqpoll,reset_devices,idle=nomwait," \
	"pty.legacy_count=0,rodata=off,panic=-1,agent_role=capture"

/* How a crash point is reached. */
enum via {
	VIA_AUTO,	/* a hook where the kernel has it, else a kprobe */
	VIA_HOOK,
	VIA_KPROBE,
};

struct replay;
struct snapshot;
struct subject;

/* From the crash to the dump. */
enum run_path {
	RUN_AUTO,	/* full, or by disk where an option needs that */
	RUN_DISK,	/* the capture kernel writes it to a disk */
	RUN_FULL,	/* fork of a snapshot: the capture kernel hands it over */
	RUN_FAST,	/* fork of a snapshot: the memory is taken as it enters that */
};

const char *run_path_name(enum run_path path);
struct error *run_path_parse(const char *text, enum run_path *ret);

/* What a user asks of one crash run. Strings belong to the caller. */
struct run_options {
	const struct target_ops *target;
	const char *kernel;
	const char *point;	/* OP/STEP or FUNCTION+0xOFF; NULL: what the target has */
	const char *deliver;	/* self, remote, shootdown */
	const char *trigger;	/* NULL: the one that reaches the point */
	const char *situation;	/* NULL: the one that this needs */
	const char *out;	/* run directory; NULL: a new one below runs/ */
	enum via via;
	unsigned int victim;	/* CPU */
	unsigned int guests;	/* launched on the victim CPU */
	unsigned int bystanders; /* launched on another CPU */
	unsigned int skip;	/* matching hits to let pass */
	unsigned int memory;	/* MiB */
	unsigned int disk;	/* only by disk: MiB; 0: enough */
	enum emulator_choice emulator;
	unsigned int timeout;	/* seconds without a sign of life */
	enum run_path path;
	const char *vary;	/* not by disk: seed; NULL: do what each fork does */
	/* Of many runs, which they outlive; else NULL */
	const struct subject *subject;
	const struct snapshot *snapshot;
	const struct replay *replay; /* what must be as it was in an earlier run; or NULL */
	uint64_t budget;	/* of the fork: emulated instructions a CPU */
	bool transient;		/* leave no run directory if the dump comes to what ... */
	enum exit_status expected; /* ... this says */
	bool same_kernel;	/* the crashed kernel captures its dump itself */
	/* Only by disk: as kdump scripts do it, and slower here */
	bool checks;		/* load the crash kernel with checksums */
	bool compress;		/* the dump, with zlib */
	bool without_crash_kernel; /* fault injection for the suite itself */
	bool without_arming;
	bool without_svm_off;
	bool in_capture;	/* analyse /proc/vmcore in the capture kernel, too */
	bool keep_images;
	bool quiet;
	bool silent;		/* nothing on stdout */
	bool json;		/* run.json on stdout instead of the report */
};

/* The options' defaults. */
extern const struct run_options run_defaults;

/* What came of a run, in short. */
struct run_result {
	enum exit_status status;
	char outcome[32];
	char phase[32];		/* of a run that hung; else empty */
	char text[512];		/* what the dump says, or what went wrong */
	char directory[1024];	/* empty: none was left */
	double seconds;
	uint64_t ticks;		/* emulated instructions a CPU to the crash kernel; 0: unknown */
	uint64_t armed_ticks;	/* by a snapshot: the same to where it is armed; else 0 */
	uint64_t memory;	/* KiB that the fork took until then, at most; 0: unknown */
	json_t *verdict;	/* as analysis_json() has it; NULL: no dump could be read */
	json_t *console;	/* its last lines; NULL: the run passed */
};

void run_result_deinit(struct run_result *result);

/*
 * Do one crash run: images, boot, crash, dump, analysis, run directory, report
 * on stdout. An error means that no run came about (bad options, missing kernel,
 * no room for the run directory).
 */
struct error *run_once(const struct run_options *options, struct run_result *ret);

#endif
