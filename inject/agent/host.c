// SPDX-License-Identifier: GPL-2.0-or-later
/* The host to be crashed: guests, crash kernel, armed driver, trigger. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEWCOMER	"guest-new"	/* the VM that trigger create makes */
#define MAX_GUESTS	256
/* How long a trigger may take. Well above the driver's hold time-out of 10 s. */
#define TRIGGER_SECONDS	20

static struct guest guests[MAX_GUESTS];
static struct guest newcomer;

static unsigned int other_cpu(const struct job *job)
{
	return job->victim ? 0 : 1;
}

static void start_guests(const struct job *job)
{
	unsigned int total = job->guests + job->bystanders;

	if (total > MAX_GUESTS)
		die("setup-failed", "%u guests: at most %u", total, MAX_GUESTS);
	report("phase guests %u on CPU %u, %u elsewhere", job->guests, job->victim,
	       job->bystanders);
	for (unsigned int i = 0; i < total; i++) {
		unsigned int cpu = i < job->guests ? job->victim : other_cpu(job);
		char name[16];

		snprintf(name, sizeof(name), "guest-%u", i);
		guest_start(&guests[i], name, cpu);
		guest_launch(&guests[i]);
	}
}

void rest_guests(const struct job *job)
{
	guests_rest(guests, job->guests + job->bystanders);
}

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

/* The subject of most triggers. */
static struct guest *victim_guest(const struct job *job, const char *trigger)
{
	if (!job->guests)
		die("setup-failed", "trigger %s needs a guest on the victim CPU", trigger);
	return &guests[0];
}

static void wait_for(struct guest *guest, const char *trigger)
{
	if (!guest_wait(guest, TRIGGER_SECONDS))
		report("note trigger %s did not finish in %d s", trigger, TRIGGER_SECONDS);
}

static void trigger_create(const struct job *job, const char *trigger)
{
	guest_start(&newcomer, NEWCOMER, job->victim);
	guest_launch_async(&newcomer);
	wait_for(&newcomer, trigger);
}

static void trigger_migrate(const struct job *job, const char *trigger)
{
	struct guest *guest = victim_guest(job, trigger);

	guest_migrate_async(guest, other_cpu(job));
	wait_for(guest, trigger);
}

static void trigger_destroy(const struct job *job, const char *trigger)
{
	guest_kill(victim_guest(job, trigger));
}

/* With the last VM the host leaves VMX operation. */
static void trigger_last(const struct job *job, const char *trigger)
{
	victim_guest(job, trigger);
	for (unsigned int i = 0; i < job->guests + job->bystanders; i++)
		guest_kill(&guests[i]);
	guest_kill(&newcomer);
}

/* The host empties the CPU's list and leaves VMX operation there. */
static void trigger_offline(const struct job *job, const char *trigger)
{
	char path[64];

	if (!job->victim)
		die("setup-failed", "trigger %s: CPU 0 cannot be taken offline", trigger);
	pin_to_cpu(other_cpu(job));
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", job->victim);
	int err = write_file(path, "0");

	if (err)
		die("setup-failed", "%s: %s", path, strerror(err));
}

/* From another CPU: what the victim does is not to be this. */
static void trigger_now(const struct job *job, const char *trigger)
{
	(void)trigger;
	pin_to_cpu(other_cpu(job));
	set_knob("fire", "1");
	sleep(TRIGGER_SECONDS);
}

static const struct {
	const char *name;
	void (*pull)(const struct job *job, const char *trigger);
} triggers[] = {
	{ "create", trigger_create },
	{ "first", trigger_create },
	{ "migrate", trigger_migrate },
	{ "destroy", trigger_destroy },
	{ "last", trigger_last },
	{ "offline", trigger_offline },
	{ "now", trigger_now },
};

void pull_trigger(const struct job *job, const char *trigger)
{
	report("phase fire %s", trigger);
	for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
		if (!strcmp(triggers[i].name, trigger)) {
			triggers[i].pull(job, trigger);
			return;
		}
	}
	die("setup-failed", "trigger %s: unknown", trigger);
}

void load_kvm(void)
{
	load_module("/modules/irqbypass.ko", "");
	load_module("/modules/kvm.ko", "");
	load_module("/modules/kvm-intel.ko", "");
}

/* The rest of the job comes with each fork. */
static void take_snapshot(struct job *job)
{
	char *arguments[32];
	int nr = 0;

	for (char *a = strtok(snapshot_wait(), " "); a; a = strtok(NULL, " "))
		if (nr < (int)(sizeof(arguments) / sizeof(arguments[0])))
			arguments[nr++] = a;
	job_parse(job, nr, arguments);
	if (job->vary)
		vary(job->vary, other_cpu(job));
}

void host_main(struct job *job)
{
	char result[256];

	report("phase boot");
	load_kvm();
	load_module("/modules/kdump_torture.ko", "");
	start_guests(job);
	load_crash_kernel(job);
	if (!strcmp(job->snapshot, "yes"))
		take_snapshot(job);
	if (!strcmp(job->dry, "yes"))
		dry_main(job);
	if (!job->point)
		die("setup-failed", "agent: no point to arm");
	if (!job->probe)
		job->probe = job->point;
	arm(job);
	char *list = strdup(job->trigger);

	for (char *t = strtok(list, ","); t; t = strtok(NULL, ",")) {
		pull_trigger(job, t);
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
