// SPDX-License-Identifier: GPL-2.0-or-later
/* The host to be crashed: guests, crash kernel, armed driver, trigger. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void load_crash_kernel(const struct job *job)
{
	char append[1024];
	char last[256];

	if (!strcmp(job->capture, "no"))
		return;
	report("phase crash-kernel");
	snprintf(append, sizeof(append), "--append=%s", job->append);
	for (char *p = append; *p; p++)
		if (*p == ',' && p[1] == ',')
			memmove(p, p + 1, strlen(p)); /* ends on the ',' that stays */
		else if (*p == ',')
			*p = ' ';
	/*
	 * By default kexec_load without the purgatory's checksum: hashing init_size
	 * bytes twice is most of a run's time under an emulator.
	 */
	char *quick[] = { "/sbin/kexec", "-c", "--no-checks", "-p", "/capture/bzImage",
			  "--initrd=/capture/initramfs", append, NULL };
	char *checked[] = { "/sbin/kexec", "-s", "-p", "/capture/bzImage",
			    "--initrd=/capture/initramfs", append, NULL };
	int status = run_program(!strcmp(job->checks, "yes") ? checked : quick, NULL, last,
				 sizeof(last));

	if (status)
		die("setup-failed", "kexec: cannot load the crash kernel: %s", last);
}

void set_knob(const char *knob, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), KNOBS "%s", knob);
	int err = write_file(path, value);
	char reason[256];

	if (!err)
		return;
	/* Of these the driver says more than an errno can. */
	if ((strcmp(knob, "arm") && strcmp(knob, "dry")) ||
	    read_line(KNOBS "result", reason, sizeof(reason)))
		snprintf(reason, sizeof(reason), "%s", strerror(err));
	static const char prefix[] = "refused: ";
	bool prefixed = !strncmp(reason, prefix, strlen(prefix));

	die("refused", "driver: %s = %.80s: %s", knob, value,
	    prefixed ? reason + strlen(prefix) : reason);
}

void set_layout(const struct job *job)
{
	char layout[256];

	if (!job->layout)
		return;
	snprintf(layout, sizeof(layout), "%s", job->layout);
	for (char *p = layout; *p; p++)
		if (*p == ',')
			*p = ' ';
	set_knob("layout", layout);
}

static void arm(const struct job *job)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", job->victim);
	set_knob("cpu", number);
	set_knob("deliver", job->deliver);
	set_knob("point", job->probe);
	if (strcmp(job->point, job->probe))
		set_knob("label", job->point);
	if (job->skip)
		set_knob("skip", job->skip);
	set_layout(job);
	if (job->svm)
		set_knob("svm", job->svm);
	if (!strcmp(job->trigger, "create"))
		set_knob("task", NEWCOMER);
	if (!strcmp(job->arm, "no"))
		return;
	/* Running guests may reach a point at once: nothing is said after this. */
	report("phase arm");
	set_knob("arm", "1");
	report("phase armed %s on CPU %u, %s", job->probe, job->victim, job->deliver);
}

static bool fired_or_lost(void)
{
	char result[256];

	if (read_line(KNOBS "result", result, sizeof(result)))
		return false;
	return strncmp(result, "armed", strlen("armed")) != 0;
}

/* Whether the first CPU has @flag, which is one word of /proc/cpuinfo. */
static bool cpu_has(const char *flag)
{
	FILE *info = fopen("/proc/cpuinfo", "r");
	char line[4096];
	bool has = false;

	if (!info)
		die("setup-failed", "/proc/cpuinfo: %s", strerror(errno));
	while (!has && fgets(line, sizeof(line), info)) {
		if (strncmp(line, "flags", strlen("flags")))
			continue;
		for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"))
			has = has || !strcmp(word, flag);
	}
	fclose(info);
	return has;
}

void load_kvm_core(void)
{
	load_module("/modules/irqbypass.ko", "");
	load_module("/modules/kvm.ko", "");
}

void load_kvm(const char *parameters)
{
	const char *vendor = cpu_has("vmx") ? "/modules/kvm-intel.ko" :
			     cpu_has("svm") ? "/modules/kvm-amd.ko" : NULL;

	if (!vendor)
		die("setup-failed", "the CPU has neither VMX nor SVM (flags in /proc/cpuinfo)");
	load_kvm_core();
	load_module(vendor, parameters);
}

/* The rest of the job comes with each fork. */
static void take_snapshot(struct host *host, struct job *job)
{
	char *arguments[32];
	int nr = 0;

	for (char *a = strtok(snapshot_wait(), " "); a; a = strtok(NULL, " "))
		if (nr < (int)(sizeof(arguments) / sizeof(arguments[0])))
			arguments[nr++] = a;
	job_parse(job, nr, arguments);
	if (job->vary)
		vary(host, job->vary);
}

void host_main(struct job *job)
{
	static struct host host;
	char result[256];

	host.job = job;
	report("phase boot");
	/* Off by default */
	load_kvm(strcmp(job->situation, "maxphyaddr") ? "" : "allow_smaller_maxphyaddr=1");
	load_module("/modules/kdump_torture.ko", "");
	situation_make(&host);
	load_crash_kernel(job);
	if (!strcmp(job->snapshot, "yes"))
		take_snapshot(&host, job);
	if (!strcmp(job->dry, "yes"))
		dry_main(&host);
	if (!job->point)
		die("setup-failed", "agent: no point to arm");
	if (!job->probe)
		job->probe = job->point;
	arm(job);
	char *list = strdup(job->trigger);

	for (char *t = strtok(list, ","); t; t = strtok(NULL, ",")) {
		trigger_pull(&host, t);
		if (fired_or_lost())
			break;
	}
	if (read_line(KNOBS "result", result, sizeof(result)))
		result[0] = '\0';
	if (!strncmp(result, "nmi-lost", strlen("nmi-lost")))
		die("nmi-lost", "%s was reached, but no NMI came; the driver says: %s",
		    job->point, result);
	die("not-fired", "%s was not reached; the driver says: %s", job->point, result);
}
