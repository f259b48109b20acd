/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_VCPU_H
#define AGENT_VCPU_H

/* A VM with one vCPU, by /dev/kvm. Whatever KVM refuses ends the run. */

#include <linux/kvm.h>
#include <stdint.h>

#include "agent.h"

#define GUEST_MEMORY	0x10000

struct vcpu {
	int kvm;
	int fd;			/* -1: not created */
	uint8_t *memory;	/* GUEST_MEMORY bytes, for guest physical address 0 on */
	struct kvm_run *run;
};

/* @what: in the words of an error message. Return: what the ioctl returns. */
int kvm_ioctl(int fd, unsigned long request, void *argument, const char *what);

void vcpu_create(struct vcpu *ret);
/* Run until the guest's next OUT. Return: its port. */
unsigned int vcpu_run(struct vcpu *vcpu);
/* The same from @regs->rip on; @regs: in and out. */
unsigned int vcpu_execute(struct vcpu *vcpu, struct kvm_regs *regs);

/* For a structure of KVM's that ends with an array; zero, and the caller's. */
void *vcpu_allocate(size_t size);
/* Write 8 bytes to guest physical memory. */
void vcpu_put(struct vcpu *vcpu, uint64_t where, uint64_t value);
/* CPUID as KVM can do it, with physical addresses of @maxphyaddr bits; 0: as many as it can. */
void vcpu_set_cpuid(struct vcpu *vcpu, unsigned int maxphyaddr);

/* SDM volume 3, "Control Registers", and "IA32_EFER MSR" */
#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_WP		(1ULL << 16)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)

#define RFLAGS_RESERVED	(1ULL << 1)	/* always 1 */

#define PTE_PRESENT	(1ULL << 0)
#define PTE_WRITE	(1ULL << 1)
#define PTE_LARGE	(1ULL << 7)

enum {
	SELECTOR_CODE = 0x08,
	SELECTOR_DATA = 0x10,
	SELECTOR_TSS = 0x18,
};

/* Access rights of segments: SDM volume 3, "Guest Register State" */
enum {
	ACCESS_CODE = 0xa09b,		/* 64-bit, present, accessed */
	ACCESS_DATA = 0xc093,
	ACCESS_TSS = 0x8b,		/* busy */
	ACCESS_UNUSABLE = 0x10000,
};

#define LIMIT_FLAT	0xffffffff
#define LIMIT_TSS	0x67

/* Guest physical addresses, and what is not the same for all */
struct long_mode {
	uint64_t pml4;		/* a page, and the two behind it: the first 2 MiB, one to one */
	uint64_t tss;
	uint64_t idt, gdt;	/* 256 and 4 entries; 0: none */
	uint64_t cr0, cr4;
};

void vcpu_enter_long_mode(struct vcpu *vcpu, const struct long_mode *mode);

/* nested.c: a vCPU that is a hypervisor, which has a guest of its own, L2 */
void nested_create(struct vcpu *ret);
void nested_do(struct vcpu *vcpu, enum nested_act act);

/* nested_code.c: what it executes, see there */
extern const uint8_t nested_code[], nested_code_end[];
extern const uint8_t nested_vmxon[], nested_vmxoff[], nested_vmclear[], nested_vmptrld[];
extern const uint8_t nested_vmread[], nested_vmwrite[], nested_vmlaunch[], nested_vmresume[];
extern const uint8_t nested_rdmsr[], nested_exited[], nested_l2[], nested_l2_exit[];

enum nested_port {
	NESTED_PORT_L1 = 0xf1,
	NESTED_PORT_L2 = 0xf2,
	NESTED_PORT_EXITED = 0xf3,
};

/* reserved.c: a guest whose MAXPHYADDR is smaller than the host's */
void reserved_create(struct vcpu *ret);
/* Let it access addresses that are beyond it, in each way that KVM has to mend. */
void reserved_access(struct vcpu *vcpu);

#endif
