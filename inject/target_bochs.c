// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated Intel host: Bochs with VMX, booted from a CD image that is made
 * for each run, with a disk for the dump. The first serial port is the kernel's
 * console, the second carries the agent's lines; both reach us over loopback
 * TCP, the only live back end of Bochs that needs no terminal. The packaged
 * Bochs waits at its debugger's prompt for "c", continue.
 */
#include "inject/target_bochs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/image.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/serial.h"
#include "inject/snapshot/crash_kernel.h"
#include "inject/snapshot/protocol.h"

#define BIOS		"/usr/share/bochs/BIOS-bochs-latest"
#define VGABIOS		"/usr/share/bochs/VGABIOS-lgpl-latest"
#define ISOLINUX	"/usr/lib/ISOLINUX/isolinux.bin"
#define LDLINUX		"/usr/lib/syslinux/modules/bios/ldlinux.c32"

#define DISK_UUID	"b0a1c0de-0000-4000-8000-6b64756d7000"

/* Emulated instructions a second: fixes emulated time, not speed. */
#define IPS		10000000

struct target {
	struct target_config config;
	struct emulator emulator;
	pid_t pid;		/* 0: not running */
	int terminal;		/* master side of the pty that Bochs draws on */
	int listener[SERIAL_PORTS];
	int snapshot[2];	/* socket to the snapshot server: our end, its end */
	struct serial serial;
	char reason[256];
};

/* Files of a run, below config.directory. */
static const char boot_image[] = "boot.iso";
static const char host_initramfs[] = "initramfs";
static const char capture_initramfs[] = "capture-initramfs";
static const char crash_kernel[] = "crash-kernel";
static const char disk_image[] = "disk.img";
static const char disk_lock[] = "disk.img.lock";
static const char bochsrc[] = "bochsrc";
static const char debugger_commands[] = "debugger";
static const char emulator_log[] = "emulator.log";

/* What the packaged Bochs would otherwise take from the machine it runs on. */
static const char packaged_devices[] =
	"display_library: term\nsound: driver=dummy\nspeaker: enabled=0\n";
static const char fast_devices[] = "display_library: nogui\n";

