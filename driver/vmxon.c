// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make VMXON fault on one CPU, to see what KVM makes of it. With CR0.NE clear
 * VMXON raises #GP on any CPU that has VMX (SDM, "Restrictions on VMX
 * Operation"), and nothing else of a 64-bit kernel minds.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "kdt.h"

/* CPU on which VMXON faults, KDT_NO_CPU for none. */
static unsigned int kdt_vmxon_cpu = KDT_NO_CPU;

static void kdt_clear_ne(void *unused)
{
	write_cr0(read_cr0() & ~X86_CR0_NE);
}

static void kdt_set_ne(void *unused)
{
	write_cr0(read_cr0() | X86_CR0_NE);
}

static void kdt_read_vmxe(void *vmxe)
{
	*(bool *)vmxe = __read_cr4() & X86_CR4_VMXE;
}

/* Let VMXON be what it was on every CPU. */
void kdt_vmxon_restore(void)
{
	if (kdt_vmxon_cpu == KDT_NO_CPU)
		return;
	/* A CPU that has gone offline meanwhile comes back with CR0 as usual. */
	smp_call_function_single(kdt_vmxon_cpu, kdt_set_ne, NULL, 1);
	kdt_vmxon_cpu = KDT_NO_CPU;
}

/* Called with kdt_lock held, as all below. */
int kdt_vmxon_fault(unsigned int cpu)
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
		pr_err("vmxon_fault: CPU %u is in VMX operation: end all VMs first\n", cpu);
		return -EBUSY;
	}
	ret = smp_call_function_single(cpu, kdt_clear_ne, NULL, 1);
	if (!ret)
		kdt_vmxon_cpu = cpu;
	return ret;
}

void kdt_vmxon_show(struct seq_file *m)
{
	if (kdt_vmxon_cpu == KDT_NO_CPU)
		seq_puts(m, "none\n");
	else
		seq_printf(m, "%u\n", kdt_vmxon_cpu);
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
