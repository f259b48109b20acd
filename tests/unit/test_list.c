// SPDX-License-Identifier: GPL-2.0-or-later
/* Walking lists: whole, looped, wild, endless. */
#include <stdlib.h>

#include "analyze/list.h"
#include "tests/unit/machine.h"
#include "tests/unit/tap.h"

#define MAX_NODES	40

/* A list of @nr nodes. Return: its head. */
static uint64_t build(struct machine *machine, uint64_t node[MAX_NODES], size_t nr)
{
	uint64_t head = machine_alloc(machine, 16, 8), before = head;

	for (size_t i = 0; i < nr; i++) {
		node[i] = machine_alloc(machine, 16, 8);
		machine_poke_u64(machine, before, node[i]);
		machine_poke_u64(machine, node[i] + 8, before);
		before = node[i];
	}
	machine_poke_u64(machine, before, head);
	machine_poke_u64(machine, head + 8, before);
	return head;
}

static bool walked(const struct list_walk *walk, const uint64_t *node, size_t nr)
{
	if (walk->nr != nr)
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (walk->node[i].addr != node[i])
			return false;
	}
	return true;
}

static void test_whole(struct machine *machine)
{
	bool good = true;

	for (size_t nr = 0; nr < MAX_NODES; nr++) {
		uint64_t node[MAX_NODES];
		struct list_walk walk;

		if (list_walk_init(&machine->memory, LIST_FORWARD, build(machine, node, nr), 100,
				   &walk) ||
		    list_walk_index(&walk))
			abort();
		good &= walk.end == LIST_COMPLETE && walked(&walk, node, nr);
		good &= !nr || list_walk_find(&walk, node[nr - 1])->addr == node[nr - 1];
		good &= !list_walk_find(&walk, 0x1234);
		list_walk_deinit(&walk);
	}
	tap_ok(good, "whole lists of 0 to 39 entries are walked in order");
}

static void test_backward(struct machine *machine)
{
	uint64_t node[MAX_NODES];
	struct list_walk walk;
	bool good = true;

	if (list_walk_init(&machine->memory, LIST_BACKWARD, build(machine, node, 10), 100, &walk))
		abort();
	for (size_t i = 0; i < walk.nr; i++)
		good &= walk.node[i].addr == node[9 - i];
	tap_ok(good && walk.end == LIST_COMPLETE && walk.nr == 10,
	       "a walk backward meets the entries in reverse order");
	list_walk_deinit(&walk);
}

/* Every tail before a loop, of every length. */
static void test_loops(struct machine *machine)
{
	bool good = true;

	for (size_t nr = 1; nr < MAX_NODES; nr++) {
		for (size_t to = 0; to < nr; to++) {
			uint64_t node[MAX_NODES], head = build(machine, node, nr);
			struct list_walk walk;

			machine_poke_u64(machine, node[nr - 1], node[to]);
			if (list_walk_init(&machine->memory, LIST_FORWARD, head, 1000, &walk))
				abort();
			good &= walk.end == LIST_LOOP && walk.bad == node[to] &&
				walked(&walk, node, nr);
			list_walk_deinit(&walk);
		}
	}
	tap_ok(good, "a loop back to any entry ends the walk with each entry once");
}

static void test_ends(struct machine *machine)
{
	uint64_t node[MAX_NODES], head = build(machine, node, 5);
	struct list_walk walk;

	if (list_walk_init(&machine->memory, LIST_FORWARD, head, 4, &walk))
		abort();
	tap_ok(walk.end == LIST_TOO_LONG && walk.nr == 4, "a list longer than its bound is cut there");
	list_walk_deinit(&walk);
	machine_poke_u64(machine, node[2], LIST_POISON1);
	if (list_walk_init(&machine->memory, LIST_FORWARD, head, 100, &walk))
		abort();
	tap_ok(walk.end == LIST_WILD && walk.bad == LIST_POISON1 && walked(&walk, node, 3),
	       "a poisoned ->next ends the walk as a wild pointer");
	list_walk_deinit(&walk);
	machine_poke_u64(machine, head, 0);
	if (list_walk_init(&machine->memory, LIST_FORWARD, head, 100, &walk))
		abort();
	tap_ok(walk.end == LIST_UNINITIALISED && !walk.nr, "a head of zeroes was never initialised");
	list_walk_deinit(&walk);
	struct error *err = list_walk_init(&machine->memory, LIST_FORWARD, 0x1234, 100, &walk);

	tap_ok(err, "a head that is not in memory is an error");
	error_free(err);
}

int main(void)
{
	struct machine *machine = machine_create();

	test_whole(machine);
	test_backward(machine);
	test_loops(machine);
	test_ends(machine);
	machine_destroy(machine);
	return tap_done();
}
