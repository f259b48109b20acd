/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_SVM_H
#define ANALYZE_SVM_H

/*
 * An AMD host has no VMCSes, and a CPU caches nothing of a VMCB that could be
 * written back. What must not be left behind is SVM itself: with EFER.SVME set and
 * GIF clear a CPU takes no INIT and no NMI (APM vol. 2, 15.17), and the memory
 * that VM_HSAVE_PA points to is the next kernel's. A dump is written by the kernel
 * that comes after: EFER as it was then has to be brought along.
 */

#include "analyze/cpu_state.h"
#include "analyze/evidence.h"

#define EFER_SVME	(1UL << 12)

/*
 * Read EFER of CPUs, after the crash, from the file @path: a line "cpu N efer
 * VALUE" each; sets svme of @cpus.
 */
struct error *svm_read_efer(const char *path, struct cpu_states *cpus);

/* EFER.SVME of the victim at the crash point. Return: whether that is known. */
bool svm_at_crash(const struct evidence *evidence, bool *ret);

#endif
