// SPDX-License-Identifier: GPL-2.0-or-later
/* From vm_list to the VMCSes of each vCPU. */
#include <inttypes.h>

#include "analyze/kvm_walk.h"

#define MAX_VM_VCPUS	4096			/* the highest KVM_MAX_VCPUS */
#define MAXPHYADDR_MAX	52			/* SDM Vol. 3A, 4.1.4 */
#define MAX_PROCESSES	(1024 * 1024)

/* A vmcs02 has no region until its vCPU runs a nested guest: there is nothing to clear. */
static bool is_unused_vmcs02(const struct loaded_vmcs *loaded, bool nested)
{
	return nested && loaded->vmcs == NO_PA && !loaded->launched;
}

static struct error *add_vcpu_vmcs(const struct walk *walk, uint64_t addr, int vcpu, bool nested)
{
	struct loaded_vmcs loaded;
	struct error *err = kvm_read_loaded(walk, addr, &loaded);

	if (err) {
		kvm_doubt(walk->findings, err, "vCPU at %#" PRIx64 ": its %s",
		      walk->state->vcpu[vcpu].addr, nested ? "vmcs02" : "vmcs01");
		return NULL;
	}
	if (is_unused_vmcs02(&loaded, nested))
		return NULL;
	if (loaded.vmcs == NO_PA)
		findings_add(walk->findings, FINDING_DOUBT,
			     "vCPU at %#" PRIx64 ": its %s has no VMCS region",
			     walk->state->vcpu[vcpu].addr, nested ? "vmcs02" : "vmcs01");
	loaded.vcpu = vcpu;
	loaded.nested = nested;
	return kvm_add_loaded(walk, &loaded);
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

/* A field of an int in vCPUs, of one or two bytes in struct cpuinfo_x86. */
unsigned int kvm_read_maxphyaddr(const struct memory *mem, uint64_t addr,
				 const struct member *member)
{
	uint32_t bits = 0;
	size_t size = member->size < sizeof(bits) ? member->size : sizeof(bits);
	struct error *err = memory_read(mem, addr + member->offset, &bits, size);

	if (err || bits > MAXPHYADDR_MAX) {
		error_free(err);
		return 0;
	}
	return bits;
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

/* The new vCPU is the last of walk->state. */
static struct error *append_vcpu(struct walk *walk, const struct kvm_vcpu *vcpu)
{
	struct kvm_state *state = walk->state;
	struct kvm_vcpu *grown = kvm_grow(state->vcpu, state->nr_vcpus, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	state->vcpu = grown;
	state->vcpu[state->nr_vcpus] = *vcpu;
	return addr_index_add(&walk->vcpus, vcpu->addr, state->nr_vcpus++);
}

/* Return: whether the vCPU at @addr is a new one and there is room for it. */
static bool is_new_vcpu(struct walk *walk, size_t vm, uint64_t addr)
{
	const struct kvm_state *state = walk->state;
	size_t known;

	if (addr_index_find(&walk->vcpus, addr, &known)) {
		walk->nr_refused++;
		findings_add(walk->findings, FINDING_DOUBT,
			     "vCPU at %#" PRIx64 ": both the VM at %#" PRIx64 " and the one at %#" PRIx64
			     " have it", addr, state->vm[state->vcpu[known].vm].addr,
			     state->vm[vm].addr);
		return false;
	}
	if (state->nr_vcpus == MAX_VCPUS) {
		walk->nr_refused++;
		findings_add(walk->findings, FINDING_DOUBT,
			     "more than %d vCPUs: the one at %#" PRIx64 " is left out", MAX_VCPUS,
			     addr);
		return false;
	}
	return true;
}

struct error *kvm_add_vcpu(struct walk *walk, size_t vm, uint64_t addr)
{
	const struct vcpu_layout *layout = &walk->layout.vcpu;
	struct kvm_vcpu vcpu = { .addr = addr, .vm = vm };
	uint64_t pid = 0;

	if (!is_new_vcpu(walk, vm, addr))
		return NULL;
	struct error *err = memory_read_u32(walk->mem, addr + layout->id.offset, &vcpu.id);

	if (!err)
		err = memory_read_u64(walk->mem, addr + layout->pid.offset, &pid);
	if (err)
		kvm_doubt(walk->findings, err, "vCPU at %#" PRIx64, addr);
	vcpu.maxphyaddr = layout->has_maxphyaddr ?
			  kvm_read_maxphyaddr(walk->mem, addr, &layout->maxphyaddr) : 0;
	read_owner(walk, pid, &vcpu);
	err = append_vcpu(walk, &vcpu);
	if (err)
		return err;
	walk->state->vm[vm].nr_vcpus++;
	if (!walk->state->intel)
		return NULL;
	int index = walk->state->nr_vcpus - 1;
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

/*
 * VMs that share their vCPUs, which is a doubt for each of these, could go on
 * doing so for millions.
 */
static bool is_nonsense(const struct walk *walk)
{
	return walk->nr_refused > MAX_REFUSED;
}

/* Two levels of 64 slots hold 4096 vCPUs; a level has a shift of 6 less than the one above. */
#define XA_CHUNK_SHIFT	6
#define XA_MAX_SHIFT	12

/* @shift: of the node that @entry must be if it is one, -1 at the root. */
static struct error *add_xarray(struct walk *walk, size_t vm, uint64_t entry, int shift)
{
	const struct vm_layout *layout = &walk->layout.vm;

	if (!is_xa_node(entry))
		return !entry || entry & 3 ? NULL : kvm_add_vcpu(walk, vm, entry);
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
		kvm_doubt(walk->findings, err, "VM at %#" PRIx64 ": XArray of its vCPUs, node %#" PRIx64,
		      walk->state->vm[vm].addr, node);
		return NULL;
	}
	for (size_t i = 0; i < size / sizeof(slot[0]) && !err && !is_nonsense(walk); i++) {
		if (is_xa_node(slot[i]) && own_shift < XA_CHUNK_SHIFT)
			continue;
		err = add_xarray(walk, vm, slot[i], own_shift - XA_CHUNK_SHIFT);
	}
	return err;
}

/* The array of pointers that struct kvm had before it had the XArray. */
static struct error *add_vcpu_array(struct walk *walk, size_t vm)
{
	const struct member *vcpus = &walk->layout.vm.vcpus;
	struct error *err = NULL;

	for (uint64_t i = 0; i < vcpus->size / 8 && i < MAX_VM_VCPUS && !err &&
			     !is_nonsense(walk); i++) {
		uint64_t vcpu;

		err = memory_read_u64(walk->mem, walk->state->vm[vm].addr + vcpus->offset + i * 8,
				      &vcpu);
		if (err) {
			kvm_doubt(walk->findings, err, "VM at %#" PRIx64 ": its vCPU %" PRIu64,
			      walk->state->vm[vm].addr, i);
			return NULL;
		}
		if (vcpu)
			err = kvm_add_vcpu(walk, vm, vcpu);
	}
	return err;
}

static struct error *add_vcpus(struct walk *walk, size_t vm)
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
		kvm_doubt(walk->findings, err, "VM at %#" PRIx64, addr);
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
static struct error *append_vm(struct walk *walk, uint64_t addr)
{
	const struct vm_layout *layout = &walk->layout.vm;
	struct kvm_state *state = walk->state;
	struct kvm_vm *grown = kvm_grow(state->vm, state->nr_vms, sizeof(*grown));
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
	return addr_index_add(&walk->vms, addr, index);
}

struct error *kvm_find_or_add_vm(struct walk *walk, uint64_t addr, size_t *ret)
{
	if (addr_index_find(&walk->vms, addr, ret))
		return NULL;
	*ret = walk->state->nr_vms;
	return append_vm(walk, addr);
}

/* The processes by pid: the element of @ret is their number in @tasks. */
static struct error *index_tasks(const struct walk *walk, const struct list_walk *tasks,
				 struct addr_index *ret)
{
	const struct task_layout *layout = &walk->layout.task;
	struct error *err = NULL;

	for (size_t i = 0; i < tasks->nr && !err; i++) {
		uint64_t task = tasks->node[i].addr - layout->list.offset;
		uint32_t tgid;

		err = memory_read_u32(walk->mem, task + layout->tgid.offset, &tgid);
		if (!err)
			err = addr_index_add(ret, tgid, i);
	}
	return err;
}

static void name_from_tasks(const struct walk *walk, const struct list_walk *tasks,
			    const struct addr_index *by_pid)
{
	const struct task_layout *layout = &walk->layout.task;

	for (size_t i = 0; i < walk->state->nr_vms; i++) {
		struct kvm_vm *vm = &walk->state->vm[i];
		size_t task;

		if (*vm->comm || !addr_index_find(by_pid, vm->pid, &task))
			continue;
		uint64_t comm = tasks->node[task].addr - layout->list.offset + layout->comm.offset;

		error_free(memory_read_string(walk->mem, comm, vm->comm, sizeof(vm->comm)));
	}
}

/*
 * A VM whose vCPUs never ran has only the pid of its process.  This takes time
 * with the number of processes, so it is done for such VMs alone.
 */
struct error *kvm_name_vms(const struct walk *walk)
{
	bool all_named = true;
	uint64_t init_task;

	for (size_t i = 0; i < walk->state->nr_vms; i++)
		all_named &= *walk->state->vm[i].comm || !walk->state->vm[i].pid;
	if (all_named || !symbol_table_find(&walk->kernel->symbols, "init_task", &init_task))
		return NULL;
	struct list_walk tasks = {};
	struct addr_index by_pid = {};
	struct error *err = list_walk_init(walk->mem, LIST_FORWARD,
					   init_task + walk->layout.task.list.offset,
					   MAX_PROCESSES, &tasks);

	if (!err)
		err = index_tasks(walk, &tasks, &by_pid);
	name_from_tasks(walk, &tasks, &by_pid);
	addr_index_deinit(&by_pid);
	list_walk_deinit(&tasks);
	if (err == &error_no_memory)
		return err;
	error_free(err);
	return NULL;
}

struct error *kvm_read_vms(struct walk *walk)
{
	uint64_t head;
	struct list_walk vms;

	if (!kernel_find_symbol(walk->kernel, "kvm", "vm_list", &head))
		return error_new("module kvm: no symbol vm_list: CONFIG_KALLSYMS_ALL is off; give --modules DIR");
	struct error *err = list_walk_init(walk->mem, LIST_FORWARD, head, MAX_VMS, &vms);

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
