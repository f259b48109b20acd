/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_H
#define AGENT_H

/*
 * The agent is the only program of the project that runs in a target.  In an
 * emulated target it is /init of both kernels. What it has to do comes as
 * KEY=VALUE arguments ("role=host guests=3 ...") or, in the capture kernel, as
 * agent_KEY=VALUE in the environment: kexec appends options of its own to the
 * command line, so nothing there can stand behind "--". It reports by lines on
 * the second serial port:
 *
 *	phase NAME [DETAIL]	a new phase has begun
 *	progress DETAIL		a sign of life within a phase
 *	note TEXT		something the user should be told
 *	test NAME		a test begins
 *	tap LINE		a line that it prints
 *	result exit N		it has ended; or "signal N", or "time SECONDS": it was too slow
 *	dry INDEX:HITS ...	hits of boundaries in dry mode; dry-missed likewise
 *	dry-bad VIOLATION	one of the driver's lines on what is wrong
 *	dry-end HITS BAD	how many in all
 *	error OUTCOME TEXT	the run ends with this outcome
 *	end OUTCOME		the run ends; what is on disk is synced
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What the target is told to do; units and defaults in main(). */
struct job {
	const char *role;	/* "host", "capture" or "kselftest"; "create-vm" stands alone */
	unsigned int guests;	/* launched on the victim CPU */
	unsigned int bystanders; /* launched on another CPU */
	unsigned int victim;	/* CPU number */
	const char *point;	/* OP/STEP or FUNCTION+0xOFF; NULL: do not arm */
	const char *probe;	/* what the driver is to arm for it */
	const char *deliver;	/* self, remote or shootdown */
	const char *trigger;	/* names in trigger.c, comma separated */
	const char *situation;	/* a name in situation.c: what comes before the crash */
	const char *skip;	/* matching hits to let pass */
	const char *svm;	/* "keep": the crash path leaves SVM on; NULL: as it is */
	const char *layout;	/* of struct loaded_vmcs, for the driver */
	const char *capture;	/* "no": load no crash kernel */
	const char *checks;	/* "yes": load it with checksums of all its segments */
	const char *arm;	/* "no": leave the driver unarmed */
	const char *snapshot;	/* "yes": be forked for each crash; then comes the rest */
	const char *vary;	/* seed; NULL: do what every fork of a snapshot does */
	const char *compress;	/* "yes": the dump, with zlib */
	const char *dry;	/* "yes": crash nothing, pull all triggers, report */
	const char *dump;	/* "disk", or "emulator": hand it over */
	const char *tests;	/* of role kselftest: their names, comma separated */
	const char *arguments;	/* of the scripts among them, comma separated, + for a space */
	const char *append;	/* capture kernel command line, ',' for ' ', ',,' for ',' */
};

