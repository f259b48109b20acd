// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A KVM guest whose MAXPHYADDR is smaller than the host's, with a bit set in its
 * page tables that is reserved for it and an address bit for the CPU. An access
 * there ends in an EPT violation or in a page fault that KVM intercepts, and KVM has
 * to inject a page fault for a reserved bit.
 */
#include "vcpu.h"

#include <string.h>

#define MAXPHYADDR	36

/* Guest physical addresses, of a page each */
enum {
	CODE = 0x1000,
	PML4 = 0x2000,
	PAGE_DIRECTORY = PML4 + 0x2000,
	PAGE_TABLE = 0x5000,
	IDT = 0x6000,
	GDT = 0x7000,
	STACK_END = 0x9000,
	TSS = 0x9000,
};

_Static_assert(TSS + 0x1000 <= GUEST_MEMORY, "all of it is there");

#define ILLEGAL		(1ULL << MAXPHYADDR)
/* What the page table maps: the second 2 MiB */
#define WRITABLE	0x200000ULL
#define READ_ONLY	0x201000ULL

/* SDM volume 3, "Page-Fault Exceptions" */
#define PF_VECTOR	14
#define PF_PRESENT	(1ULL << 0)
#define PF_RESERVED	(1ULL << 3)

enum reserved_port {
	PORT_IDLE = 0xf1,
	PORT_FAULT = 0xf2,	/* RAX: error code, RCX: CR2 */
	PORT_DONE = 0xf3,
};

extern const uint8_t reserved_code[], reserved_code_end[];
extern const uint8_t reserved_read[], reserved_write[], reserved_fault[];

_Static_assert(PORT_IDLE == 0xf1 && PORT_FAULT == 0xf2 && PORT_DONE == 0xf3, "the ports below");

asm(".pushsection .rodata\n"
    ".globl reserved_code, reserved_code_end, reserved_read, reserved_write, reserved_fault\n"
    "reserved_code:\n"
    "1:	out	%al, $0xf1\n"
    "	jmp	1b\n"

    "reserved_read:\n"
    "	mov	(%rbx), %eax\n"
    "	jmp	2f\n"

    "reserved_write:\n"
    "	mov	%eax, (%rbx)\n"
    "2:	out	%al, $0xf3\n"
    "	jmp	1b\n"

    "reserved_fault:\n"
    "	pop	%rax\n"
    "	mov	%cr2, %rcx\n"
    "	out	%al, $0xf2\n"
    "	jmp	1b\n"
    "reserved_code_end:\n"
    ".popsection\n");

static uint64_t address(const uint8_t *label)
{
	return CODE + (label - reserved_code);
}

/* Present, 64-bit interrupt gate: SDM volume 3, "64-Bit Mode IDT" */
static void put_gate(struct vcpu *vcpu, unsigned int vector, uint64_t handler)
{
	vcpu_put(vcpu, IDT + vector * 16, (handler & 0xffff) | SELECTOR_CODE << 16 |
					  0x8eULL << 40 | (handler >> 16 & 0xffff) << 48);
	vcpu_put(vcpu, IDT + vector * 16 + 8, handler >> 32);
}

void reserved_create(struct vcpu *ret)
{
	vcpu_create(ret);
	memcpy(ret->memory + CODE, reserved_code, reserved_code_end - reserved_code);
	vcpu_set_cpuid(ret, MAXPHYADDR);
	vcpu_enter_long_mode(ret, &(struct long_mode){
		.pml4 = PML4, .tss = TSS, .idt = IDT, .gdt = GDT,
		.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG, .cr4 = CR4_PAE,
	});
	vcpu_put(ret, PAGE_DIRECTORY + 8, PAGE_TABLE | PTE_WRITE | PTE_PRESENT);
	vcpu_put(ret, PAGE_TABLE, ILLEGAL | PTE_WRITE | PTE_PRESENT);
	vcpu_put(ret, PAGE_TABLE + 8, ILLEGAL | PTE_PRESENT);
	/* Flat code and data, for what an exception loads */
	vcpu_put(ret, GDT + SELECTOR_CODE, 0x00af9b000000ffff);
	vcpu_put(ret, GDT + SELECTOR_DATA, 0x00cf93000000ffff);
	put_gate(ret, PF_VECTOR, address(reserved_fault));
	vcpu_execute(ret, &(struct kvm_regs){ .rip = CODE, .rsp = STACK_END });
}

static void access_one(struct vcpu *vcpu, const uint8_t *label, const char *what, uint64_t va)
{
	struct kvm_regs regs = { .rip = address(label), .rsp = STACK_END, .rbx = va };
	unsigned int port = vcpu_execute(vcpu, &regs);

	if (port != PORT_FAULT || (regs.rax & (PF_PRESENT | PF_RESERVED)) !=
				  (PF_PRESENT | PF_RESERVED) || regs.rcx != va)
		report("note a guest got no page fault for the reserved bit in what it %s: "
		       "port %#x, error code %#llx, CR2 %#llx", what, port, regs.rax, regs.rcx);
	regs = (struct kvm_regs){ .rip = CODE, .rsp = STACK_END };
	vcpu_execute(vcpu, &regs);
}

void reserved_access(struct vcpu *vcpu)
{
	access_one(vcpu, reserved_read, "reads", WRITABLE);
	/* The CPU faults of itself, for the write, and KVM has to add the reserved bit. */
	access_one(vcpu, reserved_write, "writes", READ_ONLY);
}
