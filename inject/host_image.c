// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/host_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/image.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/snapshot/crash_kernel.h"
#include "inject/target.h"

#define DISK_UUID	"b0a1c0de-0000-4000-8000-6b64756d7000"

static const char capture_initramfs[] = "capture-initramfs";
static const char crash_kernel[] = "crash-kernel";

char *host_image_path(const struct target_config *config, const char *file)
{
	char *path;

	return asprintf(&path, "%s/%s", config->directory, file) < 0 ? NULL : path;
}

struct error *host_image_write(const struct target_config *config, const char *file,
			       const char *text)
{
	_cleanup_free_ char *path = host_image_path(config, file);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return &error_no_memory;
	if (!f || fputs(text, f) == EOF || fflush(f))
		return error_errno(errno, "%s: cannot write", path);
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

static struct error *build_host_initramfs(const struct target_config *config, const char *path,
					  const char *agent, const char *capture)
{
	const struct kernel_build *kernel = config->kernel;
	const char *capture_kernel = kernel_build_capture(kernel, config->same_kernel);
	_cleanup_free_ char *doorbell = host_image_path(config, crash_kernel);
	const struct {
		const char *to, *from;
		struct error *(*add)(struct image *image, const char *to, const char *from);
	} files[] = {
		{ "init", agent, image_add_file },
		{ "sbin/kexec", "/sbin/kexec", image_add_program },
		{ "capture/bzImage", config->serve_snapshots ? doorbell : capture_kernel,
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
	struct error *err = config->serve_snapshots ?
				    crash_kernel_write(capture_kernel, doorbell) : NULL;

	if (!err)
		err = image_create(path, IMAGE_INITRAMFS, &image);
	for (size_t i = 0; !err && i < sizeof(files) / sizeof(files[0]); i++)
		err = files[i].add(image, files[i].to, files[i].from);
	if (!err && config->amd)
		err = image_add_module(image, "modules/kvm-amd.ko", kernel->kvm_amd);
	if (!err && config->dry_table)
		err = image_add_text(image, "dry", config->dry_table);
	if (!err && config->files)
		err = add_files(image, config->files);
	return err ? err : image_finish(image);
}

struct error *host_image_build_initramfs(const struct target_config *config)
{
	_cleanup_free_ char *agent = NULL;
	_cleanup_free_ char *capture = host_image_path(config, capture_initramfs);
	_cleanup_free_ char *host = host_image_path(config, HOST_INITRAMFS);

	if (asprintf(&agent, "%s/agent", data_directory()) < 0 || !capture || !host)
		return &error_no_memory;
	struct error *err = build_capture_initramfs(capture, agent, config->analyzer);

	return err ? err : build_host_initramfs(config, host, agent, capture);
}

/*
 * idle=nomwait: Bochs's MONITOR misses wake-ups; QEMU can do without it. quiet: a character on the
 * emulated UART costs thousands of instructions.
 */
struct error *host_image_command_line(const struct target_config *config, char **ret)
{
	return asprintf(ret, "console=ttyS0,115200 quiet idle=nomwait pty.legacy_count=0 "
			"crashkernel=%uM panic=-1 -- %s", config->memory / 4, config->job) < 0 ?
	       &error_no_memory : NULL;
}

struct error *host_image_build_disk(const struct target_config *config)
{
	_cleanup_free_ char *path = host_image_path(config, HOST_DISK);
	char now[64];

	if (!path)
		return &error_no_memory;

	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)config->disk << 20))
		return error_errno(errno, "%s: cannot make the dump disk", path);
	/* No chance and no dates of ours in it: the capture kernel reads them. */
	snprintf(now, sizeof(now), "E2FSPROGS_FAKE_TIME=%d", EMULATED_POWER_ON);
	return run_tool((const char *[]){ "env", now, "/sbin/mke2fs", "-q", "-F", "-t",
					  "ext2", "-m", "0", "-O", "^resize_inode", "-U", DISK_UUID,
					  "-E", "hash_seed=" DISK_UUID, path, NULL }, NULL);
}

struct error *host_image_collect(const struct target_config *config, const char *name,
				 const char *path, bool *ret)
{
	_cleanup_free_ char *disk = host_image_path(config, HOST_DISK), *request = NULL;

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

void host_image_remove(const struct target_config *config)
{
	static const char *const files[] = {
		HOST_INITRAMFS, HOST_DISK, capture_initramfs, crash_kernel,
	};

	for (size_t i = 0; !config->keep && i < sizeof(files) / sizeof(files[0]); i++) {
		_cleanup_free_ char *path = host_image_path(config, files[i]);

		if (path)
			unlink(path);
	}
}
