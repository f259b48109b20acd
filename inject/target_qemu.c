// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host in QEMU: the emulated AMD host, by TCG with SVM, or, where /dev/kvm
 * offers nesting, one whose SVM or VMX is that of this machine's CPUs. QEMU loads
 * the kernel itself; a machine of type pc has the disk controller (PIIX) that the
 * kernels know. What Bochs leaves in the dump alone is asked of QEMU's monitor:
 * EFER of each CPU once the capture kernel runs.
 */
#include "inject/target_qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/host_image.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/serial.h"
#include "inject/target.h"

#define QEMU	"qemu-system-x86_64"

/* Bits of CPUID: leaf 1 ECX, and leaf 0x80000001 ECX (APM vol. 3, E.4.2). */
#define CPUID_VMX	(1U << 5)
#define CPUID_SVM	(1U << 2)
#define CPUID_EXTENDED	0x80000001U

#define MAX_CPUID	256

/* Seconds for an answer of the monitor; it is there at once. */
#define MONITOR_SECONDS	10

enum nested_kind { NESTED_NONE, NESTED_VMX, NESTED_SVM };

struct target {
	struct target_config config;
	pid_t pid;		/* 0: not running */
	int monitor[2];		/* socket to QEMU's monitor: our end, its end */
	struct serial serial;
	enum nested_kind nested; /* by KVM; NESTED_NONE: emulated */
	char version[64];
	char why[160];		/* this way of running */
	char reason[256];
};

static const char emulator_log[] = "emulator.log";

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What guests of this machine's KVM may have, by its own word. */
static enum nested_kind supported_kind(int kvm)
{
	_cleanup_free_ struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(cpuid->entries[0]));

	if (!cpuid)
		return NESTED_NONE;
	cpuid->nent = MAX_CPUID;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		return NESTED_NONE;
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1 && entry->ecx & CPUID_VMX)
			return NESTED_VMX;
		if (entry->function == CPUID_EXTENDED && entry->ecx & CPUID_SVM)
			return NESTED_SVM;
	}
	return NESTED_NONE;
}

/* What KVM offers if it can be used; and in @why that it is, or why it is not. */
static enum nested_kind find_nested(char *why, size_t size)
{
	_cleanup_close_ int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int error = errno;
	enum nested_kind nested = kvm >= 0 ? supported_kind(kvm) : NESTED_NONE;

	if (nested)
		snprintf(why, size,
			 "KVM runs the host: /dev/kvm offers nested %s",
			 nested == NESTED_VMX ? "VMX" : "SVM");
	else if (kvm >= 0)
		snprintf(why, size, "TCG emulates the host: /dev/kvm offers its guests neither VMX "
			 "nor SVM");
	else
		snprintf(why, size, "TCG emulates the host: /dev/kvm: %s", strerror(error));
	return nested;
}

static bool qemu_has_svm(void)
{
	char why[160];

	return find_nested(why, sizeof(why)) != NESTED_VMX;
}

/* "QEMU 7.2.22 (TCG, SVM)" */
static struct error *read_version(enum nested_kind nested, char *ret, size_t size)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = run_tool((const char *[]){ QEMU, "--version", NULL }, &text);
	char number[24] = "";

	if (err)
		return error_context(err, QEMU " cannot be started; install it with 'make deps'");
	if (sscanf(text, "QEMU emulator version %23s", number) != 1)
		return error_new(QEMU ": no version in \"%.40s\"", text);
	snprintf(ret, size, "QEMU %s (%s, %s)", number, nested ? "KVM" : "TCG",
		 nested == NESTED_VMX ? "VMX" : "SVM");
	return NULL;
}

struct error *target_qemu_describe(char *ret, size_t size)
{
	char why[160], version[64];
	struct error *err = read_version(find_nested(why, sizeof(why)), version, sizeof(version));

	if (!err)
		snprintf(ret, size, "%s: %s", version, why);
	return err;
}

static struct error *qemu_create(const struct target_config *config, struct target **ret)
{
	_cleanup_free_ struct target *target = calloc(1, sizeof(*target));

	if (!target)
		return &error_no_memory;
	target->nested = find_nested(target->why, sizeof(target->why));
	target->config = *config;
	target->config.amd = target->nested != NESTED_VMX;
	struct error *err = target->config.amd ? kernel_build_need_amd(config->kernel) : NULL;

