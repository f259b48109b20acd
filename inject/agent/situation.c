// SPDX-License-Identifier: GPL-2.0-or-later
/* What a host has been through before it crashes. */
#include "agent.h"

#include <string.h>

static void make_plain(struct host *host)
{
	vms_start(host, VMS_PLAIN);
}

static void make_idle(struct host *host)
{
	vms_start(host, VMS_PLAIN);
	if (!vms_end(host))
		die("setup-failed", "situation idle: a guest did not end in %d s",
		    TRIGGER_SECONDS);
}

static void make_offline(struct host *host)
{
	unsigned int cpu = other_cpu(host->job);
	const char *missing = vms_unplug_needs(cpu);

	if (missing)
		die("setup-failed", "situation offline needs, beside the victim CPU, %s", missing);
	vms_start(host, VMS_PLAIN);
	if (!vms_unplug(host, cpu))
		die("setup-failed", "situation offline: CPU %u was not gone in %d s", cpu,
		    TRIGGER_SECONDS);
}

static void make_nested(struct host *host)
{
	if (!host->job->guests)
		die("setup-failed", "situation nested needs a guest on the victim CPU");
	vms_start(host, VMS_NESTED);
}

static void make_maxphyaddr(struct host *host)
{
	if (!host->job->guests)
		die("setup-failed", "situation maxphyaddr needs a guest on the victim CPU");
	vms_start(host, VMS_SMALL);
}

static const struct {
	const char *name;
	void (*make)(struct host *host);
} situations[] = {
	{ "plain", make_plain },
	{ "idle", make_idle },
	{ "offline", make_offline },
	{ "nested", make_nested },
	{ "maxphyaddr", make_maxphyaddr },
};

void situation_make(struct host *host)
{
	const char *name = host->job->situation;

	for (size_t i = 0; i < sizeof(situations) / sizeof(situations[0]); i++) {
		if (!strcmp(situations[i].name, name)) {
			situations[i].make(host);
			return;
		}
	}
	die("setup-failed", "situation %s: the agent knows no such", name);
}
