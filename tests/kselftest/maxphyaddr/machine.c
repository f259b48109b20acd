// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "kvm_util.h"
#include "processor.h"

#define MAX_CASES	((0x200000 - GUEST_CASES) / sizeof(struct guest_case))

/* Seconds that one case may take, on an emulated host */
#define PATIENCE	3

struct machine {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	unsigned char *memory;
	enum paging paging;
	/* As it begins */
	struct kvm_sregs sregs;
	struct kvm_regs regs;
};

extern const char guest64[], guest64_end[], guest32[], guest32_end[];

static bool is_64bit(enum paging paging)
{
	return paging >= PAGING_4LEVEL;
}

/* The guest's own tables, by level; there are two page tables of 2 MBytes each. */
static uint32_t own_table(enum level level)
{
	return GUEST_TABLES + (NR_LEVELS - level) * 0x1000;
}

uint32_t machine_top_table(enum paging paging)
{
	return own_table(walk_top(paging));
}

static void set_entry(struct machine *machine, uint32_t table, unsigned int index,
		      uint64_t entry)
{
	if (machine->paging == PAGING_32BIT)
		((uint32_t *)(machine->memory + table))[index] = entry;
	else
		((uint64_t *)(machine->memory + table))[index] = entry;
}

/* Map the memory where it is, with the accessed and dirty flags set. */
static void build_own_tables(struct machine *machine)
{
	const uint64_t flags = ENTRY_P | ENTRY_W | ENTRY_A | ENTRY_D;
	unsigned int per_table = machine->paging == PAGING_32BIT ? 1024 : 512;
	enum level top = walk_top(machine->paging);

	for (uint32_t page = 0; page < GUEST_SIZE / 0x1000; page++) {
		bool user = page == GUEST_USER / 0x1000;

		set_entry(machine, own_table(LEVEL_PTE), page,
			  page * 0x1000 | flags | (user ? ENTRY_U : 0));
	}
	for (uint32_t i = 0; i < GUEST_SIZE / 0x1000 / per_table; i++)
		set_entry(machine, own_table(LEVEL_PDE), i,
			  (own_table(LEVEL_PTE) + i * 0x1000) | flags | ENTRY_U);
	for (enum level level = LEVEL_PDPTE; level <= top; level++) {
		bool pdpte = machine->paging == PAGING_PAE;

		set_entry(machine, own_table(level), 0,
			  own_table(level - 1) | (pdpte ? ENTRY_P : flags | ENTRY_U));
	}
}

static void build_gdt(struct machine *machine)
{
	const uint64_t code = is_64bit(machine->paging) ? 0x00af9b000000ffff : 0x00cf9b000000ffff;
	const uint64_t dpl3 = 3ULL << 45;
	uint64_t gdt[] = {
		0, code, 0x00cf93000000ffff, code | dpl3, 0x00cf93000000ffff | dpl3,
		0x00008b0000000067 | GUEST_TSS << 16, 0,
	};

	memcpy(machine->memory + GUEST_GDT, gdt, sizeof(gdt));
}

static void set_gate(struct machine *machine, unsigned int vector, unsigned int index)
{
	uint32_t handler = GUEST_CODE + GUEST_VECTOR_SIZE * (index + 1);
	uint64_t dpl = vector == VECTOR_RETURNED ? 3 : 0;
	uint64_t gate[2] = {
		(handler & 0xffff) | GUEST_CS << 16 | (0x8e00 | dpl << 13) << 32 |
			(uint64_t)(handler >> 16) << 48,
	};
	size_t size = is_64bit(machine->paging) ? 16 : 8;

	memcpy(machine->memory + GUEST_IDT + vector * size, gate, size);
}

static void build_tss(struct machine *machine)
{
	unsigned char *tss = machine->memory + GUEST_TSS;

	/* RSP0, or ESP0 and SS0: below what the guest uses itself */
	*(uint32_t *)(tss + 4) = GUEST_STACK - 0x4000;
	if (!is_64bit(machine->paging))
		*(uint32_t *)(tss + 8) = GUEST_SS;
}

