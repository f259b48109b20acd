// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/cpu_state.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/reg.h>

#define X86_CR4_VMXE	(1UL << 13)
#define KERNEL_CS	0x10
#define CS_RPL		3	/* of a selector: 0 for the kernel */

/*
 * The top of the NMI stack as asm_exc_nmi lays it out for an NMI that came in
 * kernel mode, in words below the top: the "original" frame, which a nested
 * NMI overwrites, rdx, "NMI executing", and the "iret" and "outermost" frames.
 */
#define NMI_FRAME_WORDS		17
#define NMI_OUTERMOST_RIP	(NMI_FRAME_WORDS - 17)
#define NMI_OUTERMOST_CS	(NMI_FRAME_WORDS - 16)
#define NMI_EXECUTING		(NMI_FRAME_WORDS - 7)

/* What can be asked of a CPU; addresses are of CPU areas: 0 where there is none. */
struct sources {
	const struct kernel *kernel;
	const struct memory *mem;
	struct findings *findings;
	uint64_t cr4;
	uint64_t notes;
	uint64_t current_task;
	uint64_t nmi_frame;
	struct member pid, comm;	/* of struct task_struct */
};

static uint64_t find_member_address(const struct kernel *kernel, const char *symbol,
				    const char *structure, const char *path)
{
	struct member member;
	uint64_t addr;

	if (!symbol_table_find(&kernel->symbols, symbol, &addr) ||
	    !types_find(kernel->types, structure, path, &member))
		return 0;
	return addr + member.offset;
}

static void find_current_task(const struct kernel *kernel, struct sources *sources)
{
	uint64_t addr;

	if (!types_find(kernel->types, "task_struct", "pid", &sources->pid) ||
	    !types_find(kernel->types, "task_struct", "comm", &sources->comm))
		return;
	/* Since Linux kernel commit a1e4cc0155ad ("x86/percpu: Move current_task to percpu hot section") (in v6.15) */
	if (symbol_table_find(&kernel->symbols, "current_task", &addr)) {
		sources->current_task = addr;
		return;
	}
	/*
	 * Linux kernel commit e57ef2ed97c1 ("x86: Put hot per CPU variables into a struct") (in v6.2);
	 * before it, the variable had the name that it has again.
	 */
	sources->current_task = find_member_address(kernel, "pcpu_hot", "pcpu_hot",
						    "current_task");
}

static void find_nmi_frame(const struct kernel *kernel, struct sources *sources)
{
	struct member stack;
	uint64_t stacks;

	if (symbol_table_find(&kernel->symbols, "exception_stacks", &stacks) &&
	    types_find(kernel->types, "exception_stacks", "NMI_stack", &stack))
		sources->nmi_frame = stacks + stack.offset + stack.size -
				     NMI_FRAME_WORDS * sizeof(uint64_t);
}

static struct sources find_sources(const struct kernel *kernel, struct findings *findings)
{
	struct sources sources = {
		.kernel = kernel, .mem = kernel->memory, .findings = findings,
	};
	uint64_t pointer;

	sources.cr4 = find_member_address(kernel, "cpu_tlbstate", "tlb_state", "cr4");
	if (symbol_table_find(&kernel->symbols, "crash_notes", &pointer))
		error_free(memory_read_u64(sources.mem, pointer, &sources.notes));
	find_current_task(kernel, &sources);
	find_nmi_frame(kernel, &sources);
	return sources;
}

/* The kernel's copy of CR4; the emergency callback takes VMXE out of it after VMXOFF. */
static void read_vmxe(const struct sources *sources, struct cpu_state *cpu)
{
	uint64_t value;

	if (!sources->cr4)
		return;
	struct error *err = memory_read_u64(sources->mem, sources->cr4 +
					    sources->kernel->per_cpu[cpu->nr], &value);

	cpu->vmxe_known = !err;
	cpu->vmxe = !err && value & X86_CR4_VMXE;
	error_free(err);
}

