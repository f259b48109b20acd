// SPDX-License-Identifier: GPL-2.0-or-later
/* The VMs of a host, and the CPU that is taken from under them. */
#include "agent.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned int other_cpu(const struct job *job)
{
	return job->victim ? 0 : 1;
}

struct guest *vms_add(struct host *host, const char *name, unsigned int cpu)
{
	if (host->nr == MAX_VMS)
		die("setup-failed", "no room for %s: at most %u guests", name, MAX_VMS);

	struct guest *guest = &host->guests[host->nr++];

	guest->stays = host->stays;
	guest_start(guest, name, cpu);
	return guest;
}

void vms_stay(struct host *host)
{
	host->stays = true;
	for (unsigned int i = 0; i < host->nr; i++)
		if (host->guests[i].pid)
			guest_stay(&host->guests[i]);
}

void vms_start(struct host *host, enum vms_first first)
{
	const struct job *job = host->job;
	unsigned int total = job->guests + job->bystanders;

	report("phase guests %u on CPU %u, %u elsewhere", job->guests, job->victim,
	       job->bystanders);
	for (unsigned int i = 0; i < total; i++) {
		unsigned int cpu = i < job->guests ? job->victim : other_cpu(job);
		char name[32];

		snprintf(name, sizeof(name), "guest-%u", i);
		struct guest *guest = vms_add(host, name, cpu);

		if (first == VMS_NESTED && i == 0) {
			host->hypervisor = guest;
			guest_nested(guest, NESTED_ENTER);
		} else if (first == VMS_SMALL && i == 0) {
			host->small = guest;
			guest_reserved(guest);
		} else {
			guest_launch(guest);
		}
	}
}

unsigned int vms_living(const struct host *host)
{
	unsigned int living = 0;

	for (unsigned int i = 0; i < host->nr; i++)
		living += host->guests[i].pid != 0;
	return living;
}

bool vms_end(struct host *host)
{
	for (unsigned int i = host->nr; i--;)
		if (host->guests[i].pid && !guest_end(&host->guests[i], TRIGGER_SECONDS))
			return false;
	return true;
}

static void control_path(unsigned int cpu, char path[64])
{
	snprintf(path, 64, "/sys/devices/system/cpu/cpu%u/online", cpu);
}

/* A CPU without such a file is always there. */
bool cpu_is_online(unsigned int cpu)
{
	char path[64], state[8];

	control_path(cpu, path);
	return read_line(path, state, sizeof(state)) || !strcmp(state, "1");
}

const char *vms_unplug_needs(unsigned int cpu)
{
	char path[64];

	control_path(cpu, path);
	if (access(path, W_OK))
		return "a CPU that can be unplugged: CPU 0 cannot be";
	if (!cpu_is_online(cpu) || !cpu_is_online(cpu ? 0 : 1))
		return "two CPUs online";
	return NULL;
}

/* By a child on another CPU: the write may take long, or never return. */
static bool unplug(unsigned int cpu)
{
	char path[64];
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("setup-failed", "no process to unplug CPU %u", cpu);
	if (!pid) {
		pin_to_cpu(cpu ? 0 : 1);
		control_path(cpu, path);
		_exit(write_file(path, "0"));
	}
	if (!wait_for_child(pid, TRIGGER_SECONDS, &status))
		return false;
	if (status)
		die("setup-failed", "CPU %u cannot be unplugged: %s", cpu,
		    strerror(WEXITSTATUS(status)));
	return true;
}

bool vms_unplug(struct host *host, unsigned int cpu)
{
	for (unsigned int i = 0; i < host->nr; i++)
		if (host->guests[i].pid)
			guest_rest(&host->guests[i]);
	if (!unplug(cpu))
		return false;
	/* That they may run on one CPU only is forgotten with that CPU. */
	for (unsigned int i = 0; i < host->nr; i++)
		if (host->guests[i].pid)
			guest_launch(&host->guests[i]);
	return true;
}
