/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KDT_H
#define KDT_H

/* What the files of the driver share; the evidence is in kdump_torture.h. */

#include <linux/compiler_attributes.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "kdump_torture.h"

struct seq_file;

/* Byte offsets in KVM's struct loaded_vmcs; user space knows them from BTF. */
struct kdt_layout {
	bool known;
	unsigned int list_link;
	unsigned int vmcs;
	unsigned int shadow_vmcs;
	unsigned int cpu;
	unsigned int launched;
};

/* Set in debugfs under kdt_lock, constant while armed. */
struct kdt_knobs {
	char point[sizeof_field(struct kdt_evidence, probe)];
	char label[sizeof_field(struct kdt_evidence, point)];
	enum kdt_delivery deliver;
	unsigned int cpu;
	char task[TASK_COMM_LEN];	/* pid or comm; empty: any */
	unsigned int skip;
	struct kdt_layout layout;
};

extern struct kdt_knobs kdt_knobs;
extern struct mutex kdt_lock;

/* main.c: all but kdt_lost() are called with kdt_lock held. */
bool kdt_is_armed(void);
int kdt_arm(void);
void kdt_disarm(void);
void kdt_lost(void);
void kdt_show_result(struct seq_file *m);
void kdt_forget_refusal(void);
__printf(2, 3) int kdt_refuse(int error, const char *fmt, ...);

/* debugfs.c */
void kdt_debugfs_init(void);
void kdt_debugfs_exit(void);

/* point.c */
bool kdt_point_is_valid(const char *point);
int kdt_refuse_kprobe(const char *place, int error);
int kdt_point_prepare(void);
enum kdt_via kdt_point_via(void);
int kdt_point_enable(void);
int kdt_point_fire(void);
void kdt_point_disable(void);
void kdt_point_release(void);
void kdt_point_list(struct seq_file *m);

/* deliver.c */
extern const char * const kdt_delivery_names[];
extern const unsigned int kdt_nr_deliveries;
int kdt_deliver_prepare(void);
void kdt_deliver_release(void);
void kdt_deliver_settle(void);
void kdt_deliver(void);
void kdt_deliver_exit(void);

/* evidence.c */
extern struct kdt_evidence kdump_torture_evidence;
bool kdt_find_lists(void);
bool kdt_vmptrst(u64 *ret);
bool kdt_can_read_loaded_vmcs(unsigned long loaded_vmcs);
enum kdt_list kdt_walk_list(bool (*visit)(const struct kdt_evidence_vmcs *entry,
					  void *data),
			    void *data, unsigned long *ret_end);
void kdt_evidence_reset(enum kdt_via via);
void kdt_evidence_record(unsigned long ip, const struct pt_regs *regs);

/* symbol.c */
int kdt_symbol_init(void);
unsigned long kdt_symbol(const char *name);
unsigned long kdt_symbol_start(unsigned long addr);
bool kdt_place_is_valid(const char *place);
int kdt_place_resolve(const char *place, unsigned long *ret);

/* dry.c: all are called with kdt_lock held. */
bool kdt_is_dry(void);
int kdt_dry_start(void);
void kdt_dry_stop(void);
int kdt_dry_table_store(char *text);
void kdt_dry_table_clear(void);
void kdt_dry_table_show(struct seq_file *m);
void kdt_dry_show_result(struct seq_file *m);

/* vmxon.c */
int kdt_vmxon_store(char *line);
void kdt_vmxon_restore(void);
void kdt_vmxon_show(struct seq_file *m);
void kdt_vmxe_show(struct seq_file *m);

/* svm.c */
bool kdt_cpu_has_svm(void);
int kdt_svm_store(char *line);
void kdt_svm_restore(void);
void kdt_svm_show(struct seq_file *m);

/* list_state.c */
void kdt_list_state_test(void);

/* dry_test.c */
void kdt_dry_test(void);

#endif /* KDT_H */
