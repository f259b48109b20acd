/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SNAPSHOT_CRASH_KERNEL_H
#define INJECT_SNAPSHOT_CRASH_KERNEL_H

struct error;

/*
 * Write to @path the kernel image @bzimage with a doorbell at its 64-bit entry,
 * where kexec jumps to: SNAPSHOT_KEXEC with the address of the boot parameters.
 * It then goes on as it would have.
 */
struct error *crash_kernel_write(const char *bzimage, const char *path);

#endif
