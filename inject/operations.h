/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_OPERATIONS_H
#define INJECT_OPERATIONS_H

/*
 * What KVM does to VMCSes, and to VMX operation itself, that a crash can come
 * in the middle of: the functions that do it, and what makes a host do it.
 */

#include <stdbool.h>
#include <stddef.h>

#define MAX_OPERATION_FUNCTIONS	4
/* A set of operations is a bit mask. */
#define MAX_OPERATIONS		32

struct operation {
	const char *name;
	/*
	 * NAME, or names that it had in other kernels with | between, newest
	 * first; ends with NULL. The compiler may have inlined them elsewhere.
	 */
	const char *functions[MAX_OPERATION_FUNCTIONS + 1];
	/* As the agent's job has them: what is done to reach it, ... */
	const char *trigger;
	const char *situation;	/* ... and what comes before; guests= is for the caller */
	const char *meaning;	/* a line for people */
};

/* The first one that has a function is what the function's code is said to be of. */
extern const struct operation operations[];
extern const size_t nr_operations;

/* NULL: there is no operation of this name. */
const struct operation *operation_find(const char *name);
/* The one that @point, an OP/STEP, is of; NULL: FUNCTION+0xOFF is of none. */
const struct operation *operation_of_point(const char *point);

/* The bit of the operation in a set. */
unsigned int operation_bit(const struct operation *operation);

/* What the crash itself runs, by all its names; ends with NULL. Never swept. */
extern const char *const crash_path_functions[];


#endif
