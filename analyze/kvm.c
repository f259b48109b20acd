// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kvm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyze/kvm_walk.h"

void kvm_doubt(struct findings *findings, struct error *err, const char *format, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	findings_add(findings, FINDING_DOUBT, "%s: %s", what, err->message);
	error_free(err);
}

const struct loaded_vmcs no_loaded_vmcs = {
	.vmcs = NO_PA,
	.shadow_vmcs = NO_PA,
	.cpu = NO_CPU,
	.list_cpu = NO_CPU,
	.current_cpu = NO_CPU,
	.vcpu = -1,
};

/* In state->cpu the numbers ascend. */
static int compare_cpu(const void *nr, const void *cpu)
{
	int left = *(const int *)nr, right = ((const struct kvm_cpu *)cpu)->nr;

	return left < right ? -1 : left > right;
}

const struct kvm_cpu *kvm_find_cpu(const struct kvm_state *state, int nr)
{
	if (!state->nr_cpus)
		return NULL;
	return bsearch(&nr, state->cpu, state->nr_cpus, sizeof(*state->cpu), compare_cpu);
}

struct loaded_vmcs *kvm_find_link(const struct kvm_state *state, uint64_t link)
{
	size_t i;

	return addr_index_find(&state->links, link, &i) ? &state->loaded[i] : NULL;
}

static void check_list_end(const struct walk *walk, const struct kvm_cpu *cpu)
{
	char end[128];

	if (cpu->list.end == LIST_COMPLETE)
		return;
	/*
	 * Before Linux kernel commit dbef2808af6c ("KVM: VMX: fix crash cleanup when KVM
	 * wasn't used") (in v5.7) a CPU got its list when it came online.
	 */
	if (cpu->list.end == LIST_UNINITIALISED && !walk->kernel->online[cpu->nr])
		return;
	list_walk_describe_end(&cpu->list, end, sizeof(end));
	findings_add(walk->findings, FINDING_DOUBT,
		     "CPU %u: its loaded-VMCS list is not whole: %s", cpu->nr, end);
}

/* @room: list entries that may still be met. */
static struct error *read_list(const struct walk *walk, uint64_t head, size_t room,
			       struct kvm_cpu *cpu)
{
	struct error *err = list_walk_init(walk->mem, LIST_FORWARD, head, room, &cpu->list);

	if (!err)
		err = list_walk_init(walk->mem, LIST_BACKWARD, head, room - cpu->list.nr,
				     &cpu->back);
	if (err)
		return error_context(err, "CPU %u: head of its loaded-VMCS list", cpu->nr);
	err = list_walk_index(&cpu->list);
	if (!err)
		err = list_walk_index(&cpu->back);
	if (err)
		return err;
	check_list_end(walk, cpu);
	return NULL;
}

static struct error *to_physical(const struct walk *walk, uint64_t va, uint64_t *ret)
{
	if (va)
		return walk->mem->to_physical(walk->mem, va, ret);
	*ret = NO_PA;
	return NULL;
}

/* Where the per-CPU pointers to the VMXON regions are. Return: whether they were found. */
static bool find_vmxon(const struct kernel *kernel, uint64_t *ret)
{
	/* Since Linux kernel commit 405b7c27934e ("KVM: VMX: Unconditionally allocate root VMCSes during boot CPU bringup") (in v7.1) */
	return symbol_table_find(&kernel->symbols, "root_vmcs", ret) ||
	       kernel_find_symbol(kernel, "kvm_intel", "vmxarea", ret);
}

static void read_vmxon(const struct walk *walk, struct kvm_cpu *cpu)
{
	uint64_t pointer, va = 0;

	if (!find_vmxon(walk->kernel, &pointer))
		return;
	struct error *err = memory_read_u64(walk->mem, pointer + walk->kernel->per_cpu[cpu->nr],
					    &va);

	if (!err)
		err = to_physical(walk, va, &cpu->vmxon);
	if (err)
		kvm_doubt(walk->findings, err, "CPU %u: its VMXON region", cpu->nr);
}

static struct error *read_cpu(const struct walk *walk, uint64_t lists, size_t room,
			      struct kvm_cpu *cpu)
{
	const struct kernel *kernel = walk->kernel;
	uint64_t current;
	struct error *err = read_list(walk, lists + kernel->per_cpu[cpu->nr], room, cpu);

	if (err)
		return err;
	if (!kernel_find_symbol(kernel, "kvm_intel", "current_vmcs", &current))
		return error_new("module kvm_intel: no symbol current_vmcs: CONFIG_KALLSYMS_ALL is off; give --modules DIR");
	err = memory_read_u64(walk->mem, current + kernel->per_cpu[cpu->nr], &cpu->current_vmcs);
	if (err)
		return error_context(err, "CPU %u: current_vmcs", cpu->nr);
	/* What leads nowhere belongs to no VMCS, which is a doubt anyway. */
	error_free(to_physical(walk, cpu->current_vmcs, &cpu->current_pa));
	read_vmxon(walk, cpu);
	return NULL;
}