	if (!err)
		err = read_version(target->nested, target->version, sizeof(target->version));
	if (err)
		return err;
	target->monitor[0] = target->monitor[1] = -1;
	serial_init(&target->serial, config->directory);
	*ret = no_cleanup_ptr(target);
	return NULL;
}

static struct error *qemu_prepare(struct target *target)
{
	struct error *err = host_image_build_initramfs(&target->config);

	return err ? err : host_image_build_disk(&target->config);
}

/* What QEMU is started with; the strings live as long as this. */
struct arguments {
	char *initramfs, *disk, *command_line;
	char memory[16], cpus[16], monitor[48], serial[SERIAL_PORTS][64];
};

static void arguments_deinit(struct arguments *arguments)
{
	free(arguments->initramfs);
	free(arguments->disk);
	free(arguments->command_line);
}

static struct error *make_arguments(struct target *target, struct arguments *ret)
{
	const struct target_config *config = &target->config;
	_cleanup_free_ char *disk = host_image_path(config, HOST_DISK);
	struct error *err = host_image_command_line(config, &ret->command_line);

	ret->initramfs = host_image_path(config, HOST_INITRAMFS);
	if (!err && (!disk || !ret->initramfs ||
		     asprintf(&ret->disk, "file=%s,format=raw,if=ide,index=0,media=disk", disk) < 0))
		err = &error_no_memory;
	if (!err && strchr(config->directory, ','))
		err = error_new("%s: QEMU takes no name with a comma; use another directory",
				config->directory);
	for (int i = 0; !err && i < SERIAL_PORTS; i++) {
		int port;

		err = serial_listen(&target->serial, i, &port);
		if (!err)
			snprintf(ret->serial[i], sizeof(ret->serial[i]), "tcp:127.0.0.1:%d", port);
	}
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, target->monitor))
		return error_errno(errno, QEMU ": cannot make a socket");
	snprintf(ret->memory, sizeof(ret->memory), "%uM", config->memory);
	snprintf(ret->cpus, sizeof(ret->cpus), "%u", config->cpus);
	snprintf(ret->monitor, sizeof(ret->monitor), "socket,id=monitor,fd=%d", target->monitor[1]);
	return NULL;
}

/* In the child, which becomes QEMU. */
static void become_qemu(const struct target *target, struct arguments *arguments, int log)
{
	/*
	 * phys-bits: more than TCG's own 40, and fewer than the 52 of page tables, so
	 * that a guest may have fewer and the host has illegal bits, too. la57: for
	 * guests with 5-level paging. -no-reboot: a reset, whatever its cause, ends QEMU.
	 * One thread for both CPUs: with one for each, guests of SVM were seen to hang.
	 */
	char *argv[] = {
		QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", target->nested ? "kvm" : "tcg,thread=single",
		"-cpu", target->nested ? "host" : "EPYC,+svm,+npt,+la57,phys-bits=43",
		"-smp", arguments->cpus, "-m", arguments->memory,
		"-kernel", target->config.kernel->bzimage, "-initrd", arguments->initramfs,
		"-append", arguments->command_line, "-drive", arguments->disk,
		"-serial", arguments->serial[SERIAL_CONSOLE],
		"-serial", arguments->serial[SERIAL_AGENT],
		"-chardev", arguments->monitor, "-mon", "chardev=monitor,mode=readline",
		NULL,
	};

	fcntl(target->monitor[1], F_SETFD, 0);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execvp(QEMU, argv);
	_exit(EMULATOR_EXEC_FAILED);
}

static struct error *qemu_boot(struct target *target)
{
	_cleanup_(arguments_deinit) struct arguments arguments = {};
	_cleanup_free_ char *path = host_image_path(&target->config, emulator_log);
	struct error *err = make_arguments(target, &arguments);
	pid_t parent = getpid();

	if (!err && !path)
		err = &error_no_memory;
	if (err)
		return err;

