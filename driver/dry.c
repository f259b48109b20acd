// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dry mode: nothing crashes. At each boundary of the table that a CPU comes to, what
 * a crash would do there is held against the VMCSes that are active on it, and
 * what is wrong with it is noted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>

#include "dry.h"
#include "kdt.h"

/* All VM entries are in it, and in code that cannot be probed itself. */
#define KDT_ENTRY_FUNCTION	"vmx_vcpu_run"

#define KDT_MAX_VIOLATIONS	512

enum kdt_violation_kind {
	KDT_MISSING,		/* an active VMCS that would not be VMCLEARed */
	KDT_BAD_POINTER,	/* the crash path would use it */
	KDT_FREED,		/* memory that is free would be VMCLEARed */
	KDT_NO_VMXOFF,
};

static const char * const kdt_violation_names[] = {
	[KDT_MISSING]		= "missing",
	[KDT_BAD_POINTER]	= "bad-pointer",
	[KDT_FREED]		= "freed",
	[KDT_NO_VMXOFF]		= "no-vmxoff",
};

struct kdt_violation {
	unsigned int index;	/* of the boundary */
	unsigned int cpu;
	int hit;
	enum kdt_violation_kind kind;
	u64 pa;
	char comm[TASK_COMM_LEN];
	bool complete;
};

/* Of each boundary the first violation of a kind. */
static struct kdt_violation kdt_violations[KDT_MAX_VIOLATIONS];
static atomic_t kdt_nr_violations;
static atomic64_t kdt_nr_bad;	/* all that there were */

/* Used by its CPU alone, with IRQs off. */
struct kdt_dry_cpu {
	bool followed;
	u64 operand;		/* of the instruction that is being stepped */
	struct kdt_active active;
	struct kdt_crash_path crash;
};

/* All set while dry. */
static struct kdt_dry_cpu *kdt_dry_cpus;
static struct kprobe **kdt_probes;
static struct kprobe kdt_entry_probe;

bool kdt_is_dry(void)
{
	return kdt_dry_cpus;
}

static void kdt_violate(struct kdt_boundary *boundary, int hit,
			enum kdt_violation_kind kind, u64 pa)
{
	struct kdt_violation *violation;
	unsigned int nr;

	atomic64_inc(&kdt_nr_bad);
	if (atomic_fetch_or(BIT(kind), &boundary->told) & BIT(kind))
		return;
	nr = atomic_inc_return(&kdt_nr_violations) - 1;
	if (nr >= KDT_MAX_VIOLATIONS)
		return;
	violation = &kdt_violations[nr];
	violation->index = boundary->index;
	violation->cpu = raw_smp_processor_id();
	violation->hit = hit;
	violation->kind = kind;
	violation->pa = pa;
	strscpy(violation->comm, current->comm, sizeof(violation->comm));
	smp_store_release(&violation->complete, true);	/* and so is the rest */
}

static void kdt_check_active(struct kdt_boundary *boundary, int hit,
			     const struct kdt_dry_cpu *cpu)
{
	const struct kdt_pa_set *active = &cpu->active.vmcs;
	unsigned int i;

	for (i = 0; i < active->nr; i++)
		if (!kdt_pa_set_has(&cpu->crash.vmclear, active->pa[i]))
			kdt_violate(boundary, hit, KDT_MISSING, active->pa[i]);
}

/* VMCLEAR writes to it. A page that is free has no references. */
static void kdt_check_memory(struct kdt_boundary *boundary, int hit,
			     const struct kdt_dry_cpu *cpu)
{
	const struct kdt_pa_set *vmclear = &cpu->crash.vmclear;
	unsigned int i;

	for (i = 0; i < vmclear->nr; i++) {
		u64 pa = vmclear->pa[i];

		if (!pfn_valid(PHYS_PFN(pa)))
			kdt_violate(boundary, hit, KDT_BAD_POINTER, pa);
		else if (!page_count(pfn_to_page(PHYS_PFN(pa))))
			kdt_violate(boundary, hit, KDT_FREED, pa);
	}
}

static void kdt_check(struct kdt_boundary *boundary, struct kdt_dry_cpu *cpu)
{
	struct kdt_crash_path *crash = &cpu->crash;
	int hit = atomic_inc_return(&boundary->hits);

	kdt_crash_path_ask(crash);
	if (cpu->active.vmcs.overflow || crash->vmclear.overflow)
		atomic_inc(&boundary->lost);
	kdt_check_memory(boundary, hit, cpu);
	/* What comes after a fault is not to be asked for. */
	if (crash->bad_pointer) {
		kdt_violate(boundary, hit, KDT_BAD_POINTER, crash->bad_address);
		return;
	}
	kdt_check_active(boundary, hit, cpu);
	if (cpu->active.vmx && crash->knows_vmxoff && !crash->vmxoff)
		kdt_violate(boundary, hit, KDT_NO_VMXOFF, 0);
}

