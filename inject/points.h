/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_POINTS_H
#define INJECT_POINTS_H

/*
 * Crash points of one kernel, found in its kvm-intel.ko: from the debug
 * information and the decoded instructions of the very module that runs.
 *
 * OP/STEP names what has been done: list_add/2 is behind the second store of
 * list_add() in vmx_vcpu_load_vmcs(), list_add/0 before the first.
 * FUNCTION+0xOFF, a raw point, is any instruction of the module.  host/now is
 * no place in the code: the driver stops the CPU wherever it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"
#include "inject/operations.h"

/* All strings belong to the struct points that it comes from. */
struct point {
	const char *name;	/* OP/STEP, or FUNCTION+0xOFF */
	const char *op, *step;	/* NULL: a raw point */
	/* A CPU can be stopped there ... */
	bool hook;		/* by the hook of the crash-points patch */
	bool kprobe;		/* by a kprobe at FUNCTION+0xOFF */
	bool driver;		/* by the driver alone, wherever the CPU is */
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

/* What an instruction does that the set of active VMCSes depends on. */
enum vmx_effect {
	VMX_NONE,
	VMX_VMPTRLD,
	VMX_VMCLEAR,
	VMX_VMXON,
	VMX_VMXOFF,
};

/* A place between two instructions: the one behind it is described. */
struct boundary {
	/*
	 * NAME, or NAME.cold, NAME.part.0, ...  Together with the offset it is
	 * a raw point.  As the kernel does, it takes the first of several
	 * functions of one name; in the others the offset is beyond its end.
	 */
	const char *function;
	unsigned int offset;	/* bytes */
	unsigned int length;	/* of the instruction, bytes */
	const char *section;	/* of the .ko */
	uint64_t section_offset; /* bytes */
	unsigned int operations; /* set of all that the code is of */
	const char *op;		/* the one that it is in the middle of; NULL: none */
	const char *step;	/* of it, done last; NULL: none yet, or it depends */
	const char *inlined;	/* function of the operation; NULL: it is the function itself */
	const char *instruction;
	const char *file;	/* path in the kernel tree; NULL: unknown */
	int line;
	bool probe;
	const char *problem;	/* why there can be no kprobe; NULL: it can be */
	enum vmx_effect effect;
	bool after_vmxoff;	/* the instruction before is VMXOFF */
	/*
	 * Of VMPTRLD, VMCLEAR and VMXON, where the physical address is, as the
	 * driver reads it; NULL: the driver cannot
	 */
	const char *operand;
};

/* What else there is to know of how the boundaries were found. */
struct points_note {
	enum points_note_kind {
		/* A function that nobody sweeps, though it has what is swept: a new window? */
		NOTE_UNLISTED,
		NOTE_CRASH_PATH,
		NOTE_MISSING,
	} kind;
	const char *function;
	const char *text;
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

/* The same, and the OP/STEPs of operations that need more than a plain host. */
size_t points_nr_all(const struct points *points);

/*
 * Every instruction boundary of every function of every operation, in address
 * order within a function, each once.
 */
size_t points_nr_boundaries(const struct points *points);
const struct boundary *points_boundary(const struct points *points, size_t nr);

/* The VMX instructions with an effect, and what is behind VMXOFF, in no operation. */
size_t points_nr_others(const struct points *points);
const struct boundary *points_other(const struct points *points, size_t nr);

size_t points_nr_notes(const struct points *points);
const struct points_note *points_note(const struct points *points, size_t nr);

static inline bool boundary_is_of(const struct boundary *boundary,
				  const struct operation *operation)
{
	return boundary->operations & operation_bit(operation);
}

/* Kernel that the module was built for, or NULL. */
const char *points_release(const struct points *points);

/*
 * The point @name, OP/STEP or raw, by which a CPU can be stopped: by a hook, a
 * kprobe or the driver alone, or, for points_find_kprobe(), by a kprobe.
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
