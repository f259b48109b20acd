// SPDX-License-Identifier: GPL-2.0-only
/*
 * kdump-torture: crash the host at a chosen instruction, by an NMI.
 *
 * Loading the module changes nothing. Writing 1 to arm in its debugfs folder
 * plants one crash point; the next time that the victim CPU gets there, the
 * machine goes down.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "kdt.h"

static bool selftest;
module_param(selftest, bool, 0444);
MODULE_PARM_DESC(selftest, "test the states of half-done list operations and what is followed in dry mode when loaded, KTAP to the kernel log");

struct kdt_knobs kdt_knobs;

/* Protects the knobs, kdt_armed and kdt_refusal. */
DEFINE_MUTEX(kdt_lock);

/* Point and delivery are prepared; whether it can still fire is the state. */
static bool kdt_armed;

/* Why arming, or dry mode, was refused last; empty if it was not. */
static char kdt_refusal[256];

/* Returns @error after saying why, in the log and in the result. */
int kdt_refuse(int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(kdt_refusal, sizeof(kdt_refusal), fmt, args);
	va_end(args);
	pr_err("refused: %s\n", kdt_refusal);
	return error;
}

void kdt_forget_refusal(void)
{
	kdt_refusal[0] = '\0';
}

bool kdt_is_armed(void)
{
	return kdt_armed;
}

static int kdt_check_crash_kernel(void)
{
	if (kexec_crash_loaded())
		return 0;
	return kdt_refuse(-ENXIO, "no crash kernel loaded: load one with kexec -p");
}

/* From here on the victim's next hit is for real. */
static void kdt_go(void)
{
	kdt_forget_refusal();
	kdt_armed = true;
	pr_notice("armed: %s on CPU %u, delivery %s\n", kdt_knobs.point,
		  kdt_knobs.cpu, kdt_delivery_names[kdt_knobs.deliver]);
	/* Whoever sees ARMED sees the knobs and the evidence as they were reset. */
	smp_store_release(&kdump_torture_evidence.state, KDT_ARMED);
}

/* Arm as the knobs say. */
int kdt_arm(void)
{
	int ret;

	if (kdt_armed)
		return kdt_refuse(-EBUSY, "already armed at %s: write 0 to arm first",
				  kdump_torture_evidence.probe);
	if (kdt_is_dry())
		return kdt_refuse(-EBUSY, "dry: write 0 to dry first");

	cpus_read_lock();
	ret = kdt_deliver_prepare();
	cpus_read_unlock();
	if (ret)
		return ret;

	ret = kdt_point_prepare();
	if (ret)
		goto err_deliver;
	ret = kdt_check_crash_kernel();
	if (ret)
		goto err_point;

	kdt_evidence_reset(kdt_point_via());
	ret = kdt_point_enable();
	if (ret)
		goto err_point;
	kdt_go();
	return 0;

err_point:
	kdt_point_release();
err_deliver:
	kdt_deliver_release();
	return ret;
}

/* Does nothing if not armed; does not return if the crash is under way. */
void kdt_disarm(void)
{
	if (!kdt_armed)
		return;
	kdt_deliver_settle();
	kdt_point_disable();
	kdt_point_release();
	kdt_deliver_release();
	kdt_forget_refusal();
	kdt_armed = false;
	pr_notice("disarmed\n");
}

/* The victim was held in vain. */
void kdt_lost(void)
{
	mutex_lock(&kdt_lock);
	pr_err("%s: CPU %u was held, but no NMI came; let go\n",
	       kdump_torture_evidence.point, kdump_torture_evidence.victim_cpu);
	kdt_disarm();
	mutex_unlock(&kdt_lock);
}

/* One line. A refusal stays the result until arming works, or disarming. */
void kdt_show_result(struct seq_file *m)
{
	static const char * const states[] = {
		[KDT_IDLE]	= "idle",
		[KDT_ARMED]	= "armed",
		[KDT_HELD]	= "held",
		[KDT_NMI_SENT]	= "nmi-sent",
		[KDT_NMI_TAKEN]	= "nmi-taken",
		[KDT_NMI_LOST]	= "nmi-lost",
		[KDT_LET_GO]	= "let-go",
	};
	const struct kdt_evidence *e = &kdump_torture_evidence;
	u32 state = READ_ONCE(e->state);

	if (!kdt_armed && kdt_refusal[0])
		seq_printf(m, "refused: %s\n", kdt_refusal);
	else if (state == KDT_IDLE)
		seq_printf(m, "%s\n", states[state]);
	else
		seq_printf(m, "%s %s cpu %u deliver %s hits %u\n", states[state],
			   e->point, e->victim_cpu,
			   kdt_delivery_names[e->delivery], READ_ONCE(e->hits));
}

/*
 * Hooks hold a reference on kvm_intel, kprobes do not, nor on kvm_amd. The
 * evidence reads kvm_intel's per-CPU variables, which go with it.
 */
static int kdt_module_event(struct notifier_block *nb, unsigned long event,
			    void *data)
{
	struct module *mod = data;

	if (event == MODULE_STATE_GOING &&
	    (!strcmp(mod->name, "kvm_intel") || !strcmp(mod->name, "kvm_amd"))) {
		mutex_lock(&kdt_lock);
		kdt_disarm();
		kdt_dry_stop();
		mutex_unlock(&kdt_lock);
	}
	return NOTIFY_DONE;
}

static struct notifier_block kdt_module_notifier = {
	.notifier_call = kdt_module_event,
};

static int __init kdt_init(void)
{
	int ret = kdt_symbol_init();

	if (ret)
		return ret;
	if (selftest) {
		kdt_list_state_test();
		kdt_dry_test();
	}
	ret = register_module_notifier(&kdt_module_notifier);
	if (ret)
		return ret;
	kdt_debugfs_init();
	return 0;
}

static void __exit kdt_exit(void)
{
	kdt_debugfs_exit();
	unregister_module_notifier(&kdt_module_notifier);
	mutex_lock(&kdt_lock);
	kdt_disarm();
	kdt_dry_stop();
	kdt_dry_table_clear();
	kdt_vmxon_restore();
	kdt_svm_restore();
	mutex_unlock(&kdt_lock);
	kdt_deliver_exit();
}

module_init(kdt_init);
module_exit(kdt_exit);

MODULE_DESCRIPTION("Crash a KVM host at a chosen instruction");
MODULE_LICENSE("GPL");
