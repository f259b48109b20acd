// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/slab.h>
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

/* Splits FUNCTION+0xOFFSET; *@ret_function is for the caller to kfree(). */
static int kdt_place_parse(const char *place, char **ret_function,
			   unsigned int *ret_offset)
{
	const char *plus = strchr(place, '+');

	if (!plus || plus == place || kstrtouint(plus + 1, 0, ret_offset))
		return -EINVAL;
	*ret_function = kmemdup_nul(place, plus - place, GFP_KERNEL);
	return *ret_function ? 0 : -ENOMEM;
}

/* Does it look like a place in the code? Whether there is one is another matter. */
bool kdt_place_is_valid(const char *place)
{
	unsigned int offset;
	char *function;

	if (kdt_place_parse(place, &function, &offset))
		return false;
	kfree(function);
	return true;
}

/* Is @addr in a function of this name? There can be several. */
static bool kdt_is_in(unsigned long addr, const char *function)
{
	char name[KSYM_SYMBOL_LEN];
	size_t length = strlen(function);

	sprint_symbol(name, addr);
	return !strncmp(name, function, length) && name[length] == '+';
}

static int kdt_place_find(const char *place, const char *function,
			  unsigned int offset, unsigned long *ret)
{
	unsigned long start = kdt_symbol(function);

	if (!start)
		return kdt_refuse(-ENOENT,
				  "no function %s in the kernel or a loaded module: check its name, load its module",
				  function);
	*ret = start + offset;
	/*
	 * kprobes would take it for a place in whatever function is there. A second
	 * function of that name is meant, for there is no other way to it.
	 */
	if (kdt_symbol_start(*ret) != start && !kdt_is_in(*ret, function))
		return kdt_refuse(-EILSEQ, "%s is past the end of the function", place);
	return 0;
}

/* Address of FUNCTION+0xOFFSET; refuses if there is no such place. */
int kdt_place_resolve(const char *place, unsigned long *ret)
{
	unsigned int offset;
	char *function;
	int error = kdt_place_parse(place, &function, &offset);

	if (error)
		return kdt_refuse(error, "cannot parse %s", place);
	error = kdt_place_find(place, function, offset, ret);
	kfree(function);
	return error;
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
