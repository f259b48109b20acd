/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_SCAN_H
#define ANALYZE_SCAN_H

/*
 * The last view of the expected set: all memory in the dump is searched for VMCS
 * regions, so that one that nothing points to any more is found too.
 */

#include "analyze/oracle.h"

/*
 * Add to the @*nr VMCSes at @*vmcs those that only the search finds, judged.
 * A search that cannot be made, or not to its end, is a doubt.
 */
struct error *scan_add_orphans(const struct kernel *kernel, const struct witnesses *witnesses,
			       struct findings *findings, struct vmcs **vmcs, size_t *nr);

#endif
