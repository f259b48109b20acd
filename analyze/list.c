// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct error *read_node(const struct memory *mem, uint64_t addr,
			       struct list_node *ret)
{
	uint64_t link[2];
	struct error *err = memory_read(mem, addr, link, sizeof(link));

	if (err)
		return err;
	*ret = (struct list_node){ .addr = addr, .next = link[0], .prev = link[1] };
	return NULL;
}

static struct error *append(struct list_walk *walk, size_t *capacity,
			    const struct list_node *node)
{
	if (walk->nr == *capacity) {
		size_t more = *capacity ? *capacity * 2 : 16;
		struct list_node *grown = realloc(walk->node, more * sizeof(*grown));

		if (!grown)
			return &error_no_memory;
		walk->node = grown;
		*capacity = more;
	}
	walk->node[walk->nr++] = *node;
	return NULL;
}

/*
 * The walk has met @addr, @distance entries after it met it first: keep every
 * entry of the tail and of the loop once.
 */
static void end_in_loop(struct list_walk *walk, size_t distance)
{
	size_t start = 0;

	while (start + distance < walk->nr &&
	       walk->node[start].addr != walk->node[start + distance].addr)
		start++;
	walk->end = LIST_LOOP;
	walk->bad = walk->node[start].addr;
	walk->nr = start + distance;
}

static uint64_t follow(const struct list_walk *walk, const struct list_node *node)
{
	return walk->direction == LIST_FORWARD ? node->next : node->prev;
}

static struct error *walk_on(const struct memory *mem, size_t max, struct list_walk *walk)
{
	size_t capacity = 0;
	/* Brent's algorithm: compare with an entry that moves up at powers of two. */
	size_t mark = 0;

	for (uint64_t addr = follow(walk, &walk->head); addr != walk->head.addr;) {
		struct list_node node;

		if (walk->nr == max) {
			walk->end = LIST_TOO_LONG;
			return NULL;
		}
		struct error *err = read_node(mem, addr, &node);

		if (err) {
			error_free(err);
			walk->end = LIST_WILD;
			walk->bad = addr;
			return NULL;
		}
		err = append(walk, &capacity, &node);
		if (err)
			return err;
		size_t last = walk->nr - 1;

		if (last > mark && walk->node[mark].addr == addr) {
			end_in_loop(walk, last - mark);
			return NULL;
		}
		if (last + 1 >= 2 * (mark + 1))
			mark = last;
		addr = follow(walk, &node);
	}
	walk->end = LIST_COMPLETE;
	return NULL;
}

struct error *list_walk_init(const struct memory *mem, enum list_direction direction,
			     uint64_t head, size_t max, struct list_walk *ret)
{
	struct list_walk walk = { .direction = direction };
	struct error *err = read_node(mem, head, &walk.head);

	if (err)
		return err;
	if (!follow(&walk, &walk.head))
		walk.end = LIST_UNINITIALISED;
	else
		err = walk_on(mem, max, &walk);
	if (err) {
		list_walk_deinit(&walk);
		return err;
	}
	*ret = walk;
	return NULL;
}

void list_walk_deinit(struct list_walk *walk)
{
	free(walk->node);
	addr_index_deinit(&walk->by_addr);
	*walk = (struct list_walk){};
}

struct error *list_walk_index(struct list_walk *walk)
{
	struct error *err = NULL;

	for (size_t i = 0; i < walk->nr && !err; i++)
		err = addr_index_add(&walk->by_addr, walk->node[i].addr, i);
	return err;
}

const struct list_node *list_walk_find(const struct list_walk *walk,
				       uint64_t addr)
{
	if (addr == walk->head.addr)
		return &walk->head;
	size_t i;

	return addr_index_find(&walk->by_addr, addr, &i) ? &walk->node[i] : NULL;
}

uint64_t list_walk_before(const struct list_walk *walk, size_t i)
{
	return i ? walk->node[i - 1].addr : walk->head.addr;
}

bool list_walk_is_odd(const struct list_walk *walk)
{
	if (walk->end != LIST_COMPLETE || walk->head.prev != list_walk_before(walk, walk->nr))
		return true;
	for (size_t i = 0; i < walk->nr; i++) {
		if (walk->node[i].prev != list_walk_before(walk, i))
			return true;
	}
	return false;
}

const char *list_poison_name(uint64_t pointer)
{
	return pointer == LIST_POISON1 ? " (LIST_POISON1)"
	       : pointer == LIST_POISON2 ? " (LIST_POISON2)" : "";
}

void list_walk_describe_end(const struct list_walk *walk, char *ret,
			    size_t size)
{
	switch (walk->end) {
	case LIST_COMPLETE:
		snprintf(ret, size, "complete");
		break;
	case LIST_UNINITIALISED:
		snprintf(ret, size, "never initialised (->%s is NULL)",
			 walk->direction == LIST_FORWARD ? "next" : "prev");
		break;
	case LIST_LOOP:
		snprintf(ret, size, "a loop back to %#" PRIx64 " after %zu entries",
			 walk->bad, walk->nr);
		break;
	case LIST_WILD:
		snprintf(ret, size, "a wild pointer %#" PRIx64 "%s after %zu entries",
			 walk->bad, list_poison_name(walk->bad), walk->nr);
		break;
	case LIST_TOO_LONG:
		snprintf(ret, size, "no end after %zu entries", walk->nr);
		break;
	}
}

const char *list_end_name(enum list_end end)
{
	static const char *const names[] = {
		[LIST_COMPLETE] = "complete",
		[LIST_UNINITIALISED] = "uninitialised",
		[LIST_LOOP] = "loop",
		[LIST_WILD] = "wild-pointer",
		[LIST_TOO_LONG] = "too-long",
	};

	return names[end];
}
