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

#endif
