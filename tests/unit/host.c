// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/host.h"

#include <elf.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/reg.h>

#include "analyze/list.h"
#include "analyze/vmclear_log.h"
#include "driver/kdump_torture.h"
#include "tests/unit/image.h"
#include "tests/unit/log_ring.h"

#define MAX_CPUS	256
#define MAX_VCPUS	1024
#define MAX_VMS		1024

/* Offsets of per-CPU symbols within each CPU's area */
#define PERCPU_SIZE	8192
#define PERCPU_TLBSTATE	0x100
#define PERCPU_TASK	0x180
#define PERCPU_NOTES	0x200
#define PERCPU_STACKS	0x400
#define PERCPU_NMI_TOP	0x600	/* of the NMI stack, in the exception stacks */
#define PERCPU_LIST	0x1000
#define PERCPU_CURRENT	0x1010
#define PERCPU_VMXON	0x1018

/* struct page */
enum {
	PG_SIZE = 64,
	PG_COMPOUND_HEAD = 8, PG_PRIVATE = 40, PG_MAPCOUNT = 48, PG_REFCOUNT = 52,
	PG_BUDDY_MAPCOUNT = -129,
};

static const char module_types[] =
	"list_head 16: next@0:8 prev@8:8\n"
	"attribute 16: name@0:8\n"
	"bin_attribute 64: attr@0:attribute private@24:8\n"
	"attribute_group 40: bin_attrs@32:8\n"
	"module_sect_attr 72: battr@0:bin_attribute address@64:8\n"
	"module_sect_attrs 48: grp@0:attribute_group nsections@40:4 attrs@48:0\n"
	"module_layout 16: base@0:8 size@8:4\n"
	"module 512: list@8:list_head name@24:56 core_layout@128:module_layout kallsyms@160:8"
	" percpu@176:8 sect_attrs@184:8 build_id@192:20\n";

static const char module_types_6_4[] =
	"list_head 16: next@0:8 prev@8:8\n"
	"attribute 16: name@0:8\n"
	"bin_attribute 64: attr@0:attribute private@24:8\n"
	"attribute_group 40: bin_attrs@32:8\n"
	"module_sect_attrs 40: grp@0:attribute_group attrs@40:0\n"
	"module_memory 16: base@0:8 size@8:4\n"
	"module 512: list@8:list_head name@24:56 mem@128:module_memory kallsyms@160:8"
	" percpu@176:8 sect_attrs@184:8 build_id@192:20\n";

static const char kernel_types[] =
	"mod_kallsyms 32: symtab@0:8 num_symtab@8:4 strtab@16:8\n"
	"btf_module 48: list@0:list_head module@16:8 btf@24:8\n"
	"btf 192: data@0:8 data_size@72:4 name@100:56\n"
	"cpumask 32: bits@0:32\n"
	"tlb_state 64: cr4@16:8\n"
	"xa_node 576: shift@0:1 slots@40:512\n"
	"upid 16: nr@0:4 ns@8:8\n"
	"pid 128: tasks@16:32 numbers@96:upid\n"
	"cpuinfo_x86 32: x86_phys_bits@9:1\n"
	"task_struct 192: tasks@16:list_head pid_links@64:64 group_leader@128:8 tgid@136:4 pid@140:4 comm@144:16\n"
	"exception_stacks 512: DF_stack@0:256 NMI_stack@256:256\n"
	"xarray 16: xa_head@8:8\n";

static const char pcpu_hot_types[] =
	"pcpu_hot 64: current_task@0:8\n";

static const char kvm_types[] =
	"kvm 512: vm_list@256:list_head online_vcpus@300:4 vcpu_array@320:xarray userspace_pid@352:4\n"
	"kvm_vcpu_arch 16: maxphyaddr@4:4\n"
	"kvm_vcpu 64: kvm@0:8 vcpu_id@8:4 pid@16:8 arch@24:kvm_vcpu_arch\n";

static const char kvm_types_before_5_17[] =
	"kvm 512: vm_list@256:list_head online_vcpus@300:4 userspace_pid@352:4 vcpus@384:128\n"
	"kvm_vcpu 64: kvm@0:8 vcpu_id@8:4 pid@16:8\n";

static const char kvm_intel_types[] =
	"vmcs_config 16: size@0:4 revision_id@8:4\n"
	"loaded_vmcs 160: vmcs@0:8 shadow_vmcs@8:8 cpu@16:4 launched@20:1 loaded_vmcss_on_cpu_link@56:list_head\n"
	"nested_vmx 256: vmcs02@16:loaded_vmcs\n"
	"vcpu_vmx 1024: vcpu@0:kvm_vcpu vmcs01@64:loaded_vmcs loaded_vmcs@232:8 nested@256:nested_vmx\n";

enum {
	MODULE_LIST = 8, MODULE_NAME = 24, MODULE_TEXT = 128, MODULE_KALLSYMS = 160,
	BTF_DATA_SIZE = 72, BTF_NAME = 100, BTF_MODULE_BTF = 24,
	KVM_LIST = 256, KVM_ONLINE = 300, KVM_XA_HEAD = 328, KVM_PID = 352, KVM_VCPUS = 384,
	VCPU_ID = 8, VCPU_PID = 16, VCPU_MAXPHYADDR = 24 + 4,
	CPU_PHYS_BITS = 9, HOST_MAXPHYADDR = 46,
	VMX_VMCS01 = 64, VMX_LOADED = 232, VMX_VMCS02 = 256 + 16,
	LOADED_SHADOW = 8, LOADED_CPU = 16, LOADED_LAUNCHED = 20, LOADED_LINK = 56,
	XA_SHIFT = 0, XA_SLOTS = 40,
	PID_TASKS = 16, PID_NR = 96,
	TASK_LIST = 16, TASK_PID_LINKS = 64, TASK_LEADER = 128, TASK_TGID = 136, TASK_PID = 140,
	TASK_COMM = 144,
};

struct vm {
	char name[16];
	uint64_t addr;
	uint64_t node;		/* XArray node, 0 as long as one entry is enough */
	unsigned int nr_vcpus;
	int pid;
	char comm[16];
	uint64_t task;
};

struct vcpu {
	char name[16];
	uint64_t vmx;		/* struct vcpu_vmx */
	uint64_t loaded;
	uint64_t vmcs;		/* virtual */
	uint64_t shadow;
};

/* Code that a CPU can be interrupted in; its place in the text of the kernel or of kvm_intel. */
static const struct code {
	const char *name;
	uint64_t offset;
	bool intel;
} code[] = {
	{ "default_idle", 0x0, false },
	{ "__crash_kexec", 0x400, false },
	{ "vmx_vcpu_load_vmcs", 0x0, true },
	{ "__loaded_vmcs_clear", 0x400, true },
	{ "vmx_vcpu_run", 0x800, true },
};

