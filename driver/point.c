// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crash points: by name, where kvm_intel has the hooks of the crash-points
 * patch, or FUNCTION+0xOFFSET, by kprobe in any kernel; or host/now, which is
 * wherever the victim CPU is when it is told to fire.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/irq_regs.h>

#include "kdt.h"

/* The crash-points patch, arch/x86/kvm/vmx/crash_point.h */
struct kdt_hooks {
	const char *(*name)(unsigned int nr);
	int (*register_hit)(const char *name,
			    void (*hit)(void *loaded_vmcs, unsigned long ip));
	void (*unregister_hit)(void);
};

#define KDT_POINT_NOW	"host/now"

/* What is prepared. */
static enum kdt_via kdt_via;
static struct kdt_hooks kdt_hooks;
static struct kprobe kdt_kprobe;

static bool kdt_task_matches(void)
{
	const char *task = kdt_knobs.task;
	int pid;

	if (!task[0])
		return true;
	if (!kstrtoint(task, 10, &pid))
		return current->pid == pid || current->tgid == pid;
	return !strcmp(current->comm, task);
}

/* A CPU is at the point. */
static void kdt_point_reached(unsigned long ip, const struct pt_regs *regs)
{
	struct kdt_evidence *e = &kdump_torture_evidence;
	unsigned long flags;

	local_irq_save(flags);
	if (READ_ONCE(e->state) == KDT_ARMED &&
	    raw_smp_processor_id() == kdt_knobs.cpu && kdt_task_matches()) {
		/* Only this CPU counts, and with IRQs off it does not nest. */
		WRITE_ONCE(e->hits, e->hits + 1);
		if (e->hits > kdt_knobs.skip) {
			kdt_evidence_record(ip, regs);
			kdt_deliver();
		}
	}
	local_irq_restore(flags);
}

static void kdt_hook_hit(void *loaded_vmcs, unsigned long ip)
{
	kdt_point_reached(ip, NULL);
}

static int kdt_kprobe_hit(struct kprobe *probe, struct pt_regs *regs)
{
	kdt_point_reached((unsigned long)probe->addr, regs);
	return 0;
}

static bool kdt_is_now(const char *point)
{
	return !strcmp(point, KDT_POINT_NOW);
}

/* On the victim CPU, in the interrupt of kdt_point_fire(). */
static void kdt_now_hit(void *unused)
{
	struct pt_regs *regs = get_irq_regs();

	kdt_point_reached(regs ? instruction_pointer(regs) : 0, regs);
}

static void kdt_hooks_put(struct kdt_hooks *hooks)
{
	if (hooks->name)
		__symbol_put("vmx_crash_point_name");
	if (hooks->register_hit)
		__symbol_put("vmx_crash_point_register");
	if (hooks->unregister_hit)
		__symbol_put("vmx_crash_point_unregister");
	memset(hooks, 0, sizeof(*hooks));
}

/* Each symbol holds a reference on kvm_intel until kdt_hooks_put(). */
static bool kdt_hooks_get(struct kdt_hooks *ret)
{
	ret->name = __symbol_get("vmx_crash_point_name");
	ret->register_hit = __symbol_get("vmx_crash_point_register");
	ret->unregister_hit = __symbol_get("vmx_crash_point_unregister");
	if (ret->name && ret->register_hit && ret->unregister_hit)
		return true;
	kdt_hooks_put(ret);
	return false;
}

void kdt_point_list(struct seq_file *m)
{
	struct kdt_hooks hooks;
	const char *name;
	unsigned int nr;

	if (kdt_hooks_get(&hooks)) {
		for (nr = 0; (name = hooks.name(nr)); nr++)
			seq_printf(m, "%s\n", name);
		kdt_hooks_put(&hooks);
	}
	seq_puts(m, KDT_POINT_NOW " (when fire is written)\n");
	seq_puts(m, "FUNCTION+0xOFFSET (kprobe)\n");
}

static bool kdt_is_hook(const char *point)
{
	return strchr(point, '/');
}

/* Does it look like a point? Whether there is one shows when it is armed. */
bool kdt_point_is_valid(const char *point)
{
	return kdt_is_hook(point) || kdt_place_is_valid(point);
}

