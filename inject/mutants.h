/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_MUTANTS_H
#define INJECT_MUTANTS_H

/*
 * The known bugs that are put back in kernels of their own, and where a crash shows
 * each: kernel-patch/LINE/mutants/mutants.cfg, which explains its keys.
 */

#include <stdbool.h>
#include <stddef.h>

struct error;
struct scenarios;

#define MUTANTS_GROUP	"mutants"
/* The kernel that has none of the bugs. */
#define MUTANTS_NONE	"fixed"

enum mutant_text {
	MUTANT_COMMIT,
	MUTANT_BUG,
	MUTANT_WINDOW,
	MUTANT_POINTS,
	MUTANT_DELIVER,
	MUTANT_FINDING,
	MUTANT_FINDING_SELF,	/* in the order of the deliveries */
	MUTANT_FINDING_REMOTE,
	MUTANT_FINDING_SHOOTDOWN,
	MUTANT_ELSEWHERE,
	MUTANT_CLEAN,
	MUTANT_KERNEL,
	/* Keys of its scenarios */
	MUTANT_OPERATION,
	MUTANT_SITUATION,
	MUTANT_TRIGGER,
	MUTANT_GUESTS,
	MUTANT_BYSTANDERS,
	NR_MUTANT_TEXTS,
};

struct mutant {
	char *name;
	char *text[NR_MUTANT_TEXTS]; /* NULL: not given */
};

struct mutants {
	struct mutant *mutant;
	size_t nr;
};

struct error *mutants_load(const char *path, struct mutants *ret);
void mutants_deinit(struct mutants *mutants);
const struct mutant *mutants_find(const struct mutants *mutants, const char *name);

/* That has it. */
const char *mutant_kernel(const struct mutant *mutant);

/* Some crash is to show it. */
bool mutant_is_shown(const struct mutant *mutant);

/*
 * Add the scenarios of all, of groups MUTANTS_GROUP and the
 * mutant's name: NAME where it shows, NAME-DELIVERY where it does not show in the
 * same way, NAME-elsewhere, and NAME-fixed, all the same crashes without the bug.
 */
struct error *mutants_scenarios(const struct mutants *mutants, struct scenarios *scenarios);

#endif
