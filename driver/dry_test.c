// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dry mode makes of VMX instructions, with made-up ones: which VMCSes are
 * active after them, and where their operands are. Nothing here executes any.
 */
#define pr_fmt(fmt) fmt	/* KTAP lines begin at the start of a line */

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/slab.h>

#include "dry.h"
#include "kdt.h"

#define A	0x1000ULL
#define B	0x2000ULL

struct kdt_event {
	enum kdt_effect effect;
	u64 pa;
};

#define KDT_MAX_EVENTS	4

struct kdt_active_case {
	const char *what;
	struct kdt_event event[KDT_MAX_EVENTS];
	bool vmx, a, b;		/* what there is in the end */
};

static const struct kdt_active_case kdt_active_cases[] = {
	{ "nothing is active at first", { }, false, false, false },
	{ "VMXON makes nothing active", { { KDT_VMXON, A } }, true, false, false },
	{ "VMPTRLD makes a VMCS active", { { KDT_VMXON, B }, { KDT_VMPTRLD, A } },
	  true, true, false },
	{ "the one that was current before stays active",
	  { { KDT_VMXON, 0 }, { KDT_VMPTRLD, A }, { KDT_VMPTRLD, B } }, true, true, true },
	{ "VMCLEAR ends it", { { KDT_VMXON, 0 }, { KDT_VMPTRLD, A }, { KDT_VMPTRLD, B },
	  { KDT_VMCLEAR, A } }, true, false, true },
	{ "VMCLEAR ends it, however often it was loaded", { { KDT_VMPTRLD, A },
	  { KDT_VMPTRLD, A }, { KDT_VMCLEAR, A } }, false, false, false },
	{ "VMCLEAR of one that is not active ends no other", { { KDT_VMPTRLD, A },
	  { KDT_VMCLEAR, B } }, false, true, false },
	{ "VMXOFF ends VMX operation, but nothing that is active", { { KDT_VMXON, 0 },
	  { KDT_VMPTRLD, A }, { KDT_AFTER_VMXOFF, 0 } }, false, true, false },
	{ "other instructions do nothing", { { KDT_VMPTRLD, A }, { KDT_NO_EFFECT, A } },
	  false, true, false },
};

struct kdt_operand_case {
	const char *text;
	unsigned long address;	/* 0: is no operand */
};

/* Of an instruction at 0xffffffffc0001000, with rbx 0x5000 and r12 0x6000 */
static const struct kdt_operand_case kdt_operand_cases[] = {
	{ "rbx+0x0", 0x5000 },
	{ "r12+0x18", 0x6018 },
	{ "rbx-0x8", 0x4ff8 },
	{ "rip+0x1234,8", 0xffffffffc000223cUL },
	{ "rip-0x10,5", 0xffffffffc0000ff5UL },
	{ "", 0 },
	{ "-", 0 },
	{ "rbx", 0 },
	{ "rbx+8", 0 },
	{ "ebx+0x8", 0 },
	{ "r16+0x8", 0 },
	{ "rbx+0x8,4", 0 },
	{ "rbx+0x80000000", 0 },
	{ "rip+0x1234", 0 },
	{ "rip+0x1234,0", 0 },
	{ "rip+0x1234,16", 0 },
	{ "rip+0x1234,8,8", 0 },
};

static bool kdt_active_ok(const struct kdt_active_case *c, struct kdt_active *active)
{
	unsigned int i;

	memset(active, 0, sizeof(*active));
	for (i = 0; i < KDT_MAX_EVENTS; i++)
		kdt_active_follow(active, c->event[i].effect, c->event[i].pa);
	return active->vmx == c->vmx && kdt_pa_set_has(&active->vmcs, A) == c->a &&
	       kdt_pa_set_has(&active->vmcs, B) == c->b &&
	       active->vmcs.nr == c->a + c->b && !active->vmcs.overflow;
}

static bool kdt_overflow_ok(struct kdt_active *active)
{
	unsigned int i;

	memset(active, 0, sizeof(*active));
	for (i = 1; i <= KDT_MAX_ACTIVE; i++)
		kdt_active_follow(active, KDT_VMPTRLD, i * PAGE_SIZE);
	if (active->vmcs.nr != KDT_MAX_ACTIVE || active->vmcs.overflow)
		return false;
	kdt_active_follow(active, KDT_VMPTRLD, i * PAGE_SIZE);
	return active->vmcs.nr == KDT_MAX_ACTIVE && active->vmcs.overflow;
}

static bool kdt_operand_ok(const struct kdt_operand_case *c)
{
	static const struct pt_regs regs = { .bx = 0x5000, .r12 = 0x6000 };
	struct kdt_operand operand;

	if (!kdt_operand_parse(c->text, &operand))
		return !c->address;
	return kdt_operand_address(&operand, &regs, 0xffffffffc0001000UL) == c->address;
}

static bool kdt_tell(bool ok, unsigned int test, const char *what, const char *detail)
{
	pr_info("%s %u %s%s\n", ok ? "ok" : "not ok", test, what, detail);
	return ok;
}

/* KTAP to the kernel log. */
void kdt_dry_test(void)
{
	struct kdt_active *active = kvmalloc(sizeof(*active), GFP_KERNEL);
	unsigned int i, test = 0, pass = 0;

	if (!active)
		return;
	pr_info("KTAP version 1\n");
	pr_info("# kdump_torture dry\n");
	pr_info("1..%zu\n", ARRAY_SIZE(kdt_active_cases) + 1 + ARRAY_SIZE(kdt_operand_cases));
	for (i = 0; i < ARRAY_SIZE(kdt_active_cases); i++)
		pass += kdt_tell(kdt_active_ok(&kdt_active_cases[i], active), ++test,
				 kdt_active_cases[i].what, "");
	pass += kdt_tell(kdt_overflow_ok(active), ++test, "one too many is noticed", "");
	for (i = 0; i < ARRAY_SIZE(kdt_operand_cases); i++)
		pass += kdt_tell(kdt_operand_ok(&kdt_operand_cases[i]), ++test, "operand ",
				 kdt_operand_cases[i].text);
	pr_info("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:0 error:0\n", pass,
		test - pass);
	kvfree(active);
}
