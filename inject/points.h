/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_POINTS_H
#define INJECT_POINTS_H

/*
 * Crash points of one kernel, found in its kvm-intel.ko: from the debug
 * information and the decoded instructions of the very module that runs.
 *
 * OP/STEP names what has been done: list_add/2 is behind the second store of
 * list_add() in vmx_vcpu_load_vmcs(), list_add/0 before the first.
 * FUNCTION+0xOFF, a raw point, is any instruction of the module.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

/* All strings belong to the struct points that it comes from. */
struct point {
	const char *name;	/* OP/STEP, or FUNCTION+0xOFF */
	const char *op, *step;	/* NULL: a raw point */
	/* A CPU can be stopped there ... */
	bool hook;		/* by the hook of the crash-points patch */
	bool kprobe;		/* by a kprobe at FUNCTION+0xOFF */
	/* NULL: this kernel has no such place, or it was not found. */
	const char *function;
	unsigned int offset;	/* bytes */
	const char *section;	/* of the .ko */
	uint64_t section_offset; /* bytes */
	const char *instruction; /* that is not executed yet */
	const char *file;	/* path in the kernel tree; NULL: unknown */
	int line;
	const char *problem;	/* why there can be no kprobe; NULL: it can be */
	const char *note;	/* what to know about it; NULL: nothing */
	const char *finding;	/* what is wrong with this kernel; NULL: nothing */
};

struct points;

struct error *points_create(const char *module_path, struct points **ret);
void points_destroy(struct points *points);

static inline void cleanup_points(struct points **points)
{
	points_destroy(*points);
}

/* Every OP/STEP that is known, found in this kernel or not. */
size_t points_nr(const struct points *points);
const struct point *points_get(const struct points *points, size_t nr);

/* Kernel that the module was built for, or NULL. */
const char *points_release(const struct points *points);

/*
 * The point @name, OP/STEP or raw, by which a CPU can be stopped: by a hook or
 * a kprobe, or, for points_find_kprobe(), by a kprobe.
 */
struct error *points_find(struct points *points, const char *name,
			  struct point *ret);
struct error *points_find_kprobe(struct points *points, const char *name,
				 struct point *ret);

/* Whether @name is an OP/STEP, of whatever kernel. */
bool points_is_known(const char *name);

/*
 * What the driver's knob "layout" wants to know of struct loaded_vmcs:
 * "list_link=56 vmcs=0 ...", in bytes.  The caller frees it.
 */
struct error *points_layout(const char *module_path, char **ret);

#endif