#define NR_CODE	(sizeof(code) / sizeof(code[0]))

struct host {
	struct machine *machine;
	struct image image;
	unsigned int nr_cpus;
	uint64_t area[MAX_CPUS];
	uint64_t vm_list, init_task;
	struct vm vm[MAX_VMS];
	size_t nr_vms;
	struct vcpu vcpu[MAX_VCPUS];
	size_t nr_vcpus;
	bool intel, amd, crashed, types, xarray, layouts, kallsyms, pcpu_hot, scan;
	bool offline[MAX_CPUS];
	int panic_cpu;
	struct loaded_module {
		const char *name;
		uint64_t addr;
	} module[4];
	size_t nr_modules;
	uint64_t vmexit;	/* vmx_vmexit() */
	uint32_t revision;	/* in vmcs_config, 0: there is none */
	uint64_t log, evidence, vmemmap;
	uint64_t text, intel_text;
	struct log_ring printk;
	char efer[1024];
};

struct machine *host_machine(const struct host *host)
{
	return host->machine;
}

const char *host_efer(const struct host *host)
{
	return *host->efer ? host->efer : NULL;
}

bool host_scan(const struct host *host)
{
	return host->scan;
}

/* The words of a statement, taken one by one. */
struct words {
	char *rest;
	const char *line;
};

static char *next_word(struct words *words)
{
	return strtok_r(NULL, " \t", &words->rest);
}

static char *need_word(struct words *words)
{
	char *word = next_word(words);

	if (!word)
		errx(2, "host: \"%s\": a word is missing", words->line);
	return word;
}

static uint64_t need_number(struct words *words)
{
	char *word = need_word(words), *end;
	uint64_t number = strtoull(word, &end, 0);

	if (*end)
		errx(2, "host: \"%s\": \"%s\" is no number", words->line, word);
	return number;
}

static struct vcpu *find_vcpu(struct host *host, const char *name)
{
	for (size_t i = 0; i < host->nr_vcpus; i++) {
		if (!strcmp(host->vcpu[i].name, name))
			return &host->vcpu[i];
	}
	errx(2, "host: no vCPU %s", name);
}

static uint64_t list_head(const struct host *host, unsigned int cpu)
{
	if (cpu >= host->nr_cpus)
		errx(2, "host: no CPU %u", cpu);
	return host->area[cpu] + PERCPU_LIST;
}

/* A NAME is the link of its loaded VMCS, a number the head of that CPU's list. */
static uint64_t find_node(struct host *host, const char *word)
{
	if (!strncmp(word, "0x", 2))
		return strtoull(word, NULL, 16);
	if (*word >= '0' && *word <= '9')
		return list_head(host, atoi(word));
	return find_vcpu(host, word)->loaded + LOADED_LINK;
}

static void set_next(struct host *host, uint64_t node, uint64_t value)
{
	machine_poke_u64(host->machine, node, value);
}

static void set_prev(struct host *host, uint64_t node, uint64_t value)
{
	machine_poke_u64(host->machine, node + 8, value);
}

static void init_list(struct host *host, uint64_t head)
{
	set_next(host, head, head);
	set_prev(host, head, head);
}

/* The first @stores stores of the kernel's __list_add(), in its order. */
static void list_add(struct host *host, uint64_t node, uint64_t head, unsigned int stores)
{
	uint64_t next = machine_peek_u64(host->machine, head);

	if (stores > 0)
		set_prev(host, next, node);
	if (stores > 1)
		set_next(host, node, next);
	if (stores > 2)
		set_prev(host, node, head);
	if (stores > 3)
		set_next(host, head, node);
}

static void list_add_tail(struct host *host, uint64_t node, uint64_t head)
{
	list_add(host, node, machine_peek_u64(host->machine, head + 8), 4);
}

static void list_del(struct host *host, uint64_t node, unsigned int stores)
{
	uint64_t next = machine_peek_u64(host->machine, node);
	uint64_t prev = machine_peek_u64(host->machine, node + 8);

	if (stores > 0)
		set_prev(host, next, prev);
	if (stores > 1)
		set_next(host, prev, next);
	if (stores > 2)
		set_next(host, node, LIST_POISON1);
	if (stores > 3)
		set_prev(host, node, LIST_POISON2);
}

static struct vm *find_vm(struct host *host, const char *name)
{
	for (size_t i = 0; i < host->nr_vms; i++) {
		if (!strcmp(host->vm[i].name, name))
			return &host->vm[i];
	}
	errx(2, "host: no VM %s", name);
}

static struct vm *add_vm(struct host *host, const char *name)
{
	if (host->nr_vms == MAX_VMS)
		errx(2, "host: too many VMs");
	struct vm *vm = &host->vm[host->nr_vms++];

	snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->addr = machine_alloc(host->machine, 512, 64);
	vm->pid = 100 + host->nr_vms;
	snprintf(vm->comm, sizeof(vm->comm), "%s", name);
	return vm;
}

/* The task of @vm, and its place in vm_list. */
static void publish_vm(struct host *host, struct vm *vm, bool hidden)
{
	machine_poke_u32(host->machine, vm->addr + KVM_PID, vm->pid);
	vm->task = machine_alloc(host->machine, 192, 64);
	machine_poke_u64(host->machine, vm->task + TASK_LEADER, vm->task);
	machine_poke_u32(host->machine, vm->task + TASK_TGID, vm->pid);
	machine_poke(host->machine, vm->task + TASK_COMM, vm->comm, sizeof(vm->comm));
	list_add_tail(host, vm->task + TASK_LIST, host->init_task + TASK_LIST);
	if (!hidden)
		list_add_tail(host, vm->addr + KVM_LIST, host->vm_list);
}

static void do_vm(struct host *host, struct words *words)
{
	struct vm *vm = add_vm(host, need_word(words));
	bool hidden = false;
	char *word;

	while ((word = next_word(words))) {
		if (!strcmp(word, "pid"))
			vm->pid = need_number(words);
		else if (!strcmp(word, "comm"))
			snprintf(vm->comm, sizeof(vm->comm), "%s", need_word(words));
		else if (!strcmp(word, "hidden"))
			hidden = true;
		else
			errx(2, "host: \"%s\": what is \"%s\"?", words->line, word);
	}
	publish_vm(host, vm, hidden);
}