/* CF and ZF are the two ways of a VMX instruction to say that it failed. */
static bool kdt_succeeded(const struct pt_regs *regs)
{
	return !(regs->flags & (X86_EFLAGS_CF | X86_EFLAGS_ZF));
}

static u64 kdt_read_operand(const struct kdt_boundary *boundary,
			    const struct pt_regs *regs)
{
	unsigned long address = kdt_operand_address(&boundary->operand, regs,
						    (unsigned long)boundary->probe.addr);
	u64 pa;

	return get_kernel_nofault(pa, (u64 *)address) ? KDT_NO_PA : pa;
}

static int kdt_boundary_before(struct kprobe *probe, struct pt_regs *regs)
{
	struct kdt_boundary *boundary = container_of(probe, struct kdt_boundary, probe);
	struct kdt_dry_cpu *cpu;
	unsigned long flags;

	/* A kprobe that is optimised into a jump has them on. */
	local_irq_save(flags);
	cpu = &kdt_dry_cpus[raw_smp_processor_id()];
	if (cpu->followed) {
		if (boundary->effect == KDT_AFTER_VMXOFF && kdt_succeeded(regs))
			kdt_active_follow(&cpu->active, KDT_AFTER_VMXOFF, KDT_NO_PA);
		kdt_check(boundary, cpu);
		if (probe->post_handler)
			cpu->operand = kdt_read_operand(boundary, regs);
	}
	local_irq_restore(flags);
	return 0;
}

/* The instruction has been stepped, with IRQs off since kdt_boundary_before(). */
static void kdt_boundary_after(struct kprobe *probe, struct pt_regs *regs,
			       unsigned long flags)
{
	struct kdt_boundary *boundary = container_of(probe, struct kdt_boundary, probe);
	struct kdt_dry_cpu *cpu = &kdt_dry_cpus[raw_smp_processor_id()];

	if (cpu->followed && kdt_succeeded(regs))
		kdt_active_follow(&cpu->active, boundary->effect, cpu->operand);
}

static int kdt_before_entry(struct kprobe *probe, struct pt_regs *regs)
{
	struct kdt_dry_cpu *cpu;
	unsigned long flags;

	local_irq_save(flags);
	cpu = &kdt_dry_cpus[raw_smp_processor_id()];
	if (cpu->followed)
		kdt_active_enter(&cpu->active);
	local_irq_restore(flags);
	return 0;
}

static void kdt_follow(void *unused)
{
	struct kdt_dry_cpu *cpu = &kdt_dry_cpus[raw_smp_processor_id()];

	kdt_active_assume(&cpu->active);
	cpu->followed = true;
}

/* A CPU that is offline has nothing active, and is followed when it comes back. */
static void kdt_follow_all(void)
{
	unsigned int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu)
		kdt_dry_cpus[cpu].followed = !cpu_online(cpu);
	on_each_cpu(kdt_follow, NULL, 1);
	cpus_read_unlock();
}

static int kdt_boundary_plant(struct kdt_boundary *boundary)
{
	int ret = kdt_boundary_resolve(boundary);

	if (ret)
		return ret;
	atomic_set(&boundary->hits, 0);
	atomic_set(&boundary->lost, 0);
	atomic_set(&boundary->told, 0);
	boundary->probe.pre_handler = kdt_boundary_before;
	if (kdt_effect_has_operand(boundary->effect))
		boundary->probe.post_handler = kdt_boundary_after;
	ret = register_kprobe(&boundary->probe);
	return ret ? kdt_refuse_kprobe(boundary->line, ret) : 0;
}

/* One by one, so that the one that fails is known. */
static int kdt_plant_all(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < kdt_nr_boundaries; i++) {
		ret = kdt_boundary_plant(kdt_boundaries[i]);
		if (ret) {
			unregister_kprobes(kdt_probes, i);
			return ret;
		}
		kdt_probes[i] = &kdt_boundaries[i]->probe;
		cond_resched();
	}
	return 0;
}

static int kdt_plant_entry(void)
{
	int ret;

	kdt_entry_probe = (struct kprobe){
		.symbol_name = KDT_ENTRY_FUNCTION,
		.pre_handler = kdt_before_entry,
	};
	ret = register_kprobe(&kdt_entry_probe);
	return ret ? kdt_refuse(ret, "no kprobe at %s (error %d): load a kvm_intel that has it",
				KDT_ENTRY_FUNCTION, ret) : 0;
}