static void read_task(const struct sources *sources, struct cpu_state *cpu)
{
	uint64_t task;
	uint32_t pid;

	if (!sources->current_task)
		return;
	struct error *err = memory_read_u64(sources->mem, sources->current_task +
					    sources->kernel->per_cpu[cpu->nr], &task);

	/* A CPU that was never brought up has none. */
	if (err || !task) {
		error_free(err);
		return;
	}
	err = memory_read_u32(sources->mem, task + sources->pid.offset, &pid);
	if (!err) {
		cpu->pid = pid;
		err = memory_read_string(sources->mem, task + sources->comm.offset, cpu->comm,
					 sizeof(cpu->comm));
	}
	error_free(err);
}

static void format_at(const struct sources *sources, uint64_t ip, uint64_t cs,
		      enum at_source source, struct cpu_state *cpu)
{
	cpu->at_source = source;
	if (cs & CS_RPL)
		snprintf(cpu->at, sizeof(cpu->at), "user space, %#" PRIx64, ip);
	else
		kernel_format_address(sources->kernel, ip, cpu->at, sizeof(cpu->at));
}

/* How crash_save_cpu() heads a note; struct elf_prstatus follows. */
struct note_head {
	Elf64_Nhdr nhdr;
	char name[8];
};

static bool is_registers(const struct note_head *head)
{
	return head->nhdr.n_namesz == sizeof("CORE") && head->nhdr.n_type == NT_PRSTATUS &&
	       head->nhdr.n_descsz == sizeof(struct elf_prstatus) && !strcmp(head->name, "CORE");
}

/*
 * panic() has no registers of what it interrupted to hand to __crash_kexec(),
 * which then saves its own (crash_setup_regs()).
 */
static bool is_crash_path(const char *at)
{
	return !strncmp(at, "__crash_kexec+", strlen("__crash_kexec+")) ||
	       !strncmp(at, "crash_kexec+", strlen("crash_kexec+"));
}

static void take_registers(const struct sources *sources, const struct elf_prstatus *status,
			   struct cpu_state *cpu)
{
	cpu->registers = REGISTERS_SAVED;
	format_at(sources, status->pr_reg[RIP], status->pr_reg[CS], AT_REGISTERS, cpu);
	if (cpu->pid == NO_PID)
		cpu->pid = status->pr_pid;
	if (!is_crash_path(cpu->at))
		return;
	cpu->registers = REGISTERS_CRASH_PATH;
	cpu->at_source = AT_UNKNOWN;
	*cpu->at = '\0';
}

static void read_registers(const struct sources *sources, struct cpu_state *cpu)
{
	uint64_t addr = sources->notes + sources->kernel->per_cpu[cpu->nr];
	struct note_head head;
	struct elf_prstatus status;

	if (!sources->notes)
		return;
	struct error *err = memory_read(sources->mem, addr, &head, sizeof(head));

	if (!err && !head.nhdr.n_namesz && !head.nhdr.n_type) {
		cpu->registers = REGISTERS_NONE;
		return;
	}
	if (!err && !is_registers(&head))
		err = error_new("it does not hold registers: the memory is damaged");
	if (!err)
		err = memory_read(sources->mem, addr + sizeof(head), &status, sizeof(status));
	if (err) {
		findings_add(sources->findings, FINDING_NOTE, "CPU %u: its crash note: %s",
			     cpu->nr, err->message);
		error_free(err);
		return;
	}
	take_registers(sources, &status, cpu);
}

