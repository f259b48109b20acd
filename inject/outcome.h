/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_OUTCOME_H
#define INJECT_OUTCOME_H

#include <stdbool.h>

#include "analyze/error.h"

/* What became of a crash run, apart from what its dump says. */
enum outcome {
	OUTCOME_CAPTURED,	  /* a dump was written and read */
	OUTCOME_SETUP_FAILED,	  /* the target could not be made ready */
	OUTCOME_REFUSED,	  /* the driver refused to arm */
	OUTCOME_NOT_FIRED,	  /* the point was not reached */
	OUTCOME_NMI_LOST,	  /* the point was reached, no NMI arrived */
	OUTCOME_HUNG,		  /* no sign of life; the phase tells where */
	OUTCOME_RESET,		  /* triple fault or reboot instead of a dump */
	OUTCOME_TARGET_DIED,	  /* the emulator itself ended */
	OUTCOME_CAPTURE_FAILED,	  /* capture kernel without /proc/vmcore or disk */
	OUTCOME_DUMP_INCOMPLETE,  /* makedumpfile did not finish */
	OUTCOME_DUMP_UNREADABLE,  /* there is a dump, but the analyser cannot read it */
	OUTCOME_INTERRUPTED,	  /* by the user */
};

const char *outcome_name(enum outcome outcome);
/* The outcome an agent named; OUTCOME_SETUP_FAILED for a name not known. */
enum outcome outcome_find(const char *name);
/*
 * The exit status of a run that brought no dump to judge. A crash that hangs or
 * resets the host has failed; what says nothing about the kernel has not: a
 * host that hung before it was crashed (@fired: false) is inconclusive.
 */
enum exit_status outcome_status(enum outcome outcome, bool fired);

#endif
