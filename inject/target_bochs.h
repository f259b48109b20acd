/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_TARGET_BOCHS_H
#define INJECT_TARGET_BOCHS_H

/* What target_bochs has beyond the interface of all targets. */

#include "inject/target.h"

/* Socket to the snapshot server of a target with config.serve_snapshots. */
int target_bochs_snapshot(const struct target *target);

/*
 * Remove the files that the target booted from: what has them open keeps them,
 * and whatever becomes of this process, they are not left behind.
 */
void target_bochs_forget_images(const struct target *target);

#endif
