// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A KVM guest that does nothing but leave traces: a few real-mode instructions
 * that exit to user space, so that its VMCS is launched on the CPU it runs on.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vcpu.h"

#define GUEST_ENTRY	0x1000
/* Enough to have left the first entry (VMLAUNCH) behind and use VMRESUME. */
#define GUEST_EXITS	5

enum guest_act {
	GUEST_LAUNCH,
	GUEST_MIGRATE,
	GUEST_REST,
	GUEST_STAY,
	GUEST_NESTED,
	GUEST_RESERVED,
};

struct guest_command {
	enum guest_act act;
	unsigned int cpu;
	enum nested_act nested;
};

/* inc ax; out 0xf1, al; jmp back */
static const uint8_t guest_code[] = { 0x40, 0xe6, 0xf1, 0xeb, 0xfb };

int try_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0 && ioctl(kvm, KVM_CREATE_VM, 0) >= 0)
		return 0;
	puts(strerrorname_np(errno));
	return 1;
}

static void create_plain(struct vcpu *ret)
{
	struct kvm_regs regs = { .rip = GUEST_ENTRY, .rflags = 2 };
	struct kvm_sregs sregs;

	vcpu_create(ret);
	memcpy(ret->memory + GUEST_ENTRY, guest_code, sizeof(guest_code));
	kvm_ioctl(ret->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	kvm_ioctl(ret->fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	kvm_ioctl(ret->fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static void run_a_little(struct vcpu *vcpu)
{
	for (int i = 0; i < GUEST_EXITS; i++)
		vcpu_run(vcpu);
}

static void obey(struct vcpu *vcpu, const struct guest_command *command)
{
	if (command->act == GUEST_MIGRATE)
		pin_to_cpu(command->cpu);
	if (vcpu->fd < 0 && command->act == GUEST_NESTED)
		nested_create(vcpu);
	else if (vcpu->fd < 0 && command->act == GUEST_RESERVED)
		reserved_create(vcpu);
	else if (vcpu->fd < 0)
		create_plain(vcpu);
	if (command->act == GUEST_NESTED)
		nested_do(vcpu, command->nested);
	else if (command->act == GUEST_RESERVED)
		reserved_access(vcpu);
	else if (command->act != GUEST_REST && command->act != GUEST_STAY)
		run_a_little(vcpu);
}

static void guest_process(int commands, int ready, unsigned int cpu, bool stays)
{
	struct vcpu vcpu = { .fd = -1 };
	bool resting = true;

	pin_to_cpu(cpu);
	for (;;) {
		struct pollfd fd = { .fd = commands, .events = POLLIN };

		/* A live guest runs a little ten times a second. */
		if (!poll(&fd, 1, resting ? -1 : 100)) {
			run_a_little(&vcpu);
			continue;
		}
		struct guest_command command;

		if (read(commands, &command, sizeof(command)) != sizeof(command))
			_exit(0);
		obey(&vcpu, &command);
		stays = stays || command.act == GUEST_STAY;
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

void guest_nested_async(struct guest *guest, enum nested_act act)
{
	send_command(guest, (struct guest_command){ .act = GUEST_NESTED, .nested = act });
}

void guest_reserved_async(struct guest *guest)
{
	send_command(guest, (struct guest_command){ .act = GUEST_RESERVED });
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

void guest_nested(struct guest *guest, enum nested_act act)
{
	guest_nested_async(guest, act);
	wait_or_die(guest);
}

void guest_reserved(struct guest *guest)
{
	guest_reserved_async(guest);
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