/* MOV (%RDI), %AL; MOV %AL, (%RDI); each with INT 0x80. The same in 32-bit modes. */
static void build_stubs(unsigned char *page)
{
	memcpy(page + STUB_READ, "\x8a\x07\xcd\x80", 4);
	memcpy(page + STUB_WRITE, "\x88\x07\xcd\x80", 4);
}

static void build_memory(struct machine *machine)
{
	const char *blob = is_64bit(machine->paging) ? guest64 : guest32;
	size_t size = is_64bit(machine->paging) ? guest64_end - guest64 : guest32_end - guest32;
	struct guest_batch *batch = (void *)(machine->memory + GUEST_BATCH);

	build_own_tables(machine);
	build_gdt(machine);
	for (unsigned int i = 0; i < GUEST_VECTORS - 1; i++)
		set_gate(machine, i, i);
	set_gate(machine, VECTOR_RETURNED, GUEST_VECTORS - 1);
	build_tss(machine);
	build_stubs(machine->memory + GUEST_USER);
	build_stubs(machine->memory + GUEST_STUBS);
	memcpy(machine->memory + GUEST_CODE, blob, size);
	/* INT 0x80, for what is fetched */
	memcpy(machine->memory + TARGET(true), "\xcd\x80", 2);
	memcpy(machine->memory + TARGET(false), "\xcd\x80", 2);
	batch->entry_size = machine->paging == PAGING_32BIT ? 4 : 8;
	batch->has_efer = machine->paging != PAGING_32BIT;
	batch->own_entry_at = machine_top_table(machine->paging);
	memcpy(&batch->own_entry, machine->memory + batch->own_entry_at, batch->entry_size);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.selector = selector, .limit = ~0U, .type = type, .present = 1,
		.dpl = selector & 3, .s = 1, .g = 1, .db = 1,
	};
}

static void set_registers(struct machine *machine)
{
	struct kvm_sregs *sregs = &machine->sregs;

	vcpu_sregs_get(machine->vcpu, sregs);
	sregs->cs = flat_segment(GUEST_CS, 0xb);
	sregs->cs.l = is_64bit(machine->paging);
	sregs->cs.db = !sregs->cs.l;
	sregs->ss = flat_segment(GUEST_SS, 0x3);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = flat_segment(GUEST_USER_SS, 0x3);
	sregs->tr = (struct kvm_segment){
		.selector = GUEST_TSS_SELECTOR, .base = GUEST_TSS, .limit = 0x67, .type = 0xb,
		.present = 1,
	};
	/* Where a stack is taken from a 32-bit TSS, QEMU aborts if SVM has loaded a busy one. */
	if (is_amd_cpu())
		sregs->tr.type = 0x9;
	sregs->ldt = (struct kvm_segment){ .unusable = 1 };
	sregs->gdt = (struct kvm_dtable){ .base = GUEST_GDT, .limit = 0x3f };
	sregs->idt = (struct kvm_dtable){ .base = GUEST_IDT, .limit = 0xfff };
	sregs->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG;
	sregs->cr3 = machine_top_table(machine->paging);
	sregs->cr4 = machine->paging == PAGING_32BIT ? X86_CR4_PSE : X86_CR4_PAE;
	sregs->efer = 0;
	if (is_64bit(machine->paging))
		sregs->efer = EFER_LME | EFER_LMA;
	if (machine->paging == PAGING_5LEVEL)
		sregs->cr4 |= X86_CR4_LA57;
	machine->regs = (struct kvm_regs){
		.rip = GUEST_CODE, .rsp = GUEST_STACK - 16, .rflags = X86_EFLAGS_FIXED,
	};
}

