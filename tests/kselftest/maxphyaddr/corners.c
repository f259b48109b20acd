// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the matrix of paging-structure entries leaves out: loads of CR3 and PDPTEs, what
 * is at an illegal address, vCPUs that differ, instructions that are not one simple
 * access, what userspace asks KVM for. KTAP has a line for each mode, level and check.
 */
#include "errata.h"
#include "l2.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest.h"

#define MAX_FAILURES	5	/* told of a group */
#define PATIENCE	2	/* seconds that one access may take */

/* The guest's memory, from 0 on */
#define GDT		0x01000
#define IDT		0x02000
#define CODE		0x04000
#define HANDLERS	0x05000
#define STACK		0x08000		/* its end */
#define TOP		0x10000		/* PML4, or the page directory of 32-bit paging */
#define PDPT		0x11000
#define OWN_PD		0x12000
#define TEST_PD		0x13000
#define TEST_PT		0x14000
#define LEGAL		0x200000	/* two pages that the tests map */
#define TARGET		0x201000
#define SIZE		0x400000

#define HANDLER_SIZE	16
#define CS		0x08
#define DS		0x10

/* Linear addresses below this are where they are; from it on, the tests' entries. */
#define TEST_VA		(1ULL << 30)
#define LEAF_VA(index)	(TEST_VA + (index) * 4096ULL)

#define LEAF		(ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A | ENTRY_D)
#define TABLE		(ENTRY_P | ENTRY_W | ENTRY_U | ENTRY_A)

#define EXIT_HUNG	(~0U)

/* Code of the guest, each followed by HLT. The same bytes in 32-bit modes. */
struct stub {
	const char *bytes;
	size_t size;
};

#define STUB(name, code) static const struct stub name = { code, sizeof(code) - 1 }
STUB(nop, "\x90");
STUB(read_byte, "\x8a\x07");			/* mov (%rdi), %al */
STUB(write_byte, "\x88\x07");			/* mov %al, (%rdi) */
STUB(read_long, "\x8b\x07");			/* mov (%rdi), %eax */
STUB(write_long, "\x89\x07");			/* mov %eax, (%rdi) */
STUB(xchg_long, "\x87\x07");			/* xchg %eax, (%rdi) */
STUB(push_memory, "\xff\x37");			/* push (%rdi) */
STUB(rep_movsb, "\xf3\xa4");
STUB(rep_stosb, "\xf3\xaa");
STUB(rep_lodsb, "\xf3\xac");
STUB(rep_outsb, "\xf3\x6e");
STUB(flds, "\xd9\x07");				/* flds (%rdi) */
STUB(paddb, "\x0f\xfc\x07");			/* paddb (%rdi), %mm0 */
STUB(load_cr3, "\x0f\x22\xd8");			/* mov %rax, %cr3 */
/*
 * mov %edx, (%ebx); mov %ecx, 4(%ebx): a PDPTE; and what loads it. Between, andb $0xdf, PDPT:
 * QEMU has set a bit there that it must not, and that KVM rightly finds reserved.
 */
#define STORE_PDPTE "\x89\x13\x89\x4b\x04\x80\x25\x00\x10\x01\x00\xdf"
STUB(pdpte_cr3, STORE_PDPTE "\x0f\x22\xd8");
STUB(pdpte_cr4, STORE_PDPTE "\x0f\x22\xe0");
STUB(pdpte_cr0, STORE_PDPTE "\x0f\x22\xc0");

struct corner {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[2];
	unsigned char *memory;
	enum paging paging;
	unsigned int next_slot;
};

/* What came of running a stub */
struct result {
	unsigned int exit_reason;	/* KVM_EXIT_HLT: it was left by HLT */
	unsigned int suberror;
	bool mmio;			/* on the way */
	int vector;			/* -1: none */
	uint32_t error_code;
	uint64_t cr2;
	bool without_p;			/* ERRATUM_QEMU_RSVD */
	struct kvm_regs regs;
};

static struct {
	unsigned int pass, fail, skip;
	unsigned int covered[NR_CORNER_ERRATA], explained[NR_CORNER_ERRATA];
} group;

static struct host host;
static bool brief;

static uint64_t *entry_of(struct corner *corner, uint32_t table, unsigned int index)
{
	return (uint64_t *)(corner->memory + table) + index;
}

static void build_tables(struct corner *corner)
{
	uint64_t pdpte = corner->paging == PAGING_PAE ? ENTRY_P : TABLE;

	if (corner->paging == PAGING_32BIT) {
		*(uint32_t *)(corner->memory + TOP) = LEAF | ENTRY_PS;
		return;
	}
	*entry_of(corner, TOP, 0) = PDPT | TABLE;
	*entry_of(corner, PDPT, 0) = OWN_PD | pdpte;
	*entry_of(corner, PDPT, 1) = TEST_PD | pdpte;
	*entry_of(corner, OWN_PD, 0) = LEAF | ENTRY_PS;
	*entry_of(corner, OWN_PD, 1) = LEGAL | LEAF | ENTRY_PS;
	*entry_of(corner, TEST_PD, 0) = TEST_PT | TABLE;
}

/*
 * Each handler is a HLT, by whose address the vector is known. Not the first instruction,
 * or Bochs may tell KVM the RIP of what has faulted.
 */
