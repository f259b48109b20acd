// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/extents.h"

#include <stdlib.h>

void extents_deinit(struct extents *extents)
{
	free(extents->extent);
	*extents = (struct extents){};
}

static struct error *append(struct extents *extents, const struct extent *extent)
{
	if (extents->nr == extents->capacity) {
		size_t more = extents->capacity ? extents->capacity * 2 : 64;
		struct extent *grown = reallocarray(extents->extent, more, sizeof(*grown));

		if (!grown)
			return &error_no_memory;
		extents->extent = grown;
		extents->capacity = more;
	}
	extents->extent[extents->nr++] = *extent;
	return NULL;
}

struct error *extents_add(struct extents *extents, uint64_t start, uint64_t size,
			  uint64_t source)
{
	const struct extent extent = { start, start + size, source, extents->nr };

	return size ? append(extents, &extent) : NULL;
}

static int compare_start(const void *a, const void *b)
{
	const struct extent *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->rank < right->rank ? -1 : 1;
}

static bool is_apart(const struct extents *extents)
{
	for (size_t i = 1; i < extents->nr; i++) {
		if (extents->extent[i - 1].end > extents->extent[i].start)
			return false;
	}
	return true;
}

/* A heap whose top is the extent that was added last. */
struct heap {
	const struct extent **extent;
	size_t nr;
};

static void swap(struct heap *heap, size_t a, size_t b)
{
	const struct extent *extent = heap->extent[a];

	heap->extent[a] = heap->extent[b];
	heap->extent[b] = extent;
}

static void push(struct heap *heap, const struct extent *extent)
{
	size_t i = heap->nr++;

	heap->extent[i] = extent;
	for (; i && heap->extent[i]->rank > heap->extent[(i - 1) / 2]->rank; i = (i - 1) / 2)
		swap(heap, i, (i - 1) / 2);
}

static void pop(struct heap *heap)
{
	heap->extent[0] = heap->extent[--heap->nr];
	for (size_t i = 0;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < heap->nr &&
		    heap->extent[child + 1]->rank > heap->extent[child]->rank)
			child++;
		if (child >= heap->nr || heap->extent[child]->rank < heap->extent[i]->rank)
			return;
		swap(heap, i, child);
		i = child;
	}
}

/* What @extent has from @start to @end. */
static struct error *append_part(struct extents *ret, const struct extent *extent,
				 uint64_t start, uint64_t end)
{
	struct extent part = *extent;

	if (part.source != EXTENT_ZERO)
		part.source += start - part.start;
	part.start = start;
	part.end = end;
	return append(ret, &part);
}

/* Go through the addresses upwards with all extents that cover the present one in @heap. */
static struct error *resolve(const struct extents *extents, struct heap *heap,
			     struct extents *ret)
{
	uint64_t at = 0;

	for (size_t i = 0; i < extents->nr || heap->nr;) {
		if (!heap->nr && extents->extent[i].start > at)
			at = extents->extent[i].start;
		while (i < extents->nr && extents->extent[i].start <= at)
			push(heap, &extents->extent[i++]);
		while (heap->nr && heap->extent[0]->end <= at)
			pop(heap);
		if (!heap->nr)
			continue;
		uint64_t end = heap->extent[0]->end;

		if (i < extents->nr && extents->extent[i].start < end)
			end = extents->extent[i].start;
		struct error *err = append_part(ret, heap->extent[0], at, end);

		if (err)
			return err;
		at = end;
	}
	return NULL;
}

struct error *extents_index(struct extents *extents)
{
	if (!extents->nr)
		return NULL;
	qsort(extents->extent, extents->nr, sizeof(*extents->extent), compare_start);
	if (is_apart(extents))
		return NULL;
	struct heap heap = { .extent = calloc(extents->nr, sizeof(*heap.extent)) };
	struct extents resolved = {};
	struct error *err = heap.extent ? resolve(extents, &heap, &resolved) : &error_no_memory;

	free(heap.extent);
	if (err) {
		extents_deinit(&resolved);
		return err;
	}
	extents_deinit(extents);
	*extents = resolved;
	return NULL;
}

const struct extent *extents_find(const struct extents *extents, uint64_t addr)
{
	size_t low = 0, high = extents->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (extents->extent[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < extents->nr ? &extents->extent[low] : NULL;
}
