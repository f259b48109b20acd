// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boundaries of a dry run. Each is a line
 *
 *	FUNCTION+0xOFFSET LABEL EFFECT OPERAND
 *
 * and is called by its number, from 0. LABEL is for whoever reads the table.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dry.h"
#include "kdt.h"

/* All operations of KVM come to some 1100 in 6.1. */
#define KDT_MAX_BOUNDARIES	4096

static const char * const kdt_effect_names[] = {
	[KDT_NO_EFFECT]		= "-",
	[KDT_VMPTRLD]		= "vmptrld",
	[KDT_VMCLEAR]		= "vmclear",
	[KDT_VMXON]		= "vmxon",
	[KDT_AFTER_VMXOFF]	= "after-vmxoff",
};

struct kdt_boundary *kdt_boundaries[KDT_MAX_BOUNDARIES];
unsigned int kdt_nr_boundaries;

/* The fields of a line, as text. */
struct kdt_line {
	char place[sizeof_field(struct kdt_evidence, probe)];
	char label[sizeof_field(struct kdt_evidence, point)];
	char effect[16];
	char operand[32];
};

static bool kdt_line_split(const char *line, struct kdt_line *ret)
{
	char more;

	/* A field that does not fit leaves its rest for the next one: one too many. */
	return sscanf(line, "%95s %63s %15s %31s %c", ret->place, ret->label,
		      ret->effect, ret->operand, &more) == 4;
}

bool kdt_effect_has_operand(enum kdt_effect effect)
{
	return effect != KDT_NO_EFFECT && effect != KDT_AFTER_VMXOFF;
}

static bool kdt_line_parse(const char *line, struct kdt_boundary *ret)
{
	struct kdt_line field;
	int effect;

	if (!kdt_line_split(line, &field) || !kdt_place_is_valid(field.place))
		return false;
	effect = match_string(kdt_effect_names, ARRAY_SIZE(kdt_effect_names), field.effect);
	if (effect < 0)
		return false;
	ret->effect = effect;
	if (!kdt_effect_has_operand(effect))
		return !strcmp(field.operand, "-");
	return kdt_operand_parse(field.operand, &ret->operand);
}

static int kdt_line_append(const char *line)
{
	size_t size = strlen(line) + 1;
	struct kdt_boundary *boundary;

	if (kdt_nr_boundaries == KDT_MAX_BOUNDARIES) {
		pr_err("dry_table: more than %u lines\n", KDT_MAX_BOUNDARIES);
		return -E2BIG;
	}
	boundary = kzalloc(struct_size(boundary, line, size), GFP_KERNEL);
	if (!boundary)
		return -ENOMEM;
	if (!kdt_line_parse(line, boundary)) {
		pr_err("dry_table: line %u, \"%s\", is not FUNCTION+0xOFFSET LABEL EFFECT OPERAND\n",
		       kdt_nr_boundaries, line);
		kfree(boundary);
		return -EINVAL;
	}
	memcpy(boundary->line, line, size);
	boundary->index = kdt_nr_boundaries;
	kdt_boundaries[kdt_nr_boundaries++] = boundary;
	return 0;
}

static void kdt_dry_table_cut(unsigned int nr)
{
	while (kdt_nr_boundaries > nr)
		kfree(kdt_boundaries[--kdt_nr_boundaries]);
}

/* All lines of @text, or none. */
int kdt_dry_table_append(char *text)
{
	unsigned int nr = kdt_nr_boundaries;
	char *line;
	int ret;

	while ((line = strsep(&text, "\n"))) {
		ret = kdt_line_append(line);
		if (ret) {
			kdt_dry_table_cut(nr);
			return ret;
		}
	}
	return 0;
}

void kdt_dry_table_clear(void)
{
	kdt_dry_table_cut(0);
}

void kdt_dry_table_show(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < kdt_nr_boundaries; i++)
		seq_printf(m, "%s\n", kdt_boundaries[i]->line);
}

/* Find where it is in the kernel that runs; refuses if it is nowhere. */
int kdt_boundary_resolve(struct kdt_boundary *boundary)
{
	struct kdt_line field;
	unsigned long address;
	int ret;

	kdt_line_split(boundary->line, &field);
	ret = kdt_place_resolve(field.place, &address);
	if (!ret)
		boundary->probe = (struct kprobe){ .addr = (kprobe_opcode_t *)address };
	return ret;
}
