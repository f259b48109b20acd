/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_LIST_DRAWING_H
#define ANALYZE_LIST_DRAWING_H

/*
 * A CPU's loaded-VMCS list as it stood, for people: down the page in forward
 * order, a rail back up to where the last ->next leads, and beside it those that
 * list_add() or list_del() was working on.  A ->prev is shown where it does not
 * name the entry above.
 */

#include "analyze/analysis.h"
#include "analyze/charset.h"

/* Some forty lines at most, however long the list is. */
void list_draw(const struct analysis *analysis, const struct kvm_cpu *cpu, enum charset charset,
	       FILE *out);

#endif
