// SPDX-License-Identifier: GPL-2.0-or-later
#include "vcpu.h"

#include <errno.h>
#include <fcntl.h>
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
