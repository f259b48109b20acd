// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kvm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/kvm_layout.h"

/*
 * Bounds that no host reaches and no damage passes: KVM_MAX_VCPUS is 4096 and
 * a VM has a process.
 */
#define MAX_VMS		65536
#define MAX_VCPUS	4096
#define MAX_LISTED	(4 * 65536)
#define MAX_PROCESSES	(4 * 1024 * 1024)	/* PID_MAX_LIMIT */

/* What the functions below share. */
struct walk {
	const struct kernel *kernel;
	const struct memory *mem;
	struct kvm_layout layout;
	struct findings *findings;
	struct kvm_state *state;
};

/* Return: @array with room for one more than @nr elements, or NULL. */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1) || (nr && nr < 8))
		return array;
	return reallocarray(array, nr ? nr * 2 : 8, size);
}

/* Note what could not be read and go on without it. */
__attribute__((format(printf, 3, 4)))
static void doubt(struct findings *findings, struct error *err, const char *format, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	findings_add(findings, FINDING_DOUBT, "%s: %s", what, err->message);
	error_free(err);
}

const struct kvm_cpu *kvm_find_cpu(const struct kvm_state *state, int nr)
{
	for (size_t i = 0; i < state->nr_cpus; i++) {
		if ((int)state->cpu[i].nr == nr)
			return &state->cpu[i];
	}
	return NULL;
}

static void check_list_end(const struct walk *walk, const struct kvm_cpu *cpu)
{
	char end[128];

	if (cpu->list.end == LIST_COMPLETE)
		return;
	list_walk_describe_end(&cpu->list, end, sizeof(end));
	findings_add(walk->findings, FINDING_DOUBT,
		     "CPU %u: its loaded-VMCS list is not whole: %s", cpu->nr, end);
}

static struct error *read_cpu(const struct walk *walk, uint64_t lists, struct kvm_cpu *cpu)
{
	const struct kernel *kernel = walk->kernel;
	uint64_t current;
	struct error *err = list_walk_init(walk->mem, lists + kernel->per_cpu[cpu->nr],
					   MAX_LISTED, &cpu->list);

	if (err)
		return error_context(err, "CPU %u: head of its loaded-VMCS list", cpu->nr);
	check_list_end(walk, cpu);
	if (!kernel_find_symbol(kernel, "kvm_intel", "current_vmcs", &current))
		return error_new("kallsyms of kvm_intel: no symbol current_vmcs: CONFIG_KALLSYMS_ALL is off");
	err = memory_read_u64(walk->mem, current + kernel->per_cpu[cpu->nr], &cpu->current_vmcs);
	if (err)
		return error_context(err, "CPU %u: current_vmcs", cpu->nr);
	return NULL;
}

static struct error *read_cpus(const struct walk *walk, uint64_t lists)
{
	const struct kernel *kernel = walk->kernel;
	struct kvm_state *state = walk->state;

	state->cpu = calloc(kernel->nr_cpus, sizeof(*state->cpu));
	if (!state->cpu)
		return &error_no_memory;
	for (size_t i = 0; i < kernel->nr_cpus; i++) {
		if (!kernel->possible[i])
			continue;
		struct kvm_cpu *cpu = &state->cpu[state->nr_cpus++];

		cpu->nr = i;
		struct error *err = read_cpu(walk, lists, cpu);

		if (err)
			return err;
	}
	return NULL;
}

static struct error *to_physical(const struct walk *walk, uint64_t va, uint64_t *ret)
{
	if (va)
		return walk->mem->to_physical(walk->mem, va, ret);
	*ret = NO_PA;
	return NULL;
}

/* The struct loaded_vmcs at @addr, as far as it can be told from it alone. */
static struct error *read_loaded_vmcs(const struct walk *walk, uint64_t addr,
				      struct loaded_vmcs *ret)
{
	const struct loaded_vmcs_layout *layout = &walk->layout.loaded;
	struct loaded_vmcs loaded = {
		.addr = addr,
		.list_cpu = NO_CPU,
		.current_cpu = NO_CPU,
		.vcpu = -1,
	};
	uint64_t shadow = 0, link[2];
	int32_t cpu;
	uint8_t launched;
	struct error *err = memory_read_u64(walk->mem, addr + layout->vmcs.offset, &loaded.vmcs_va);

