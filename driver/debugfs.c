// SPDX-License-Identifier: GPL-2.0-only
/* The knobs: one file each, one line to write, the choices to read. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kdt.h"

/* Longer than any knob's line, and than the piece of dry_table that is written at once. */
#define KDT_MAX_LINE	4096

/*
 * Both are called with kdt_lock held. @store gets one line without white space
 * around it.
 */
struct kdt_knob {
	const char *name;
	void (*show)(struct seq_file *m);
	int (*store)(char *line);
	bool while_busy;	/* can be written while armed or dry */
};

static struct dentry *kdt_dir;

static int kdt_bad_value(const char *knob, const char *line, const char *want)
{
	pr_err("%s: \"%s\" is not %s\n", knob, line, want);
	return -EINVAL;
}

static void kdt_point_show(struct seq_file *m)
{
	seq_printf(m, "%s\n", kdt_knobs.point);
}

static int kdt_point_store(char *line)
{
	if (line[0] && !kdt_point_is_valid(line))
		return kdt_bad_value("point", line, "a line of points or FUNCTION+0xOFFSET");
	if (strscpy(kdt_knobs.point, line, sizeof(kdt_knobs.point)) < 0)
		return kdt_bad_value("point", line, "shorter than 96 characters");
	return 0;
}

static void kdt_label_show(struct seq_file *m)
{
	seq_printf(m, "%s\n", kdt_knobs.label);
}

static int kdt_label_store(char *line)
{
	if (strscpy(kdt_knobs.label, line, sizeof(kdt_knobs.label)) < 0)
		return kdt_bad_value("label", line, "shorter than 64 characters");
	return 0;
}

static void kdt_deliver_show(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < kdt_nr_deliveries; i++)
		seq_printf(m, i == kdt_knobs.deliver ? "%s[%s]" : "%s%s",
			   i ? " " : "", kdt_delivery_names[i]);
	seq_putc(m, '\n');
}

static int kdt_deliver_store(char *line)
{
	int nr = match_string(kdt_delivery_names, kdt_nr_deliveries, line);

	if (nr < 0)
		return kdt_bad_value("deliver", line, "self, remote or shootdown");
	kdt_knobs.deliver = nr;
	return 0;
}

static void kdt_cpu_show(struct seq_file *m)
{
	seq_printf(m, "%u\n", kdt_knobs.cpu);
}

static int kdt_cpu_store(char *line)
{
	if (kstrtouint(line, 10, &kdt_knobs.cpu))
		return kdt_bad_value("cpu", line, "a CPU number");
	return 0;
}

static void kdt_task_show(struct seq_file *m)
{
	seq_printf(m, "%s\n", kdt_knobs.task);
}

static int kdt_task_store(char *line)
{
	if (strscpy(kdt_knobs.task, line, sizeof(kdt_knobs.task)) < 0)
		return kdt_bad_value("task", line, "a pid or a comm of up to 15 characters");
	return 0;
}

static void kdt_skip_show(struct seq_file *m)
{
	seq_printf(m, "%u\n", kdt_knobs.skip);
}

static int kdt_skip_store(char *line)
{
	if (kstrtouint(line, 10, &kdt_knobs.skip))
		return kdt_bad_value("skip", line, "a number of hits");
	return 0;
}

#define KDT_LAYOUT_FORMAT "list_link=%u vmcs=%u shadow_vmcs=%u cpu=%u launched=%u"

static void kdt_layout_show(struct seq_file *m)
{
	const struct kdt_layout *layout = &kdt_knobs.layout;

	if (layout->known)
		seq_printf(m, KDT_LAYOUT_FORMAT, layout->list_link, layout->vmcs,
			   layout->shadow_vmcs, layout->cpu, layout->launched);
	seq_putc(m, '\n');
}

static int kdt_layout_store(char *line)
{
	struct kdt_layout layout = { .known = line[0] };

	if (layout.known &&
	    sscanf(line, KDT_LAYOUT_FORMAT, &layout.list_link, &layout.vmcs,
		   &layout.shadow_vmcs, &layout.cpu, &layout.launched) != 5)
		return kdt_bad_value("layout", line, KDT_LAYOUT_FORMAT);
	kdt_knobs.layout = layout;
	return 0;
}

static void kdt_arm_show(struct seq_file *m)
{
	seq_printf(m, "%d\n", kdt_is_armed());
}

