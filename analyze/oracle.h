/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ORACLE_H
#define ANALYZE_ORACLE_H

/*
 * Was this VMCS VMCLEARed?  Four witnesses are asked, each by itself; none
 * guesses, and silence is an answer.
 */

#include "analyze/evidence.h"
#include "analyze/kvm.h"
#include "analyze/vmclear_log.h"
#include "analyze/vmcs_layout.h"

enum vmcs_kind {
	VMCS_01,
	VMCS_02,
	VMCS_SHADOW,
	VMCS_UNOWNED,	/* on a list, but no vCPU has it */
	VMCS_ORPHAN,	/* nothing points to it; a search of memory found it */
};

enum vmcs_state {
	VMCS_CLEARED,
	VMCS_NOT_CLEARED,
	VMCS_NEVER_LOADED,	/* not since its last VMCLEAR: nothing to clear */
	VMCS_UNKNOWN,
};

/* What the VMCS region in memory says (SDM vol. 3, 25.2). */
struct vmcs_image {
	bool readable;
	uint32_t revision_id;	/* without the shadow bit */
	uint32_t abort;
	const struct vmcs_layout *layout;	/* NULL: not known for its revision_id */
	uint64_t field[NR_VMCS_FIELDS];		/* those that the layout has, else 0 */
	bool ours;	/* of an orphan: it holds the address of vmx_vmexit() */
};

enum answer {
	ANSWER_NONE,
	ANSWER_CLEARED,
	ANSWER_NOT_CLEARED,
};

enum oracle {
	ORACLE_IMAGE,
	ORACLE_LOG,
	ORACLE_LIST,
	ORACLE_EVIDENCE,
	NR_ORACLES,
};

struct testimony {
	enum answer answer;
	char word[16];	/* for a table: "reached" */
	char why[128];	/* a clause */
};

struct vmcs {
	uint64_t pa;
	enum vmcs_kind kind;
	/* Its own, for a shadow VMCS its owner's, for an orphan &no_loaded_vmcs. */
	const struct loaded_vmcs *loaded;
	struct vmcs_image image;
	bool at_stake;		/* a CPU may have held it active when the host crashed */
	bool disagreement;
	enum vmcs_state state;
	struct testimony oracle[NR_ORACLES];
};

/* What the oracles look at besides the VMCS. */
struct witnesses {
	const struct cpu_states *cpus;
	const struct kvm_state *kvm;
	const struct vmclear_log *log;
	const struct evidence *evidence;
	const struct vmcs_layouts *layouts;
};

/*
 * Whether @value, not 0, is anywhere in the @region.  Without knowing the layout
 * that tells a VMCS of this kernel, by its HOST_RIP.
 */
bool vmcs_region_holds(const uint8_t region[VMCS_REGION_SIZE], uint64_t value);

/* Whether the layout of @image has @field. */
bool vmcs_image_has(const struct vmcs_image *image, enum vmcs_field field);

/*
 * Fill in @vmcs from its @pa, @kind, @loaded and @image.  The one rule that
 * makes a state of the answers: two that contradict each other leave it unknown;
 * else any answer decides; else it is unknown, or never-loaded if no CPU can have
 * held it active.
 */
void oracle_judge(const struct witnesses *witnesses, struct vmcs *vmcs);

/* The same from @pa, @kind and @loaded; that the region cannot be read is a doubt. */
void oracle_look_and_judge(const struct memory *mem, const struct witnesses *witnesses,
			   struct findings *findings, struct vmcs *vmcs);

/*
 * All VMCSes of @witnesses->kvm, shadow VMCSes behind their owners, judged.
 * What cannot be read goes to @findings.  They point into @witnesses->layouts.
 */
struct error *oracle_judge_all(const struct memory *mem, const struct witnesses *witnesses,
			       struct findings *findings, struct vmcs **ret, size_t *ret_nr);

/* The CPU that @vmcs was loaded on, NO_CPU for none. */
int vmcs_cpu(const struct vmcs *vmcs);

const char *vmcs_kind_name(enum vmcs_kind kind);
const char *vmcs_state_name(enum vmcs_state state);
const char *answer_name(enum answer answer);
const char *oracle_name(enum oracle oracle);

#endif
