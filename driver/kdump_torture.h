/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KDUMP_TORTURE_H
#define KDUMP_TORTURE_H

/*
 * The driver's evidence: what it leaves in its own memory for whoever reads
 * the dump.  The analyser finds it by the symbol kdump_torture_evidence in the
 * module's kallsyms and believes it only if magic, version and size are right.
 * Layout changes raise the version; all fields are naturally aligned.
 */

#include <linux/types.h>

#define KDT_EVIDENCE_MAGIC	"KDTEVID" /* 7 characters and the NUL */
#define KDT_EVIDENCE_VERSION	2
#define KDT_MAX_VMCS		256

/* How far it came. Written in this order, each value before its act. */
enum kdt_state {
	KDT_IDLE,
	KDT_ARMED,
	KDT_HELD,	/* the victim reached the point and is held there */
	KDT_NMI_SENT,	/* or, for shootdown, about to panic on another CPU */
	KDT_NMI_TAKEN,	/* the driver's NMI handler ran on the victim; or, while it
			 * goes offline and takes none, it panics instead
			 */
	KDT_NMI_LOST,	/* the victim was held in vain and let go */
	KDT_LET_GO,	/* another CPU panics, but the victim, which goes offline,
			 * takes no NMI and went on
			 */
};

enum kdt_delivery {
	KDT_DELIVER_SELF,	/* the victim sends the NMI to itself */
	KDT_DELIVER_REMOTE,	/* another CPU sends it to the held victim */
	KDT_DELIVER_SHOOTDOWN,	/* another CPU panics; the crash NMI finds it */
};

enum kdt_via {
	KDT_VIA_HOOK,		/* a hook of the crash-points patch */
	KDT_VIA_KPROBE,
	KDT_VIA_NOW,		/* an interrupt that the driver sends when told to */
};

/* What became of walking the victim CPU's loaded-VMCS list at the point. */
enum kdt_list {
	KDT_LIST_NOT_READ,	/* no layout was given, or no list found */
	KDT_LIST_COMPLETE,
	KDT_LIST_TRUNCATED,	/* more entries than KDT_MAX_VMCS, or a loop */
	KDT_LIST_BAD_POINTER,	/* ended at an address that cannot be read */
};

#define KDT_NO_CPU	0xffffffffU
#define KDT_NO_PA	0xffffffffffffffffULL
#define KDT_NO_MSR	0xffffffffffffffffULL

/* One entry of the victim CPU's list, in forward order. */
struct kdt_evidence_vmcs {
	__u64 loaded_vmcs;	/* virtual address of its struct loaded_vmcs */
	__u64 vmcs;		/* physical address of the VMCS region */
	__u64 shadow_vmcs;	/* physical address, KDT_NO_PA for none */
	__s32 cpu;		/* loaded_vmcs->cpu */
	__u32 launched;		/* loaded_vmcs->launched */
};

struct kdt_evidence {
	char magic[8];
	__u32 version;
	__u32 size;		/* of this structure, in bytes */

	__u32 state;		/* enum kdt_state */
	__u32 delivery;		/* enum kdt_delivery */
	__u32 via;		/* enum kdt_via */
	__u32 victim_cpu;
	__u32 sender_cpu;	/* sent the NMI or panicked; KDT_NO_CPU: none yet */
	__u32 hits;		/* matching hits up to and with the one that fired */
	__s32 pid;		/* task that was current on the victim */
	__u32 has_regs;		/* regs[] is valid (kprobe points) */
	__u64 fired_ns;		/* ktime_get_mono_fast_ns() at the point */
	__u64 point_ip;		/* address of the interrupted instruction */
	__u64 nmi_ip;		/* where the NMI itself landed; 0: not seen */
	__u64 regs[21];		/* struct pt_regs at the point, x86-64 order */
	char point[64];		/* as it was asked for: "list_add/2" */
	char probe[96];		/* what was armed: hook name or FUNCTION+0xOFF */
	char comm[16];

	__u64 vmptr;		/* VMPTRST on the victim; KDT_NO_PA: no current
				 * VMCS, or not in VMX operation
				 */
	__u64 current_vmcs;	/* KVM's per-CPU current_vmcs, virtual; 0: NULL
				 * or not found
				 */
	__u32 list;		/* enum kdt_list */
	__u32 nr_vmcs;		/* valid entries of vmcs[] */
	struct kdt_evidence_vmcs vmcs[KDT_MAX_VMCS];

	/*
	 * Version 1 ended here. The victim's MSRs at the point; KDT_NO_MSR: it has
	 * none, or the point was not reached.
	 */
	__u64 efer;
	__u64 vm_cr;
	__u64 vm_hsave_pa;
};

#endif /* KDUMP_TORTURE_H */
