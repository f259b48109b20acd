// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A KVM guest that does nothing but leave traces: a few real-mode instructions
 * that exit to user space, so that its VMCS is launched on the CPU it runs on.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_MEMORY	0x10000
#define GUEST_ENTRY	0x1000
/* Enough to have left the first entry (VMLAUNCH) behind and use VMRESUME. */
#define GUEST_EXITS	5

enum guest_act {
	GUEST_LAUNCH,
	GUEST_MIGRATE,
	GUEST_REST,
	GUEST_STAY,
};

struct guest_command {
	enum guest_act act;
	unsigned int cpu;
};

/* inc ax; out 0xf1, al; jmp back */
static const uint8_t guest_code[] = { 0x40, 0xe6, 0xf1, 0xeb, 0xfb };

static int kvm_ioctl(int fd, unsigned long request, unsigned long argument,
		     const char *what)
{
	int ret = ioctl(fd, request, argument);

	if (ret < 0)
		die("setup-failed", "%s: %s", what, strerror(errno));
	return ret;
}

int try_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0 && ioctl(kvm, KVM_CREATE_VM, 0) >= 0)
		return 0;
	puts(strerrorname_np(errno));
	return 1;
}

/* Of the one vCPU of this process. */
static struct kvm_run *kvm_run;

static int create_vcpu(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		die("setup-failed", "/dev/kvm: %s", strerror(errno));
	int vm = kvm_ioctl(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	uint8_t *memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("setup-failed", "guest memory: %s", strerror(errno));
	memcpy(memory + GUEST_ENTRY, guest_code, sizeof(guest_code));
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY,
		.userspace_addr = (uintptr_t)memory,
	};

	kvm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, (unsigned long)&region,
		  "KVM_SET_USER_MEMORY_REGION");
	int vcpu = kvm_ioctl(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	int run_size = kvm_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");

	kvm_run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (kvm_run == MAP_FAILED)
		die("setup-failed", "kvm_run: %s", strerror(errno));
	struct kvm_sregs sregs;

	kvm_ioctl(vcpu, KVM_GET_SREGS, (unsigned long)&sregs, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	kvm_ioctl(vcpu, KVM_SET_SREGS, (unsigned long)&sregs, "KVM_SET_SREGS");
	struct kvm_regs regs = { .rip = GUEST_ENTRY, .rflags = 2 };

	kvm_ioctl(vcpu, KVM_SET_REGS, (unsigned long)&regs, "KVM_SET_REGS");
	return vcpu;
}

static void run_vcpu(int vcpu)
{
	for (int i = 0; i < GUEST_EXITS; i++) {
		kvm_ioctl(vcpu, KVM_RUN, 0, "KVM_RUN");
		/* A failed VM entry is no error of the ioctl. */
		if (kvm_run->exit_reason != KVM_EXIT_IO)
			die("setup-failed", "KVM_RUN: exit reason %u instead of the guest's OUT",
			    kvm_run->exit_reason);
	}
}

static void guest_process(int commands, int ready, unsigned int cpu, bool stays)
{
	bool resting = true;
	int vcpu = -1;

	pin_to_cpu(cpu);
	for (;;) {
		struct pollfd fd = { .fd = commands, .events = POLLIN };

		/* A live guest runs a little ten times a second. */
		if (!poll(&fd, 1, resting ? -1 : 100)) {
			run_vcpu(vcpu);
			continue;
		}
		struct guest_command command;

		if (read(commands, &command, sizeof(command)) != sizeof(command))
			_exit(0);
		if (command.act == GUEST_MIGRATE)
			pin_to_cpu(command.cpu);
		if (vcpu < 0)
			vcpu = create_vcpu();
		if (command.act == GUEST_STAY)
			stays = true;
		else if (command.act != GUEST_REST)
			run_vcpu(vcpu);
		resting = stays || command.act == GUEST_REST;
		if (write(ready, "", 1) != 1)
			_exit(0);
	}
}

void guest_start(struct guest *guest, const char *name, unsigned int cpu)
{
	int command[2], ready[2];

	if (pipe2(command, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		die("setup-failed", "pipe: %s", strerror(errno));
	guest->pid = fork();
	if (guest->pid < 0)
		die("setup-failed", "%s: fork: %s", name, strerror(errno));
	if (!guest->pid) {
		prctl(PR_SET_NAME, name);
		close(command[1]);
		close(ready[0]);
		guest_process(command[0], ready[1], cpu, guest->stays);
	}
	close(command[0]);
	close(ready[1]);
	guest->command = command[1];
	guest->ready = ready[0];
}

static void send_command(struct guest *guest, struct guest_command command)
{
	if (write(guest->command, &command, sizeof(command)) != sizeof(command))
		die("setup-failed", "guest process %d is gone", guest->pid);
}

void guest_launch_async(struct guest *guest)
{
	send_command(guest, (struct guest_command){ .act = GUEST_LAUNCH });
}

void guest_migrate_async(struct guest *guest, unsigned int cpu)
{
	send_command(guest, (struct guest_command){ .act = GUEST_MIGRATE, .cpu = cpu });
}

bool guest_wait(struct guest *guest, unsigned int seconds)
{
	struct pollfd fd = { .fd = guest->ready, .events = POLLIN };
	char done;

	return poll(&fd, 1, seconds * 1000) == 1 && read(guest->ready, &done, 1) == 1;
}

static void wait_or_die(struct guest *guest)
{
	if (!guest_wait(guest, 60))
		die("setup-failed", "guest process %d did not run its vCPU in 60 s", guest->pid);
}

void guest_launch(struct guest *guest)
{
	guest_launch_async(guest);
	wait_or_die(guest);
}

void guest_rest(struct guest *guest)
{
	send_command(guest, (struct guest_command){ .act = GUEST_REST });
	wait_or_die(guest);
}

void guest_stay(struct guest *guest)
{
	send_command(guest, (struct guest_command){ .act = GUEST_STAY });
	wait_or_die(guest);
}

bool guest_end(struct guest *guest, unsigned int seconds)
{
	kill(guest->pid, SIGKILL);
	if (!wait_for_child(guest->pid, seconds, NULL))
		return false;
	close(guest->command);
	close(guest->ready);
	guest->pid = 0;
	return true;
}
