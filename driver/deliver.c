// SPDX-License-Identifier: GPL-2.0-only
/*
 * The victim is held at the point until an NMI ends it. Who sends that NMI:
 *
 *	self		the victim, to its own CPU
 *	remote		another CPU, whose timer sees the victim held
 *	shootdown	the kernel: that other CPU panics
 *
 * A timer, not a thread: the other CPU may be waiting, with preemption off, for
 * the very IPI that the victim is held in (migration to it: loaded_vmcs_clear()).
 * With IRQs off there, too (while a CPU goes offline all wait for it so), the timer
 * never runs: the victim then prods the other CPU, by an NMI.
 *
 * A CPU that goes offline ignores NMIs from then on (exc_nmi()), also the crash
 * NMI. Instead of an NMI it then panics; when it is shot down in vain it goes on,
 * as it would.
 *
 * NMIs go through the APIC's send_IPI_mask(), also to the own CPU: the self
 * shorthand with NMI delivery mode is invalid (SDM, "Interrupt Command
 * Register"), and x2APIC's SELF IPI register knows only fixed vectors.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kexec.h>
#include <linux/panic.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "kdt.h"

/*
 * Long enough for the slowest emulator, shorter than the soft lockup (20 s)
 * and RCU stall (21 s) detectors.
 */
#define KDT_HOLD_NS	(10ULL * NSEC_PER_SEC)

/* Time for the timer, which comes with the next tick: 10 ms later at HZ=100. */
#define KDT_PROD_NS	(100ULL * NSEC_PER_MSEC)

#define KDT_NMI_NAME	"kdump_torture"

const char * const kdt_delivery_names[] = {
	[KDT_DELIVER_SELF]	= "self",
	[KDT_DELIVER_REMOTE]	= "remote",
	[KDT_DELIVER_SHOOTDOWN]	= "shootdown",
};

const unsigned int kdt_nr_deliveries = ARRAY_SIZE(kdt_delivery_names);

/* The CPU that sends the NMI or panics, KDT_NO_CPU for the victim itself. */
static unsigned int kdt_sender = KDT_NO_CPU;

/* An NMI was sent to the victim and has not arrived yet. */
static atomic_t kdt_nmi_due;

/* The victim wants to be sent the NMI, or shot down, by the CPU that this one hits. */
static atomic_t kdt_prod_due;

static char kdt_panic_msg[128];

static bool kdt_state_change(enum kdt_state from, enum kdt_state to)
{
	return cmpxchg(&kdump_torture_evidence.state, from, to) == from;
}

static void kdt_send_nmi(void)
{
	/* It sees what is meant, by the state. */
	if (!cpu_online(kdt_knobs.cpu))
		return;
	atomic_set(&kdt_nmi_due, 1);
	apic->send_IPI_mask(cpumask_of(kdt_knobs.cpu), NMI_VECTOR);
}

/* On another CPU than the victim, which is held. */
static void kdt_send(void)
{
	struct kdt_evidence *e = &kdump_torture_evidence;

	WRITE_ONCE(e->sender_cpu, raw_smp_processor_id());
	if (!kdt_state_change(KDT_HELD, KDT_NMI_SENT))
		return;
	if (e->delivery == KDT_DELIVER_SHOOTDOWN)
		panic("%s", kdt_panic_msg);
	kdt_send_nmi();
}

static int kdt_nmi(unsigned int type, struct pt_regs *regs)
{
	struct kdt_evidence *e = &kdump_torture_evidence;

	if (raw_smp_processor_id() != e->victim_cpu) {
		if (!atomic_xchg(&kdt_prod_due, 0))
			return NMI_DONE;
		kdt_send();
		return NMI_HANDLED;
	}
	if (!atomic_xchg(&kdt_nmi_due, 0))
		return NMI_DONE;

	e->nmi_ip = regs->ip;
	smp_wmb();	/* state NMI_TAKEN says that nmi_ip is there */
	if (kdt_state_change(KDT_NMI_SENT, KDT_NMI_TAKEN))
		nmi_panic(regs, kdt_panic_msg);
	/* Otherwise it came after the victim was let go. */
	return NMI_HANDLED;
}

static void kdt_sender_tick(struct timer_list *timer)
{
	if (READ_ONCE(kdump_torture_evidence.state) == KDT_HELD) {
		kdt_send();
		return;
	}
	timer->expires = jiffies + 1;
	add_timer_on(timer, kdt_sender);
}

static DEFINE_TIMER(kdt_sender_timer, kdt_sender_tick);

/* Any online CPU but the victim; nr_cpu_ids if there is none. */
static unsigned int kdt_other_cpu(void)
{
	unsigned int cpu = cpumask_first(cpu_online_mask);

	return cpu == kdt_knobs.cpu ? cpumask_next(cpu, cpu_online_mask) : cpu;
}

static int kdt_start_sender(void)
{
	unsigned int cpu = kdt_other_cpu();

	if (cpu >= nr_cpu_ids)
		return kdt_refuse(-ENODEV,
				  "delivery %s needs a second CPU online, victim CPU %u is the only one",
				  kdt_delivery_names[kdt_knobs.deliver],
				  kdt_knobs.cpu);

	kdt_sender = cpu;
	kdt_sender_timer.expires = jiffies + 1;
	add_timer_on(&kdt_sender_timer, cpu);
	return 0;
}

