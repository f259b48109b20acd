/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_HOST_IMAGE_H
#define INJECT_HOST_IMAGE_H

#include <stdbool.h>

/*
 * What every emulated host is made of, whatever emulates it: an initramfs with
 * the agent, its modules and a crash kernel, and a disk for the dump. All of it
 * is in files below the directory of the target's configuration.
 */

struct error;
struct target_config;

/* Names of files there. */
#define HOST_INITRAMFS	"initramfs"
#define HOST_DISK	"disk.img"

/* @file below the directory of @config; owned by the caller, NULL without memory. */
char *host_image_path(const struct target_config *config, const char *file);
/* Write a text file there. */
struct error *host_image_write(const struct target_config *config, const char *file,
			       const char *text);

/* Build HOST_INITRAMFS, and first the capture kernel's, which goes into it. */
struct error *host_image_build_initramfs(const struct target_config *config);

/*
 * The command line of the host's kernel, without how the initramfs is loaded.
 * @ret: owned by the caller.
 */
struct error *host_image_command_line(const struct target_config *config, char **ret);

/* Make HOST_DISK, an empty file system. */
struct error *host_image_build_disk(const struct target_config *config);
/* Copy a file of that disk out of it, as a target's collect() does. */
struct error *host_image_collect(const struct target_config *config, const char *name,
				 const char *path, bool *ret);

/* Remove all of it, unless the configuration says to keep it. */
void host_image_remove(const struct target_config *config);

#endif