/* One vCPU is stored in the XArray's head, more in a node. */
static void publish_vcpu(struct host *host, struct vm *vm, uint64_t vcpu)
{
	struct machine *machine = host->machine;
	uint64_t head = vm->addr + KVM_XA_HEAD;

	if (vm->nr_vcpus == (host->xarray ? 64 : 16))
		errx(2, "host: too many vCPUs in a VM");
	if (!host->xarray) {
		machine_poke_u64(machine, vm->addr + KVM_VCPUS + vm->nr_vcpus * 8, vcpu);
	} else if (!vm->nr_vcpus) {
		machine_poke_u64(machine, head, vcpu);
	} else {
		if (!vm->node) {
			vm->node = machine_alloc(machine, 576, 64);
			machine_poke_u64(machine, vm->node + XA_SLOTS,
					 machine_peek_u64(machine, head));
			machine_poke_u64(machine, head, vm->node + 2);
		}
		machine_poke_u64(machine, vm->node + XA_SLOTS + vm->nr_vcpus * 8, vcpu);
	}
	machine_poke_u32(machine, vm->addr + KVM_ONLINE, ++vm->nr_vcpus);
}

static void set_owner(struct host *host, const struct vm *vm, uint64_t vmx, int tid)
{
	struct machine *machine = host->machine;
	uint64_t pid = machine_alloc(machine, 128, 64);

	machine_poke_u32(machine, pid + PID_NR, tid);
	machine_poke_u64(machine, pid + PID_TASKS, vm->task + TASK_PID_LINKS);
	machine_poke_u64(machine, vmx + VCPU_PID, pid);
}

/* Where the implementations that a host can be on keep these fields. */
static const struct region_layout {
	uint32_t revision;
	unsigned int link_pointer, host_gs_base, host_rip;
} region_layouts[] = {
	{ 0x2b, 0x490, 0xc70, 0xca8 },
	{ 0x11e57ed0, 176, 616, 672 },
	{ 0x10, 0xf8, 0x358, 0x390 },
	{ 4, 0x100, 0x200, 0x30c },	/* invented: one that the analyser does not know */
};

static const struct region_layout *find_layout(const struct host *host, uint64_t region)
{
	uint32_t revision = machine_peek_u64(host->machine, region);

	for (size_t i = 0; i < sizeof(region_layouts) / sizeof(region_layouts[0]); i++) {
		if (region_layouts[i].revision == revision)
			return &region_layouts[i];
	}
	return NULL;
}

/* As KVM sets a VMCS up, and enters a guest with it on CPU @cpu. */
static void fill_region(struct host *host, uint64_t region, int cpu)
{
	const struct region_layout *layout = find_layout(host, region);

	if (!layout)
		return;
	machine_poke_u64(host->machine, region + layout->link_pointer, ~0ULL);
	machine_poke_u64(host->machine, region + layout->host_rip, host->vmexit);
	if (cpu >= 0 && cpu < (int)host->nr_cpus)
		machine_poke_u64(host->machine, region + layout->host_gs_base, host->area[cpu]);
}

static void set_host_rip(struct host *host, uint64_t region, uint64_t value)
{
	machine_poke_u64(host->machine, region + find_layout(host, region)->host_rip, value);
}

static void do_gs(struct host *host, struct words *words)
{
	uint64_t region = find_vcpu(host, need_word(words))->vmcs;

	fill_region(host, region, need_number(words));
}

static void do_stale(struct host *host, struct words *words)
{
	uint64_t region = find_vcpu(host, need_word(words))->vmcs;
	const struct region_layout *layout = find_layout(host, region);

	machine_poke_u64(host->machine, region + layout->link_pointer, 0);
	machine_poke_u64(host->machine, region + layout->host_rip, 0);
	machine_poke_u64(host->machine, region + layout->host_gs_base, 0);
}

static uint64_t add_region(struct host *host, uint32_t revision, uint32_t launch_state)
{
	uint64_t va = machine_alloc(host->machine, MACHINE_PAGE, MACHINE_PAGE);

	machine_poke_u32(host->machine, va, revision);
	machine_poke_u32(host->machine, va + 8, launch_state);
	return va;
}

/* What a "vcpu" statement says. */
struct vcpu_words {
	const char *vm, *nested;
	int cpu, tid, maxphyaddr;
	bool launched, shadow, unborn, dropped;
	uint32_t image, revision;
};

static void parse_vcpu(struct words *words, struct vcpu_words *ret)
{
	char *word;

	while ((word = next_word(words))) {
		if (!strcmp(word, "of"))
			ret->vm = need_word(words);
		else if (!strcmp(word, "nested"))
			ret->nested = need_word(words);
		else if (!strcmp(word, "cpu"))
			ret->cpu = need_number(words);
		else if (!strcmp(word, "tid"))
			ret->tid = need_number(words);
		else if (!strcmp(word, "maxphyaddr"))
			ret->maxphyaddr = need_number(words);
		else if (!strcmp(word, "image"))
			ret->image = need_number(words);
		else if (!strcmp(word, "revision"))
			ret->revision = need_number(words);
		else if (!strcmp(word, "launched"))
			ret->launched = true;
		else if (!strcmp(word, "shadow"))
			ret->shadow = true;
		else if (!strcmp(word, "unborn"))
			ret->unborn = true;
		else if (!strcmp(word, "dropped"))
			ret->dropped = true;
		else
			errx(2, "host: \"%s\": what is \"%s\"?", words->line, word);
	}
}

static uint64_t create_vcpu(struct host *host, const struct vcpu_words *said)
{
	struct machine *machine = host->machine;
	struct vm *vm = said->vm ? find_vm(host, said->vm) : &host->vm[0];
	uint64_t vmx = machine_alloc(machine, 1024, 64);

	if (!host->nr_vms)
		errx(2, "host: a vCPU needs a VM");
	machine_poke_u64(machine, vmx, vm->addr);
	machine_poke_u32(machine, vmx + VCPU_ID, vm->nr_vcpus);
	machine_poke_u64(machine, vmx + VMX_LOADED, vmx + VMX_VMCS01);
	machine_poke_u32(machine, vmx + VCPU_MAXPHYADDR, said->maxphyaddr);
	machine_poke_u32(machine, vmx + VMX_VMCS02 + LOADED_CPU, -1);
	if (!said->unborn) {
		publish_vcpu(host, vm, vmx);
		set_owner(host, vm, vmx, said->tid ? said->tid : vm->pid);
	}
	return vmx;
}

static struct vcpu *new_vcpu(struct host *host, const char *name)
{
	if (host->nr_vcpus == MAX_VCPUS)
		errx(2, "host: too many vCPUs");
	struct vcpu *vcpu = &host->vcpu[host->nr_vcpus++];

	snprintf(vcpu->name, sizeof(vcpu->name), "%s", name);
	return vcpu;
}

