/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_STEPS_H
#define INJECT_STEPS_H

/* The steps of operations, and how each is found in the code of a function. */

#include <stdlib.h>

#include "inject/code.h"
#include "inject/values.h"

/* Stores of list_add() and of list_del(), each. */
#define LIST_STORES	4
#define MAX_STEPS	(LIST_STORES + 1)
/* Instructions of one operation, with an end. */
#define MAX_SEQUENCE	4
/* Copies of one statement that the compiler made for different paths. */
#define MAX_COPIES	16

struct list_pattern;
struct search;

/* Adding one is a line in the table in steps.c. */
struct step_rule {
	const char *op;
	const char *steps[MAX_STEPS + 1];	/* ends with NULL */
	const char *function;		/* that it is looked for in; | as in struct operation */
	/* Fills .place; an error says why the function does not have it. */
	struct error *(*find)(struct search *search);
	/* What it looks for: one of */
	const struct list_pattern *pattern;
	const char *const *inlined;	/* functions that the stores come from */
	const char *symbol;		/* that is stored to, or called */
	const char *structure;		/* NULL: loaded_vmcs */
	const char *member;		/* of that, stored to */
	bool argument;			/* which is the function's argument */
	/* Instructions, a step each, in this order; ends with 0. */
	ZydisMnemonic sequence[MAX_SEQUENCE];
};

/* The first nr_basic_step_rules are what points_nr() counts. */
extern const struct step_rule step_rules[];
extern const size_t nr_step_rules;
extern const size_t nr_basic_step_rules;

/*
 * The function of the module that the instruction calls, or jumps to from
 * another one, or NULL.
 */
const struct module_symbol *steps_callee(const struct module_info *info,
					 const struct code_insn *insn);

/* Where a step of an operation is. */
struct place {
	size_t anchor[MAX_COPIES];	/* the instructions that do it */
	size_t nr_anchors;		/* 0: nothing has been done yet */
	size_t insn;			/* that has not been executed */
	const struct module_symbol *helper; /* that the anchor calls to do it, or NULL */
};

/* The search for one operation in one function. */
struct search {
	const struct step_rule *rule;
	const struct code *code;
	const struct values *values;
	struct place place[MAX_STEPS];	/* one a step */
	char *finding;			/* what is wrong with the kernel, or NULL */
};

static inline void search_deinit(struct search *search)
{
	free(search->finding);
}

#endif
