/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_VMLINUX_H
#define ANALYZE_VMLINUX_H

/* The kernel in the dump as a file. */

#include "analyze/debuginfo.h"
#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

/* Open @path, whose addresses become those in the dump; an error if it is of another kernel. */
struct error *vmlinux_open(const char *path, const struct memory *mem,
			   const struct vmcoreinfo *info, struct debuginfo **ret);

#endif
