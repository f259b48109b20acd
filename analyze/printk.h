/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_PRINTK_H
#define ANALYZE_PRINTK_H

/*
 * The kernel's log, from its ring buffer as it is since Linux kernel commit
 * 896fbe20b4e2 ("printk: use the lockless ringbuffer") (in v5.10), laid out as
 * vmcoreinfo says.
 */

#include <stdio.h>

#include "analyze/memory.h"
#include "analyze/vmcoreinfo.h"

#define PRINTK_ALL_LINES	SIZE_MAX

/*
 * The last @lines lines, each as dmesg prints it: "[    1.234567] text".  Older
 * records are not read.
 */
struct error *printk_write_log(const struct memory *mem, const struct vmcoreinfo *info,
			       size_t lines, FILE *out);

/* The last @lines lines of what printk_write_log() wrote. */
const char *printk_last_lines(const char *log, size_t lines);

#endif