static struct vcpu *add_vcpu(struct host *host, const char *name, const struct vcpu_words *said)
{
	struct machine *machine = host->machine;

	uint64_t vmx = said->nested ? find_vcpu(host, said->nested)->vmx : create_vcpu(host, said);
	struct vcpu *vcpu = new_vcpu(host, name);

	vcpu->vmx = vmx;
	vcpu->loaded = vmx + (said->nested ? VMX_VMCS02 : VMX_VMCS01);
	vcpu->vmcs = add_region(host, said->revision, said->image);
	machine_poke_u64(machine, vcpu->loaded, vcpu->vmcs);
	machine_poke_u32(machine, vcpu->loaded + LOADED_CPU, said->cpu);
	machine_poke(machine, vcpu->loaded + LOADED_LAUNCHED, &said->launched, 1);
	if (said->launched)
		fill_region(host, vcpu->vmcs, said->cpu);
	if (said->shadow) {
		vcpu->shadow = add_region(host, said->revision | 1U << 31, 0);
		machine_poke_u64(machine, vcpu->loaded + LOADED_SHADOW, vcpu->shadow);
	}
	if (said->dropped)
		machine_drop(machine, vcpu->vmcs);
	return vcpu;
}

static void do_vcpu(struct host *host, struct words *words)
{
	const char *name = need_word(words);
	struct vcpu_words said = { .cpu = -1, .revision = 0x2b };

	parse_vcpu(words, &said);
	add_vcpu(host, name, &said);
}

/* Many VMs, spread over the CPUs. */
static void do_vms(struct host *host, struct words *words)
{
	for (uint64_t nr = need_number(words), i = 0; i < nr; i++) {
		char name[24];

		snprintf(name, sizeof(name), "v%" PRIu64, i);
		struct vm *vm = add_vm(host, name);
		const struct vcpu_words said = {
			.vm = vm->name, .cpu = i % host->nr_cpus, .launched = true,
			.revision = 0x2b,
		};

		publish_vm(host, vm, false);
		list_add_tail(host, add_vcpu(host, name, &said)->loaded + LOADED_LINK,
			      list_head(host, said.cpu));
	}
}

static void do_also(struct host *host, struct words *words)
{
	struct vm *vm = find_vm(host, need_word(words));

	publish_vcpu(host, vm, find_vcpu(host, need_word(words))->vmx);
}

static void do_orphan(struct host *host, struct words *words)
{
	struct vcpu *vcpu = new_vcpu(host, need_word(words));
	uint32_t image = 0, revision = 0x2b;
	char what[16] = "";
	char *word;

	while ((word = next_word(words))) {
		if (!strcmp(word, "image"))
			image = need_number(words);
		else if (!strcmp(word, "revision"))
			revision = need_number(words);
		else
			snprintf(what, sizeof(what), "%s", word);
	}
	vcpu->vmcs = add_region(host, revision, image);
	if (!strcmp(what, "noise") || !strcmp(what, "shadow"))
		machine_poke_u64(host->machine, vcpu->vmcs + 64, 0x1234);
	else if (strcmp(what, "blank"))
		fill_region(host, vcpu->vmcs, 0);
	if (!strcmp(what, "foreign"))
		set_host_rip(host, vcpu->vmcs, 0xffffffffc0001000);
	if (!strcmp(what, "shadow"))
		machine_poke_u32(host->machine, vcpu->vmcs, revision | 1U << 31);
}

static void do_list(struct host *host, struct words *words)
{
	uint64_t head = list_head(host, need_number(words));
	char *word;

	while ((word = next_word(words)))
		list_add_tail(host, find_node(host, word), head);
}

static void do_add(struct host *host, struct words *words)
{
	uint64_t head = list_head(host, need_number(words));
	uint64_t node = find_node(host, need_word(words));

	list_add(host, node, head, need_number(words));
}

static void do_del(struct host *host, struct words *words)
{
	uint64_t node = find_node(host, need_word(words));

	list_del(host, node, need_number(words));
}

static void do_current(struct host *host, struct words *words)
{
	uint64_t addr = list_head(host, need_number(words)) - PERCPU_LIST + PERCPU_CURRENT;
	const char *word = need_word(words);

	machine_poke_u64(host->machine, addr, !strncmp(word, "0x", 2) ? strtoull(word, NULL, 16)
							   : find_vcpu(host, word)->vmcs);
}

static void do_vmxon(struct host *host, struct words *words)
{
	uint64_t addr = list_head(host, need_number(words)) - PERCPU_LIST + PERCPU_VMXON;
	const char *name = next_word(words);

	machine_poke_u64(host->machine, addr, name ? find_vcpu(host, name)->vmcs
						   : add_region(host, 0x2b, 0));
}

static void do_region(struct host *host, struct words *words)
{
	struct vcpu *vcpu = find_vcpu(host, need_word(words));
	const char *word = need_word(words);

	vcpu->vmcs = !strncmp(word, "0x", 2) ? strtoull(word, NULL, 16)
					     : find_vcpu(host, word)->vmcs;
	machine_poke_u64(host->machine, vcpu->loaded, vcpu->vmcs);
}

