/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PRELOAD_CORE_H
#define PRELOAD_CORE_H

/*
 * The dump, as /proc/vmcore of the capture kernel would show it: an ELF core
 * with the program headers and notes that the crashed kernel prepared.
 */

#include <stdint.h>

struct error;

/* @boot_params: physical address of the crash kernel's; @fd: an empty file. */
struct error *core_write(uint64_t boot_params, int fd);

/* Write the pages that the struct snapshot_chunk at physical address @pa names. */
struct error *core_write_chunk(uint64_t pa, int fd);

#endif
