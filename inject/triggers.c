// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/triggers.h"

#include <stdbool.h>
#include <string.h>

#include "analyze/error.h"

const struct trigger triggers[] = {
	{ "create", "a VM comes to the victim CPU" },
	{ "migrate", "the first VM of the victim CPU moves to the other one" },
	{ "destroy", "the first VM of the victim CPU is killed" },
	{ "first", "a VM comes where none is: VMXON on every CPU" },
	{ "last", "all VMs are killed: VMXOFF on every CPU" },
	{ "offline", "the victim CPU is unplugged" },
	{ "run", "the VMs run for a second" },
	{ "now", "wherever the victim CPU is (point host/now)" },
	{ "vmxon-fault", "a VM is to come where none is, and VMXON faults on the victim CPU" },
	{ "nested-on", "a guest hypervisor there executes VMXON" },
	{ "nested-load", "it executes VMCLEAR and VMPTRLD" },
	{ "nested-enter", "it leaves its own guest and enters it again" },
	{ "nested-vmwrite", "it executes VMWRITE and VMREAD" },
	{ "nested-clear", "it executes VMCLEAR of its current VMCS" },
	{ "nested-off", "it executes VMXOFF" },
	{ "nested-destroy", "it is killed, as is its own guest" },
	{ "reserved-fault", "a guest with a smaller MAXPHYADDR accesses what is beyond it" },
	{ NULL, NULL }
};

const struct trigger situations[] = {
	{ "plain", "VMs run on the victim CPU and on the other one" },
	{ "idle", "they have run, and are all gone" },
	{ "offline", "they have run, and the other CPU is unplugged (not CPU 0)" },
	{ "nested", "plain, and the first one is a hypervisor with a guest that runs" },
	{ "maxphyaddr", "plain, and the first one's MAXPHYADDR is smaller than the host's" },
	{ NULL, NULL }
};

static bool is_in(const struct trigger *table, const char *name, size_t length)
{
	for (; table->name; table++)
		if (strlen(table->name) == length && !strncmp(table->name, name, length))
			return true;
	return false;
}

/* @ret: "A, B or C" */
static void join_names(const struct trigger *table, char *ret, size_t size)
{
	size_t used = 0;

	for (const struct trigger *t = table; t->name && used < size; t++) {
		const char *before = t == table ? "" : t[1].name ? ", " : " or ";

		used += snprintf(ret + used, size - used, "%s%s", before, t->name);
	}
}

struct error *triggers_check(const char *what, const char *list)
{
	char names[512];

	for (const char *name = list;; name++) {
		size_t length = strcspn(name, ",");

		if (!is_in(triggers, name, length))
			break;
		name += length;
		if (!*name)
			return NULL;
	}
	join_names(triggers, names, sizeof(names));
	return error_new("%s %s: use %s, several separated by commas", what, list, names);
}

struct error *situation_check(const char *what, const char *name)
{
	char names[512];

	if (is_in(situations, name, strlen(name)))
		return NULL;
	join_names(situations, names, sizeof(names));
	return error_new("%s %s: use %s", what, name, names);
}

void triggers_print(const struct trigger *table, FILE *out)
{
	for (; table->name; table++)
		fprintf(out, "  %-16s%s\n", table->name, table->meaning);
}