static void build_handlers(struct corner *corner)
{
	bool is_64bit = corner->paging >= PAGING_4LEVEL;
	uint64_t gdt[] = { 0, is_64bit ? 0x00af9b000000ffff : 0x00cf9b000000ffff,
			   0x00cf93000000ffff };

	memcpy(corner->memory + GDT, gdt, sizeof(gdt));
	for (unsigned int vector = 0; vector < 32; vector++) {
		uint32_t handler = HANDLERS + vector * HANDLER_SIZE;
		uint64_t gate = handler | CS << 16 | 0x8e00ULL << 32;

		memcpy(corner->memory + handler, "\x90\xf4", 2);
		memcpy(corner->memory + IDT + vector * (is_64bit ? 16 : 8), &gate, sizeof(gate));
	}
}

static void add_vcpu(struct corner *corner, unsigned int index, unsigned int maxphyaddr)
{
	struct kvm_vcpu *vcpu = __vm_vcpu_add(corner->vm, index);

	vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());
	vcpu_set_cpuid_maxphyaddr(vcpu, maxphyaddr);
	corner->vcpus[index] = vcpu;
}

/* A VM with one vCPU. Its memory is nowhere but at 0. */
static void corner_create(struct corner *corner, enum paging paging, unsigned int maxphyaddr)
{
	memset(corner, 0, sizeof(*corner));
	corner->paging = paging;
	corner->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	TEST_ASSERT(corner->memory != MAP_FAILED, "out of memory");
	build_tables(corner);
	build_handlers(corner);
	corner->vm = vm_create_barebones();
	vm_set_user_memory_region(corner->vm, 0, 0, 0, SIZE, corner->memory);
	corner->next_slot = 1;
	add_vcpu(corner, 0, maxphyaddr);
}

/* Let the memory be found at each of these address bits, too. */
static void add_aliases(struct corner *corner, unsigned int first, unsigned int last)
{
	for (unsigned int bit = first; bit <= last; bit++)
		vm_set_user_memory_region(corner->vm, corner->next_slot++, 0, 1ULL << bit, SIZE,
					  corner->memory);
}

static void corner_destroy(struct corner *corner)
{
	kvm_vm_free(corner->vm);
	munmap(corner->memory, SIZE);
}

static struct kvm_segment flat(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.selector = selector, .limit = ~0U, .type = type, .present = 1, .s = 1, .g = 1,
		.db = 1,
	};
}

static void get_sregs(const struct corner *corner, struct kvm_vcpu *vcpu, struct kvm_sregs *ret)
{
	vcpu_sregs_get(vcpu, ret);
	ret->cs = flat(CS, 0xb);
	ret->cs.l = corner->paging >= PAGING_4LEVEL;
	ret->cs.db = !ret->cs.l;
	ret->ss = ret->ds = ret->es = ret->fs = ret->gs = flat(DS, 0x3);
	ret->tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
	ret->ldt = (struct kvm_segment){ .unusable = 1 };
	ret->gdt = (struct kvm_dtable){ .base = GDT, .limit = 0x17 };
	ret->idt = (struct kvm_dtable){ .base = IDT, .limit = 0xfff };
	ret->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG;
	ret->cr3 = corner->paging == PAGING_PAE ? PDPT : TOP;
	ret->cr4 = X86_CR4_OSFXSR |
		   (corner->paging == PAGING_32BIT ? X86_CR4_PSE : X86_CR4_PAE);
	ret->efer = corner->paging >= PAGING_4LEVEL ? EFER_LME | EFER_LMA : 0;
}