	if (!err && layout->has_shadow)
		err = memory_read_u64(walk->mem, addr + layout->shadow_vmcs.offset, &shadow);
	if (!err)
		err = memory_read(walk->mem, addr + layout->cpu.offset, &cpu, sizeof(cpu));
	if (!err)
		err = memory_read(walk->mem, addr + layout->launched.offset, &launched, 1);
	if (!err)
		err = memory_read(walk->mem, addr + layout->link.offset, link, sizeof(link));
	if (!err)
		err = to_physical(walk, loaded.vmcs_va, &loaded.vmcs);
	if (!err)
		err = to_physical(walk, shadow, &loaded.shadow_vmcs);
	if (err)
		return err;
	loaded.cpu = cpu;
	loaded.launched = launched;
	loaded.link = (struct list_node){ addr + layout->link.offset, link[0], link[1] };
	*ret = loaded;
	return NULL;
}

static struct error *add_loaded(const struct walk *walk, const struct loaded_vmcs *loaded)
{
	struct kvm_state *state = walk->state;
	struct loaded_vmcs *grown = grow(state->loaded, state->nr_loaded, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	state->loaded = grown;
	state->loaded[state->nr_loaded++] = *loaded;
	return NULL;
}

/* vmcs02 has no region until its vCPU runs a nested guest; then there is nothing to clear. */
static struct error *add_vcpu_vmcs(const struct walk *walk, uint64_t addr, int vcpu, bool nested)
{
	struct loaded_vmcs loaded;
	struct error *err = read_loaded_vmcs(walk, addr, &loaded);

	if (err) {
		doubt(walk->findings, err, "vCPU at %#" PRIx64 ": its %s",
		      walk->state->vcpu[vcpu].addr, nested ? "vmcs02" : "vmcs01");
		return NULL;
	}
	if (loaded.vmcs == NO_PA)
		return NULL;
	loaded.vcpu = vcpu;
	loaded.nested = nested;
	return add_loaded(walk, &loaded);
}

/* The task that a struct pid at @pid stands for, 0 if it has gone. */
static struct error *task_of_pid(const struct walk *walk, uint64_t pid, uint64_t *ret)
{
	const struct task_layout *layout = &walk->layout.task;
	uint64_t node;
	struct error *err = memory_read_u64(walk->mem, pid + layout->tasks.offset, &node);

	if (err)
		return err;
	*ret = node ? node - layout->pid_links.offset : 0;
	return NULL;
}

/* Who runs the vCPU; what cannot be found out stays empty, as it decides nothing. */
static void read_owner(const struct walk *walk, uint64_t pid, struct kvm_vcpu *vcpu)
{
	const struct task_layout *layout = &walk->layout.task;
	struct kvm_vm *vm = &walk->state->vm[vcpu->vm];
	uint32_t nr;
	uint64_t task, leader;

	if (!pid)
		return;
	struct error *err = memory_read_u32(walk->mem, pid + layout->numbers.offset +
					    layout->nr.offset, &nr);

	if (!err) {
		vcpu->pid = nr;
		err = task_of_pid(walk, pid, &task);
	}
	if (!err && task) {
		err = memory_read_string(walk->mem, task + layout->comm.offset, vcpu->comm,
					 sizeof(vcpu->comm));
		if (!err)
			err = memory_read_u64(walk->mem, task + layout->group_leader.offset,
					      &leader);
		if (!err && !vm->pid &&
		    !memory_read_u32(walk->mem, task + layout->tgid.offset, &nr))
			vm->pid = nr;
		if (!err)
			err = memory_read_string(walk->mem, leader + layout->comm.offset, vm->comm,
						 sizeof(vm->comm));
	}
	error_free(err);
}

static struct error *add_vcpu(const struct walk *walk, size_t vm, uint64_t addr)
{
	const struct vcpu_layout *layout = &walk->layout.vcpu;
	struct kvm_state *state = walk->state;
	struct kvm_vcpu *grown = grow(state->vcpu, state->nr_vcpus, sizeof(*grown));
	uint32_t id = 0;
	uint64_t pid = 0;

	if (!grown)
		return &error_no_memory;
	state->vcpu = grown;
	struct error *err = memory_read_u32(walk->mem, addr + layout->id.offset, &id);

	if (!err)
		err = memory_read_u64(walk->mem, addr + layout->pid.offset, &pid);
	if (err)
		doubt(walk->findings, err, "vCPU at %#" PRIx64, addr);
	int index = state->nr_vcpus++;
	struct kvm_vcpu *vcpu = &state->vcpu[index];

