/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_EVIDENCE_H
#define ANALYZE_EVIDENCE_H

/* What the driver left in its memory: the story of the crash as it saw it. */

#include "analyze/findings.h"
#include "analyze/kernel.h"
#include "driver/kdump_torture.h"

struct evidence {
	bool present;	/* the driver was loaded and its evidence is sound */
	/* Its strings end with NUL; what an older version had not is as in none. */
	struct kdt_evidence data;
};

/* Evidence that cannot be believed is a doubt, none at all is not. */
struct error *evidence_read(const struct kernel *kernel, struct findings *findings,
			    struct evidence *ret);

/* The victim reached the crash point. */
bool evidence_fired(const struct evidence *evidence);

/* The entry of the VMCS region at @pa in the driver's snapshot of the list, or NULL. */
const struct kdt_evidence_vmcs *evidence_find_vmcs(const struct evidence *evidence, uint64_t pa);

const char *evidence_state_name(__u32 state);
const char *evidence_delivery_name(__u32 delivery);
const char *evidence_via_name(__u32 via);
const char *evidence_list_name(__u32 list);

#endif
