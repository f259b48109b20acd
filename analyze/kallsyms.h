/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_KALLSYMS_H
#define ANALYZE_KALLSYMS_H

/*
 * The kernel's symbol table as the kernel itself carries it, compressed, in its
 * memory.  vmcoreinfo says where since Linux kernel commit 5fd8fea935a1
 * ("vmcoreinfo: include kallsyms symbols") (in v6.0).
 */

#include "analyze/memory.h"
#include "analyze/symbols.h"
#include "analyze/vmcoreinfo.h"

/* *@ret is indexed and owned by the caller. Per-CPU symbols have their offset as address. */
struct error *kallsyms_read(const struct memory *mem, const struct vmcoreinfo *info,
			    struct symbol_table *ret);

#endif
