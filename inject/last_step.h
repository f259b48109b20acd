/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_LAST_STEP_H
#define INJECT_LAST_STEP_H

/* Which step of a function's operations has been done last, at each instruction. */

#include <stdint.h>

#include "inject/code.h"
#include "inject/steps.h"

/* A step that was found. */
struct found_step {
	const struct module_symbol *function;
	const char *op, *step;
	struct place place;	/* indices are those of code_create() for the function */
};

/* A set of steps: bit 0 for none yet, bit N + 1 for the Nth of them. */
#define LAST_NONE	1U
#define LAST_MAX	31

/*
 * Before each instruction, all steps that can be the last one done, by any way
 * from the entry.  0: how it is reached is not known.  The caller frees *@ret.
 */
struct error *last_steps(const struct code *code, const struct found_step *const *steps,
			 size_t nr, uint32_t **ret);

#endif