	*vcpu = (struct kvm_vcpu){ .addr = addr, .vm = vm, .id = id };
	state->vm[vm].nr_vcpus++;
	read_owner(walk, pid, vcpu);
	uint64_t vcpu_vmx = addr - layout->vcpu.offset;

	err = add_vcpu_vmcs(walk, vcpu_vmx + layout->vmcs01.offset, index, false);
	if (!err)
		err = add_vcpu_vmcs(walk, vcpu_vmx + layout->vmcs02.offset, index, true);
	return err;
}

/*
 * An XArray entry: a pointer, or in the two low bits 01 for a value and 10 for
 * something internal, of which those above 4096 are nodes (Documentation/core-api/xarray.rst).
 */
static bool is_xa_node(uint64_t entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

/* Two levels of 64 slots hold MAX_VCPUS; each level's shift is 6 less than the one above. */
#define XA_CHUNK_SHIFT	6
#define XA_MAX_SHIFT	12

/* @shift: of the node that @entry must be if it is one, -1 at the root. */
static struct error *add_xarray(const struct walk *walk, size_t vm, uint64_t entry, int shift)
{
	const struct vm_layout *layout = &walk->layout.vm;

	if (!is_xa_node(entry))
		return !entry || entry & 3 ? NULL : add_vcpu(walk, vm, entry);
	uint64_t node = entry - 2;
	uint64_t slot[1 << XA_CHUNK_SHIFT];
	size_t size = layout->xa_slots.size < sizeof(slot) ? layout->xa_slots.size : sizeof(slot);
	uint8_t own_shift;
	struct error *err = memory_read(walk->mem, node + layout->xa_shift.offset, &own_shift, 1);

	if (!err)
		err = memory_read(walk->mem, node + layout->xa_slots.offset, slot, size);
	if (!err && (own_shift > XA_MAX_SHIFT || (shift >= 0 && own_shift != shift)))
		err = error_new("a shift of %u is impossible there: the memory is damaged",
				own_shift);
	if (err) {
		doubt(walk->findings, err, "VM at %#" PRIx64 ": XArray of its vCPUs, node %#" PRIx64,
		      walk->state->vm[vm].addr, node);
		return NULL;
	}
	for (size_t i = 0; i < size / sizeof(slot[0]) && !err; i++) {
		if (is_xa_node(slot[i]) && own_shift < XA_CHUNK_SHIFT)
			continue;
		err = add_xarray(walk, vm, slot[i], own_shift - XA_CHUNK_SHIFT);
	}
	return err;
}

/* The array of pointers that struct kvm had before it had the XArray. */
static struct error *add_vcpu_array(const struct walk *walk, size_t vm)
{
	const struct member *vcpus = &walk->layout.vm.vcpus;
	struct error *err = NULL;

	for (uint64_t i = 0; i < vcpus->size / 8 && i < MAX_VCPUS && !err; i++) {
		uint64_t vcpu;

		err = memory_read_u64(walk->mem, walk->state->vm[vm].addr + vcpus->offset + i * 8,
				      &vcpu);
		if (err) {
			doubt(walk->findings, err, "VM at %#" PRIx64 ": its vCPU %" PRIu64,
			      walk->state->vm[vm].addr, i);
			return NULL;
		}
		if (vcpu)
			err = add_vcpu(walk, vm, vcpu);
	}
	return err;
}

static struct error *add_vcpus(const struct walk *walk, size_t vm)
{
	const struct vm_layout *layout = &walk->layout.vm;
	struct kvm_state *state = walk->state;
	uint64_t addr = state->vm[vm].addr;
	size_t before = state->nr_vcpus;
	uint64_t head = 0;
	uint32_t online = 0;
	struct error *err = memory_read_u32(walk->mem, addr + layout->online_vcpus.offset, &online);

	if (!err && layout->has_xarray)
		err = memory_read_u64(walk->mem, addr + layout->xa_head.offset, &head);
	if (err) {
		doubt(walk->findings, err, "VM at %#" PRIx64, addr);
		return NULL;
	}
	err = layout->has_xarray ? add_xarray(walk, vm, head, -1) : add_vcpu_array(walk, vm);
	if (err)
		return err;
	size_t found = state->nr_vcpus - before;

	if (found < online)
		findings_add(walk->findings, FINDING_DOUBT,
			     "VM at %#" PRIx64 ": %zu vCPUs found, but it has %" PRIu32, addr,
			     found, online);
	return NULL;
}

/* The new VM is the last of walk->state. */
static struct error *append_vm(const struct walk *walk, uint64_t addr)
{
	const struct vm_layout *layout = &walk->layout.vm;
	struct kvm_state *state = walk->state;
	struct kvm_vm *grown = grow(state->vm, state->nr_vms, sizeof(*grown));
	uint32_t pid;

	if (!grown)
		return &error_no_memory;
	state->vm = grown;
	size_t index = state->nr_vms++;

	state->vm[index] = (struct kvm_vm){ .addr = addr };
	if (layout->has_userspace_pid) {
		struct error *err = memory_read_u32(walk->mem, addr + layout->userspace_pid.offset,
						    &pid);

		if (!err)
			state->vm[index].pid = pid;
		error_free(err);
	}
	return NULL;
}

/* Name those VMs whose process has the pid @pid after it. */
static void name_vms(const struct walk *walk, int pid, uint64_t task)
{
	for (size_t i = 0; i < walk->state->nr_vms; i++) {
		struct kvm_vm *vm = &walk->state->vm[i];

		if (vm->pid == pid && !*vm->comm)
			error_free(memory_read_string(walk->mem,
						      task + walk->layout.task.comm.offset,
						      vm->comm, sizeof(vm->comm)));
	}
}

/*
 * A VM whose vCPUs never ran has only the pid of its process.  This takes time
 * with the number of processes, so it is done for such VMs alone.
 */
static void name_remaining_vms(const struct walk *walk)
{
	const struct task_layout *layout = &walk->layout.task;
	bool all_named = true;
	uint64_t init_task;

	for (size_t i = 0; i < walk->state->nr_vms; i++)
		all_named &= *walk->state->vm[i].comm || !walk->state->vm[i].pid;
	if (all_named || !symbol_table_find(&walk->kernel->symbols, "init_task", &init_task))
		return;
	struct list_walk tasks = {};
	struct error *err = list_walk_init(walk->mem, init_task + layout->list.offset,
					   MAX_PROCESSES, &tasks);

	for (size_t i = 0; !err && i < tasks.nr; i++) {
		uint64_t task = tasks.node[i].addr - layout->list.offset;
		uint32_t tgid;

		err = memory_read_u32(walk->mem, task + layout->tgid.offset, &tgid);
		if (!err)
			name_vms(walk, tgid, task);
	}
	list_walk_deinit(&tasks);
	error_free(err);
}

static struct error *read_vms(const struct walk *walk)
{
	uint64_t head;
	struct list_walk vms;

	if (!kernel_find_symbol(walk->kernel, "kvm", "vm_list", &head))
		return error_new("kallsyms of kvm: no symbol vm_list: CONFIG_KALLSYMS_ALL is off");
	struct error *err = list_walk_init(walk->mem, head, MAX_VMS, &vms);

	if (err)
		return error_context(err, "vm_list");
	for (size_t i = 0; i < vms.nr && !err; i++)
		err = append_vm(walk, vms.node[i].addr - walk->layout.vm.list.offset);
	for (size_t i = 0; i < walk->state->nr_vms && !err; i++)
		err = add_vcpus(walk, i);
	if (!err && vms.end != LIST_COMPLETE) {
		char end[128];

		list_walk_describe_end(&vms, end, sizeof(end));
		findings_add(walk->findings, FINDING_DOUBT, "vm_list is not whole: %s", end);
	}
	list_walk_deinit(&vms);
	return err;
}

struct loaded_vmcs *kvm_find_link(const struct kvm_state *state, uint64_t link)
{
	for (size_t i = 0; i < state->nr_loaded; i++) {
		if (state->loaded[i].link.addr == link)
			return &state->loaded[i];
	}
	return NULL;
}

/* The VM at @addr, added if vm_list does not have it. */
static struct error *find_or_add_vm(const struct walk *walk, uint64_t addr, size_t *ret)
{
	struct kvm_state *state = walk->state;

	for (*ret = 0; *ret < state->nr_vms; ++*ret) {
		if (state->vm[*ret].addr == addr)
			return NULL;
	}
	return append_vm(walk, addr);
}

/*
 * A vCPU is loaded while it is being created, before its VM has it, and while
 * it is being destroyed, after its VM left vm_list.  Take the loaded VMCS at
 * @addr for the one at @offset in such a vCPU if that one's pointers agree.
 */
static struct error *adopt(const struct walk *walk, uint64_t addr, uint64_t offset)
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
	err = find_or_add_vm(walk, kvm, &vm);
	if (!err)
		err = add_vcpu(walk, vm, vcpu);
	if (!err)
		findings_add(walk->findings, FINDING_NOTE,
			     "the vCPU at %#" PRIx64 " was being created or destroyed", vcpu);
	return err;
}

/*
 * The loaded VMCS whose list_head is at @link.  One that no vCPU has even so is
 * taken as it is: it may be no VMCS at all.
 */
static struct error *find_or_add_link(const struct walk *walk, uint64_t link,
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

	err = read_loaded_vmcs(walk, addr, &loaded);
	if (err) {
		doubt(walk->findings, err, "list entry at %#" PRIx64, link);
		return NULL;
	}
	findings_add(walk->findings, FINDING_DOUBT,
		     "loaded VMCS at %#" PRIx64 " is on a list, but no vCPU has it", addr);
	err = add_loaded(walk, &loaded);
	if (!err)
		*ret = &walk->state->loaded[walk->state->nr_loaded - 1];
	return err;
}

static struct error *mark_listed(const struct walk *walk, const struct kvm_cpu *cpu)
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
static struct error *mark_adding(const struct walk *walk, const struct kvm_cpu *cpu,
				 uint64_t link)
{
	struct loaded_vmcs *loaded;
	struct error *err = find_or_add_link(walk, link, &loaded);

	if (err || !loaded)
		return err;
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
static struct error *mark_half_done(const struct walk *walk, const struct kvm_cpu *cpu)
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
			     " but follows %#" PRIx64, cpu->nr, node->addr, node->prev, came_from);
	}
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
		     "loaded VMCS at %#" PRIx64 " says CPU %d, whose list does not reach it",
		     loaded->addr, loaded->cpu);
}

