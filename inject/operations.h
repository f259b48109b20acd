/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_OPERATIONS_H
#define INJECT_OPERATIONS_H

/*
 * The operations that crash points are steps of, and how each step is found in
 * the code of a function.
 */

#include <stdlib.h>

#include "inject/code.h"
#include "inject/values.h"

/* Stores of list_add() and of list_del(), each. */
#define LIST_STORES	4
#define MAX_STEPS	(LIST_STORES + 1)
/* Copies of one statement that the compiler made for different paths. */
#define MAX_COPIES	16

struct list_pattern;
struct search;

/* Adding one is a line in the table in operations.c. */
struct operation {
	const char *op;
	const char *steps[MAX_STEPS + 1];	/* ends with NULL */
	const char *function;		/* that it is looked for in */
	/* Fills .place; an error says why the function does not have it. */
	struct error *(*find)(struct search *search);
	/* What it looks for: one of */
	const struct list_pattern *pattern;
	const char *const *inlined;	/* functions that the stores come from */
	const char *symbol;		/* that is stored to */
	const char *member;		/* of struct loaded_vmcs, stored to */
	bool argument;			/* which is the function's argument */
	ZydisMnemonic mnemonic;
};

extern const struct operation operations[];
extern const size_t nr_operations;

/* Where a step of an operation is. */
struct place {
	size_t anchor[MAX_COPIES];	/* the instructions that do it */
	size_t nr_anchors;		/* 0: nothing has been done yet */
	size_t insn;			/* that has not been executed */
};

/* The search for one operation in one function. */
struct search {
	const struct operation *operation;
	const struct code *code;
	const struct values *values;
	struct place place[MAX_STEPS];	/* one a step */
	char *note;			/* what to know about it, or NULL */
	char *finding;			/* what is wrong with the kernel, or NULL */
};

static inline void search_deinit(struct search *search)
{
	free(search->note);
	free(search->finding);
}

#endif
