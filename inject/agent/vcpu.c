// SPDX-License-Identifier: GPL-2.0-or-later
#include "vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

int kvm_ioctl(int fd, unsigned long request, void *argument, const char *what)
{
	int ret = ioctl(fd, request, argument);

	if (ret < 0)
		die("setup-failed", "%s: %s", what, strerror(errno));
	return ret;
}

static void map_memory(int vm, struct vcpu *vcpu)
{
	vcpu->memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vcpu->memory == MAP_FAILED)
		die("setup-failed", "guest memory: %s", strerror(errno));
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY,
		.userspace_addr = (uintptr_t)vcpu->memory,
	};

	kvm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

void vcpu_create(struct vcpu *ret)
{
	ret->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (ret->kvm < 0)
		die("setup-failed", "/dev/kvm: %s", strerror(errno));
	int vm = kvm_ioctl(ret->kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");

	map_memory(vm, ret);
	ret->fd = kvm_ioctl(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	int run_size = kvm_ioctl(ret->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL,
				 "KVM_GET_VCPU_MMAP_SIZE");

	ret->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, ret->fd, 0);
	if (ret->run == MAP_FAILED)
		die("setup-failed", "kvm_run: %s", strerror(errno));
}

unsigned int vcpu_run(struct vcpu *vcpu)
{
	kvm_ioctl(vcpu->fd, KVM_RUN, NULL, "KVM_RUN");
	/* A failed VM entry is no error of the ioctl. */
	if (vcpu->run->exit_reason != KVM_EXIT_IO)
		die("setup-failed", "KVM_RUN: exit reason %u instead of the guest's OUT",
		    vcpu->run->exit_reason);
	return vcpu->run->io.port;
}

unsigned int vcpu_execute(struct vcpu *vcpu, struct kvm_regs *regs)
{
	regs->rflags = RFLAGS_RESERVED;
	kvm_ioctl(vcpu->fd, KVM_SET_REGS, regs, "KVM_SET_REGS");
	unsigned int port = vcpu_run(vcpu);

	kvm_ioctl(vcpu->fd, KVM_GET_REGS, regs, "KVM_GET_REGS");
	return port;
}

void *vcpu_allocate(size_t size)
{
	void *ret = calloc(1, size);

	if (!ret)
		die("setup-failed", "guest: no memory");
	return ret;
}

void vcpu_put(struct vcpu *vcpu, uint64_t where, uint64_t value)
{
	memcpy(vcpu->memory + where, &value, sizeof(value));
}

void vcpu_set_cpuid(struct vcpu *vcpu, unsigned int maxphyaddr)
{
	enum { ENTRIES = 128, ADDRESS_SIZES = 0x80000008 };
	struct kvm_cpuid2 *cpuid = vcpu_allocate(sizeof(*cpuid) +
						 ENTRIES * sizeof(cpuid->entries[0]));

	cpuid->nent = ENTRIES;
	kvm_ioctl(vcpu->kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
	for (unsigned int i = 0; maxphyaddr && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == ADDRESS_SIZES)
			cpuid->entries[i].eax = (cpuid->entries[i].eax & ~0xffU) | maxphyaddr;
	kvm_ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	free(cpuid);
}

static struct kvm_segment segment(unsigned int selector, unsigned int access, uint64_t base,
				  uint32_t limit)
{
	return (struct kvm_segment){
		.base = base, .limit = limit, .selector = selector,
		.type = access & 15, .s = access >> 4 & 1, .present = access >> 7 & 1,
		.l = access >> 13 & 1, .db = access >> 14 & 1, .g = access >> 15 & 1,
	};
}

static void make_page_tables(struct vcpu *vcpu, uint64_t pml4)
{
	uint64_t pointers = pml4 + 0x1000, directory = pml4 + 0x2000;

	vcpu_put(vcpu, pml4, pointers | PTE_WRITE | PTE_PRESENT);
	vcpu_put(vcpu, pointers, directory | PTE_WRITE | PTE_PRESENT);
	vcpu_put(vcpu, directory, PTE_LARGE | PTE_WRITE | PTE_PRESENT);
}

void vcpu_enter_long_mode(struct vcpu *vcpu, const struct long_mode *mode)
{
	enum { EFER_LME = 1 << 8, EFER_LMA = 1 << 10, IDT_LIMIT = 0xfff, GDT_LIMIT = 0x1f };
	struct kvm_sregs sregs;

	make_page_tables(vcpu, mode->pml4);
	kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs = segment(SELECTOR_CODE, ACCESS_CODE, 0, LIMIT_FLAT);
	sregs.ss = segment(SELECTOR_DATA, ACCESS_DATA, 0, LIMIT_FLAT);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
	sregs.tr = segment(SELECTOR_TSS, ACCESS_TSS, mode->tss, LIMIT_TSS);
	if (mode->idt)
		sregs.idt = (struct kvm_dtable){ .base = mode->idt, .limit = IDT_LIMIT };
	if (mode->gdt)
		sregs.gdt = (struct kvm_dtable){ .base = mode->gdt, .limit = GDT_LIMIT };
	sregs.cr0 = mode->cr0;
	sregs.cr3 = mode->pml4;
	sregs.cr4 = mode->cr4;
	sregs.efer = EFER_LME | EFER_LMA;
	kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
}
