// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/kernel_build.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/process.h"

/* Set by the build for an installed command: PREFIX/lib/kdump-torture. */
#ifndef LIBDIR
#define LIBDIR "/usr/local/lib/kdump-torture"
#endif

/* Options without which a kernel cannot be crashed, captured or analysed here. */
static const char *const required_config[] = {
	"CONFIG_64BIT=y",	 "CONFIG_SMP=y",	"CONFIG_MODULES=y",
	"CONFIG_KVM=m",		 "CONFIG_KVM_INTEL=m",	"CONFIG_KEXEC=y",
	"CONFIG_CRASH_DUMP=y",	 "CONFIG_PROC_VMCORE=y", "CONFIG_RELOCATABLE=y",
	"CONFIG_KPROBES=y",	 "CONFIG_KALLSYMS_ALL=y", "CONFIG_DEBUG_INFO_BTF=y",
	"CONFIG_DEBUG_INFO_BTF_MODULES=y", "CONFIG_DEBUG_FS=y", "CONFIG_BLK_DEV_INITRD=y",
	"CONFIG_DEVTMPFS=y",	 "CONFIG_SERIAL_8250_CONSOLE=y", "CONFIG_ATA_PIIX=y",
	"CONFIG_BLK_DEV_SD=y",	 "CONFIG_EXT2_FS=y",
};

const char *data_directory(void)
{
	static char path[PATH_MAX];

	if (path[0])
		return path;
	const char *override = getenv("KDUMP_TORTURE_DATA");
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (override) {
		snprintf(path, sizeof(path), "%s", override);
	} else if (length > 0) {
		path[length] = '\0';
		dirname(path);
		strncat(path, "/agent", sizeof(path) - strlen(path) - 1);
		bool built_here = !access(path, F_OK);

		dirname(path);
		if (!built_here)
			snprintf(path, sizeof(path), "%s", LIBDIR);
	} else {
		snprintf(path, sizeof(path), "%s", LIBDIR);
	}
	return path;
}

static bool is_kernel_tree(const char *path)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s/arch/x86", path);
	return !access(file, F_OK);
}

/* @name as a directory: a path as it is, a bare name below kernels/. */
static struct error *kernel_directory(const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (strchr(name, '/') || !strcmp(name, "."))
		path = realpath(name, NULL);
	else if (asprintf(&path, "%s/kernels/%s", data_directory(), name) < 0)
		return &error_no_memory;
	if (!path || access(path, F_OK)) {
		if (strchr(name, '/'))
			return error_new("%s: no such kernel tree", name);
		return error_new("kernel %s: not built (looked in %s/kernels); build it with "
				 "'make kernel KERNEL=%s', or give the path of a kernel tree",
				 name, data_directory(), name);
	}
	*ret = no_cleanup_ptr(path);
	return NULL;
}

static struct error *find_file(const char *directory, const char *in_tree, const char *here,
			       char **ret)
{
	_cleanup_free_ char *path = NULL;
	bool tree = is_kernel_tree(directory);

	if (asprintf(&path, "%s/%s", directory, tree ? in_tree : here) < 0)
		return &error_no_memory;
	if (access(path, R_OK))
		return error_new("%s: %s; %s", path, strerror(errno),
				 tree ? "build that kernel first (make bzImage modules), or let "
					"'make run KDIR=...' do it" :
					"rebuild with 'make kernel'");
	*ret = no_cleanup_ptr(path);
	return NULL;
}

struct error *kernel_module_path(const char *kernel, const char *module, char **ret)
{
	_cleanup_free_ char *directory = NULL;
	struct error *err = kernel_directory(kernel, &directory);
	char in_tree[NAME_MAX], here[NAME_MAX];

	if (err)
		return err;
	snprintf(in_tree, sizeof(in_tree), "%s/%s.ko",
		 strcmp(module, "irqbypass") ? "arch/x86/kvm" : "virt/lib", module);
	snprintf(here, sizeof(here), "%s.ko", module);
	return find_file(directory, in_tree, here, ret);
}

