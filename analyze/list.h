/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_LIST_H
#define ANALYZE_LIST_H

/*
 * Lists of the kernel (struct list_head), walked forward, as the crash path
 * does, or backward, and never for ever.
 */

#include <stdbool.h>

#include "analyze/addr_index.h"
#include "analyze/memory.h"

/* What list_del() leaves behind, with x86-64's CONFIG_ILLEGAL_POINTER_VALUE. */
#define LIST_POISON1	0xdead000000000100ULL	/* ->next */
#define LIST_POISON2	0xdead000000000122ULL	/* ->prev */

struct list_node {
	uint64_t addr;		/* of the struct list_head */
	uint64_t next;
	uint64_t prev;
};

enum list_direction {
	LIST_FORWARD,		/* by ->next */
	LIST_BACKWARD,		/* by ->prev */
};

enum list_end {
	LIST_COMPLETE,		/* came back to the head */
	LIST_UNINITIALISED,	/* the head's pointer is NULL */
	LIST_LOOP,		/* came back to an entry instead of the head */
	LIST_WILD,		/* an address that the dump does not have */
	LIST_TOO_LONG,		/* more than the bound */
};

struct list_walk {
	enum list_direction direction;
	enum list_end end;
	uint64_t bad;		/* LOOP: the entry met again; WILD: the address */
	struct list_node head;
	struct list_node *node;	/* in the order of the walk, each once */
	size_t nr;
	struct addr_index by_addr;	/* of node, once list_walk_index() ran */
};

/*
 * Walk the list whose head is at @head for at most @max entries.  How the walk
 * ended is a result; an error is only a head that cannot be read.
 */
struct error *list_walk_init(const struct memory *mem, enum list_direction direction,
			     uint64_t head, size_t max, struct list_walk *ret);
void list_walk_deinit(struct list_walk *walk);

/* For list_walk_find() to find more than the head. */
struct error *list_walk_index(struct list_walk *walk);

/* The node at @addr, the head included, or NULL if the walk did not meet it. */
const struct list_node *list_walk_find(const struct list_walk *walk,
				       uint64_t addr);

/*
 * Where the walk came from to its entry @i, which a sound ->prev names; with
 * @i = @walk->nr: to the head.
 */
uint64_t list_walk_before(const struct list_walk *walk, size_t i);

/* Whether the list is other than list_add() and list_del() leave it when they are done. */
bool list_walk_is_odd(const struct list_walk *walk);

/* " (LIST_POISON1)" for what list_del() leaves in a removed entry, else "". */
const char *list_poison_name(uint64_t pointer);

/* "loop back to 0x...": why the walk ended, in words for a report. */
void list_walk_describe_end(const struct list_walk *walk, char *ret,
			    size_t size);

/* The same in a word: "loop", "wild-pointer". */
const char *list_end_name(enum list_end end);

#endif
