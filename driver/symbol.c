// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "kdt.h"

static unsigned long (*kdt_kallsyms_lookup_name)(const char *name);

/* Start of the function that @addr is in, 0 if it is in none. */
unsigned long kdt_symbol_start(unsigned long addr)
{
	char name[KSYM_SYMBOL_LEN];
	unsigned long offset;
	const char *plus;

	/* The only exported way back from an address: "name+0x12/0x34 [module]" */
	sprint_symbol(name, addr);
	plus = strrchr(name, '+');
	if (!plus || sscanf(plus, "+%lx/", &offset) != 1)
		return 0;
	return addr - offset;
}

/* Address of @name in the kernel or a loaded module, 0 if there is none. */
unsigned long kdt_symbol(const char *name)
{
	return kdt_kallsyms_lookup_name(name);
}

/*
 * Commit 0bd476e6c671 ("kallsyms: unexport kallsyms_lookup_name() and
 * kallsyms_on_each_symbol()") left kprobes as the way to a symbol's address.
 */
int kdt_symbol_init(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret = register_kprobe(&probe);

	if (ret) {
		pr_err("no kprobe at kallsyms_lookup_name (%d): the kernel needs CONFIG_KPROBES and CONFIG_KALLSYMS\n",
		       ret);
		return ret;
	}
	/* With IBT the probe is behind the function's ENDBR. */
	kdt_kallsyms_lookup_name = (void *)kdt_symbol_start((unsigned long)probe.addr);
	unregister_kprobe(&probe);
	return kdt_kallsyms_lookup_name ? 0 : -ENOENT;
}
