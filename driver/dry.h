/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KDT_DRY_H
#define KDT_DRY_H

/* What the files of the dry mode share. */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/types.h>

struct pt_regs;

/* More VMCSes than that on one CPU cannot be followed. */
#define KDT_MAX_ACTIVE	1024

/* active.c: physical addresses of VMCSes, each once, in no order. */
struct kdt_pa_set {
	unsigned int nr;
	bool overflow;		/* one did not fit: it is not known what is in it */
	u64 pa[KDT_MAX_ACTIVE];
};

void kdt_pa_set_clear(struct kdt_pa_set *set);
void kdt_pa_set_add(struct kdt_pa_set *set, u64 pa);
bool kdt_pa_set_has(const struct kdt_pa_set *set, u64 pa);

/* What a VMX instruction does, if it succeeds. */
enum kdt_effect {
	KDT_NO_EFFECT,
	KDT_VMPTRLD,
	KDT_VMCLEAR,
	KDT_VMXON,
	KDT_AFTER_VMXOFF,	/* done by the instruction before, which has no kprobe */
};

/* VMX operation of one CPU. */
struct kdt_active {
	bool vmx;		/* in VMX operation */
	struct kdt_pa_set vmcs;	/* active */
};

void kdt_active_assume(struct kdt_active *active);
void kdt_active_follow(struct kdt_active *active, enum kdt_effect effect, u64 pa);
void kdt_active_enter(struct kdt_active *active);

/* operand.c: memory that an instruction reads. */
struct kdt_operand {
	u16 base;		/* byte offset of a register in struct pt_regs */
	u8 length;		/* of the instruction, if its end is the base; else 0 */
	s32 displacement;
};

bool kdt_operand_parse(const char *text, struct kdt_operand *ret);
unsigned long kdt_operand_address(const struct kdt_operand *operand,
				  const struct pt_regs *regs, unsigned long ip);

/* crash_path.c: what the crash path would do on a CPU. */
struct kdt_crash_path {
	struct kdt_pa_set vmclear;
	unsigned int nr_visits;
	bool bad_pointer;	/* it would not get past the entry at bad_address */
	unsigned long bad_address;
	bool knows_vmxoff;	/* vmxoff says something */
	bool vmxoff;
};

void kdt_crash_path_get(void);
void kdt_crash_path_put(void);
void kdt_crash_path_ask(struct kdt_crash_path *ret);

/* dry_table.c: a line of the table. */
struct kdt_boundary {
	struct kprobe probe;
	unsigned int index;
	enum kdt_effect effect;
	struct kdt_operand operand;
	atomic_t hits;
	atomic_t lost;		/* hits at which nothing could be said */
	atomic_t told;		/* bit N: a violation of kind N has been told */
	char line[];
};

extern struct kdt_boundary *kdt_boundaries[];
extern unsigned int kdt_nr_boundaries;
int kdt_dry_table_append(char *text);
bool kdt_effect_has_operand(enum kdt_effect effect);
int kdt_boundary_resolve(struct kdt_boundary *boundary);

#endif /* KDT_DRY_H */
