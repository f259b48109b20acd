// SPDX-License-Identifier: GPL-2.0-or-later
/* Where each loaded VMCS is in the CPUs' lists, and which is current. */
#include <inttypes.h>

#include "analyze/kvm_walk.h"

/*
 * A vCPU is loaded while it is being created, before its VM has it, and while
 * it is being destroyed, after its VM left vm_list.  Take the loaded VMCS at
 * @addr for the one at @offset in such a vCPU if that one's pointers agree.
 */
static struct error *adopt(struct walk *walk, uint64_t addr, uint64_t offset)
{
	const struct vcpu_layout *layout = &walk->layout.vcpu;
	uint64_t vcpu_vmx = addr - offset, vcpu = vcpu_vmx + layout->vcpu.offset;
	uint64_t loaded_vmcs = 0, kvm = 0, probe;
	size_t vm;
	struct error *err = memory_read_u64(walk->mem, vcpu_vmx + layout->loaded_vmcs.offset,
					    &loaded_vmcs);

	if (!err)
		err = memory_read_u64(walk->mem, vcpu + layout->kvm.offset, &kvm);
	if (!err)
		err = memory_read_u64(walk->mem, kvm + walk->layout.vm.list.offset, &probe);
	bool agrees = !err && (loaded_vmcs == vcpu_vmx + layout->vmcs01.offset ||
			       loaded_vmcs == vcpu_vmx + layout->vmcs02.offset);

	error_free(err);
	if (!agrees)
		return NULL;
	err = kvm_find_or_add_vm(walk, kvm, &vm);
	if (!err)
		err = kvm_add_vcpu(walk, vm, vcpu);
	if (!err)
		findings_add(walk->findings, FINDING_NOTE,
			     "the vCPU at %#" PRIx64 " was being created or destroyed", vcpu);
	return err;
}

/*
 * The loaded VMCS whose list_head is at @link.  One that no vCPU has even so is
 * taken as it is: it may be no VMCS at all.
 */
static struct error *find_or_add_link(struct walk *walk, uint64_t link,
				      struct loaded_vmcs **ret)
{
	*ret = kvm_find_link(walk->state, link);
	if (*ret)
		return NULL;
	uint64_t addr = link - walk->layout.loaded.link.offset;
	struct error *err = adopt(walk, addr, walk->layout.vcpu.vmcs01.offset);

	if (!err && !kvm_find_link(walk->state, link))
		err = adopt(walk, addr, walk->layout.vcpu.vmcs02.offset);
	if (err)
		return err;
	*ret = kvm_find_link(walk->state, link);
	if (*ret)
		return NULL;
	struct loaded_vmcs loaded;

	err = kvm_read_loaded(walk, addr, &loaded);
	if (err) {
		kvm_doubt(walk->findings, err, "list entry at %#" PRIx64, link);
		return NULL;
	}
	findings_add(walk->findings, FINDING_DOUBT,
		     "loaded VMCS at %#" PRIx64 " is on a list, but no vCPU has it", addr);
	err = kvm_add_loaded(walk, &loaded);
	*ret = kvm_find_link(walk->state, link);
	return err;
}

static struct error *mark_listed(struct walk *walk, const struct kvm_cpu *cpu)
{
	for (size_t i = 0; i < cpu->list.nr; i++) {
		struct loaded_vmcs *loaded;
		struct error *err = find_or_add_link(walk, cpu->list.node[i].addr, &loaded);

		if (err)
			return err;
		if (!loaded)
			continue;
		if (loaded->list_cpu != NO_CPU)
			findings_add(walk->findings, FINDING_DOUBT,
				     "loaded VMCS at %#" PRIx64 " is on the lists of CPU %d and CPU %u",
				     loaded->addr, loaded->list_cpu, cpu->nr);
		if (loaded->cpu != NO_CPU && loaded->cpu != (int)cpu->nr)
			findings_add(walk->findings, FINDING_DOUBT,
				     "loaded VMCS at %#" PRIx64 " is on the list of CPU %u but says CPU %d",
				     loaded->addr, cpu->nr, loaded->cpu);
		loaded->link_state = LINK_LISTED;
		loaded->list_cpu = cpu->nr;
	}
	return NULL;
}

/*
 * list_add() stores next->prev, new->next, new->prev and last prev->next: after
 * one to three of them only a ->prev names the new entry.
 */
