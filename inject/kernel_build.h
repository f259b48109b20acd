/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_KERNEL_BUILD_H
#define INJECT_KERNEL_BUILD_H

#include <stdbool.h>

/*
 * A kernel to be crashed: a name (fixed, bitmap, ...: built by kernel-patch/),
 * or the path of a built kernel tree.
 */

struct error;

struct kernel_build {
	char *name;		/* as the user gave it */
	char *bzimage;
	char *capture;		/* image of a kernel that can capture its dumps */
	char *vmlinux;		/* with debug info; may be missing on disk */
	char *irqbypass;	/* modules, with debug info */
	char *kvm;
	char *kvm_intel;
	char *kvm_amd;		/* NULL: a tree that has not built it */
	char *driver;		/* kdump_torture.ko built for this kernel */
	bool crash_points;	/* built with the crash-points patches */
};

/* Directory that holds what was built: kernels/, agent, driver sources. */
const char *data_directory(void);

/*
 * Find a kernel and check that it can serve: what is missing from its
 * configuration is listed in the error. Builds the driver for a kernel tree
 * that has not had it built yet.
 */
struct error *kernel_build_open(const char *name, struct kernel_build **ret);
void kernel_build_close(struct kernel_build *kernel);

/* The image that captures its dumps; @same: it does so itself. Valid as long as @kernel. */
const char *kernel_build_capture(const struct kernel_build *kernel, bool same);

/* An error, with its cure, unless @kernel has ->kvm_amd, as a host with SVM needs. */
struct error *kernel_build_need_amd(const struct kernel_build *kernel);

/* Path of one module (kvm, kvm-intel, irqbypass) of a kernel; caller frees. */
struct error *kernel_module_path(const char *kernel, const char *module, char **ret);

/* The source that a kernel was built from; caller frees. */
struct error *kernel_source(const char *name, char **ret);

/*
 * Where things of @kind that are built from @tree go, a directory of its own for
 * each tree, which may have to be made; caller frees.
 */
struct error *kernel_output_directory(const char *kind, const char *tree, char **ret);

static inline void cleanup_kernel_build(struct kernel_build **kernel)
{
	kernel_build_close(*kernel);
}

#endif
