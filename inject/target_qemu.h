/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_TARGET_QEMU_H
#define INJECT_TARGET_QEMU_H

#include <stddef.h>

/* What target_qemu has beyond the interface of all targets. */

struct error;

/* What it would be on this machine, and why: "QEMU 7.2.22 (TCG, SVM): ...". */
struct error *target_qemu_describe(char *ret, size_t size);

#endif