static void restart(struct machine *machine)
{
	struct guest_batch *batch = (void *)(machine->memory + GUEST_BATCH);
	struct guest_try *try = (void *)(machine->memory + GUEST_TRY);
	struct kvm_vcpu_events events = { .flags = 0 };

	try->saved_sp = 0;
	memcpy(machine->memory + batch->own_entry_at, &batch->own_entry, batch->entry_size);
	vcpu_sregs_set(machine->vcpu, &machine->sregs);
	vcpu_regs_set(machine->vcpu, &machine->regs);
	vcpu_events_set(machine->vcpu, &events);
}

static void set_maxphyaddr(struct kvm_vcpu *vcpu, unsigned int maxphyaddr)
{
	vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());

	struct kvm_cpuid_entry2 *entry = vcpu_get_cpuid_entry(vcpu, 0x80000008);

	entry->eax = (entry->eax & ~0xffU) | maxphyaddr;
	vcpu_set_cpuid(vcpu);
}

struct machine *machine_create(enum paging paging, unsigned int maxphyaddr,
			       unsigned int host_maxphyaddr)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	TEST_ASSERT(machine, "out of memory");
	machine->paging = paging;
	machine->memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(machine->memory != MAP_FAILED, "out of memory");
	build_memory(machine);
	machine->vm = vm_create_barebones();
	vm_set_user_memory_region(machine->vm, 0, 0, 0, GUEST_SIZE, machine->memory);
	for (unsigned int bit = maxphyaddr - 1; bit < host_maxphyaddr; bit++)
		vm_set_user_memory_region(machine->vm, 2 + bit - maxphyaddr, 0, 1ULL << bit,
					  ALIAS_SIZE, machine->memory);
	machine->vcpu = __vm_vcpu_add(machine->vm, 0);
	set_maxphyaddr(machine->vcpu, maxphyaddr);
	set_registers(machine);
	restart(machine);
	return machine;
}

void machine_destroy(struct machine *machine)
{
	kvm_vm_free(machine->vm);
	munmap(machine->memory, GUEST_SIZE);
	free(machine);
}

static void nothing(int signal)
{
}

/* Once a second, so that a guest that goes nowhere is noticed */
static void start_clock(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval interval = { { 1, 0 }, { 1, 0 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

/* Return: the guest can go on with the same case. */
static bool handle_exit(struct kvm_run *run, struct guest_case *c)
{
	c->exit_reason = run->exit_reason;
	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
	return true;
}

static void run_batch(struct machine *machine)
{
	struct guest_batch *batch = (void *)(machine->memory + GUEST_BATCH);
	struct guest_case *cases = (void *)(machine->memory + GUEST_CASES);
	struct kvm_run *run = machine->vcpu->run;
	uint32_t last = 0;
	int seconds = 0;

	for (;;) {
		int result = __vcpu_run(machine->vcpu);

		if (result && errno == EINTR) {
			seconds = batch->current == last ? seconds + 1 : 0;
			last = batch->current;
			if (seconds < PATIENCE)
				continue;
			cases[last].exit_reason = EXIT_HUNG;
		} else if (!result && run->exit_reason == KVM_EXIT_IO &&
			   run->io.port == GUEST_PORT) {
			return;
		} else if (handle_exit(run, &cases[batch->current])) {
			continue;
		}
		/* Nothing of it is in the way of loading PDPTEs. */
		memset(machine->memory + cases[batch->current].entry_at[0], 0, batch->entry_size);
		batch->current++;
		restart(machine);
	}
}

void machine_run(struct machine *machine, struct guest_case *cases, size_t nr)
{
	struct guest_batch *batch = (void *)(machine->memory + GUEST_BATCH);

	start_clock();
	for (size_t done = 0; done < nr; done += batch->nr) {
		batch->nr = nr - done < MAX_CASES ? nr - done : MAX_CASES;
		batch->current = 0;
		memcpy(machine->memory + GUEST_CASES, cases + done, batch->nr * sizeof(*cases));
		run_batch(machine);
		memcpy(cases + done, machine->memory + GUEST_CASES, batch->nr * sizeof(*cases));
	}
}
