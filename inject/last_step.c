// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/last_step.h"

#include <stdlib.h>

#include "analyze/cleanup.h"

static bool does(const struct place *place, size_t insn)
{
	for (size_t i = 0; i < place->nr_anchors; i++) {
		if (place->anchor[i] == insn)
			return true;
	}
	return false;
}

/* Before the instruction, if that is where a step without stores of its own is. */
static uint32_t arrive(const struct found_step *const *steps, size_t nr, size_t insn,
		       uint32_t before)
{
	for (size_t i = 0; i < nr; i++) {
		if (!steps[i]->place.nr_anchors && steps[i]->place.insn == insn)
			return 1U << (i + 1);
	}
	return before;
}

static uint32_t leave(const struct found_step *const *steps, size_t nr, size_t insn,
		      uint32_t before)
{
	for (size_t i = 0; i < nr; i++) {
		if (does(&steps[i]->place, insn))
			return 1U << (i + 1);
	}
	return before;
}

/* An instruction that faulted has done nothing. */
static bool is_fault(const struct code *code, const struct code_edge *edge)
{
	const struct module_site *site =
		module_info_site(code->info, SITE_FAULT, code->insn[edge->from].addr);

	return site && site->target == code->insn[edge->to].addr;
}

struct error *last_steps(const struct code *code, const struct found_step *const *steps,
			 size_t nr, uint32_t **ret)
{
	_cleanup_free_ uint32_t *last = calloc(code->nr, sizeof(*last));
	bool changed = true;

	if (!last)
		return &error_no_memory;
	if (nr > LAST_MAX)
		nr = LAST_MAX;
	last[0] = arrive(steps, nr, 0, LAST_NONE);
	/* Sets only grow, so that the passes come to an end. */
	while (changed) {
		changed = false;
		for (size_t i = 0; i < code->nr_edges; i++) {
			const struct code_edge *edge = &code->edge[i];
			uint32_t set = last[edge->from];

			if (!is_fault(code, edge))
				set = leave(steps, nr, edge->from, set);
			if (!last[edge->from])
				continue;
			set = arrive(steps, nr, edge->to, set);
			changed |= (last[edge->to] | set) != last[edge->to];
			last[edge->to] |= set;
		}
	}
	*ret = no_cleanup_ptr(last);
	return NULL;
}