/* A struct page for each page, all in use. */
static void create_vmemmap(struct host *host)
{
	struct machine *machine = host->machine;
	uint64_t base = machine_alloc_text(machine, 8, 8);

	host->vmemmap = machine_alloc_text(machine, MACHINE_NR_PAGES * PG_SIZE, MACHINE_PAGE);
	for (uint64_t pfn = 0; pfn < MACHINE_NR_PAGES; pfn++)
		machine_poke_u32(machine, host->vmemmap + pfn * PG_SIZE + PG_REFCOUNT, 1);
	machine_poke_u64(machine, base, host->vmemmap);
	image_add_symbol(&host->image, "vmemmap_base", base);
	machine_info(machine, "SIZE(page)=%d", PG_SIZE);
	machine_info(machine, "OFFSET(page._refcount)=%d", PG_REFCOUNT);
	machine_info(machine, "OFFSET(page._mapcount)=%d", PG_MAPCOUNT);
	machine_info(machine, "OFFSET(page.private)=%d", PG_PRIVATE);
	machine_info(machine, "OFFSET(page.compound_head)=%d", PG_COMPOUND_HEAD);
	machine_info(machine, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=%d", PG_BUDDY_MAPCOUNT);
}

static uint64_t find_region(struct host *host, char *word)
{
	char *part = strchr(word, '.');

	if (part)
		*part++ = '\0';
	const struct vcpu *vcpu = find_vcpu(host, word);

	return !part ? vcpu->vmcs : !strcmp(part, "shadow") ? vcpu->shadow : vcpu->loaded;
}

static void do_page(struct host *host, struct words *words)
{
	uint64_t va = find_region(host, need_word(words));
	uint64_t pfn = machine_physical(host->machine, va) / MACHINE_PAGE;
	const char *what = need_word(words);

	if (!host->vmemmap)
		create_vmemmap(host);
	uint64_t page = host->vmemmap + pfn * PG_SIZE;
	/* A free block of 8 pages, of which the first alone is marked */
	uint64_t first = host->vmemmap + (pfn & ~7ULL) * PG_SIZE;

	if (strcmp(what, "used"))
		machine_poke_u32(host->machine, page + PG_REFCOUNT, 0);
	if (!strcmp(what, "buddy")) {
		machine_poke_u32(host->machine, first + PG_MAPCOUNT, PG_BUDDY_MAPCOUNT);
		machine_poke_u64(host->machine, first + PG_PRIVATE, 3);
	}
}

/* As the crash-points patch has it. */
struct log_header {
	char magic[8];
	uint32_t version, nr_entries, next, pad;
};

#define LOG_ROOM	64

static struct log_header read_log_header(const struct host *host)
{
	struct log_header header;

	memcpy(&header, host->machine->bytes + machine_physical(host->machine, host->log),
	       sizeof(header));
	return header;
}

static void create_log(struct host *host)
{
	struct log_header header = { .magic = "VMXCLOG", .version = 1, .nr_entries = LOG_ROOM };

	if (host->log)
		return;
	host->log = machine_alloc(host->machine,
				  sizeof(header) + LOG_ROOM * sizeof(struct vmclear_log_entry), 64);
	machine_poke(host->machine, host->log, &header, sizeof(header));
}

static int log_status(const char *word)
{
	return !strcmp(word, "started") ? VMCLEAR_STARTED : !strcmp(word, "failed")
					? VMCLEAR_FAILED : VMCLEAR_DONE;
}

static void do_log(struct host *host, struct words *words)
{
	create_log(host);
	struct log_header header = read_log_header(host);
	char *word = need_word(words);

	if (!strcmp(word, "lost"))
		header.next = LOG_ROOM + 1;
	else if (!strcmp(word, "bad"))
		header.version = 99;
	else if (strcmp(word, "empty")) {
		struct vmclear_log_entry entry = { .cpu = atoi(word), .status = VMCLEAR_DONE };

		word = need_word(words);
		entry.op = !strcmp(word, "walk") ? VMCLEAR_OP_WALK
			   : !strcmp(word, "skipped") ? VMCLEAR_OP_SKIPPED
			   : !strcmp(word, "vmxoff") ? VMCLEAR_OP_VMXOFF : VMCLEAR_OP_VMCLEAR;
		if (entry.op == VMCLEAR_OP_VMCLEAR) {
			const struct vcpu *vcpu = find_vcpu(host, need_word(words));

			entry.pa = machine_physical(host->machine, vcpu->vmcs);
			while ((word = next_word(words))) {
				entry.shadow = !strcmp(word, "shadow");
				if (entry.shadow)
					entry.pa = machine_physical(host->machine, vcpu->shadow);
				else
					entry.status = log_status(word);
			}
		}
		machine_poke(host->machine, host->log + sizeof(header) +
			     header.next++ * sizeof(entry), &entry, sizeof(entry));
	}
	machine_poke(host->machine, host->log, &header, sizeof(header));
}

static void add_seen(struct host *host, const char *name, struct kdt_evidence *evidence)
{
	const struct vcpu *vcpu = find_vcpu(host, name);
	struct kdt_evidence_vmcs *seen = &evidence->vmcs[evidence->nr_vmcs++];
	const struct machine *machine = host->machine;
	const uint8_t *loaded = machine->bytes + machine_physical(machine, vcpu->loaded);

	seen->loaded_vmcs = vcpu->loaded;
	seen->vmcs = machine_physical(machine, vcpu->vmcs);
	seen->shadow_vmcs = vcpu->shadow ? machine_physical(machine, vcpu->shadow) : KDT_NO_PA;
	memcpy(&seen->cpu, loaded + LOADED_CPU, sizeof(seen->cpu));
	seen->launched = loaded[LOADED_LAUNCHED];
}

static unsigned int state_number(const char *word)
{
	static const char *const names[] = { "idle", "armed", "held", "sent", "taken", "lost" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], word))
			return i;
	}
	errx(2, "host: no state %s", word);
}

static void do_point(struct host *host, struct words *words)
{
	struct kdt_evidence evidence = {
		.magic = KDT_EVIDENCE_MAGIC, .version = KDT_EVIDENCE_VERSION,
		.size = sizeof(evidence), .state = KDT_NMI_TAKEN, .sender_cpu = KDT_NO_CPU,
		.vmptr = KDT_NO_PA, .list = KDT_LIST_COMPLETE, .hits = 1, .comm = "victim",
		.efer = KDT_NO_MSR, .vm_cr = KDT_NO_MSR, .vm_hsave_pa = KDT_NO_MSR,
	};
	size_t size = sizeof(evidence);
	char *word = need_word(words);

	if (!strcmp(word, "bad"))
		evidence.version = 99;
	snprintf(evidence.point, sizeof(evidence.point), "%s", word);
	while ((word = next_word(words))) {
		if (!strcmp(word, "cpu"))
			evidence.victim_cpu = need_number(words);
		else if (!strcmp(word, "state"))
			evidence.state = state_number(need_word(words));
		else if (!strcmp(word, "efer"))
			evidence.efer = need_number(words);
		else if (!strcmp(word, "old"))
			size = offsetof(struct kdt_evidence, efer);
		else if (!strcmp(word, "vmptr"))
			evidence.vmptr = machine_physical(host->machine,
							  find_vcpu(host, need_word(words))->vmcs);
		else if (strcmp(word, "sees"))
			add_seen(host, word, &evidence);
	}
	if (size < sizeof(evidence)) {
		evidence.version = 1;
		evidence.size = size;
	}
	host->evidence = machine_alloc(host->machine, size, 64);
	machine_poke(host->machine, host->evidence, &evidence, size);
}

static void do_efer(struct host *host, struct words *words)
{
	size_t used = strlen(host->efer);
	unsigned int cpu = need_number(words);

	snprintf(host->efer + used, sizeof(host->efer) - used, "cpu %u efer %s\n", cpu,
		 need_word(words));
}

static void do_no(struct host *host, struct words *words)
{
	const char *word = need_word(words);

	if (!strcmp(word, "kvm_intel"))
		host->intel = false;
	else if (!strcmp(word, "crash"))
		host->crashed = false;
	else if (!strcmp(word, "types"))
		host->types = false;
	else if (!strcmp(word, "xarray"))
		host->xarray = false;
	else if (!strcmp(word, "layouts"))
		host->layouts = false;
	else if (!strcmp(word, "kallsyms"))
		host->kallsyms = false;
	else
		errx(2, "host: \"%s\": no what?", words->line);
}