static int kdt_arm_store(char *line)
{
	bool arm;

	if (kstrtobool(line, &arm))
		return kdt_bad_value("arm", line, "0 or 1");
	if (arm)
		return kdt_arm();
	kdt_disarm();
	return 0;
}

static int kdt_fire_store(char *line)
{
	bool fire;

	if (kstrtobool(line, &fire) || !fire)
		return kdt_bad_value("fire", line, "1");
	if (!kdt_is_armed()) {
		pr_err("fire: not armed: write 1 to arm first\n");
		return -EINVAL;
	}
	return kdt_point_fire();
}

static void kdt_fire_show(struct seq_file *m)
{
	seq_puts(m, "0\n");
}

static void kdt_dry_show(struct seq_file *m)
{
	seq_printf(m, "%d\n", kdt_is_dry());
}

static int kdt_dry_store(char *line)
{
	bool dry;

	if (kstrtobool(line, &dry))
		return kdt_bad_value("dry", line, "0 or 1");
	if (dry)
		return kdt_dry_start();
	kdt_dry_stop();
	return 0;
}

static const struct kdt_knob kdt_knob_table[] = {
	{ "points", kdt_point_list },
	{ "point", kdt_point_show, kdt_point_store },
	{ "label", kdt_label_show, kdt_label_store },
	{ "deliver", kdt_deliver_show, kdt_deliver_store },
	{ "cpu", kdt_cpu_show, kdt_cpu_store },
	{ "task", kdt_task_show, kdt_task_store },
	{ "skip", kdt_skip_show, kdt_skip_store },
	{ "layout", kdt_layout_show, kdt_layout_store },
	{ "arm", kdt_arm_show, kdt_arm_store, .while_busy = true },
	{ "fire", kdt_fire_show, kdt_fire_store, .while_busy = true },
	{ "vmxon", kdt_vmxon_show, kdt_vmxon_store, .while_busy = true },
	{ "vmxe", kdt_vmxe_show },
	{ "svm", kdt_svm_show, kdt_svm_store },
	{ "dry_table", kdt_dry_table_show, kdt_dry_table_store },
	{ "dry", kdt_dry_show, kdt_dry_store, .while_busy = true },
	{ "dry_result", kdt_dry_show_result },
	{ "result", kdt_show_result },
};

static int kdt_knob_show(struct seq_file *m, void *unused)
{
	const struct kdt_knob *knob = m->private;

	mutex_lock(&kdt_lock);
	knob->show(m);
	mutex_unlock(&kdt_lock);
	return 0;
}

static int kdt_knob_open(struct inode *inode, struct file *file)
{
	return single_open(file, kdt_knob_show, inode->i_private);
}

static int kdt_knob_store(const struct kdt_knob *knob, char *line)
{
	int ret;

	mutex_lock(&kdt_lock);
	if ((kdt_is_armed() || kdt_is_dry()) && !knob->while_busy) {
		pr_err("%s: write 0 to %s before changing it\n", knob->name,
		       kdt_is_dry() ? "dry" : "arm");
		ret = -EBUSY;
	} else {
		ret = knob->store(line);
	}
	mutex_unlock(&kdt_lock);
	return ret;
}

static ssize_t kdt_knob_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	const struct kdt_knob *knob = file_inode(file)->i_private;
	char *line;
	int ret;

	if (count >= KDT_MAX_LINE)
		return -EINVAL;
	line = memdup_user_nul(buf, count);
	if (IS_ERR(line))
		return PTR_ERR(line);
	ret = kdt_knob_store(knob, strim(line));
	kfree(line);
	return ret ? ret : count;
}

static const struct file_operations kdt_knob_fops = {
	.owner = THIS_MODULE,
	.open = kdt_knob_open,
	.read = seq_read,
	.write = kdt_knob_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void kdt_debugfs_init(void)
{
	const struct kdt_knob *knob;

	kdt_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	for (knob = kdt_knob_table; knob < kdt_knob_table + ARRAY_SIZE(kdt_knob_table); knob++)
		debugfs_create_file(knob->name, knob->store ? 0600 : 0400, kdt_dir,
				    (void *)knob, &kdt_knob_fops);
}

void kdt_debugfs_exit(void)
{
	debugfs_remove_recursive(kdt_dir);
}