static struct error *mark_adding(struct walk *walk, const struct kvm_cpu *cpu,
				 uint64_t link)
{
	struct loaded_vmcs *loaded;
	struct error *err = find_or_add_link(walk, link, &loaded);

	if (err || !loaded)
		return err;
	/* loaded_vmcs_clear() comes before list_add(). */
	if (loaded->link_state != LINK_NONE || loaded->cpu != NO_CPU) {
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: ->prev of the list node at %#" PRIx64 " names loaded VMCS %#" PRIx64
			     ", which is loaded already: no list_add() explains that", cpu->nr,
			     cpu->list.head.next, loaded->addr);
		return NULL;
	}
	loaded->link_state = LINK_ADDING;
	loaded->list_cpu = cpu->nr;
	loaded->step = 1;
	if (loaded->link.next == cpu->list.head.next)
		loaded->step = loaded->link.prev == cpu->list.head.addr ? 3 : 2;
	findings_add(walk->findings, FINDING_NOTE,
		     "CPU %u: list_add() of loaded VMCS %#" PRIx64 " was interrupted after store %u of 4",
		     cpu->nr, loaded->addr, loaded->step);
	return NULL;
}

/*
 * Compare each ->prev with the way that the forward walk came.  One that names
 * an entry off the list is a list_add() under way at the head; one that jumps
 * over its predecessor is a list_del() of that one after its first store.
 */
static struct error *mark_half_done(struct walk *walk, const struct kvm_cpu *cpu)
{
	const struct list_walk *list = &cpu->list;
	/* Where the walk did not come back to the head, the head's ->prev says nothing. */
	size_t nr = list->end == LIST_COMPLETE ? list->nr + 1 : list->nr;

	for (size_t i = 0; i < nr; i++) {
		const struct list_node *node = i < list->nr ? &list->node[i] : &list->head;
		uint64_t came_from = i ? list->node[i - 1].addr : list->head.addr;
		uint64_t before = i > 1 ? list->node[i - 2].addr : list->head.addr;

		if (node->prev == came_from)
			continue;
		if (!i && !list_walk_find(list, node->prev)) {
			struct error *err = mark_adding(walk, cpu, node->prev);

			if (err)
				return err;
			continue;
		}
		struct loaded_vmcs *loaded = i ? kvm_find_link(walk->state, came_from) : NULL;

		if (loaded && node->prev == before) {
			loaded->link_state = LINK_REMOVING;
			loaded->step = 1;
			findings_add(walk->findings, FINDING_NOTE,
				     "CPU %u: list_del() of loaded VMCS %#" PRIx64
				     " was interrupted after store 1 of 4", cpu->nr, loaded->addr);
			continue;
		}
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: the list node at %#" PRIx64 " has ->prev %#" PRIx64
			     "%s but follows %#" PRIx64, cpu->nr, node->addr, node->prev,
			     list_poison_name(node->prev), came_from);
	}
	return NULL;
}

/*
 * Before its third store list_add() has not set the new entry's ->prev: then a
 * walk backward ends at that entry, rightly.
 */
static bool is_dead_end(const struct walk *walk, const struct kvm_cpu *cpu,
			const struct list_node *node)
{
	const struct loaded_vmcs *loaded = kvm_find_link(walk->state, node->addr);

	return loaded && loaded->link_state == LINK_ADDING && loaded->list_cpu == (int)cpu->nr &&
	       loaded->step < 3;
}

/* What a walk forward meets and one backward does not, unless list_del() explains it. */
static void check_forward_only(const struct walk *walk, const struct kvm_cpu *cpu)
{
	size_t missed = 0;

	if (cpu->list.end != LIST_COMPLETE || cpu->back.end != LIST_COMPLETE)
		return;
	for (size_t i = 0; i < cpu->list.nr; i++) {
		uint64_t addr = cpu->list.node[i].addr;
		const struct loaded_vmcs *loaded = kvm_find_link(walk->state, addr);

		missed += !list_walk_find(&cpu->back, addr) &&
			  !(loaded && loaded->link_state == LINK_REMOVING);
	}
	if (missed)
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: a walk backward misses %zu of the %zu entries of its list",
			     cpu->nr, missed, cpu->list.nr);
}

static void check_back_end(const struct walk *walk, const struct kvm_cpu *cpu)
{
	char end[128];

	if (cpu->back.end == LIST_COMPLETE || cpu->list.end == LIST_UNINITIALISED)
		return;
	list_walk_describe_end(&cpu->back, end, sizeof(end));
	findings_add(walk->findings, FINDING_DOUBT,
		     "CPU %u: its loaded-VMCS list is not whole backward: %s", cpu->nr, end);
}

/*
 * Entries that a walk backward meets and one forward does not.  list_add()
 * explains one of them; the crash path did not reach any.
 */
static struct error *mark_backward(struct walk *walk, const struct kvm_cpu *cpu)
{
	for (size_t i = 0; i < cpu->back.nr; i++) {
		const struct list_node *node = &cpu->back.node[i];
		struct loaded_vmcs *loaded;

		if (is_dead_end(walk, cpu, node))
			return NULL;
		if (list_walk_find(&cpu->list, node->addr))
			continue;
		struct error *err = find_or_add_link(walk, node->addr, &loaded);

		if (err)
			return err;
		if (loaded && loaded->link_state == LINK_ADDING)
			continue;
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: only a walk backward meets the list entry at %#" PRIx64
			     ": the crash path, which walks forward, did not", cpu->nr, node->addr);
	}
	check_back_end(walk, cpu);
	check_forward_only(walk, cpu);
	return NULL;
}