static void create_cpus(struct host *host, unsigned int nr)
{
	if (!nr || nr > MAX_CPUS)
		errx(2, "host: %u CPUs", nr);
	for (unsigned int i = host->nr_cpus; i < nr; i++) {
		host->area[i] = machine_alloc(host->machine, PERCPU_SIZE, MACHINE_PAGE);
		init_list(host, host->area[i] + PERCPU_LIST);
	}
	host->nr_cpus = nr;
}

static uint64_t code_address(const struct host *host, const struct code *which)
{
	return (which->intel ? host->intel_text : host->text) + which->offset;
}

static uint64_t find_code(const struct host *host, const char *word)
{
	size_t len = strcspn(word, "+");

	for (size_t i = 0; i < NR_CODE; i++) {
		if (strlen(code[i].name) == len && !strncmp(code[i].name, word, len))
			return code_address(host, &code[i]) +
			       (word[len] ? strtoull(word + len, NULL, 0) : 0);
	}
	errx(2, "host: no code %s", word);
}

static uint64_t cpu_area(const struct host *host, unsigned int cpu)
{
	return list_head(host, cpu) - PERCPU_LIST;
}

/* As crash_save_cpu() writes it. */
static void save_registers(struct host *host, unsigned int cpu, uint64_t ip)
{
	struct {
		Elf64_Nhdr nhdr;
		char name[8];
	} head = {
		{ .n_namesz = 5, .n_descsz = sizeof(struct elf_prstatus), .n_type = NT_PRSTATUS },
		"CORE",
	};
	struct elf_prstatus status = {};
	uint64_t note = cpu_area(host, cpu) + PERCPU_NOTES;

	status.pr_reg[RIP] = ip;
	status.pr_reg[CS] = 0x10;
	machine_poke(host->machine, note, &head, sizeof(head));
	machine_poke(host->machine, note + sizeof(head), &status, sizeof(status));
}

static void do_task(struct host *host, struct words *words)
{
	uint64_t area = cpu_area(host, need_number(words));
	uint64_t task = machine_alloc(host->machine, 192, 64);

	machine_poke_u64(host->machine, area + PERCPU_TASK, task);
	machine_poke_u32(host->machine, task + TASK_PID, need_number(words));
	/* "CPU 0/KVM" has a space. */
	const char *comm = strtok_r(NULL, "", &words->rest);

	if (!comm)
		errx(2, "host: \"%s\": a name is missing", words->line);

	machine_poke(host->machine, task + TASK_COMM, comm, strnlen(comm, 15));
}

static void do_panic(struct host *host, struct words *words)
{
	unsigned int cpu = need_number(words);
	const char *at = next_word(words);
	uint64_t nmi_top = cpu_area(host, cpu) + PERCPU_NMI_TOP;

	host->panic_cpu = cpu;
	save_registers(host, cpu, find_code(host, "__crash_kexec+0x5b"));
	/* As asm_exc_nmi has it: an NMI is being handled or was, and came there. */
	machine_poke_u64(host->machine, nmi_top - 7 * 8, at ? 1 : 0);
	machine_poke_u64(host->machine, nmi_top - 16 * 8, 0x10);
	machine_poke_u64(host->machine, nmi_top - 17 * 8,
			 find_code(host, at ? at : "default_idle+0x10"));
}

/* One line a microsecond. */
static void do_say(struct host *host, const char *text)
{
	if (!host->printk.machine)
		log_ring_init(&host->printk, host->machine, 6, 12);
	log_ring_add(&host->printk, LOG_FINALIZED, host->printk.id * 1000, text);
}

/* Return: whether @verb is about the crash. */
static bool do_crash_statement(struct host *host, const char *verb, struct words *words)
{
	if (!strcmp(verb, "offline"))
		host->offline[need_number(words)] = true;
	else if (!strcmp(verb, "task"))
		do_task(host, words);
	else if (!strcmp(verb, "panic"))
		do_panic(host, words);
	else if (!strcmp(verb, "nmi") || !strcmp(verb, "oops")) {
		unsigned int cpu = need_number(words);
		const char *at = need_word(words);

		if (strcmp(at, "bad"))
			save_registers(host, cpu, find_code(host, at));
		else
			machine_poke_u32(host->machine, cpu_area(host, cpu) + PERCPU_NOTES, 0xbad);
		host->panic_cpu = *verb == 'o' ? (int)cpu : host->panic_cpu;
	} else if (!strcmp(verb, "say"))
		do_say(host, words->line + strlen("say "));
	else if (!strcmp(verb, "pcpu_hot"))
		host->pcpu_hot = true;
	else
		return false;
	return true;
}

static void do_statement(struct host *host, char *line, const char *whole)
{
	struct words words = { .line = whole };
	char *verb = strtok_r(line, " \t", &words.rest);

	if (!verb)
		return;
	if (!strcmp(verb, "cpus"))
		create_cpus(host, need_number(&words));
	else if (!strcmp(verb, "no"))
		do_no(host, &words);
	else if (!strcmp(verb, "vm"))
		do_vm(host, &words);
	else if (!strcmp(verb, "vms"))
		do_vms(host, &words);
	else if (!strcmp(verb, "vcpu"))
		do_vcpu(host, &words);
	else if (!strcmp(verb, "also"))
		do_also(host, &words);
	else if (!strcmp(verb, "list"))
		do_list(host, &words);
	else if (!strcmp(verb, "add"))
		do_add(host, &words);
	else if (!strcmp(verb, "del"))
		do_del(host, &words);
	else if (!strcmp(verb, "next") || !strcmp(verb, "prev")) {
		uint64_t node = find_node(host, need_word(&words));

		machine_poke_u64(host->machine, node + (*verb == 'p' ? 8 : 0),
				 find_node(host, need_word(&words)));
	} else if (!strcmp(verb, "current"))
		do_current(host, &words);
	else if (!strcmp(verb, "vmxe"))
		machine_poke_u64(host->machine, list_head(host, need_number(&words)) - PERCPU_LIST +
				 PERCPU_TLBSTATE + 16, 1 << 13);
	else if (!strcmp(verb, "vmxon"))
		do_vmxon(host, &words);
	else if (!strcmp(verb, "kvm_amd"))
		host->amd = !(host->intel = false);
	else if (!strcmp(verb, "efer"))
		do_efer(host, &words);
	else if (!strcmp(verb, "scan"))
		host->scan = true;
	else if (!strcmp(verb, "orphan"))
		do_orphan(host, &words);
	else if (!strcmp(verb, "revision"))
		host->revision = strtoul(need_word(&words), NULL, 0);
	else if (!strcmp(verb, "stale"))
		do_stale(host, &words);
	else if (!strcmp(verb, "gs"))
		do_gs(host, &words);
	else if (!strcmp(verb, "page"))
		do_page(host, &words);
	else if (!strcmp(verb, "region"))
		do_region(host, &words);
	else if (!strcmp(verb, "log"))
		do_log(host, &words);
	else if (!strcmp(verb, "point"))
		do_point(host, &words);
	else if (strcmp(verb, "levels") && strcmp(verb, "kaslr") &&
		 !do_crash_statement(host, verb, &words))
		errx(2, "host: \"%s\": what is \"%s\"?", whole, verb);
}