static bool config_has(const char *config, const char *line)
{
	size_t length = strlen(line);

	for (const char *p = strstr(config, line); p; p = strstr(p + 1, line))
		if ((p == config || p[-1] == '\n') && (p[length] == '\n' || !p[length]))
			return true;
	return false;
}

static struct error *check_config(struct kernel_build *kernel, const char *directory)
{
	_cleanup_free_ char *path = NULL, *config = NULL;
	char missing[1024] = "";

	if (asprintf(&path, "%s/.config", directory) < 0)
		return &error_no_memory;
	struct error *err = run_tool((const char *[]){ "cat", path, NULL }, &config);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(required_config) / sizeof(required_config[0]); i++) {
		if (config_has(config, required_config[i]))
			continue;
		strncat(missing, " ", sizeof(missing) - strlen(missing) - 1);
		strncat(missing, required_config[i], sizeof(missing) - strlen(missing) - 1);
	}
	if (missing[0])
		return error_new("%s: the kernel cannot serve as an emulated host without%s; "
				 "kernel-patch/6.1/config is a fragment with all of it",
				 path, missing);
	kernel->crash_points = config_has(config, "CONFIG_KVM_INTEL_CRASH_POINTS=y");
	return NULL;
}

/* Two trees of the same name must not share a driver. */
static uint64_t hash_path(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, 64 bit */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
	return hash;
}

/* make(1) decides whether there is something to do. */
static struct error *build_driver(const char *tree, char **ret)
{
	_cleanup_free_ char *source = NULL, *kdir = NULL, *out = NULL, *path = NULL;

	if (asprintf(&source, "%s/driver", data_directory()) < 0 ||
	    asprintf(&kdir, "KDIR=%s", tree) < 0 ||
	    asprintf(&out, "OUT=%s/trees/%016llx", data_directory(),
		     (unsigned long long)hash_path(tree)) < 0 ||
	    asprintf(&path, "%s/kdump_torture.ko", out + strlen("OUT=")) < 0)
		return &error_no_memory;
	struct error *err = run_tool(
		(const char *[]){ "make", "-C", source, kdir, out, "modules", NULL }, NULL);

	if (err)
		return error_context(err, "driver: cannot build it for %s", tree);
	*ret = no_cleanup_ptr(path);
	return NULL;
}

struct error *kernel_build_open(const char *name, struct kernel_build **ret)
{
	_cleanup_(cleanup_kernel_build) struct kernel_build *kernel = calloc(1, sizeof(*kernel));
	_cleanup_free_ char *directory = NULL;

	if (!kernel || !(kernel->name = strdup(name)))
		return &error_no_memory;
	struct error *err = kernel_directory(name, &directory);

	if (!err)
		err = find_file(directory, "arch/x86/boot/bzImage", "bzImage", &kernel->bzimage);
	if (!err)
		err = check_config(kernel, directory);
	if (!err)
		err = kernel_module_path(name, "irqbypass", &kernel->irqbypass);
	if (!err)
		err = kernel_module_path(name, "kvm", &kernel->kvm);
	if (!err)
		err = kernel_module_path(name, "kvm-intel", &kernel->kvm_intel);
	if (err)
		return err;
	if (asprintf(&kernel->vmlinux, "%s/vmlinux", directory) < 0)
		return &error_no_memory;
	if (is_kernel_tree(directory))
		err = build_driver(directory, &kernel->driver);
	else
		err = find_file(directory, "", "kdump_torture.ko", &kernel->driver);
	if (err)
		return err;
	*ret = no_cleanup_ptr(kernel);
	return NULL;
}

void kernel_build_close(struct kernel_build *kernel)
{
	if (!kernel)
		return;
	free(kernel->name);
	free(kernel->bzimage);
	free(kernel->vmlinux);
	free(kernel->irqbypass);
	free(kernel->kvm);
	free(kernel->kvm_intel);
	free(kernel->driver);
	free(kernel);
}
