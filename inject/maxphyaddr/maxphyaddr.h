/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_MAXPHYADDR_H
#define INJECT_MAXPHYADDR_H

/* Guests whose MAXPHYADDR is smaller than the host's, on a target. */

#include <stdbool.h>

#include "analyze/error.h"
#include "inject/emulator.h"

struct target_ops;

/* Strings belong to the caller. */
struct maxphyaddr_options {
	const struct target_ops *target;
	enum emulator_choice emulator;
	const char *kernel;	/* under test */
	const char *against;	/* what it is held against; NULL: nothing */
	bool mutants;		/* then each kernel that lacks one of its checks */
	const char *program;	/* only this; NULL: all */
	const char *parameters;	/* of the KVM module, only these; NULL: each combination */
	bool brief;		/* a representative part of the cases */
	unsigned int maxphyaddr; /* of the guest; 0: as the programs have it */
	unsigned int memory;	/* of the target, MiB */
	const char *output;	/* JSON, NULL: none */
	const char *junit;	/* NULL: none */
	bool quiet;
};

/* KTAP and a table on stdout. An error: it did not come to a result. */
struct error *maxphyaddr_run(const struct maxphyaddr_options *options, enum exit_status *ret);

#endif