static int kdt_hook_prepare(void)
{
	const char *name;
	unsigned int nr;

	if (!kdt_hooks_get(&kdt_hooks))
		return kdt_refuse(-ENOENT,
				  "no hooks for %s: load a kvm_intel with the crash-points patch, or use FUNCTION+0xOFFSET",
				  kdt_knobs.point);
	for (nr = 0; (name = kdt_hooks.name(nr)); nr++)
		if (!strcmp(name, kdt_knobs.point))
			return 0;

	kdt_hooks_put(&kdt_hooks);
	return kdt_refuse(-ENOENT, "no hook %s in this kvm_intel: see points",
			  kdt_knobs.point);
}

/* Say what the error of register_kprobe() or enable_kprobe() means. */
int kdt_refuse_kprobe(const char *place, int error)
{
	switch (error) {
	case -EILSEQ:
		return kdt_refuse(error, "%s is not the start of an instruction", place);
	case -EINVAL:
	case -EOPNOTSUPP:
		return kdt_refuse(-EOPNOTSUPP,
				  "kprobes refuse %s (blacklisted or patched code, or an instruction they cannot step): take a neighbouring one",
				  place);
	default:
		return kdt_refuse(error, "cannot probe %s: error %d", place, error);
	}
}

/* Register the kprobe, but leave the code as it is. */
static int kdt_kprobe_prepare(void)
{
	unsigned long address;
	int ret = kdt_place_resolve(kdt_knobs.point, &address);

	if (ret)
		return ret;
	kdt_kprobe = (struct kprobe){
		.addr = (kprobe_opcode_t *)address,
		.pre_handler = kdt_kprobe_hit,
		.flags = KPROBE_FLAG_DISABLED,
	};
	ret = register_kprobe(&kdt_kprobe);
	return ret ? kdt_refuse_kprobe(kdt_knobs.point, ret) : 0;
}

/*
 * Check the point of the knobs and get ready for kdt_point_enable(); changes
 * no code yet.
 */
int kdt_point_prepare(void)
{
	if (!kdt_knobs.point[0])
		return kdt_refuse(-ENOENT, "no point: write one to point");
	kdt_via = KDT_VIA_NOW;
	if (kdt_is_now(kdt_knobs.point))
		return 0;
	kdt_via = KDT_VIA_HOOK;
	if (kdt_is_hook(kdt_knobs.point))
		return kdt_hook_prepare();
	kdt_via = KDT_VIA_KPROBE;
	return kdt_kprobe_prepare();
}

enum kdt_via kdt_point_via(void)
{
	return kdt_via;
}

int kdt_point_enable(void)
{
	int ret = 0;

	switch (kdt_via) {
	case KDT_VIA_HOOK:
		ret = kdt_hooks.register_hit(kdt_knobs.point, kdt_hook_hit);
		return ret ? kdt_refuse(ret, "hook %s cannot be registered: error %d",
					kdt_knobs.point, ret) : 0;
	case KDT_VIA_KPROBE:
		ret = enable_kprobe(&kdt_kprobe);
		return ret ? kdt_refuse_kprobe(kdt_knobs.point, ret) : 0;
	case KDT_VIA_NOW:
		break;
	}
	return ret;
}

/*
 * Let the victim CPU be at the point, by an interrupt. Called when armed;
 * returns at once, unless this is the victim CPU.
 */
int kdt_point_fire(void)
{
	if (kdt_via != KDT_VIA_NOW) {
		pr_err("fire: %s is reached by itself: only " KDT_POINT_NOW " is fired\n",
		       kdt_knobs.point);
		return -EINVAL;
	}
	return smp_call_function_single(kdt_knobs.cpu, kdt_now_hit, NULL, 0);
}

void kdt_point_disable(void)
{
	if (kdt_via == KDT_VIA_HOOK)
		kdt_hooks.unregister_hit();
	else if (kdt_via == KDT_VIA_KPROBE)
		disable_kprobe(&kdt_kprobe);
}

/* No CPU is in kdt_point_reached() any more when this returns. */
void kdt_point_release(void)
{
	if (kdt_via == KDT_VIA_HOOK)
		kdt_hooks_put(&kdt_hooks);
	else if (kdt_via == KDT_VIA_KPROBE)
		unregister_kprobe(&kdt_kprobe);
}