static void mark_current(const struct walk *walk, const struct kvm_cpu *cpu)
{
	if (!cpu->current_vmcs)
		return;
	bool known = false;

	for (size_t i = 0; i < walk->state->nr_loaded; i++) {
		struct loaded_vmcs *loaded = &walk->state->loaded[i];

		if (loaded->vmcs_va != cpu->current_vmcs)
			continue;
		loaded->current_cpu = cpu->nr;
		known = true;
	}
	if (!known)
		findings_add(walk->findings, FINDING_DOUBT,
			     "CPU %u: its current_vmcs %#" PRIx64 " belongs to no VMCS that was found",
			     cpu->nr, cpu->current_vmcs);
}

static struct error *link_lists(const struct walk *walk)
{
	struct kvm_state *state = walk->state;
	struct error *err = NULL;

	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = mark_listed(walk, &state->cpu[i]);
	for (size_t i = 0; i < state->nr_cpus && !err; i++)
		err = mark_half_done(walk, &state->cpu[i]);
	if (err)
		return err;
	for (size_t i = 0; i < state->nr_loaded; i++)
		mark_unlisted(walk, &state->loaded[i]);
	for (size_t i = 0; i < state->nr_cpus; i++)
		mark_current(walk, &state->cpu[i]);
	return NULL;
}

