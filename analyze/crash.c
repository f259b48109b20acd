// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/crash.h"

#include <stdio.h>
#include <string.h>

#include "analyze/printk.h"

#define PANIC_MARK	"Kernel panic - not syncing"
#define KERNEL_RIP	"RIP: 0010:"	/* with __KERNEL_CS */

/* How near to its end the log must name a RIP for that to be of this crash. */
#define RIP_LINES	100

struct list_operation list_operation_of(const struct loaded_vmcs *loaded)
{
	switch (loaded->link_state) {
	case LINK_ADDING:
		return (struct list_operation){ "list_add", loaded->step };
	case LINK_REMOVING:
	case LINK_REMOVED:
		return (struct list_operation){ "list_del", loaded->step };
	case LINK_LISTED:
		/* vmx_vcpu_load_vmcs() writes loaded_vmcs->cpu after list_add() and VMPTRLD. */
		if (loaded->cpu == NO_CPU)
			return (struct list_operation){ "list_add", 4 };
		break;
	case LINK_NONE:
	case LINK_LOST:
		break;
	}
	return (struct list_operation){};
}

static void copy_line(const char *line, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)strcspn(line, "\n"), line);
}

/* "[   12.345678] " precedes a line of the log. */
static const char *skip_time(const char *line)
{
	const char *end = *line == '[' ? strstr(line, "] ") : NULL;

	return end ? end + 2 : line;
}

/* What the kernel says first of an exception that it does not survive. */
static bool is_oops(const char *line)
{
	static const char *const marks[] = {
		"BUG: unable to handle", "BUG: kernel NULL pointer", "kernel BUG at",
		"general protection fault", "Oops: ", "invalid opcode: ",
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!strncmp(line, marks[i], strlen(marks[i])))
			return true;
	}
	return false;
}

/* Of an Oops there are several such lines in a row; the first says most. */
static void read_messages(const char *log, struct crash *crash)
{
	bool within = false;

	/* Each line ends in a newline. */
	for (const char *line = log; *line; line = strchr(line, '\n') + 1) {
		const char *text = skip_time(line);
		bool oops = is_oops(text);

		if (!strncmp(text, PANIC_MARK, strlen(PANIC_MARK)))
			copy_line(text, crash->panic, sizeof(crash->panic));
		if (oops && !within)
			copy_line(text, crash->oops, sizeof(crash->oops));
		within = oops;
	}
}

/* "RIP: 0010:vmx_vcpu_load_vmcs+0x18d/0x2f0 [kvm_intel]" without the function's size. */
static void read_rip(const char *log, struct crash *crash)
{
	const char *next = printk_last_lines(log, RIP_LINES), *rip = NULL;

	while ((next = strstr(next, KERNEL_RIP)))
		rip = next += strlen(KERNEL_RIP);
	if (!rip)
		return;
	size_t symbol = strcspn(rip, "/\n");
	const char *rest = rip + symbol;

	rest += strcspn(rest, " \n");
	snprintf(crash->at, sizeof(crash->at), "%.*s%.*s", (int)symbol, rip,
		 (int)strcspn(rest, "\n"), rest);
	crash->at_source = AT_LOG;
}

/* The operation that was under way on @cpu, or, for NO_CPU, on any. */
static const struct loaded_vmcs *find_operation(const struct kvm_state *kvm, int cpu)
{
	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];

		if (list_operation_of(loaded).name && (cpu == NO_CPU || loaded->list_cpu == cpu))
			return loaded;
	}
	return NULL;
}

/* Without the driver's evidence: what the lists and the CPUs' registers tell. */
static void find_interrupted(const struct crash_witnesses *witnesses, struct crash *crash)
{
	const struct loaded_vmcs *loaded = find_operation(witnesses->kvm, crash->cpu);

	if (!loaded)
		loaded = find_operation(witnesses->kvm, NO_CPU);
	crash->interrupted_cpu = loaded ? loaded->list_cpu : crash->cpu;
	if (loaded)
		snprintf(crash->step, sizeof(crash->step), "%s/%u",
			 list_operation_of(loaded).name, list_operation_of(loaded).stores);
	const struct cpu_state *cpu = cpu_states_find(witnesses->cpus, crash->interrupted_cpu);

	if (cpu && cpu->at_source != AT_UNKNOWN) {
		crash->at_source = cpu->at_source;
		memcpy(crash->at, cpu->at, sizeof(crash->at));
	} else if (crash->interrupted_cpu == crash->cpu) {
		read_rip(witnesses->log, crash);
	}
}

void crash_tell(const struct crash_witnesses *witnesses, struct crash *ret)
{
	const struct kdt_evidence *data = &witnesses->evidence->data;
	struct crash crash = { .cpu = witnesses->cpus->crashed };

	read_messages(witnesses->log, &crash);
	if (evidence_fired(witnesses->evidence)) {
		crash.interrupted_cpu = data->victim_cpu;
		snprintf(crash.step, sizeof(crash.step), "%s", data->point);
		crash.step_is_evidence = true;
		snprintf(crash.at, sizeof(crash.at), "%s", witnesses->point_ip);
		crash.at_source = *crash.at ? AT_EVIDENCE : AT_UNKNOWN;
	} else {
		find_interrupted(witnesses, &crash);
	}
	*ret = crash;
}
