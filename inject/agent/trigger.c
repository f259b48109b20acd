// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done to a host so that its victim CPU comes to the point. */
#include "agent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The VM that trigger nested-on makes where none is a hypervisor */
#define HYPERVISOR	"guest-l1"

struct trigger {
	const char *name;
	/* Return: done within TRIGGER_SECONDS. */
	bool (*pull)(struct host *host);
	/* What is missing for it, in words; NULL: nothing. May be NULL. */
	const char *(*needs)(const struct host *host);
};

/* Which guest of the victim CPU things are done to; guests: all have ended. */
static unsigned int subject(const struct host *host)
{
	unsigned int i = 0;

	while (i < host->job->guests && !host->guests[i].pid)
		i++;
	return i;
}

static const char *needs_subject(const struct host *host)
{
	return subject(host) < host->job->guests ? NULL : "a guest on the victim CPU";
}

static bool pull_create(struct host *host)
{
	struct guest *newcomer = vms_add(host, NEWCOMER, host->job->victim);

	guest_launch_async(newcomer);
	return guest_wait(newcomer, TRIGGER_SECONDS);
}

static const char *needs_no_vm(const struct host *host)
{
	return vms_living(host) ? "a host without VMs (situation idle, or no guests and no "
				  "bystanders)" : NULL;
}

static bool pull_migrate(struct host *host)
{
	struct guest *guest = &host->guests[subject(host)];

	guest_migrate_async(guest, other_cpu(host->job));
	return guest_wait(guest, TRIGGER_SECONDS);
}

static const char *needs_other_cpu(const struct host *host)
{
	return cpu_is_online(other_cpu(host->job)) ? needs_subject(host) : "two CPUs online";
}

static bool pull_destroy(struct host *host)
{
	return guest_end(&host->guests[subject(host)], TRIGGER_SECONDS);
}

static bool pull_last(struct host *host)
{
	return vms_end(host);
}

static const char *needs_vm(const struct host *host)
{
	return vms_living(host) ? NULL : "a VM that can go";
}

static bool pull_offline(struct host *host)
{
	return vms_unplug(host, host->job->victim);
}

static const char *needs_unplug(const struct host *host)
{
	return vms_unplug_needs(host->job->victim);
}

/* Each guest runs a little ten times a second. */
static bool pull_run(struct host *host)
{
	(void)host;
	sleep(1);
	return true;
}

/* From another CPU, if there is one: what the victim does is not to be this. */
static bool pull_now(struct host *host)
{
	if (cpu_is_online(other_cpu(host->job)))
		pin_to_cpu(other_cpu(host->job));
	set_knob("fire", "1");
	sleep(TRIGGER_SECONDS);
	return true;
}

static const char *needs_fire(const struct host *host)
{
	(void)host;
	return access(KNOBS "fire", W_OK) ? "a driver with the knob fire" : NULL;
}

static bool have_hypervisor(const struct host *host)
{
	return host->hypervisor && host->hypervisor->pid;
}

static bool nested(struct host *host, enum nested_act act)
{
	guest_nested_async(host->hypervisor, act);
	return guest_wait(host->hypervisor, TRIGGER_SECONDS);
}

/* VMXON faults on the victim CPU, for a VM that is to come on the other one. */
static bool pull_vmxon_fault(struct host *host)
{
	char value[32];
	int status;

	snprintf(value, sizeof(value), "%u fault", host->job->victim);
	set_knob("vmxon", value);
	pid_t pid = fork();

	if (!pid) {
		pin_to_cpu(other_cpu(host->job));
		_exit(try_vm());
	}
	if (pid < 0 || !wait_for_child(pid, TRIGGER_SECONDS, &status))
		return false;
	set_knob("vmxon", "none");
	if (!status)
		report("note a VM was made although VMXON faulted on CPU %u", host->job->victim);
	return true;
}

static const char *needs_vmxon_knob(const struct host *host)
{
	return access(KNOBS "vmxon", W_OK) ? "a driver with the knob vmxon" : needs_no_vm(host);
}

static bool pull_nested_on(struct host *host)
{
	if (!have_hypervisor(host))
		host->hypervisor = vms_add(host, HYPERVISOR, host->job->victim);
	return nested(host, NESTED_ON);
}

static bool pull_nested_load(struct host *host)
{
	return nested(host, NESTED_LOAD);
}

static bool pull_nested_enter(struct host *host)
{
	return nested(host, NESTED_ENTER);
}

static bool pull_nested_vmwrite(struct host *host)
{
	return nested(host, NESTED_VMWRITE);
}

static bool pull_nested_clear(struct host *host)
{
	return nested(host, NESTED_CLEAR);
}

static bool pull_nested_off(struct host *host)
{
	return nested(host, NESTED_OFF);
}

static bool pull_nested_destroy(struct host *host)
{
	return guest_end(host->hypervisor, TRIGGER_SECONDS);
}

static const char *needs_hypervisor(const struct host *host)
{
	return have_hypervisor(host) ? NULL : "a guest that is a hypervisor (situation nested, or "
					      "nested-on before it)";
}

static bool pull_reserved_fault(struct host *host)
{
	guest_reserved_async(host->small);
	return guest_wait(host->small, TRIGGER_SECONDS);
}

static const char *needs_small(const struct host *host)
{
	return host->small && host->small->pid ? NULL :
	       "a guest whose MAXPHYADDR is smaller than the host's (situation maxphyaddr)";
}

static const struct trigger triggers[] = {
	{ "create", pull_create, NULL },
	{ "first", pull_create, needs_no_vm },
	{ "migrate", pull_migrate, needs_other_cpu },
	{ "destroy", pull_destroy, needs_subject },
	{ "last", pull_last, needs_vm },
	{ "offline", pull_offline, needs_unplug },
	{ "run", pull_run, needs_subject },
	{ "now", pull_now, needs_fire },
	{ "vmxon-fault", pull_vmxon_fault, needs_vmxon_knob },
	{ "nested-on", pull_nested_on, NULL },
	{ "nested-load", pull_nested_load, needs_hypervisor },
	{ "nested-enter", pull_nested_enter, needs_hypervisor },
	{ "nested-vmwrite", pull_nested_vmwrite, needs_hypervisor },
	{ "nested-clear", pull_nested_clear, needs_hypervisor },
	{ "nested-off", pull_nested_off, needs_hypervisor },
	{ "nested-destroy", pull_nested_destroy, needs_hypervisor },
	{ "reserved-fault", pull_reserved_fault, needs_small },
};

static const struct trigger *find_trigger(const char *name)
{
	for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++)
		if (!strcmp(triggers[i].name, name))
			return &triggers[i];
	die("setup-failed", "trigger %s: the agent knows no such", name);
}

void trigger_pull(struct host *host, const char *name)
{
	const struct trigger *trigger = find_trigger(name);

	report("phase fire %s", name);
	const char *missing = trigger->needs ? trigger->needs(host) : NULL;

	if (missing)
		die("setup-failed", "trigger %s needs %s", name, missing);
	if (!trigger->pull(host))
		report("note trigger %s did not finish in %d s", name, TRIGGER_SECONDS);
}