/* Which of the steps of list_del() leave @loaded as it is: off the list, its CPU not yet -1. */
static unsigned int removed_step(const struct kvm_cpu *cpu, const struct loaded_vmcs *loaded)
{
	const struct list_node *link = &loaded->link;
	const struct list_node *prev = list_walk_find(&cpu->list, link->prev);

	if (link->next == LIST_POISON1 && link->prev == LIST_POISON2)
		return 4;
	if (link->next == LIST_POISON1 && prev)
		return 3;
	const struct list_node *next = list_walk_find(&cpu->list, link->next);

	if (prev && next && prev->next == next->addr && next->prev == prev->addr)
		return 2;
	return 0;
}

static void mark_unlisted(const struct walk *walk, struct loaded_vmcs *loaded)
{
	if (loaded->link_state != LINK_NONE || loaded->cpu == NO_CPU)
		return;
	const struct kvm_cpu *cpu = kvm_find_cpu(walk->state, loaded->cpu);

	loaded->step = cpu ? removed_step(cpu, loaded) : 0;
	if (loaded->step) {
		loaded->link_state = LINK_REMOVED;
		loaded->list_cpu = loaded->cpu;
		findings_add(walk->findings, FINDING_NOTE,
			     "CPU %d: list_del() of loaded VMCS %#" PRIx64
			     " was interrupted after store %u of 4", loaded->cpu, loaded->addr,
			     loaded->step);
		return;
	}
	loaded->link_state = LINK_LOST;
	findings_add(walk->findings, FINDING_DOUBT,
		     "loaded VMCS at %#" PRIx64 " says CPU %d, whose list does not reach it; its ->next is %#"
		     PRIx64 "%s, its ->prev %#" PRIx64 "%s", loaded->addr, loaded->cpu,
		     loaded->link.next, list_poison_name(loaded->link.next), loaded->link.prev,
		     list_poison_name(loaded->link.prev));
}

/* The first loaded VMCS with each VMCS pointer. */
static struct error *index_vmcs(const struct kvm_state *state, struct addr_index *ret)
{
	struct error *err = NULL;

	for (size_t i = 0; i < state->nr_loaded && !err; i++)
		err = addr_index_add(ret, state->loaded[i].vmcs_va, i);
	return err;
}

static void mark_current(const struct walk *walk, const struct addr_index *by_vmcs,
			 struct kvm_cpu *cpu)
{
	size_t i;

	if (!cpu->current_vmcs)
		return;
	if (!addr_index_find(by_vmcs, cpu->current_vmcs, &i)) {
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: its current_vmcs %#" PRIx64 " belongs to no VMCS that was found",
			     cpu->nr, cpu->current_vmcs);
		return;
	}
	cpu->current = i;
	walk->state->loaded[i].current_cpu = cpu->nr;
}

static struct error *mark_all_current(const struct walk *walk)
{
	struct kvm_state *state = walk->state;
	struct addr_index by_vmcs = {};
	struct error *err = index_vmcs(state, &by_vmcs);

	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		mark_current(walk, &by_vmcs, &state->cpu[i]);
	addr_index_deinit(&by_vmcs);
	return err;
}

/* A CPU can be within one list operation at a time; more are no such thing. */
static void check_operations(const struct walk *walk)
{
	const struct kvm_state *state = walk->state;
	const struct kvm_cpu *busy = NULL;

	for (size_t i = 0; i < state->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &state->loaded[i];

		if (!loaded->step)
			continue;
		/* Of walk->state, which is being filled in */
		struct kvm_cpu *cpu = (struct kvm_cpu *)kvm_find_cpu(state, loaded->list_cpu);

		if (cpu && cpu->nr_operations++ == 1)
			busy = cpu;
	}
	if (busy)
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: %u operations on its list look half done, and a CPU can only be in one",
			     busy->nr, busy->nr_operations);
}

struct error *kvm_link_lists(struct walk *walk)
{
	struct kvm_state *state = walk->state;
	struct error *err = NULL;

	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = mark_listed(walk, &state->cpu[i]);
	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = mark_half_done(walk, &state->cpu[i]);
	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = mark_backward(walk, &state->cpu[i]);
	if (err)
		return err;
	for (size_t i = 0; i < state->nr_loaded; i++)
		mark_unlisted(walk, &state->loaded[i]);
	check_operations(walk);
	return mark_all_current(walk);
}
