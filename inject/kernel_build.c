// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/kernel_build.h"

#include <errno.h>
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

/* The directory of this program's file, or "." */
static void program_directory(char *ret, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", ret, size - 1);

	snprintf(ret + (length > 0 ? length : 0), size - (length > 0 ? length : 0), "%s",
		 length > 0 ? "" : "./");
	*strrchr(ret, '/') = '\0';
}

const char *data_directory(void)
{
	static char path[PATH_MAX];
	char here[PATH_MAX - 64], agent[PATH_MAX];

	if (path[0])
		return path;
	program_directory(here, sizeof(here));
	snprintf(agent, sizeof(agent), "%s/agent", here);
	/* Beside the program that was just built, or where 'make install' puts it */
	if (getenv("KDUMP_TORTURE_DATA"))
		snprintf(path, sizeof(path), "%s", getenv("KDUMP_TORTURE_DATA"));
	else if (!access(agent, F_OK))
		snprintf(path, sizeof(path), "%s", here);
	else
		snprintf(path, sizeof(path), "%s/../lib/kdump-torture", here);
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

/* With the rest of the data, or, if that is installed and not ours, in the user's cache. */
struct error *kernel_output_directory(const char *kind, const char *tree, char **ret)
{
	const char *base = data_directory(), *below = "", *home = getenv("HOME");

	if (access(base, W_OK) && home) {
		base = home;
		below = "/.cache/kdump-torture";
	}
	return asprintf(ret, "%s%s/%s/%016llx", base, below, kind,
			(unsigned long long)hash_path(tree)) < 0 ? &error_no_memory : NULL;
}

struct error *kernel_source(const char *name, char **ret)
{
	_cleanup_free_ char *directory = NULL, *path = NULL;
	struct error *err = kernel_directory(name, &directory);

	if (err)
		return err;
	if (is_kernel_tree(directory)) {
		*ret = no_cleanup_ptr(directory);
		return NULL;
	}
	if (asprintf(&path, "%s/source", data_directory()) < 0)
		return &error_no_memory;
	*ret = realpath(path, NULL);
	return *ret ? NULL : error_new("%s: the source of kernel %s is not there; 'make kernel' "
				       "unpacks it, or give --kernel the path of a kernel tree",
				       path, name);
}

/* make(1) decides whether there is something to do. */
static struct error *build_driver(const char *tree, char **ret)
{
	_cleanup_free_ char *source = NULL, *kdir = NULL, *out = NULL, *path = NULL;
	_cleanup_free_ char *directory = NULL;
	struct error *err = kernel_output_directory("drivers", tree, &directory);

	if (err)
		return err;
	if (asprintf(&source, "%s/driver", data_directory()) < 0 ||
	    asprintf(&kdir, "KDIR=%s", tree) < 0 || asprintf(&out, "OUT=%s", directory) < 0 ||
	    asprintf(&path, "%s/kdump_torture.ko", directory) < 0)
		return &error_no_memory;
	/* Below a make of the user's, whose jobs are not ours to share */
	unsetenv("MAKEFLAGS");
	unsetenv("MAKELEVEL");
	err = run_tool(
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
	/* A tree captures its own dumps. */
	if (!err)
		err = find_file(directory, "arch/x86/boot/bzImage", "capture-bzImage",
				&kernel->capture);
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
	/* Only target qemu needs it, and says so. */
	error_free(kernel_module_path(name, "kvm-amd", &kernel->kvm_amd));
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

struct error *kernel_build_need_amd(const struct kernel_build *kernel)
{
	if (kernel->kvm_amd)
		return NULL;
	if (strchr(kernel->name, '/'))
		return error_new("kernel %s: no arch/x86/kvm/kvm-amd.ko, which a host with SVM needs; "
				 "build it with CONFIG_KVM_AMD=m", kernel->name);
	return error_new("kernel %s: no kvm-amd.ko, which a host with SVM needs; build it again with "
			 "'make kernel KERNEL=%s'", kernel->name, kernel->name);
}

const char *kernel_build_capture(const struct kernel_build *kernel, bool same)
{
	return same ? kernel->bzimage : kernel->capture;
}

void kernel_build_close(struct kernel_build *kernel)
{
	if (!kernel)
		return;
	free(kernel->name);
	free(kernel->bzimage);
	free(kernel->capture);
	free(kernel->vmlinux);
	free(kernel->irqbypass);
	free(kernel->kvm);
	free(kernel->kvm_intel);
	free(kernel->kvm_amd);
	free(kernel->driver);
	free(kernel);
}
