// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make VMXON fail on one CPU, to see what KVM makes of it:
 *
 * fault	CR0.NE is clear: VMXON raises #GP on any CPU that has VMX (SDM,
 *		"Restrictions on VMX Operation"), and nothing else of a 64-bit
 *		kernel minds.
 * revision	KVM's VMXON region has another revision id than the CPU: VMXON
 *		VMfails with CF set, and faults nothing (SDM, "VMXON").
 * entered	The CPU is in VMX operation already, with CR4.VMXE set, as if
 *		another hypervisor had it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "kdt.h"

enum kdt_vmxon_kind {
	KDT_VMXON_FAULT,
	KDT_VMXON_REVISION,
	KDT_VMXON_ENTERED,
};

static const char * const kdt_vmxon_kinds[] = {
	[KDT_VMXON_FAULT] = "fault",
	[KDT_VMXON_REVISION] = "revision",
	[KDT_VMXON_ENTERED] = "entered",
};

/* CPU on which VMXON fails, KDT_NO_CPU for none, and how. */
static unsigned int kdt_vmxon_cpu = KDT_NO_CPU;
static enum kdt_vmxon_kind kdt_vmxon_kind;
/* The region of a CPU that entered VMX operation for us. */
static u32 *kdt_vmxon_region;

static void kdt_clear_ne(void *unused)
{
	write_cr0(read_cr0() & ~X86_CR0_NE);
}

static void kdt_set_ne(void *unused)
{
	write_cr0(read_cr0() | X86_CR0_NE);
}

static void kdt_enter_vmx(void *entered)
{
	u64 pa = virt_to_phys(kdt_vmxon_region);
	bool done = false;

	cr4_set_bits(X86_CR4_VMXE);
	asm volatile("1: vmxon %1\n"
		     "jna 2f\n"
		     "movb $1, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+m" (done) : "m" (pa) : "cc", "memory");
	if (!done)
		cr4_clear_bits(X86_CR4_VMXE);
	*(bool *)entered = done;
}

static void kdt_leave_vmx(void *unused)
{
	asm volatile("1: vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	cr4_clear_bits(X86_CR4_VMXE);
}

/* The revision id that KVM's VMXON region of @cpu begins with, NULL without KVM. */
static u32 *kdt_revision(unsigned int cpu)
{
	u32 * __percpu *area = (void __percpu *)kdt_symbol("vmxarea");

	return area ? *per_cpu_ptr(area, cpu) : NULL;
}

/* Of a VMXON region, by the CPU (SDM, "Basic VMX Information"). */
static u32 kdt_right_revision(void)
{
	u64 basic;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	return basic & GENMASK(30, 0);
}

static bool kdt_set_revision(unsigned int cpu, u32 value)
{
	u32 *revision = kdt_revision(cpu);

	if (revision)
		*revision = value;
	return revision;
}

static int kdt_break_revision(unsigned int cpu)
{
	if (kdt_set_revision(cpu, kdt_right_revision() ^ 1))
		return 0;
	pr_err("vmxon: no vmxarea: load kvm_intel first\n");
	return -ENOENT;
}

static int kdt_enter(unsigned int cpu)
{
	bool entered = false;
	int ret;

	kdt_vmxon_region = (u32 *)get_zeroed_page(GFP_KERNEL);
	if (!kdt_vmxon_region)
		return -ENOMEM;
	kdt_vmxon_region[0] = kdt_right_revision();
	ret = smp_call_function_single(cpu, kdt_enter_vmx, &entered, 1);
	if (!ret && entered)
		return 0;
	free_page((unsigned long)kdt_vmxon_region);
	kdt_vmxon_region = NULL;
	return ret ? ret : -EIO;
}

static int kdt_vmxon_break(unsigned int cpu, enum kdt_vmxon_kind kind)
{
	switch (kind) {
	case KDT_VMXON_REVISION:
		return kdt_break_revision(cpu);
	case KDT_VMXON_ENTERED:
		return kdt_enter(cpu);
	default:
		return smp_call_function_single(cpu, kdt_clear_ne, NULL, 1);
	}
}

/* A CPU that has gone offline in VMX operation keeps its region. */
static void kdt_leave(unsigned int cpu)
{
	if (!smp_call_function_single(cpu, kdt_leave_vmx, NULL, 1))
		free_page((unsigned long)kdt_vmxon_region);
	kdt_vmxon_region = NULL;
}

/* Let VMXON be what it was on every CPU. */
void kdt_vmxon_restore(void)
{
	unsigned int cpu = kdt_vmxon_cpu;

	if (cpu == KDT_NO_CPU)
		return;
	kdt_vmxon_cpu = KDT_NO_CPU;
	switch (kdt_vmxon_kind) {
	case KDT_VMXON_FAULT:
		/* A CPU that has gone offline comes back with CR0 as usual. */
		smp_call_function_single(cpu, kdt_set_ne, NULL, 1);
		break;
	case KDT_VMXON_REVISION:
		/* Without kvm_intel the region is gone, too. */
		kdt_set_revision(cpu, kdt_right_revision());
		break;
	case KDT_VMXON_ENTERED:
		kdt_leave(cpu);
		break;
	}
}

static void kdt_read_vmxe(void *vmxe)
{
	*(bool *)vmxe = __read_cr4() & X86_CR4_VMXE;
}

/* Called with kdt_lock held, as all here. */
static int kdt_vmxon_set(unsigned int cpu, enum kdt_vmxon_kind kind)
{
	bool vmxe = false;
	int ret;

	kdt_vmxon_restore();
	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	ret = smp_call_function_single(cpu, kdt_read_vmxe, &vmxe, 1);
	if (ret)
		return ret;
	if (vmxe) {
		pr_err("vmxon: CPU %u is in VMX operation: end all VMs first\n", cpu);
		return -EBUSY;
	}
	ret = kdt_vmxon_break(cpu, kind);
	if (ret)
		return ret;
	kdt_vmxon_cpu = cpu;
	kdt_vmxon_kind = kind;
	return 0;
}

/* Takes "none" or "CPU KIND". */
int kdt_vmxon_store(char *line)
{
	char *word = strsep(&line, " ");
	unsigned int cpu;
	int kind;

	if (!line && !strcmp(word, "none")) {
		kdt_vmxon_restore();
		return 0;
	}
	kind = line ? match_string(kdt_vmxon_kinds, ARRAY_SIZE(kdt_vmxon_kinds), line) : -1;
	if (kind < 0 || kstrtouint(word, 10, &cpu)) {
		pr_err("vmxon: use none, or a CPU number and fault, revision or entered\n");
		return -EINVAL;
	}
	return kdt_vmxon_set(cpu, kind);
}

void kdt_vmxon_show(struct seq_file *m)
{
	if (kdt_vmxon_cpu == KDT_NO_CPU)
		seq_puts(m, "none\n");
	else
		seq_printf(m, "%u %s\n", kdt_vmxon_cpu, kdt_vmxon_kinds[kdt_vmxon_kind]);
}

/* The online CPUs that have CR4.VMXE set, in one line. */
void kdt_vmxe_show(struct seq_file *m)
{
	const char *space = "";
	unsigned int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		bool vmxe = false;

		smp_call_function_single(cpu, kdt_read_vmxe, &vmxe, 1);
		if (vmxe) {
			seq_printf(m, "%s%u", space, cpu);
			space = " ";
		}
	}
	cpus_read_unlock();
	seq_putc(m, '\n');
}