static void take_exit(struct corner *corner, struct kvm_vcpu *vcpu, struct result *ret)
{
	struct kvm_sregs sregs;
	uint64_t handler;

	ret->vector = -1;
	ret->exit_reason = vcpu->run->exit_reason;
	if (ret->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		ret->suberror = vcpu->run->internal.suberror;
	vcpu_regs_get(vcpu, &ret->regs);
	handler = ret->regs.rip - HANDLERS - 2;
	if (ret->exit_reason != KVM_EXIT_HLT || handler >= 32 * HANDLER_SIZE)
		return;
	vcpu_sregs_get(vcpu, &sregs);
	ret->vector = handler / HANDLER_SIZE;
	ret->error_code = *(uint32_t *)(corner->memory + ret->regs.rsp);
	ret->cr2 = sregs.cr2;
}

static void nothing(int signal)
{
}

/* Each so many seconds, so that a guest that goes nowhere is noticed; 0: no more */
static void set_clock(int seconds)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval interval = { { seconds, 0 }, { seconds, 0 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

/* Return: it left the guest for good. */
static bool run_to_end(struct kvm_vcpu *vcpu, bool *ret_mmio)
{
	int seconds = 0;

	for (;;) {
		int result = __vcpu_run(vcpu);

		if (result && errno == EINTR) {
			if (++seconds > PATIENCE)
				return false;
			continue;
		}
		TEST_ASSERT(!result, "KVM_RUN: %s", strerror(errno));
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
			*ret_mmio = true;
			memset(vcpu->run->mmio.data, 0, vcpu->run->mmio.is_write ? 0 : 8);
		} else if (vcpu->run->exit_reason != KVM_EXIT_IO) {
			return true;
		}
	}
}

/* Run @stub with @regs, of which it has all but RIP, RSP and RFLAGS. */
static void run_on(struct corner *corner, struct kvm_vcpu *vcpu, const struct stub *stub,
		   struct kvm_regs regs, struct result *ret)
{
	struct kvm_vcpu_events events = { .flags = 0 };
	struct kvm_sregs sregs;

	memset(ret, 0, sizeof(*ret));
	memcpy(corner->memory + CODE, stub->bytes, stub->size);
	corner->memory[CODE + stub->size] = 0xf4;
	regs.rip = CODE;
	regs.rsp = STACK;
	regs.rflags = X86_EFLAGS_FIXED;
	get_sregs(corner, vcpu, &sregs);
	vcpu_sregs_set(vcpu, &sregs);
	vcpu_regs_set(vcpu, &regs);
	vcpu_events_set(vcpu, &events);
	set_clock(1);
	if (run_to_end(vcpu, &ret->mmio)) {
		take_exit(corner, vcpu, ret);
	} else {
		ret->exit_reason = EXIT_HUNG;
		ret->vector = -1;
	}
	set_clock(0);
}

static void run(struct corner *corner, const struct stub *stub, struct kvm_regs regs,
		struct result *ret)
{
	run_on(corner, corner->vcpus[0], stub, regs, ret);
}

/* Map a page to @gpa, at an index that was not used before: nobody has its entry cached. */
static void set_leaf(struct corner *corner, unsigned int index, uint64_t gpa)
{
	*entry_of(corner, TEST_PT, index) = gpa | LEAF;
}

static bool is_pf(struct result *result, uint32_t error_code, uint64_t address)
{
	if (result->vector == VECTOR_PF && result->error_code == (error_code & ~FAULT_P) &&
	    corner_errata[ERRATUM_QEMU_RSVD].applies(&host))
		result->without_p = true;
	return result->vector == VECTOR_PF && result->error_code == error_code &&
	       result->cr2 == address && !result->mmio;
}

static bool is_gp(const struct result *result)
{
	return result->vector == VECTOR_GP && !result->error_code && !result->mmio;
}

static bool is_fine(const struct result *result)
{
	return result->exit_reason == KVM_EXIT_HLT && result->vector < 0 && !result->mmio;
}

/* Count a case. @erratum, if it is not NO_ERRATUM, may be why it is not as it should be. */
static void check(bool good, enum corner_erratum_id erratum, const struct result *result,
		  const char *format, ...)
{
	va_list ap;

	if (!good && result && result->without_p)
		erratum = ERRATUM_QEMU_RSVD;
	if (erratum != NO_ERRATUM && !corner_errata[erratum].applies(&host))
		erratum = NO_ERRATUM;
	if (erratum != NO_ERRATUM)
		group.covered[erratum]++;
	if (good) {
		group.pass++;
		return;
	}
	if (erratum != NO_ERRATUM) {
		group.explained[erratum]++;
		return;
	}
	if (group.fail++ >= MAX_FAILURES)
		return;
	printf("# fail ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	if (!result)
		printf("\n");
	else if (result->exit_reason == EXIT_HUNG)
		printf(": the guest hangs\n");
	else if (result->exit_reason != KVM_EXIT_HLT)
		printf(": exit %u, suberror %u\n", result->exit_reason, result->suberror);
	else if (result->vector < 0)
		printf(": no fault%s\n", result->mmio ? ", an MMIO exit" : "");
	else
		printf(": vector %d(%#x), CR2 %#lx%s\n", result->vector, result->error_code,
		       (unsigned long)result->cr2, result->mmio ? ", an MMIO exit" : "");
}

/* Of a case with this bit, if only KVM can find it illegal */
static enum corner_erratum_id unless_kvm_checks(unsigned int bit)
{
	return bit < host.maxphyaddr ? ERRATUM_UNCHECKED : NO_ERRATUM;
}

static void finish_group(const char *name)
{
	unsigned int xfail = 0;
	bool good = !group.fail;

	for (int i = 0; i < NR_CORNER_ERRATA; i++) {
		xfail += group.explained[i];
		if (group.explained[i]) {
			printf("# xfail %s %u: %s\n", corner_errata[i].name, group.explained[i],
			       corner_errata[i].cause);
		} else if (group.covered[i]) {
			printf("# xpass %s %u\n", corner_errata[i].name, group.covered[i]);
			good = false;
		}
	}
	printf("# cases pass:%u fail:%u xfail:%u skip:%u\n", group.pass, group.fail, xfail,
	       group.skip);
	if (good && !group.pass && !xfail)
		ksft_test_result_skip("%s\n", name);
	else
		ksft_test_result(good, "%s\n", name);
}

/* The bits of an address that a guest with @maxphyaddr must not use, up to @last */
static bool next_bit(unsigned int *bit, unsigned int maxphyaddr, unsigned int last)
{
	do {
		++*bit;
	} while (brief && *bit < last && *bit != maxphyaddr && *bit != host.maxphyaddr - 1 &&
		 *bit != host.maxphyaddr);
	return *bit <= last;
}

#define for_each_bit(bit, maxphyaddr, last) \
	for (unsigned int bit = (maxphyaddr) - 1; next_bit(&bit, maxphyaddr, last);)

static unsigned int reduced = 36;

/* SDM 4.5, MOV to CR3: bits 63:MAXPHYADDR are reserved. */
static void cr3_load(void)
{
	struct corner corner;
	struct result result;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	add_aliases(&corner, reduced - 1, host.maxphyaddr - 1);
	run(&corner, &load_cr3, (struct kvm_regs){ .rax = TOP | 1ULL << (reduced - 1) }, &result);
	check(is_fine(&result), NO_ERRATUM, &result, "legal bit %u", reduced - 1);
	for_each_bit(bit, reduced, 51) {
		run(&corner, &load_cr3, (struct kvm_regs){ .rax = TOP | 1ULL << bit }, &result);
		check(is_gp(&result), bit < host.maxphyaddr ? ERRATUM_UNCHECKED : ERRATUM_QEMU_CR3,
		      &result, "bit %u", bit);
	}
	corner_destroy(&corner);
}

static void cr3_sregs(void)
{
	struct corner corner;
	struct kvm_sregs sregs;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	for_each_bit(bit, reduced, 51) {
		get_sregs(&corner, corner.vcpus[0], &sregs);
		sregs.cr3 |= 1ULL << bit;
		check(_vcpu_sregs_set(corner.vcpus[0], &sregs) == -1 && errno == EINVAL,
		      NO_ERRATUM, NULL, "bit %u: KVM_SET_SREGS accepts it", bit);
	}
	corner_destroy(&corner);
}

/* SDM 4.4.1: a present PDPTE with a reserved bit is a #GP where it is loaded, used or not. */
static void pdpte_load(const struct stub *stub, uint64_t cr, bool intercepted)
{
	struct corner corner;
	struct result result;

	corner_create(&corner, PAGING_PAE, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	for_each_bit(bit, reduced, 62) {
		*entry_of(&corner, PDPT, 3) = 0;
		run(&corner, stub, (struct kvm_regs){
			.rax = cr, .rbx = PDPT + 3 * 8, .rdx = TEST_PD | ENTRY_P,
			.rcx = 1ULL << (bit - 32) }, &result);
		check(is_gp(&result), intercepted ? NO_ERRATUM :
		      bit < host.maxphyaddr ? ERRATUM_UNCHECKED : ERRATUM_AMD_PDPTE_IN_WALK,
		      &result, "bit %u", bit);
	}
	*entry_of(&corner, PDPT, 3) = 0;
	run(&corner, stub, (struct kvm_regs){
		.rax = cr, .rbx = PDPT + 3 * 8, .rdx = TEST_PD }, &result);
	check(is_fine(&result), NO_ERRATUM, &result, "not present");
	corner_destroy(&corner);
}

static void pdpte_load_cr3(void)
{
	pdpte_load(&pdpte_cr3, PDPT, false);
}

static void pdpte_load_cr4(void)
{
	pdpte_load(&pdpte_cr4, X86_CR4_OSFXSR | X86_CR4_PAE | X86_CR4_PGE, host.amd);
}

/* KVM intercepts a change of CD, always. */
static void pdpte_load_cr0(void)
{
	pdpte_load(&pdpte_cr0, X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG |
			       X86_CR0_CD, true);
}

static bool translates(struct kvm_vcpu *vcpu, uint64_t address, uint64_t *ret)
{
	struct kvm_translation translation = { .linear_address = address };

	vcpu_ioctl(vcpu, KVM_TRANSLATE, &translation);
	*ret = translation.physical_address;
	return translation.valid;
}

/* PDPTEs that userspace sets, as after a migration, are compared with nothing. */
static void pdpte_translate(void)
{
	struct corner corner;
	struct kvm_sregs sregs;
	struct kvm_sregs2 sregs2;
	uint64_t gpa;

	corner_create(&corner, PAGING_PAE, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	set_leaf(&corner, 0, LEGAL);
	for_each_bit(bit, reduced, host.maxphyaddr - 1) {
		get_sregs(&corner, corner.vcpus[0], &sregs);
		vcpu_sregs_set(corner.vcpus[0], &sregs);
		vcpu_ioctl(corner.vcpus[0], KVM_GET_SREGS2, &sregs2);
		sregs2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
		sregs2.pdptrs[1] = TEST_PD | ENTRY_P | 1ULL << bit;
		vcpu_ioctl(corner.vcpus[0], KVM_SET_SREGS2, &sregs2);
		check(!translates(corner.vcpus[0], TEST_VA, &gpa), ERRATUM_UNCHECKED, NULL,
		      "bit %u: KVM_TRANSLATE follows it", bit);
	}
	corner_destroy(&corner);
}

static void translate(void)
{
	struct corner corner;
	struct kvm_sregs sregs;
	uint64_t gpa;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	get_sregs(&corner, corner.vcpus[0], &sregs);
	vcpu_sregs_set(corner.vcpus[0], &sregs);
	set_leaf(&corner, 0, LEGAL);
	check(translates(corner.vcpus[0], TEST_VA + 5, &gpa) && gpa == LEGAL + 5, NO_ERRATUM, NULL,
	      "legal address: not translated");
	for_each_bit(bit, reduced, 51) {
		const uint64_t illegal = 1ULL << bit;

		*entry_of(&corner, TOP, 1) = PDPT | TABLE | illegal;
		*entry_of(&corner, PDPT, 2) = TEST_PD | TABLE | illegal;
		*entry_of(&corner, TEST_PD, 1) = TEST_PT | TABLE | illegal;
		set_leaf(&corner, 1, LEGAL | illegal);
		check(!translates(corner.vcpus[0], (1ULL << 39) + TEST_VA, &gpa), NO_ERRATUM, NULL,
		      "PML4E, bit %u", bit);
		check(!translates(corner.vcpus[0], 2 * TEST_VA, &gpa), NO_ERRATUM, NULL,
		      "PDPTE, bit %u", bit);
		check(!translates(corner.vcpus[0], TEST_VA + (1 << 21), &gpa), NO_ERRATUM, NULL,
		      "PDE, bit %u", bit);
		check(!translates(corner.vcpus[0], LEAF_VA(1), &gpa), NO_ERRATUM, NULL,
		      "PTE, bit %u", bit);
	}
	corner_destroy(&corner);
}

/* What is at an illegal address must not matter, and must not be changed. */
static void at_illegal_address(bool memory)
{
	struct corner corner;
	struct result result;
	unsigned int index = 0;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	if (memory)
		add_aliases(&corner, reduced, host.maxphyaddr - 1);
	for_each_bit(bit, reduced, 51) {
		set_leaf(&corner, index, TARGET | 1ULL << bit);
		run(&corner, &read_byte, (struct kvm_regs){ .rdi = LEAF_VA(index) }, &result);
		check(is_pf(&result, FAULT_P | FAULT_RSVD, LEAF_VA(index)), unless_kvm_checks(bit),
		      &result, "read, bit %u", bit);
		set_leaf(&corner, ++index, TARGET | 1ULL << bit);
		corner.memory[TARGET] = 1;
		run(&corner, &write_byte, (struct kvm_regs){ .rdi = LEAF_VA(index), .rax = 2 },
		    &result);
		check(is_pf(&result, FAULT_P | FAULT_RSVD | FAULT_W, LEAF_VA(index)) &&
		      corner.memory[TARGET] == 1, unless_kvm_checks(bit), &result,
		      "write, bit %u, wrote %u", bit, corner.memory[TARGET]);
		index++;
	}
	corner_destroy(&corner);
}

static void memslot(void)
{
	at_illegal_address(true);
}

static void no_memslot(void)
{
	at_illegal_address(false);
}

static void limit(unsigned int maxphyaddr)
{
	struct corner corner;
	struct result result;
	unsigned int index = 0;

	corner_create(&corner, PAGING_4LEVEL, maxphyaddr);
	add_aliases(&corner, maxphyaddr - 1, host.maxphyaddr - 1);
	set_leaf(&corner, index, TARGET | 1ULL << (maxphyaddr - 1));
	run(&corner, &read_byte, (struct kvm_regs){ .rdi = LEAF_VA(index) }, &result);
	if (maxphyaddr > host.maxphyaddr)
		check(result.mmio && result.vector < 0, ERRATUM_BEYOND_HOST, &result,
		      "legal bit %u", maxphyaddr - 1);
	else
		check(is_fine(&result), NO_ERRATUM, &result, "legal bit %u", maxphyaddr - 1);
	for_each_bit(bit, maxphyaddr, 51) {
		set_leaf(&corner, ++index, TARGET | 1ULL << bit);
		run(&corner, &read_byte, (struct kvm_regs){ .rdi = LEAF_VA(index) }, &result);
		check(is_pf(&result, FAULT_P | FAULT_RSVD, LEAF_VA(index)), unless_kvm_checks(bit),
		      &result, "bit %u", bit);
	}
	corner_destroy(&corner);
}

static void limit_32(void)
{
	limit(32);
}

static void limit_36(void)
{
	limit(36);
}

static void limit_39(void)
{
	limit(39);
}

static void limit_below_host(void)
{
	limit(host.maxphyaddr - 1);
}

static void limit_host(void)
{
	limit(host.maxphyaddr);
}

static void limit_above_host(void)
{
	limit(host.maxphyaddr + 1);
}

/* SDM table 4-4: with M = min(MAXPHYADDR, 40), bits 21:(M-19) of such a PDE are reserved. */
static void pse36(void)
{
	static const unsigned int limits[] = { 32, 34, 36 };
	struct result result;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned int maxphyaddr = limits[i];
		struct corner corner;

		corner_create(&corner, PAGING_32BIT, maxphyaddr);
		add_aliases(&corner, maxphyaddr - 1, host.maxphyaddr - 1);
		for (unsigned int bit = 32; bit < 40 && bit <= host.maxphyaddr; bit++) {
			uint32_t *pde = (uint32_t *)(corner.memory + TOP) + 256 + bit;
			uint64_t address = (256ULL + bit) << 22;

			*pde = LEAF | ENTRY_PS | 1U << (bit - 19);
			run(&corner, &read_byte, (struct kvm_regs){ .rdi = address }, &result);
			if (bit < maxphyaddr - 1)
				continue;
			if (bit < maxphyaddr)
				check(is_fine(&result), NO_ERRATUM, &result,
				      "MAXPHYADDR %u, legal bit %u", maxphyaddr, bit);
			else
				check(is_pf(&result, FAULT_P | FAULT_RSVD, address),
				      unless_kvm_checks(bit), &result, "MAXPHYADDR %u, bit %u",
				      maxphyaddr, bit);
		}
		corner_destroy(&corner);
	}
}

/* vCPU 0 has the host's MAXPHYADDR, vCPU 1 a smaller one. */
static void two_create(struct corner *corner, bool memory)
{
	corner_create(corner, PAGING_4LEVEL, host.maxphyaddr);
	if (memory)
		add_aliases(corner, reduced, host.maxphyaddr - 1);
	add_vcpu(corner, 1, reduced);
}

static void check_both(struct corner *corner, unsigned int index, bool larger_first, bool memory,
		       enum corner_erratum_id erratum)
{
	const struct kvm_regs regs = { .rdi = LEAF_VA(index) };
	struct result larger, smaller;

	if (larger_first)
		run_on(corner, corner->vcpus[0], &write_byte, regs, &larger);
	run_on(corner, corner->vcpus[1], &write_byte, regs, &smaller);
	if (!larger_first)
		run_on(corner, corner->vcpus[0], &write_byte, regs, &larger);
	check(larger.exit_reason == KVM_EXIT_HLT && larger.vector < 0 && larger.mmio == !memory,
	      NO_ERRATUM, &larger, "vCPU with the larger MAXPHYADDR");
	check(is_pf(&smaller, FAULT_P | FAULT_RSVD | FAULT_W, regs.rdi), erratum, &smaller,
	      "vCPU with the smaller MAXPHYADDR");
}

/* With shadow paging it is the linear address that is marked as MMIO. */
static enum corner_erratum_id shared_mmio(void)
{
	return host.tdp ? ERRATUM_UNCHECKED : ERRATUM_SHARED_MAPPINGS;
}

static void two_no_memslot(void)
{
	struct corner corner;
	unsigned int index = 0;

	two_create(&corner, false);
	for_each_bit(bit, reduced, host.maxphyaddr - 1) {
		for (int larger_first = 0; larger_first < 2; larger_first++) {
			set_leaf(&corner, ++index * 8, TARGET | 1ULL << bit);
			check_both(&corner, index * 8, larger_first, false,
				   larger_first ? shared_mmio() : ERRATUM_UNCHECKED);
		}
	}
	corner_destroy(&corner);
}

static void two_memslot(void)
{
	struct corner corner;
	unsigned int index = 0;

	two_create(&corner, true);
	for_each_bit(bit, reduced, host.maxphyaddr - 1) {
		set_leaf(&corner, ++index * 8, TARGET | 1ULL << bit);
		check_both(&corner, index * 8, false, true, ERRATUM_UNCHECKED);
		set_leaf(&corner, ++index * 8, TARGET | 1ULL << bit);
		check_both(&corner, index * 8, true, true, ERRATUM_SHARED_MAPPINGS);
	}
	corner_destroy(&corner);
}

/* A write that KVM sends to an eventfd, of any length: the fast path of MMIO */
static void two_ioeventfd(void)
{
	const uint64_t gpa = TARGET | 1ULL << reduced;
	struct kvm_regs regs = { .rdi = LEAF_VA(8) };
	struct kvm_ioeventfd ioeventfd = { .addr = gpa, .fd = eventfd(0, EFD_NONBLOCK) };
	struct corner corner;
	struct result result;
	uint64_t count;

	two_create(&corner, false);
	vm_ioctl(corner.vm, KVM_IOEVENTFD, &ioeventfd);
	set_leaf(&corner, 8, gpa);
	run_on(&corner, corner.vcpus[0], &write_byte, regs, &result);
	check(read(ioeventfd.fd, &count, sizeof(count)) == sizeof(count) && is_fine(&result),
	      NO_ERRATUM, &result, "vCPU with the larger MAXPHYADDR");
	run_on(&corner, corner.vcpus[1], &write_byte, regs, &result);
	check(read(ioeventfd.fd, &count, sizeof(count)) < 0 &&
	      is_pf(&result, FAULT_P | FAULT_RSVD | FAULT_W, regs.rdi), shared_mmio(), &result,
	      "vCPU with the smaller MAXPHYADDR");
	close(ioeventfd.fd);
	corner_destroy(&corner);
}

static void set_cpuid(void)
{
	struct corner corner;
	struct result result;
	struct kvm_cpuid_entry2 *entry;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	run(&corner, &nop, (struct kvm_regs){}, &result);
	check(is_fine(&result), NO_ERRATUM, &result, "NOP");
	entry = vcpu_get_cpuid_entry(corner.vcpus[0], 0x80000008);
	check(!__vcpu_ioctl(corner.vcpus[0], KVM_SET_CPUID2, corner.vcpus[0]->cpuid), NO_ERRATUM,
	      NULL, "the same again is refused");
	for (unsigned int bits = 32; bits <= host.maxphyaddr + 1; bits++) {
		if (bits == reduced)
			continue;
		entry->eax = (entry->eax & ~0xffU) | bits;
		check(__vcpu_ioctl(corner.vcpus[0], KVM_SET_CPUID2, corner.vcpus[0]->cpuid) == -1 &&
		      errno == EINVAL, NO_ERRATUM, NULL, "MAXPHYADDR %u is accepted", bits);
	}
	corner_destroy(&corner);
}

/* Of instructions that KVM's emulator has no decoder for, it says so to userspace. */
static void undecodable(void)
{
	static const struct {
		const char *name;
		const struct stub *stub;
	} instructions[] = { { "FLDS", &flds }, { "PADDB", &paddb } };
	struct corner corner;
	struct result result;
	unsigned int index = 0;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	for_each_bit(bit, reduced, 51) {
		for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
			enum corner_erratum_id erratum = unless_kvm_checks(bit);

			set_leaf(&corner, ++index, TARGET | 1ULL << bit);
			run(&corner, instructions[i].stub,
			    (struct kvm_regs){ .rdi = LEAF_VA(index) }, &result);
			if (result.exit_reason == KVM_EXIT_INTERNAL_ERROR &&
			    result.suberror == KVM_INTERNAL_ERROR_EMULATION)
				erratum = ERRATUM_UNDECODABLE;
			check(is_pf(&result, FAULT_P | FAULT_RSVD, LEAF_VA(index)), erratum,
			      &result, "%s, bit %u", instructions[i].name, bit);
		}
	}
	corner_destroy(&corner);
}

/* Two pages side by side, one of them at an illegal address. Return: the border. */
static uint64_t set_border(struct corner *corner, unsigned int *index, unsigned int bit,
			   bool illegal_first)
{
	*index += 2;
	set_leaf(corner, *index, LEGAL | (illegal_first ? 1ULL << bit : 0));
	set_leaf(corner, *index + 1, TARGET | (illegal_first ? 0 : 1ULL << bit));
	return LEAF_VA(*index + 1);
}

/* A string instruction goes as far as it can, and its registers say how far. */
static void string(void)
{
	static const struct {
		const char *name;
		const struct stub *stub;
		bool write, source;
	} instructions[] = {
		{ "MOVS from", &rep_movsb, false, true }, { "MOVS to", &rep_movsb, true, false },
		{ "STOS", &rep_stosb, true, false }, { "LODS", &rep_lodsb, false, true },
		{ "OUTS", &rep_outsb, false, true },
	};
	struct corner corner;
	struct result result;
	unsigned int index = 0;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	for_each_bit(bit, reduced, 51) {
		for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
			uint64_t border = set_border(&corner, &index, bit, false);
			bool source = instructions[i].source;
			struct kvm_regs regs = {
				.rsi = source ? border - 16 : LEGAL + 0x2000,
				.rdi = source ? LEGAL + 0x2000 : border - 16,
				.rcx = 32, .rdx = 0x3f0,
			};

			run(&corner, instructions[i].stub, regs, &result);
			check(is_pf(&result, FAULT_P | FAULT_RSVD |
				    (instructions[i].write ? FAULT_W : 0), border) &&
			      result.regs.rcx == 16 &&
			      (source ? result.regs.rsi : result.regs.rdi) == border,
			      unless_kvm_checks(bit), &result, "%s bit %u, RCX %lu",
			      instructions[i].name, bit, (unsigned long)result.regs.rcx);
		}
	}
	corner_destroy(&corner);
}

/* The fault is that of the first byte that cannot be reached; no byte is written. */
static void page_crossing(void)
{
	static const struct {
		const char *name;
		const struct stub *stub;
		bool write;
	} instructions[] = {
		{ "read", &read_long, false }, { "write", &write_long, true },
		{ "XCHG", &xchg_long, true }, { "PUSH", &push_memory, false },
	};
	struct corner corner;
	struct result result;
	unsigned int index = 0;

	corner_create(&corner, PAGING_4LEVEL, reduced);
	add_aliases(&corner, reduced, host.maxphyaddr - 1);
	for_each_bit(bit, reduced, 51) {
		for (size_t i = 0; i < 2 * ARRAY_SIZE(instructions); i++) {
			size_t which = i / 2;
			uint64_t border = set_border(&corner, &index, bit, i % 2);
			uint64_t address = border - 2, cr2 = i % 2 ? address : border;
			bool split = instructions[which].write && !(i % 2);

			memset(corner.memory + TARGET - 2, 0x11, 4);
			run(&corner, instructions[which].stub,
			    (struct kvm_regs){ .rdi = address, .rax = 0x22222222 }, &result);

			bool fault = is_pf(&result, FAULT_P | FAULT_RSVD |
					   (instructions[which].write ? FAULT_W : 0), cr2);
			bool kept = *(uint32_t *)(corner.memory + TARGET - 2) == 0x11111111;

			enum corner_erratum_id erratum = unless_kvm_checks(bit);

			if (fault && split && bit < host.maxphyaddr)
				erratum = ERRATUM_SPLIT_WRITE;
			else if (instructions[which].stub == &xchg_long && kept &&
				 is_pf(&result, FAULT_P | FAULT_RSVD, cr2))
				erratum = ERRATUM_QEMU_XCHG;
			check(fault && kept, erratum, &result,
			      "%s, bit %u, %s page illegal%s", instructions[which].name, bit,
			      i % 2 ? "first" : "second", kept ? "" : ", memory was changed");
		}
	}
	corner_destroy(&corner);
}

/* SDM 28.2.1: the bits of the exit qualification of an EPT violation for a read of a page */
#define EPT_READ_OF_PAGE	(1ULL << 0 | 1ULL << 7 | 1ULL << 8)

/*
 * L1 makes L2's MAXPHYADDR two bits smaller than its own, and has to be told of accesses
 * that L2 must not make. Those that nobody could make on this vCPU are L2's own.
 */
static void l2_check(const struct l2_access *access, enum l2_how how)
{
	uint32_t write = access->write ? FAULT_W : 0;
	uint64_t gpa = access->page | 1ULL << access->bit;
	bool good;

	if (access->bit >= reduced)
		good = l2_stayed(access) && access->vector == VECTOR_PF &&
		       access->error_code == (FAULT_P | FAULT_RSVD | write) &&
		       access->cr2 == access->address;
	else if (how == L2_EPT_PF && access->write)
		good = !access->exit_reason && access->qualification == access->address &&
		       access->error_code == (FAULT_P | FAULT_W);
	else if (access->write)
		good = l2_stayed(access) && access->vector == VECTOR_PF &&
		       access->error_code == (FAULT_P | FAULT_W);
	else
		good = access->exit_reason == 48 && (access->gpa & ~0xfffULL) == gpa &&
		       (access->qualification & EPT_READ_OF_PAGE) == EPT_READ_OF_PAGE;
	check(good, access->bit < reduced ? NO_ERRATUM :
	      access->bit < host.maxphyaddr ? ERRATUM_UNCHECKED : ERRATUM_QEMU_L2_RSVD, NULL,
	      "%s, bit %lu: exit %#lx, vector %lu(%#lx), CR2 %#lx, qualification %#lx, GPA %#lx",
	      access->write ? "write" : "read", (unsigned long)access->bit,
	      (unsigned long)access->exit_reason, (unsigned long)access->vector,
	      (unsigned long)access->error_code, (unsigned long)access->cr2,
	      (unsigned long)access->qualification, (unsigned long)access->gpa);
}

static void l2(enum l2_how how)
{
	struct l2_access accesses[L2_MAX_ACCESSES] = {};
	size_t nr = 0;

	if (!l2_has(how) || (how != L2_PLAIN && !host.tdp)) {
		group.skip++;
		return;
	}
	for (unsigned int bit = reduced - 2; bit < reduced && how != L2_PLAIN; bit++) {
		accesses[nr++].bit = bit;
		accesses[nr++] = (struct l2_access){ .bit = bit, .write = true };
	}
	for_each_bit(bit, reduced, 51) {
		accesses[nr++].bit = bit;
		accesses[nr++] = (struct l2_access){ .bit = bit, .write = true };
	}
	l2_run(how, reduced, accesses, nr);
	for (size_t i = 0; i < nr; i++)
		l2_check(&accesses[i], how);
}

static void l2_plain(void)
{
	l2(L2_PLAIN);
}

static void l2_ept(void)
{
	l2(L2_EPT);
}

static void l2_ept_pf(void)
{
	l2(L2_EPT_PF);
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "4-level CR3 load", cr3_load },
	{ "4-level CR3 KVM_SET_SREGS", cr3_sregs },
	{ "PAE PDPTE load-by-CR3", pdpte_load_cr3 },
	{ "PAE PDPTE load-by-CR4", pdpte_load_cr4 },
	{ "PAE PDPTE load-by-CR0", pdpte_load_cr0 },
	{ "PAE PDPTE KVM_TRANSLATE", pdpte_translate },
	{ "4-level all KVM_TRANSLATE", translate },
	{ "4-level PTE memslot", memslot },
	{ "4-level PTE no-memslot", no_memslot },
	{ "4-level PTE MAXPHYADDR=32", limit_32 },
	{ "4-level PTE MAXPHYADDR=36", limit_36 },
	{ "4-level PTE MAXPHYADDR=39", limit_39 },
	{ "4-level PTE MAXPHYADDR=host-1", limit_below_host },
	{ "4-level PTE MAXPHYADDR=host", limit_host },
	{ "4-level PTE MAXPHYADDR=host+1", limit_above_host },
	{ "PSE PDE-4M MAXPHYADDR=32,34,36", pse36 },
	{ "4-level PTE two-vCPUs-no-memslot", two_no_memslot },
	{ "4-level PTE two-vCPUs-memslot", two_memslot },
	{ "4-level PTE two-vCPUs-ioeventfd", two_ioeventfd },
	{ "4-level vCPU KVM_SET_CPUID2", set_cpuid },
	{ "4-level PTE undecodable", undecodable },
	{ "4-level PTE string", string },
	{ "4-level PTE page-crossing", page_crossing },
	{ "4-level PTE L2", l2_plain },
	{ "4-level PTE L2-EPT", l2_ept },
	{ "4-level PTE L2-EPT-intercept", l2_ept_pf },
};

static void usage(const char *name)
{
	printf("Usage: %s [-b] [-m BITS]\n"
	       "  -b       brief: only bits next to the guest's and the host's limit\n"
	       "  -m BITS  the guest's MAXPHYADDR, where no other is named: 33 to the host's\n"
	       "           less 1 (default 36)\n", name);
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "bm:h")) != -1) {
		switch (option) {
		case 'b':
			brief = true;
			break;
		case 'm':
			reduced = atoi(optarg);
			break;
		default:
			usage(argv[0]);
			return option == 'h' ? KSFT_PASS : KSFT_FAIL;
		}
	}
	setbuf(stdout, NULL);
	host_detect(&host);
	if (reduced < 33 || reduced >= host.maxphyaddr) {
		usage(argv[0]);
		return KSFT_FAIL;
	}
	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(groups));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		memset(&group, 0, sizeof(group));
		groups[i].run();
		finish_group(groups[i].name);
	}
	ksft_finished();
}