/* A module's symbols, of which element 0 is empty as in any ELF symbol table. */
struct module_symbol {
	const char *name;
	uint64_t addr;
};

static uint64_t write_module_kallsyms(struct host *host, const struct module_symbol *symbols,
				      size_t nr)
{
	struct machine *machine = host->machine;
	uint64_t kallsyms = machine_alloc_module(machine, 32, 8);
	uint64_t symtab = machine_alloc_module(machine, (nr + 1) * sizeof(Elf64_Sym), 8);
	uint64_t strtab = machine_alloc_module(machine, 4096, 8);
	uint32_t at = 1;

	for (size_t i = 0; i < nr; i++) {
		Elf64_Sym sym = { .st_name = at, .st_value = symbols[i].addr, .st_shndx = 1 };

		machine_poke(machine, symtab + (i + 1) * sizeof(sym), &sym, sizeof(sym));
		machine_poke(machine, strtab + at, symbols[i].name, strlen(symbols[i].name));
		at += strlen(symbols[i].name) + 1;
	}
	machine_poke_u64(machine, kallsyms, symtab);
	machine_poke_u32(machine, kallsyms + 8, nr + 1);
	machine_poke_u64(machine, kallsyms + 16, strtab);
	return kallsyms;
}

static void write_module(struct host *host, uint64_t modules, const char *name, uint64_t text,
			 const struct module_symbol *symbols, size_t nr)
{
	struct machine *machine = host->machine;
	uint64_t module = machine_alloc_module(machine, 512, 64);

	host->module[host->nr_modules++] = (struct loaded_module){ name, module };
	machine_poke(machine, module + MODULE_NAME, name, strlen(name));
	machine_poke_u64(machine, module + MODULE_TEXT, text);
	machine_poke_u32(machine, module + MODULE_TEXT + 8, 4096);
	machine_poke_u64(machine, module + MODULE_KALLSYMS,
			 write_module_kallsyms(host, symbols, nr));
	list_add_tail(host, module + MODULE_LIST, modules);
}

static uint64_t write_bytes(struct host *host, const void *data, uint32_t size)
{
	uint64_t va = machine_alloc_vmalloc(host->machine, size, 8);

	machine_poke(host->machine, va, data, size);
	return va;
}

static void write_module_btf(struct host *host, uint64_t btf_modules, const char *name,
			     struct btf *types)
{
	struct machine *machine = host->machine;
	uint64_t btf_module = machine_alloc(machine, 48, 8), btf = machine_alloc(machine, 192, 8);
	uint32_t size;
	const void *data = btf__raw_data(types, &size);

	machine_poke_u64(machine, btf, write_bytes(host, data, size));
	machine_poke_u32(machine, btf + BTF_DATA_SIZE, size);
	machine_poke(machine, btf + BTF_NAME, name, strlen(name));
	machine_poke_u64(machine, btf_module + BTF_MODULE_BTF, btf);
	list_add_tail(host, btf_module, btf_modules);
	btf__free(types);
}

static uint64_t new_list(struct host *host, const char *symbol)
{
	uint64_t head = machine_alloc_text(host->machine, 16, 8);

	image_add_symbol(&host->image, symbol, head);
	init_list(host, head);
	return head;
}

void host_types(const struct host *host, const char *module, char *ret, size_t size)
{
	const char *kvm = host->xarray ? kvm_types : kvm_types_before_5_17;

	if (!module)
		snprintf(ret, size, "%s%s%s", host->layouts ? module_types : module_types_6_4,
			 kernel_types, host->pcpu_hot ? pcpu_hot_types : "");
	else
		snprintf(ret, size, "%s%s", kvm,
			 strcmp(module, "kvm_intel") ? "" : kvm_intel_types);
}

static void write_types(struct host *host)
{
	char text[4096];

	host_types(host, NULL, text, sizeof(text));
	struct btf *kernel = image_btf(text, NULL);
	uint32_t size;
	const void *data = btf__raw_data(kernel, &size);
	uint64_t start = machine_alloc_text(host->machine, size, 8);
	uint64_t btf_modules = new_list(host, "btf_modules");

	machine_poke(host->machine, start, data, size);
	if (host->types) {
		image_add_symbol(&host->image, "__start_BTF", start);
		image_add_symbol(&host->image, "__stop_BTF", start + size);
	}
	/* Each builds on the kernel's alone, as the kernel has it. */
	if (host->amd) {
		host_types(host, "kvm", text, sizeof(text));
		write_module_btf(host, btf_modules, "kvm", image_btf(text, kernel));
	}
	if (host->intel) {
		host_types(host, "kvm", text, sizeof(text));
		write_module_btf(host, btf_modules, "kvm", image_btf(text, kernel));
		host_types(host, "kvm_intel", text, sizeof(text));
		write_module_btf(host, btf_modules, "kvm_intel", image_btf(text, kernel));
	}
	btf__free(kernel);
}

static uint64_t alloc_module_text(struct host *host)
{
	return machine_alloc_module(host->machine, 4096, 4096);
}

static void write_kvm_intel(struct host *host, uint64_t modules)
{
	uint64_t vmcs_config = machine_alloc(host->machine, 16, 8);
	struct module_symbol symbols[NR_CODE + 6] = {
		{ "loaded_vmcss_on_cpu", PERCPU_LIST },
		{ "current_vmcs", PERCPU_CURRENT },
		{ "vmxarea", PERCPU_VMXON },
		{ "vmx_vmexit", host->vmexit },
		{ host->revision ? "vmcs_config" : "other_config", vmcs_config },
	};
	size_t nr = 5;

	machine_poke_u32(host->machine, vmcs_config + 8, host->revision);
	for (size_t i = 0; i < NR_CODE; i++) {
		if (code[i].intel)
			symbols[nr++] = (struct module_symbol){
				code[i].name, code_address(host, &code[i]),
			};
	}
	if (host->log)
		symbols[nr++] = (struct module_symbol){ "vmx_crash_log", host->log };
	write_module(host, modules, "kvm_intel", host->intel_text, symbols, nr);
}