/* Get ready to deliver as the knobs say; refuses if the CPUs do not fit. */
int kdt_deliver_prepare(void)
{
	int ret;

	if (kdt_knobs.cpu >= nr_cpu_ids || !cpu_online(kdt_knobs.cpu))
		return kdt_refuse(-ENODEV,
				  "victim CPU %u is not online: write an online one to cpu",
				  kdt_knobs.cpu);

	snprintf(kdt_panic_msg, sizeof(kdt_panic_msg), "kdump-torture: %s at %s",
		 kdt_knobs.deliver == KDT_DELIVER_SHOOTDOWN ? "shootdown" : "NMI",
		 kdt_knobs.label[0] ? kdt_knobs.label : kdt_knobs.point);

	atomic_set(&kdt_nmi_due, 0);
	atomic_set(&kdt_prod_due, 0);
	ret = register_nmi_handler(NMI_LOCAL, kdt_nmi, NMI_FLAG_FIRST, KDT_NMI_NAME);
	if (ret)
		return kdt_refuse(ret, "cannot register the NMI handler");

	if (kdt_knobs.deliver == KDT_DELIVER_SELF)
		return 0;
	ret = kdt_start_sender();
	if (ret)
		unregister_nmi_handler(NMI_LOCAL, KDT_NMI_NAME);
	return ret;
}

void kdt_deliver_release(void)
{
	if (kdt_sender != KDT_NO_CPU)
		timer_delete_sync(&kdt_sender_timer);
	kdt_sender = KDT_NO_CPU;
	unregister_nmi_handler(NMI_LOCAL, KDT_NMI_NAME);
}

/*
 * Let no CPU be held from now on. One that is held already ends in a crash
 * or, in time, in NMI_LOST: wait for that.
 */
void kdt_deliver_settle(void)
{
	kdt_state_change(KDT_ARMED, KDT_IDLE);
	while (READ_ONCE(kdump_torture_evidence.state) == KDT_HELD ||
	       READ_ONCE(kdump_torture_evidence.state) == KDT_NMI_SENT)
		msleep(20);
}

static void kdt_lost_work(struct work_struct *work)
{
	kdt_lost();
}

static DECLARE_WORK(kdt_lost_work_item, kdt_lost_work);

static void kdt_lost_irq(struct irq_work *work)
{
	schedule_work(&kdt_lost_work_item);
}

static struct irq_work kdt_lost_irq_work = IRQ_WORK_INIT(kdt_lost_irq);

/* Wait until nothing is left that kdt_deliver() has started. */
void kdt_deliver_exit(void)
{
	irq_work_sync(&kdt_lost_irq_work);
	cancel_work_sync(&kdt_lost_work_item);
}

static void kdt_prod(void)
{
	unsigned int cpu = kdt_other_cpu();

	if (cpu >= nr_cpu_ids)
		return;
	atomic_set(&kdt_prod_due, 1);
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
}

/* This is the victim, offline, and would have got the NMI by now. */
static void kdt_deliver_offline(void)
{
	if (kdump_torture_evidence.delivery == KDT_DELIVER_SHOOTDOWN)
		kdt_state_change(KDT_NMI_SENT, KDT_LET_GO);
	else if (kdt_state_change(KDT_NMI_SENT, KDT_NMI_TAKEN))
		panic("%s", kdt_panic_msg);
}

/*
 * Hold the victim, this CPU, until the NMI. Called with IRQs off in state
 * ARMED with the evidence recorded. Returns only if it has been disarmed
 * meanwhile, or in state NMI_LOST or LET_GO.
 */
void kdt_deliver(void)
{
	struct kdt_evidence *e = &kdump_torture_evidence;
	u64 now = ktime_get_mono_fast_ns();
	u64 end = now + KDT_HOLD_NS, prod = now + KDT_PROD_NS;

	smp_wmb();	/* state HELD says that the rest is there */
	if (!kdt_state_change(KDT_ARMED, KDT_HELD))
		return;

	if (e->delivery == KDT_DELIVER_SELF) {
		WRITE_ONCE(e->sender_cpu, e->victim_cpu);
		if (kdt_state_change(KDT_HELD, KDT_NMI_SENT))
			kdt_send_nmi();
	}

	while (now < end) {
		u32 state = READ_ONCE(e->state);

		if (state == KDT_NMI_SENT && !cpu_online(e->victim_cpu)) {
			kdt_deliver_offline();
			return;
		}
		if (state == KDT_HELD && now >= prod) {
			kdt_prod();
			prod = end;
		}
		cpu_relax();
		now = ktime_get_mono_fast_ns();
	}

	if (kdt_state_change(KDT_HELD, KDT_NMI_LOST) ||
	    kdt_state_change(KDT_NMI_SENT, KDT_NMI_LOST))
		irq_work_queue(&kdt_lost_irq_work);
}