/* A CPU that panicked in an NMI still has on its NMI stack where that came. */
static void read_nmi_frame(const struct sources *sources, struct cpu_state *cpu)
{
	uint64_t frame[NMI_FRAME_WORDS];

	if (!sources->nmi_frame || cpu->registers != REGISTERS_CRASH_PATH)
		return;
	struct error *err = memory_read(sources->mem, sources->nmi_frame +
					sources->kernel->per_cpu[cpu->nr], frame, sizeof(frame));

	if (!err && frame[NMI_EXECUTING] == 1 && frame[NMI_OUTERMOST_CS] == KERNEL_CS)
		format_at(sources, frame[NMI_OUTERMOST_RIP], KERNEL_CS, AT_NMI_STACK, cpu);
	error_free(err);
}

/*
 * crashing_cpu is set when the others are to be stopped, panic_cpu before, by
 * whoever may crash the kernel; both are -1 until then.
 */
static int read_crashed(const struct sources *sources)
{
	static const char *const symbols[] = { "crashing_cpu", "panic_cpu" };

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		uint64_t addr;
		uint32_t value;

		if (!symbol_table_find(&sources->kernel->symbols, symbols[i], &addr))
			continue;
		struct error *err = memory_read_u32(sources->mem, addr, &value);

		if (!err && value < sources->kernel->nr_cpus && sources->kernel->possible[value])
			return value;
		error_free(err);
	}
	return NO_CPU;
}

/* Where at least one CPU saved its registers, the crash path ran, and all should have. */
static void check_stopped(const struct cpu_states *states, struct findings *findings)
{
	bool ran = false;

	for (size_t i = 0; i < states->nr; i++)
		ran |= states->cpu[i].registers >= REGISTERS_SAVED;
	for (size_t i = 0; i < states->nr && ran; i++) {
		const struct cpu_state *cpu = &states->cpu[i];

		if (cpu->online && cpu->registers == REGISTERS_NONE)
			findings_add(findings, FINDING_NOTE,
				     "CPU %u was online and saved no registers: it did not take the crash NMI",
				     cpu->nr);
	}
}

struct error *cpu_states_init(const struct kernel *kernel, struct findings *findings,
			      struct cpu_states *ret)
{
	struct sources sources = find_sources(kernel, findings);
	struct cpu_states states = {
		.cpu = calloc(kernel->nr_cpus, sizeof(*states.cpu)),
		.crashed = read_crashed(&sources),
	};

	if (!states.cpu)
		return &error_no_memory;
	for (size_t i = 0; i < kernel->nr_cpus; i++) {
		if (!kernel->possible[i])
			continue;
		struct cpu_state *cpu = &states.cpu[states.nr++];

		*cpu = (struct cpu_state){ .nr = i, .online = kernel->online[i], .pid = NO_PID };
		read_vmxe(&sources, cpu);
		read_task(&sources, cpu);
		read_registers(&sources, cpu);
		read_nmi_frame(&sources, cpu);
	}
	check_stopped(&states, findings);
	*ret = states;
	return NULL;
}

void cpu_states_deinit(struct cpu_states *states)
{
	free(states->cpu);
	*states = (struct cpu_states){};
}

static int compare_nr(const void *key, const void *element)
{
	const struct cpu_state *cpu = element;
	int nr = *(const int *)key;

	return nr < (int)cpu->nr ? -1 : nr > (int)cpu->nr;
}

const struct cpu_state *cpu_states_find(const struct cpu_states *states, int nr)
{
	return states->nr ? bsearch(&nr, states->cpu, states->nr, sizeof(*states->cpu), compare_nr)
			  : NULL;
}

const char *cpu_registers_name(enum cpu_registers registers)
{
	static const char *const names[] = {
		[REGISTERS_NONE] = "none",
		[REGISTERS_SAVED] = "interrupted",
		[REGISTERS_CRASH_PATH] = "crash-path",
	};

	return names[registers];
}

const char *at_source_name(enum at_source source)
{
	static const char *const names[] = {
		[AT_REGISTERS] = "registers",
		[AT_NMI_STACK] = "nmi-stack",
		[AT_LOG] = "log",
		[AT_EVIDENCE] = "evidence",
	};

	return names[source];
}