static char *path_of(const struct target *target, const char *file)
{
	char *path;

	return asprintf(&path, "%s/%s", target->config.directory, file) < 0 ? NULL : path;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct error *write_text(const struct target *target, const char *file, const char *text)
{
	_cleanup_free_ char *path = path_of(target, file);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return &error_no_memory;
	if (!f || fputs(text, f) == EOF || fflush(f))
		return error_errno(errno, "%s: cannot write", path);
	return NULL;
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
	for (int i = 0; i < SERIAL_PORTS; i++)
		target->listener[i] = -1;
	target->snapshot[0] = target->snapshot[1] = -1;
	serial_init(&target->serial, config->directory);
	*ret = no_cleanup_ptr(target);
	return NULL;
}

static struct error *build_capture_initramfs(const char *path, const char *agent,
					     const char *analyzer)
{
	_cleanup_(cleanup_image) struct image *image = NULL;
	struct error *err = image_create(path, IMAGE_INITRAMFS, &image);

	if (!err)
		err = image_add_file(image, "init", agent);
	if (!err)
		err = image_add_program(image, "usr/bin/makedumpfile", "/usr/bin/makedumpfile");
	if (!err && analyzer)
		err = image_add_program(image, "usr/bin/kdump-torture-analyze", analyzer);
	return err ? err : image_finish(image);
}

static struct error *add_files(struct image *image, const struct target_file *file)
{
	for (; file->to; file++) {
		struct error *err = image_add_file(image, file->to, file->from);

		if (err)
			return err;
	}
	return image_add_file(image, "bin/busybox", "/bin/busybox");
}

static struct error *build_host_initramfs(const struct target *target, const char *path,
					  const char *agent, const char *capture)
{
	const struct kernel_build *kernel = target->config.kernel;
	const char *capture_kernel = kernel_build_capture(kernel, target->config.same_kernel);
	_cleanup_free_ char *doorbell = path_of(target, crash_kernel);
	const struct {
		const char *to, *from;
		struct error *(*add)(struct image *image, const char *to, const char *from);
	} files[] = {
		{ "init", agent, image_add_file },
		{ "sbin/kexec", "/sbin/kexec", image_add_program },
		{ "capture/bzImage", target->config.serve_snapshots ? doorbell : capture_kernel,
		  image_add_file },
		{ "capture/initramfs", capture, image_add_file },
		{ "modules/irqbypass.ko", kernel->irqbypass, image_add_module },
		{ "modules/kvm.ko", kernel->kvm, image_add_module },
		{ "modules/kvm-intel.ko", kernel->kvm_intel, image_add_module },
		{ "modules/kdump_torture.ko", kernel->driver, image_add_module },
	};
	_cleanup_(cleanup_image) struct image *image = NULL;

	if (!doorbell)
		return &error_no_memory;
	struct error *err = target->config.serve_snapshots ?
				    crash_kernel_write(capture_kernel, doorbell) : NULL;

	if (!err)
		err = image_create(path, IMAGE_INITRAMFS, &image);
	for (size_t i = 0; !err && i < sizeof(files) / sizeof(files[0]); i++)
		err = files[i].add(image, files[i].to, files[i].from);
	if (!err && target->config.dry_table)
		err = image_add_text(image, "dry", target->config.dry_table);
	if (!err && target->config.files)
		err = add_files(image, target->config.files);
	return err ? err : image_finish(image);
}

static struct error *build_boot_image(const struct target *target, const char *path,
				      const char *initramfs)
{
	_cleanup_(cleanup_image) struct image *image = NULL;
	_cleanup_free_ char *menu = NULL;
	struct error *err = image_create(path, IMAGE_ISOLINUX, &image);

	/*
	 * The dates on the image are those of its making, alone of all that a host
	 * boots with, and only the boot loader reads past them.
	 *
	 * idle=nomwait: Bochs's MONITOR misses wake-ups. quiet: a character on
	 * the emulated UART costs thousands of instructions.
	 */
	if (asprintf(&menu, "default host\nprompt 0\ntimeout 1\nlabel host\n"
			    " kernel /vmlinuz\n"
			    " append initrd=/initramfs console=ttyS0,115200 quiet idle=nomwait "
			    "pty.legacy_count=0 crashkernel=%uM panic=-1 -- %s\n",
		     target->config.memory / 4, target->config.job) < 0)
		return &error_no_memory;
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

static struct error *build_disk(const struct target *target, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char now[64];

	if (fd < 0 || ftruncate(fd, (off_t)target->config.disk << 20))
		return error_errno(errno, "%s: cannot make the dump disk", path);
	/* No chance and no dates of ours in it: the capture kernel reads them. */
	snprintf(now, sizeof(now), "E2FSPROGS_FAKE_TIME=%d", EMULATED_POWER_ON);
	return run_tool((const char *[]){ "env", now, "/sbin/mke2fs", "-q", "-F", "-t",
					  "ext2", "-m", "0", "-O", "^resize_inode", "-U", DISK_UUID,
					  "-E", "hash_seed=" DISK_UUID, path, NULL }, NULL);
}

static struct error *listen_on_loopback(struct target *target, int i, int *ret)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int fd = target->listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return error_errno(errno, "serial port %d: cannot listen on loopback", i + 1);
	*ret = ntohs(address.sin_port);
	return NULL;
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
		struct error *err = listen_on_loopback(target, i, &port[i]);

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

	return err ? err : write_text(target, bochsrc, text);
}

static struct error *bochs_prepare(struct target *target)
{
	_cleanup_free_ char *agent = NULL;
	_cleanup_free_ char *capture = path_of(target, capture_initramfs);
	_cleanup_free_ char *host = path_of(target, host_initramfs);
	_cleanup_free_ char *iso = path_of(target, boot_image);
	_cleanup_free_ char *disk = path_of(target, disk_image);

	if (asprintf(&agent, "%s/agent", data_directory()) < 0 || !capture || !host || !iso ||
	    !disk)
		return &error_no_memory;
	struct error *err = build_capture_initramfs(capture, agent, target->config.analyzer);

	if (!err)
		err = build_host_initramfs(target, host, agent, capture);
	if (!err)
		err = build_boot_image(target, iso, host);
	/* Snapshots hand their dumps over. */
	if (!err && !target->config.serve_snapshots)
		err = build_disk(target, disk);
	if (!err)
		err = write_bochsrc(target, iso, disk);
	if (!err && target->emulator.debugger)
		err = write_text(target, debugger_commands, "c\n");
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
	struct pollfd fds[1 + 2 * SERIAL_PORTS] = { { .fd = target->terminal, .events = POLLIN } };
	bool alive = false;

	*text = serial_next_line(&target->serial);
	if (*text)
		return TARGET_LINE;
	for (int i = 0; i < SERIAL_PORTS; i++) {
		fds[1 + i] = (struct pollfd){ .fd = target->serial.port[i], .events = POLLIN };
		fds[1 + SERIAL_PORTS + i] =
			(struct pollfd){ .fd = target->listener[i], .events = POLLIN };
	}
	if (poll(fds, 1 + 2 * SERIAL_PORTS, timeout) <= 0) {
		*text = target->reason;
		return target->pid ? emulator_ended(target) : TARGET_ENDED;
	}
	if (fds[0].revents)
		drain_terminal(target);
	for (int i = 0; i < SERIAL_PORTS; i++) {
		if (fds[1 + i].revents) {
			serial_read(&target->serial, i);
			alive = true;
		}
		if (fds[1 + SERIAL_PORTS + i].revents) {
			target->serial.port[i] =
				accept4(target->listener[i], NULL, NULL, SOCK_CLOEXEC);
			close(target->listener[i]);
			target->listener[i] = -1;
		}
	}
	*text = serial_next_line(&target->serial);
	if (*text)
		return TARGET_LINE;
	return alive ? TARGET_ALIVE : TARGET_QUIET;
}

static struct error *bochs_collect(struct target *target, const char *name, const char *path,
				   bool *ret)
{
	_cleanup_free_ char *disk = path_of(target, disk_image), *request = NULL;

	if (!disk || asprintf(&request, "dump \"/%s\" \"%s\"", name, path) < 0)
		return &error_no_memory;
	/* debugfs(8) exits with 0 even if there is no such file. */
	struct error *err = run_tool(
		(const char *[]){ "/sbin/debugfs", "-R", request, disk, NULL }, NULL);
	struct stat st;

	if (!err && !stat(path, &st) && !st.st_size)
		unlink(path);
	*ret = !err && !access(path, R_OK);
	return err;
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
		boot_image, host_initramfs, capture_initramfs, crash_kernel, disk_image, disk_lock,
		bochsrc, debugger_commands,
	};

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
	for (int i = 0; i < SERIAL_PORTS; i++)
		close_fd(&target->listener[i]);
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

const struct target_ops *const targets[] = { &target_bochs, NULL };