/* report.c */
void report_open(void);
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Report "error OUTCOME TEXT" and stop for good: the host resets the target. */
void die(const char *outcome, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
/* Stop for good after a last line. */
void halt_here(void) __attribute__((noreturn));

/* util.c */
/* Write @text to @path. Return: 0 or an errno value. */
int write_file(const char *path, const char *text);
/* First line of @path into @line, without newline. Return: 0 or an errno value. */
int read_line(const char *path, char *line, size_t size);
/* Load a module. Dies when the kernel refuses. */
void load_module(const char *path, const char *parameters);
/*
 * Run a program, calling @idle (may be NULL) about once a second, and put the
 * last non-empty line it printed into @last (NULL: not wanted).
 * Return: its wait status.
 */
int run_program(char *const argv[], void (*idle)(void), char *last, size_t size);
/* Pin the calling thread to @cpu. Dies when that fails. */
void pin_to_cpu(unsigned int cpu);

/*
 * Wait until the child @pid has ended, at most @seconds.
 * Return: whether it has; then @ret is its wait status (NULL: not wanted).
 */
bool wait_for_child(pid_t pid, unsigned int seconds, int *ret);

/* guest.c */
/* Create a VM and let it go again. Prints the name of the errno. Return: exit status. */
int try_vm(void);
/* What a guest that is a hypervisor is to do; it first does what that needs. */
enum nested_act {
	NESTED_ON,	/* VMXON; if it was on, after VMXOFF */
	NESTED_LOAD,	/* VMCLEAR and VMPTRLD of its VMCS, which it then fills */
	NESTED_ENTER,	/* into its own guest, L2; if it was there, after a VM exit */
	NESTED_VMWRITE,	/* VMWRITE and VMREAD of fields of every kind */
	NESTED_CLEAR,	/* VMCLEAR of the current VMCS */
	NESTED_OFF,	/* VMXOFF */
};

struct guest {
	pid_t pid;	/* 0: it has ended */
	bool stays;	/* runs only when it is told to */
	int command;	/* write one struct guest_command at a time */
	int ready;	/* one byte arrives for each command done */
};

/* Start a process on @cpu that makes a VM with one vCPU when told to. */
void guest_start(struct guest *guest, const char *name, unsigned int cpu);
/* Create the VM, run it on its CPU, wait until the guest has executed. */
void guest_launch(struct guest *guest);
/* The same without waiting: the launch may never return. */
void guest_launch_async(struct guest *guest);
/* Move the vCPU to @cpu and run it there, without waiting. */
void guest_migrate_async(struct guest *guest, unsigned int cpu);
/* Let it be a hypervisor, from its launch on, and do this. */
void guest_nested(struct guest *guest, enum nested_act act);
/* The same without waiting. */
void guest_nested_async(struct guest *guest, enum nested_act act);
/*
 * Let it be one whose MAXPHYADDR is smaller than the host's, from its launch on, and
 * access addresses beyond it.
 */
void guest_reserved(struct guest *guest);
/* The same without waiting. */
void guest_reserved_async(struct guest *guest);
/* Let the vCPU not run until the next command. */
void guest_rest(struct guest *guest);
/* Let it from now on run only for commands. */
void guest_stay(struct guest *guest);
/* Wait for the last asynchronous command at most @seconds. Return: done. */
bool guest_wait(struct guest *guest, unsigned int seconds);
/* Kill the process and with it the VM. Return: it ended within @seconds. */
bool guest_end(struct guest *guest, unsigned int seconds);

/* vms.c */
#define MAX_VMS	256
/* How long a trigger may take. Well above the driver's hold time-out of 10 s. */
#define TRIGGER_SECONDS	20

/* A host and its VMs: those on the victim CPU, those elsewhere, newcomers. */
struct host {
	const struct job *job;
	struct guest guests[MAX_VMS];
	unsigned int nr;	/* of them, those that have ended included */
	bool stays;		/* what vms_stay() says */
	struct guest *hypervisor; /* that one of them; NULL: there was none */
	struct guest *small;	/* likewise: its MAXPHYADDR is smaller than the host's */
};

/* The CPU that the bystanders are on. */
unsigned int other_cpu(const struct job *job);
/* What the first of the VMs is; the others are plain. */
enum vms_first {
	VMS_PLAIN,
	VMS_NESTED,	/* a hypervisor, and in L2 */
	VMS_SMALL,	/* its MAXPHYADDR is smaller than the host's */
};

/* Start and launch the VMs that the job asks for. */
void vms_start(struct host *host, enum vms_first first);
/* One VM more, not launched yet. */
struct guest *vms_add(struct host *host, const char *name, unsigned int cpu);
/* Let all, and those to come, run only when a trigger says so. */
void vms_stay(struct host *host);
/* How many have not ended. */
unsigned int vms_living(const struct host *host);
/* End them, the victim CPU's last, each within TRIGGER_SECONDS. Return: done. */
bool vms_end(struct host *host);
/*
 * Unplug @cpu with the VMs on it at rest, so that it takes all their VMCSes
 * along; they go on elsewhere. Return: done within TRIGGER_SECONDS. Dies when
 * the kernel refuses.
 */
bool vms_unplug(struct host *host, unsigned int cpu);
bool cpu_is_online(unsigned int cpu);
/* What is missing for unplugging; NULL: nothing. */
const char *vms_unplug_needs(unsigned int cpu);

/* trigger.c */
#define NEWCOMER	"guest-new"	/* the VM that trigger create makes */
/* Returns only if the point was not reached, or the NMI was lost. */
void trigger_pull(struct host *host, const char *name);

/* situation.c */
/* Do what comes before the crash, from the first VM on. */
void situation_make(struct host *host);

/* host.c */
/* Load the KVM modules, that of the vendor with @parameters. Dies when the kernel refuses. */
void load_kvm(const char *parameters);
/* The same without that of the CPU's vendor. */
void load_kvm_core(void);
/* The driver's control files. */
#define KNOBS		"/sys/kernel/debug/kdump_torture/"
/* Write one knob of the driver; its refusal ends the run. */
void set_knob(const char *knob, const char *value);
/* Load the crash kernel, unless the job says "capture=no". */
void load_crash_kernel(const struct job *job);
/* Tell the driver what struct loaded_vmcs looks like, if the job says it. */
void set_layout(const struct job *job);

/* dry.c */
/* Pull all triggers with the driver in dry mode, and report what it found. */
void dry_main(struct host *host) __attribute__((noreturn));

/* snapshot.c */
/*
 * Let the emulator fork here. Returns in each fork, with its job: KEY=VALUE,
 * separated by spaces.
 */
char *snapshot_wait(void);
/* Hand the file @path over to the emulator, as the dump. */
void snapshot_hand_over(const char *path);

/* vary.c */
/* Become unlike the other forks, in a way that @seed alone decides. */
void vary(struct host *host, const char *seed);

/* main.c */
/* Read KEY=VALUE arguments into @job, which keeps pointers to them. Dies of others. */
void job_parse(struct job *job, int argc, char **argv);

/* What each role does. */
void host_main(struct job *job) __attribute__((noreturn));
void capture_main(const struct job *job) __attribute__((noreturn));
void kselftest_main(const struct job *job) __attribute__((noreturn));

#endif