static void kdt_dry_free(void)
{
	kdt_crash_path_put();
	kvfree(kdt_probes);
	kvfree(kdt_dry_cpus);
	kdt_dry_cpus = NULL;
}

static int kdt_dry_alloc(void)
{
	kdt_dry_cpus = kvcalloc(nr_cpu_ids, sizeof(*kdt_dry_cpus), GFP_KERNEL);
	kdt_probes = kvcalloc(kdt_nr_boundaries, sizeof(*kdt_probes), GFP_KERNEL);
	kdt_crash_path_get();
	if (kdt_dry_cpus && kdt_probes)
		return 0;
	kdt_dry_free();
	return kdt_refuse(-ENOMEM, "no memory for a dry run");
}

static void kdt_forget_violations(void)
{
	memset(kdt_violations, 0, sizeof(kdt_violations));
	atomic_set(&kdt_nr_violations, 0);
	atomic64_set(&kdt_nr_bad, 0);
}

/* Append lines to the table, or empty it, and the result with it, by no text. */
int kdt_dry_table_store(char *text)
{
	if (text[0])
		return kdt_dry_table_append(text);
	kdt_dry_table_clear();
	kdt_forget_violations();
	return 0;
}

static int kdt_dry_check_knobs(void)
{
	if (kdt_is_dry())
		return kdt_refuse(-EBUSY, "dry already: write 0 to dry first");
	if (kdt_is_armed())
		return kdt_refuse(-EBUSY, "armed: write 0 to arm first");
	if (!kdt_nr_boundaries)
		return kdt_refuse(-ENOENT, "no boundaries: write them to dry_table");
	if (!kdt_find_lists() || !kdt_knobs.layout.known)
		return kdt_refuse(-ENOENT,
				  "no list of loaded VMCSes: load kvm_intel, and write its layout to layout");
	return 0;
}

int kdt_dry_start(void)
{
	int ret = kdt_dry_check_knobs();

	if (!ret)
		ret = kdt_dry_alloc();
	if (ret)
		return ret;
	ret = kdt_plant_entry();
	if (ret)
		goto err_free;
	ret = kdt_plant_all();
	if (ret)
		goto err_entry;
	kdt_forget_violations();
	kdt_follow_all();
	kdt_forget_refusal();
	pr_notice("dry: %u boundaries\n", kdt_nr_boundaries);
	return 0;

err_entry:
	unregister_kprobe(&kdt_entry_probe);
err_free:
	kdt_dry_free();
	return ret;
}

/* Does nothing if not dry. What was found stays. */
void kdt_dry_stop(void)
{
	if (!kdt_is_dry())
		return;
	unregister_kprobes(kdt_probes, kdt_nr_boundaries);
	unregister_kprobe(&kdt_entry_probe);
	kdt_dry_free();
	pr_notice("dry: done\n");
}

static void kdt_show_violation(struct seq_file *m, const struct kdt_violation *violation)
{
	seq_printf(m, "bad %u cpu=%u hit=%d kind=%s pa=0x%llx task=", violation->index,
		   violation->cpu, violation->hit, kdt_violation_names[violation->kind],
		   violation->pa);
	seq_escape(m, violation->comm, "\n");
	seq_putc(m, '\n');
}

/* A boundary at which a kprobe was missed or nothing could be said was not passed. */
static void kdt_show_missed(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < kdt_nr_boundaries; i++) {
		const struct kdt_boundary *boundary = kdt_boundaries[i];
		unsigned long missed = boundary->probe.nmissed + atomic_read(&boundary->lost);

		if (missed)
			seq_printf(m, "missed %u %lu\n", i, missed);
	}
}

void kdt_dry_show_result(struct seq_file *m)
{
	unsigned long long all = 0;
	unsigned int i;

	for (i = 0; i < kdt_nr_boundaries; i++) {
		int hits = atomic_read(&kdt_boundaries[i]->hits);

		all += hits;
		if (hits)
			seq_printf(m, "%u %d\n", i, hits);
	}
	kdt_show_missed(m);
	for (i = 0; i < KDT_MAX_VIOLATIONS; i++)
		/* Before the rest of it is read */
		if (smp_load_acquire(&kdt_violations[i].complete))
			kdt_show_violation(m, &kdt_violations[i]);
	seq_printf(m, "end %llu %lld\n", all, atomic64_read(&kdt_nr_bad));
}
