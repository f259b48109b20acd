// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated Intel host: Bochs with VMX, booted from a CD image that is made
 * for each run, with a disk for the dump. The first serial port is the kernel's
 * console, the second carries the agent's lines; both reach us over loopback
 * TCP, the only live back end of Bochs that needs no terminal. The packaged
 * Bochs waits at its debugger's prompt for "c", continue.
 */
#include "inject/target_bochs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/host_image.h"
#include "inject/image.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/serial.h"
#include "inject/snapshot/protocol.h"

#define BIOS		"/usr/share/bochs/BIOS-bochs-latest"
#define VGABIOS		"/usr/share/bochs/VGABIOS-lgpl-latest"
#define ISOLINUX	"/usr/lib/ISOLINUX/isolinux.bin"
#define LDLINUX		"/usr/lib/syslinux/modules/bios/ldlinux.c32"

/* Emulated instructions a second: fixes emulated time, not speed. */
#define IPS		10000000

struct target {
	struct target_config config;
	struct emulator emulator;
	pid_t pid;		/* 0: not running */
	int terminal;		/* master side of the pty that Bochs draws on */
	int snapshot[2];	/* socket to the snapshot server: our end, its end */
	struct serial serial;
	char reason[256];
};

/* Files of a run, below config.directory. */
static const char boot_image[] = "boot.iso";
static const char disk_lock[] = HOST_DISK ".lock";
static const char bochsrc[] = "bochsrc";
static const char debugger_commands[] = "debugger";
static const char emulator_log[] = "emulator.log";

/* What the packaged Bochs would otherwise take from the machine it runs on. */
static const char packaged_devices[] =
	"display_library: term\nsound: driver=dummy\nspeaker: enabled=0\n";
static const char fast_devices[] = "display_library: nogui\n";

static char *path_of(const struct target *target, const char *file)
{
	return host_image_path(&target->config, file);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct error *bochs_create(const struct target_config *config, struct target **ret)
{
	_cleanup_free_ struct target *target = calloc(1, sizeof(*target));

	if (!target)
		return &error_no_memory;
	struct error *err = emulator_find(config->emulator, &target->emulator);

	if (err)
		return err;
	target->config = *config;
	target->terminal = -1;
	target->snapshot[0] = target->snapshot[1] = -1;
	serial_init(&target->serial, config->directory);
	*ret = no_cleanup_ptr(target);
	return NULL;
}

static struct error *build_boot_image(const struct target *target, const char *path)
{
	_cleanup_free_ char *initramfs = path_of(target, HOST_INITRAMFS);
	_cleanup_(cleanup_image) struct image *image = NULL;
	_cleanup_free_ char *command_line = NULL, *menu = NULL;
	struct error *err = host_image_command_line(&target->config, &command_line);

	/*
	 * The dates on the image are those of its making, alone of all that a host
	 * boots with, and only the boot loader reads past them.
	 */
	if (!err && (!initramfs ||
		     asprintf(&menu, "default host\nprompt 0\ntimeout 1\nlabel host\n"
				     " kernel /vmlinuz\n append initrd=/initramfs %s\n",
			      command_line) < 0))
		err = &error_no_memory;
	if (!err)
		err = image_create(path, IMAGE_ISOLINUX, &image);
	if (!err)
		err = image_add_file(image, "isolinux/isolinux.bin", ISOLINUX);
	if (!err)
		err = image_add_file(image, "isolinux/ldlinux.c32", LDLINUX);
	if (!err)
		err = image_add_text(image, "isolinux/isolinux.cfg", menu);
	if (!err)
		err = image_add_file(image, "vmlinuz", target->config.kernel->bzimage);
	if (!err)
		err = image_add_file(image, "initramfs", initramfs);
	return err ? err : image_finish(image);
}

/* A socket that the emulator inherits, and on it what the server must know. */
static struct error *prepare_snapshots(struct target *target, const char *iso, const char *log,
				       const int port[SERIAL_PORTS])
{
	struct snapshot_setup setup = {
		.memory = (uint64_t)target->config.memory << 20,
		.ips = IPS,
		.console_port = port[SERIAL_CONSOLE],
		.agent_port = port[SERIAL_AGENT],
	};

	if (strlen(iso) >= sizeof(setup.boot_image) || strlen(log) >= sizeof(setup.log))
		return error_new("%s: the name is too long; use a shorter directory", iso);
	strcpy(setup.boot_image, iso);
	strcpy(setup.log, log);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, target->snapshot) ||
	    send(target->snapshot[0], &setup, sizeof(setup), 0) != sizeof(setup))
		return error_errno(errno, "snapshot: cannot make a socket");
	return NULL;
}