	_cleanup_close_ int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (log < 0)
		return error_errno(errno, "%s: cannot write", path);
	target->pid = fork();
	if (target->pid < 0) {
		target->pid = 0;
		return error_errno(errno, QEMU ": cannot be started");
	}
	if (!target->pid) {
		/* However we end, even by SIGKILL, QEMU ends too. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EMULATOR_EXEC_FAILED);
		become_qemu(target, &arguments, log);
	}
	close_fd(&target->monitor[1]);
	return NULL;
}

/* The last line of what QEMU wrote; it says why it could not go on. */
static void read_last_line(const struct target *target, char *ret, size_t size)
{
	_cleanup_free_ char *path = host_image_path(&target->config, emulator_log);
	_cleanup_fclose_ FILE *log = path ? fopen(path, "re") : NULL;
	char line[200];

	while (log && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			snprintf(ret, size, "QEMU: %s", line);
	}
}

/* With -no-reboot it exits with 0 for a reset; nothing in a target powers it off. */
static enum target_event qemu_ended(struct target *target)
{
	int status;

	if (waitpid(target->pid, &status, WNOHANG) != target->pid)
		return TARGET_QUIET;
	target->pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		snprintf(target->reason, sizeof(target->reason),
			 "QEMU: the machine reset itself (triple fault or reboot)");
		return TARGET_RESET;
	}
	if (WIFSIGNALED(status)) {
		snprintf(target->reason, sizeof(target->reason), "QEMU: killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		return TARGET_ENDED;
	}
	snprintf(target->reason, sizeof(target->reason), "QEMU: exited with status %d",
		 WEXITSTATUS(status));
	read_last_line(target, target->reason, sizeof(target->reason));
	return TARGET_ENDED;
}

static enum target_event qemu_next_event(struct target *target, int timeout, const char **text)
{
	struct pollfd none = { .fd = -1 };
	enum target_event event = serial_next_event(&target->serial, &none, timeout, text);

	if (event != TARGET_QUIET)
		return event;
	*text = target->reason;
	return target->pid ? qemu_ended(target) : TARGET_ENDED;
}

static struct error *qemu_collect(struct target *target, const char *name, const char *path,
				  bool *ret)
{
	return host_image_collect(&target->config, name, path, ret);
}

/* A line of the monitor, without "\r\n"; false: none came in time. */
static bool monitor_line(int monitor, char *ret, size_t size)
{
	double end = now_seconds() + MONITOR_SECONDS;
	size_t length = 0;
	char c;

	while (now_seconds() < end) {
		struct pollfd fd = { .fd = monitor, .events = POLLIN };

		if (poll(&fd, 1, 100) <= 0)
			continue;
		if (read(monitor, &c, 1) != 1)
			return false;
		if (c == '\n') {
			ret[length] = '\0';
			return true;
		}
		if (c != '\r' && length < size - 1)
			ret[length++] = c;
	}
	return false;
}

/* "CPU#1" heads the registers of each CPU, "EFER=0000000000000d01" is one of them. */
static struct error *qemu_read_efer(struct target *target, uint64_t *ret)
{
	static const char request[] = "info registers -a\n";
	unsigned int cpu = target->config.cpus, found = 0;
	char line[512];

	if (send(target->monitor[0], request, strlen(request), MSG_NOSIGNAL) < 0)
		return error_errno(errno, "QEMU's monitor: cannot ask it");
	while (found < target->config.cpus) {
		if (!monitor_line(target->monitor[0], line, sizeof(line)))
			return error_new("QEMU's monitor: no answer to 'info registers -a'");
		const char *head = strstr(line, "CPU#"), *efer = strstr(line, "EFER=");

		if (head)
			cpu = strtoul(head + strlen("CPU#"), NULL, 10);
		if (efer && cpu < target->config.cpus) {
			ret[cpu] = strtoull(efer + strlen("EFER="), NULL, 16);
			found++;
		}
	}
	return NULL;
}

static const char *qemu_version(const struct target *target)
{
	return target->version;
}

static const char *qemu_why(const struct target *target)
{
	return target->why;
}

static void qemu_reset(struct target *target)
{
	if (target->pid) {
		kill(target->pid, SIGKILL);
		waitpid(target->pid, NULL, 0);
		target->pid = 0;
	}
	for (int i = 0; i < 2; i++)
		close_fd(&target->monitor[i]);
	serial_disconnect(&target->serial);
	host_image_remove(&target->config);
}

static void qemu_destroy(struct target *target)
{
	qemu_reset(target);
	serial_deinit(&target->serial);
	free(target);
}

const struct target_ops target_qemu = {
	.name = "qemu",
	.create = qemu_create,
	.prepare = qemu_prepare,
	.boot = qemu_boot,
	.next_event = qemu_next_event,
	.collect = qemu_collect,
	.read_efer = qemu_read_efer,
	.has_svm = qemu_has_svm,
	.version = qemu_version,
	.why = qemu_why,
	.reset = qemu_reset,
	.destroy = qemu_destroy,
};