static void write_modules(struct host *host)
{
	uint64_t modules = new_list(host, "modules");

	if (host->evidence)
		write_module(host, modules, "kdump_torture", alloc_module_text(host),
			     &(struct module_symbol){ "kdump_torture_evidence", host->evidence }, 1);
	if (host->amd)
		write_module(host, modules, "kvm_amd", alloc_module_text(host), NULL, 0);
	if (!host->intel && !host->amd)
		return;
	write_module(host, modules, "kvm", alloc_module_text(host),
		     &(struct module_symbol){ "vm_list", host->vm_list }, 1);
	if (host->intel)
		write_kvm_intel(host, modules);
}

/* A variable of the kernel, of eight bytes. */
static void add_variable(struct host *host, const char *symbol, uint64_t value)
{
	uint64_t addr = machine_alloc_text(host->machine, 8, 8);

	machine_poke_u64(host->machine, addr, value);
	image_add_symbol(&host->image, symbol, addr);
}

static void add_mask(struct host *host, const char *symbol, const uint8_t bits[MAX_CPUS / 8])
{
	uint64_t addr = machine_alloc_text(host->machine, MAX_CPUS / 8, 8);

	machine_poke(host->machine, addr, bits, MAX_CPUS / 8);
	image_add_symbol(&host->image, symbol, addr);
}

static void write_cpus(struct host *host)
{
	struct machine *machine = host->machine;
	uint64_t offsets = machine_alloc_text(machine, MAX_CPUS * 8, 8);
	uint8_t possible[MAX_CPUS / 8] = {}, online[MAX_CPUS / 8] = {};

	for (unsigned int i = 0; i < host->nr_cpus; i++) {
		machine_poke_u64(machine, offsets + i * 8, host->area[i]);
		possible[i / 8] |= 1 << i % 8;
		online[i / 8] |= !host->offline[i] << i % 8;
	}
	image_add_symbol(&host->image, "__per_cpu_offset", offsets);
	add_mask(host, "__cpu_possible_mask", possible);
	add_mask(host, "__cpu_online_mask", online);
	image_add_symbol(&host->image, "cpu_tlbstate", PERCPU_TLBSTATE);
}

/* What the crash path leaves, and where it was. */
static void write_crash(struct host *host)
{
	add_variable(host, "panic_cpu", host->panic_cpu);
	add_variable(host, "crashing_cpu", host->panic_cpu);
	add_variable(host, "crash_notes", PERCPU_NOTES);
	image_add_symbol(&host->image, "exception_stacks", PERCPU_STACKS);
	image_add_symbol(&host->image, host->pcpu_hot ? "pcpu_hot" : "current_task", PERCPU_TASK);
	for (size_t i = 0; i < NR_CODE; i++) {
		if (!code[i].intel)
			image_add_symbol(&host->image, code[i].name, code_address(host, &code[i]));
	}
}

/* What decides where memory is mapped comes before all that is put there. */
static void place_machine(struct machine *machine, const char *text)
{
	unsigned int levels;
	uint64_t kaslr;

	text += strspn(text, "\n");
	if (sscanf(text, "kaslr %" SCNx64, &kaslr) == 1)
		machine_set_kaslr(machine, kaslr);
	if (sscanf(text, "levels %u", &levels) == 1 ||
	    sscanf(text, "kaslr %*x levels %u", &levels) == 1)
		machine_set_levels(machine, levels);
}

static struct machine *create_machine(const char *text)
{
	struct machine *machine = machine_create();

	place_machine(machine, text);
	machine_boot(machine, "6.1.0-test");
	return machine;
}

struct host *host_create(const char *text)
{
	struct host *host = calloc(1, sizeof(*host));
	char *copy = strdup(text), *save;

	if (!host || !copy)
		err(2, "host");
	host->machine = create_machine(text);
	host->intel = host->crashed = host->types = host->xarray = host->layouts = true;
	host->kallsyms = true;
	host->panic_cpu = -1;
	host->text = machine_alloc_text(host->machine, 4096, 4096);
	host->intel_text = alloc_module_text(host);
	host->vm_list = machine_alloc(host->machine, 16, 8);
	init_list(host, host->vm_list);
	host->init_task = machine_alloc_text(host->machine, 192, 64);
	init_list(host, host->init_task + TASK_LIST);
	image_add_symbol(&host->image, "init_task", host->init_task);
	uint64_t cpu = machine_alloc_text(host->machine, 32, 64);

	machine_poke(host->machine, cpu + CPU_PHYS_BITS, &(uint8_t){ HOST_MAXPHYADDR }, 1);
	image_add_symbol(&host->image, "boot_cpu_data", cpu);
	host->revision = 0x2b;
	host->vmexit = machine_alloc(host->machine, 64, 64);
	create_cpus(host, 2);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char whole[256];

		line[strcspn(line, "#")] = '\0';
		snprintf(whole, sizeof(whole), "%s", line);
		do_statement(host, line, whole);
	}
	free(copy);
	write_types(host);
	write_modules(host);
	write_cpus(host);
	write_crash(host);
	if (host->kallsyms)
		image_write_kallsyms(&host->image, host->machine, IMAGE_ABSOLUTE_PERCPU);
	else
		image_write_stext(&host->image, host->machine);
	if (host->crashed)
		machine_info(host->machine, "CRASHTIME=1700000000");
	return host;
}

void host_destroy(struct host *host)
{
	machine_destroy(host->machine);
	free(host);
}

const struct image *host_image(const struct host *host)
{
	return &host->image;
}

uint64_t host_module(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->nr_modules; i++) {
		if (!strcmp(host->module[i].name, name))
			return host->module[i].addr;
	}
	errx(2, "host: no module %s", name);
}

uint64_t host_symbol(const struct host *host, const char *name)
{
	uint64_t addr;

	for (size_t i = 0; i < host->image.nr; i++) {
		if (!strcmp(host->image.symbol[i].name, name))
			return host->image.symbol[i].addr;
	}
	if (!vmcoreinfo_symbol(&host->machine->info, name, &addr))
		errx(2, "host: no symbol %s", name);
	return addr;
}

uint64_t host_vmcs(const struct host *host, const char *name)
{
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < host->nr_vcpus; i++) {
		const struct vcpu *vcpu = &host->vcpu[i];

		if (strlen(vcpu->name) == len && !strncmp(vcpu->name, name, len))
			return machine_physical(host->machine,
						name[len] ? vcpu->shadow : vcpu->vmcs);
	}
	errx(2, "host: no vCPU %s", name);
}
