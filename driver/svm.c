// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let the crash path leave SVM on, to see that this is noticed: until KVM turns it
 * off by a callback of its own (Linux 6.6), the crash path does so on CPUs that
 * have the feature flag, which is taken away here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "kdt.h"

static bool kdt_svm_kept;

/* As the CPU itself has it (APM vol. 3, CPUID Fn8000_0001_ECX). */
bool kdt_cpu_has_svm(void)
{
	return cpuid_eax(0x80000000) >= 0x80000001 &&
	       cpuid_ecx(0x80000001) & BIT(2);
}

void kdt_svm_restore(void)
{
	if (kdt_svm_kept)
		set_cpu_cap(&boot_cpu_data, X86_FEATURE_SVM);
	kdt_svm_kept = false;
}

/* Takes "off", which is what the crash path is to do, or "keep". */
int kdt_svm_store(char *line)
{
	if (!strcmp(line, "off")) {
		kdt_svm_restore();
		return 0;
	}
	if (strcmp(line, "keep")) {
		pr_err("svm: use off or keep\n");
		return -EINVAL;
	}
	if (!kdt_cpu_has_svm()) {
		pr_err("svm: this CPU has no SVM\n");
		return -ENODEV;
	}
	clear_bit(X86_FEATURE_SVM, (unsigned long *)boot_cpu_data.x86_capability);
	kdt_svm_kept = true;
	return 0;
}

void kdt_svm_show(struct seq_file *m)
{
	seq_puts(m, kdt_svm_kept ? "keep\n" : "off\n");
}
