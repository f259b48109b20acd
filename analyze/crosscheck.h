/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_CROSSCHECK_H
#define ANALYZE_CROSSCHECK_H

/*
 * The driver's snapshot against the dump.  The victim is held from the snapshot
 * until the crash, so what the driver saw must still be there, unchanged.
 */

#include "analyze/oracle.h"

struct error *crosscheck_evidence(const struct evidence *evidence, const struct vmcs *vmcs,
				  size_t nr, struct findings *findings);

#endif