static struct error *write_bochsrc(struct target *target, const char *iso, const char *disk)
{
	_cleanup_free_ char *log = path_of(target, emulator_log), *text = NULL;
	_cleanup_free_ char *disk_line = NULL;
	int port[SERIAL_PORTS];

	for (int i = 0; i < SERIAL_PORTS; i++) {
		struct error *err = serial_listen(&target->serial, i, &port[i]);

		if (err)
			return err;
	}
	if (!log || asprintf(&disk_line, "ata0-master: type=disk, path=\"%s\", mode=flat\n",
			     disk) < 0 ||
	    asprintf(&text,
		"megs: %u\n"
		"cpu: model=corei7_haswell_4770, count=%u:1:1, ips=%u, reset_on_triple_fault=0\n"
		"romimage: file=" BIOS "\n"
		"vgaromimage: file=" VGABIOS "\n"
		"%s"
		"clock: sync=none, time0=utc\n"
		"boot: cdrom\n"
		"%s"
		"ata1-master: type=cdrom, path=\"%s\", status=inserted\n"
		"com1: enabled=1, mode=socket-client, dev=127.0.0.1:%d\n"
		"com2: enabled=1, mode=socket-client, dev=127.0.0.1:%d\n"
		"log: \"%s\"\n"
		"panic: action=fatal\nerror: action=ignore\n"
		"info: action=ignore\ndebug: action=ignore\n",
		target->config.memory, target->config.cpus, IPS,
		target->emulator.debugger ? packaged_devices : fast_devices,
		target->config.serve_snapshots ? "port_e9_hack: enabled=1\n" : disk_line, iso,
		port[SERIAL_CONSOLE], port[SERIAL_AGENT], log) < 0)
		return &error_no_memory;
	struct error *err = target->config.serve_snapshots ?
				    prepare_snapshots(target, iso, log, port) : NULL;

	return err ? err : host_image_write(&target->config, bochsrc, text);
}

static struct error *bochs_prepare(struct target *target)
{
	_cleanup_free_ char *iso = path_of(target, boot_image);
	_cleanup_free_ char *disk = path_of(target, HOST_DISK);

	if (!iso || !disk)
		return &error_no_memory;
	struct error *err = host_image_build_initramfs(&target->config);

	if (!err)
		err = build_boot_image(target, iso);
	/* Snapshots hand their dumps over. */
	if (!err && !target->config.serve_snapshots)
		err = host_image_build_disk(&target->config);
	if (!err)
		err = write_bochsrc(target, iso, disk);
	if (!err && target->emulator.debugger)
		err = host_image_write(&target->config, debugger_commands, "c\n");
	return err;
}

/* In the child that becomes the emulator: a clock that stands still, and the server. */
static void preload_library(const struct target *target)
{
	char library[PATH_MAX], number[16];

	snprintf(library, sizeof(library), "%s/snapshot.so", data_directory());
	setenv("LD_PRELOAD", library, 1);
	if (!target->config.serve_snapshots)
		return;
	snprintf(number, sizeof(number), "%d", target->snapshot[1]);
	setenv(SNAPSHOT_ENVIRONMENT, number, 1);
	fcntl(target->snapshot[1], F_SETFD, 0);
}

static void become_emulator(const struct target *target, const char *rc, const char *commands)
{
	const char *program = target->emulator.program;

	setenv("TERM", "vt100", 1);
	preload_library(target);
	if (target->emulator.debugger)
		execlp(program, program, "-q", "-f", rc, "-rc", commands, NULL);
	else
		execl(program, program, "-q", "-f", rc, NULL);
	_exit(EMULATOR_EXEC_FAILED);
}

