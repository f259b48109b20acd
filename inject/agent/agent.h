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
 *	tap LINE		a line of KTAP
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
	const char *trigger;	/* comma separated; triggers[] in host.c */
	const char *skip;	/* matching hits to let pass */
	const char *layout;	/* of struct loaded_vmcs, for the driver */
	const char *capture;	/* "no": load no crash kernel */
	const char *checks;	/* "yes": load it with checksums of all its segments */
	const char *arm;	/* "no": leave the driver unarmed */
	const char *snapshot;	/* "yes": be forked for each crash; then comes the rest */
	const char *vary;	/* seed; NULL: do what every fork of a snapshot does */
	const char *compress;	/* "yes": the dump, with zlib */
	const char *dry;	/* "yes": crash nothing, pull all triggers, report */
	const char *dump;	/* "disk", or "emulator": hand it over */
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

/* guest.c */
/* Create a VM and let it go again. Prints the name of the errno. Return: exit status. */
int try_vm(void);

struct guest {
	pid_t pid;	/* 0: none */
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
/* Let these, and all that are started later, run only when they are told to. */
void guests_rest(struct guest *guests, unsigned int nr);
/* End its process and with it the VM, if there is one. */
void guest_kill(struct guest *guest);
/* Wait for the last asynchronous command at most @seconds. Return: done. */
bool guest_wait(struct guest *guest, unsigned int seconds);

/* host.c */
/* Load the KVM modules. Dies when the kernel refuses. */
void load_kvm(void);
/* Load the crash kernel, unless the job says "capture=no". */
void load_crash_kernel(const struct job *job);
/* Where the driver's knobs are. */
#define KNOBS "/sys/kernel/debug/kdump_torture/"
/* Write one of them. Its refusal ends the run. */
void set_knob(const char *knob, const char *value);
/* Tell the driver what struct loaded_vmcs looks like, if the job says it. */
void set_layout(const struct job *job);
/* Let the guests run only when a trigger says so. */
void rest_guests(const struct job *job);
/* Returns only if nothing crashed. */
void pull_trigger(const struct job *job, const char *trigger);

/* dry.c */
/* Pull all triggers with the driver in dry mode, and report what it found. */
void dry_main(const struct job *job) __attribute__((noreturn));

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
void vary(const char *seed, unsigned int other_cpu);

/* main.c */
/* Read KEY=VALUE arguments into @job, which keeps pointers to them. Dies of others. */
void job_parse(struct job *job, int argc, char **argv);

/* What each role does. */
void host_main(struct job *job) __attribute__((noreturn));
void capture_main(const struct job *job) __attribute__((noreturn));
void kselftest_main(const struct job *job) __attribute__((noreturn));

#endif