struct error *kvm_state_init(const struct kernel *kernel, struct findings *findings,
			     struct kvm_state *ret)
{
	struct kvm_state state = {};
	struct walk walk = {
		.kernel = kernel,
		.mem = kernel->memory,
		.findings = findings,
		.state = &state,
	};
	uint64_t lists;

	*ret = state;
	if (!kernel_find_symbol(kernel, "kvm_intel", "loaded_vmcss_on_cpu", &lists)) {
		if (kernel_find_module(kernel, "kvm_intel"))
			return error_new("kallsyms of kvm_intel: no symbol loaded_vmcss_on_cpu: CONFIG_KALLSYMS_ALL is off");
		findings_add(findings, FINDING_NOTE, "kvm_intel was not loaded");
		return NULL;
	}
	state.intel = true;
	struct error *err = kvm_layout_find(kernel->types, &walk.layout);

	if (!err)
		err = read_cpus(&walk, lists);
	if (!err)
		err = read_vms(&walk);
	if (!err)
		err = link_lists(&walk);
	if (!err)
		name_remaining_vms(&walk);
	if (err) {
		kvm_state_deinit(&state);
		return err;
	}
	*ret = state;
	return NULL;
}

void kvm_state_deinit(struct kvm_state *state)
{
	for (size_t i = 0; i < state->nr_cpus; i++)
		list_walk_deinit(&state->cpu[i].list);
	free(state->cpu);
	free(state->vm);
	free(state->vcpu);
	free(state->loaded);
	*state = (struct kvm_state){};
}
