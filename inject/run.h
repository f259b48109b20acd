/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_RUN_H
#define INJECT_RUN_H

#include <stdbool.h>

#include "analyze/error.h"
#include "inject/emulator.h"

struct target_ops;

/* Command line of the capture kernel, as the agent's job has it: ',' for ' '. */
#define CAPTURE_COMMAND_LINE                                                       \
	"console=ttyS0,,115200,quiet,nr_cpus=1,irqpoll,reset_devices,idle=nomwait," \
	"panic=-1,agent_role=capture"

/* How a crash point is reached. */
enum via {
	VIA_AUTO,	/* a hook where the kernel has it, else a kprobe */
	VIA_HOOK,
	VIA_KPROBE,
};

/* What a user asks of one crash run. Strings belong to the caller. */
struct run_options {
	const struct target_ops *target;
	const char *kernel;
	const char *point;	/* OP/STEP or FUNCTION+0xOFF */
	const char *deliver;	/* self, remote, shootdown */
	const char *trigger;	/* NULL: the one that reaches the point */
	const char *out;	/* run directory; NULL: a new one below runs/ */
	enum via via;
	unsigned int victim;	/* CPU */
	unsigned int guests;	/* launched on the victim CPU */
	unsigned int bystanders; /* launched on another CPU */
	unsigned int skip;	/* matching hits to let pass */
	unsigned int memory;	/* MiB */
	unsigned int disk;	/* MiB */
	enum emulator_choice emulator;
	unsigned int timeout;	/* seconds without a sign of life */
	bool without_crash_kernel; /* fault injection for the suite itself */
	bool without_arming;
	bool in_capture;	/* analyse /proc/vmcore in the capture kernel, too */
	bool keep_images;
	bool quiet;
	bool json;		/* run.json on stdout instead of the report */
};

/* The options' defaults. */
extern const struct run_options run_defaults;

/*
 * Do one crash run: images, boot, crash, dump, analysis, run directory, report
 * on stdout. *@ret is the exit status; an error means that no run came about
 * (bad options, missing kernel, no room for the run directory).
 */
struct error *run_once(const struct run_options *options, enum exit_status *ret);

#endif