static struct error *bochs_boot(struct target *target)
{
	_cleanup_free_ char *rc = path_of(target, bochsrc);
	_cleanup_free_ char *commands = path_of(target, debugger_commands);
	struct winsize window = { .ws_row = 25, .ws_col = 80 };
	pid_t parent = getpid();

	if (!rc || !commands)
		return &error_no_memory;
	target->pid = forkpty(&target->terminal, NULL, NULL, &window);
	if (target->pid < 0) {
		target->pid = 0;
		return error_errno(errno, "bochs: cannot start under a pseudo terminal");
	}
	if (!target->pid) {
		/* However we end, even by SIGKILL, the emulator ends too. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EMULATOR_EXEC_FAILED);
		become_emulator(target, rc, commands);
	}
	fcntl(target->terminal, F_SETFD, FD_CLOEXEC);
	close_fd(&target->snapshot[1]);
	return NULL;
}

static enum target_event emulator_ended(struct target *target)
{
	int status;

	if (waitpid(target->pid, &status, WNOHANG) != target->pid)
		return TARGET_QUIET;
	target->pid = 0;
	_cleanup_free_ char *log = path_of(target, emulator_log);
	bool reset = emulator_explain_end(&target->emulator, status, log, target->reason,
					  sizeof(target->reason));

	return reset ? TARGET_RESET : TARGET_ENDED;
}

/* What Bochs draws is of no use, but must be read so that it never blocks. */
static void drain_terminal(struct target *target)
{
	char drawn[4096];

	if (read(target->terminal, drawn, sizeof(drawn)) <= 0) {
		close(target->terminal);
		target->terminal = -1;
	}
}

static enum target_event bochs_next_event(struct target *target, int timeout, const char **text)
{
	struct pollfd terminal = { .fd = target->terminal, .events = POLLIN };
	enum target_event event = serial_next_event(&target->serial, &terminal, timeout, text);

	if (terminal.revents)
		drain_terminal(target);
	if (event != TARGET_QUIET || terminal.revents)
		return event;
	*text = target->reason;
	return target->pid ? emulator_ended(target) : TARGET_ENDED;
}

static struct error *bochs_collect(struct target *target, const char *name, const char *path,
				   bool *ret)
{
	return host_image_collect(&target->config, name, path, ret);
}

static const char *bochs_version(const struct target *target)
{
	return target->emulator.version;
}

int target_bochs_snapshot(const struct target *target)
{
	return target->snapshot[0];
}

void target_bochs_forget_images(const struct target *target)
{
	static const char *const own_files[] = {
		boot_image, disk_lock, bochsrc, debugger_commands,
	};

	host_image_remove(&target->config);
	for (size_t i = 0; i < sizeof(own_files) / sizeof(own_files[0]); i++) {
		_cleanup_free_ char *path = path_of(target, own_files[i]);

		if (path && (!target->config.keep || own_files[i] == disk_lock))
			unlink(path);
	}
}

static void bochs_reset(struct target *target)
{
	if (target->pid) {
		kill(target->pid, SIGKILL);
		waitpid(target->pid, NULL, 0);
		target->pid = 0;
	}
	close_fd(&target->terminal);
	for (int i = 0; i < 2; i++)
		close_fd(&target->snapshot[i]);
	serial_disconnect(&target->serial);
	target_bochs_forget_images(target);
}

static void bochs_destroy(struct target *target)
{
	bochs_reset(target);
	serial_deinit(&target->serial);
	emulator_deinit(&target->emulator);
	free(target);
}

const struct target_ops target_bochs = {
	.name = "bochs",
	.create = bochs_create,
	.prepare = bochs_prepare,
	.boot = bochs_boot,
	.next_event = bochs_next_event,
	.collect = bochs_collect,
	.version = bochs_version,
	.reset = bochs_reset,
	.destroy = bochs_destroy,
};