static struct error *read_cpus(const struct walk *walk, uint64_t lists)
{
	const struct kernel *kernel = walk->kernel;
	struct kvm_state *state = walk->state;
	size_t room = MAX_LISTED;

	state->cpu = calloc(kernel->nr_cpus, sizeof(*state->cpu));
	if (!state->cpu)
		return &error_no_memory;
	for (size_t i = 0; i < kernel->nr_cpus; i++) {
		if (!kernel->possible[i])
			continue;
		struct kvm_cpu *cpu = &state->cpu[state->nr_cpus++];

		cpu->nr = i;
		cpu->current = -1;
		cpu->per_cpu = kernel->per_cpu[i];
		cpu->current_pa = NO_PA;
		cpu->vmxon = NO_PA;
		struct error *err = read_cpu(walk, lists, room, cpu);

		if (err)
			return err;
		room -= cpu->list.nr + cpu->back.nr;
	}
	return NULL;
}

struct error *kvm_read_loaded(const struct walk *walk, uint64_t addr, struct loaded_vmcs *ret)
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

struct error *kvm_add_loaded(const struct walk *walk, const struct loaded_vmcs *loaded)
{
	struct kvm_state *state = walk->state;

	if (state->nr_loaded == MAX_LOADED) {
		findings_add(walk->findings, FINDING_DOUBT,
			     "more than %d loaded VMCSes: the one at %#" PRIx64 " is left out",
			     MAX_LOADED, loaded->addr);
		return NULL;
	}
	struct loaded_vmcs *grown = kvm_grow(state->loaded, state->nr_loaded, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	state->loaded = grown;
	state->loaded[state->nr_loaded] = *loaded;
	return addr_index_add(&state->links, loaded->link.addr, state->nr_loaded++);
}

static void read_host_maxphyaddr(struct walk *walk)
{
	const struct kernel *kernel = walk->kernel;
	struct member member;
	uint64_t addr;

	if (symbol_table_find(&kernel->symbols, "boot_cpu_data", &addr) &&
	    types_find(kernel->types, "cpuinfo_x86", "x86_phys_bits", &member))
		walk->state->maxphyaddr = kvm_read_maxphyaddr(walk->mem, addr, &member);
}

static struct error *read_intel(struct walk *walk, uint64_t lists)
{
	struct error *err = kvm_layout_find(walk->kernel->types, &walk->layout);

	if (!err)
		err = read_cpus(walk, lists);
	if (!err)
		err = kvm_read_vms(walk);
	if (!err)
		err = kvm_link_lists(walk);
	if (!err)
		err = kvm_check_regions(walk);
	return err;
}

static struct error *read_amd(struct walk *walk)
{
	struct error *err = kvm_layout_find_vms(walk->kernel->types, &walk->layout);

	return err ? err : kvm_read_vms(walk);
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
	uint64_t lists = 0;

	*ret = state;
	state.intel = kernel_find_symbol(kernel, "kvm_intel", "loaded_vmcss_on_cpu", &lists);
	state.amd = !state.intel && kernel_find_module(kernel, "kvm_amd");
	if (!state.intel) {
		if (kernel_find_module(kernel, "kvm_intel"))
			return error_new("module kvm_intel: no symbol loaded_vmcss_on_cpu: CONFIG_KALLSYMS_ALL is off; give --modules DIR");
		findings_add(findings, FINDING_NOTE, "kvm_intel was not loaded%s",
			     state.amd ? ", but kvm_amd: there are no VMCSes" : "");
		if (!state.amd)
			return NULL;
	}
	kernel_find_symbol(kernel, "kvm_intel", "vmx_vmexit", &state.vmexit);
	struct error *err = state.amd ? read_amd(&walk) : read_intel(&walk, lists);

	read_host_maxphyaddr(&walk);
	if (!err)
		err = kvm_name_vms(&walk);
	addr_index_deinit(&walk.vms);
	addr_index_deinit(&walk.vcpus);
	if (err) {
		kvm_state_deinit(&state);
		return err;
	}
	*ret = state;
	return NULL;
}

void kvm_state_deinit(struct kvm_state *state)
{
	for (size_t i = 0; i < state->nr_cpus; i++) {
		list_walk_deinit(&state->cpu[i].list);
		list_walk_deinit(&state->cpu[i].back);
	}
	free(state->cpu);
	free(state->vm);
	free(state->vcpu);
	free(state->loaded);
	addr_index_deinit(&state->links);
	*state = (struct kvm_state){};
}

