// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What test_points.c finds crash points in: the functions of kvm-intel.ko that
 * have them, as small as they can be.  A comment OP/STEP marks the line that
 * must have been executed at that point.  Built with
 *
 *   EXACT	list_add() in assembly, with a label at each step
 *   PUBLISH_FIRST the same, with the stores in an order that is a bug
 *   POISON_FIRST list_del() likewise
 *   HOOKS	as the crash-points patch leaves it
 *   TWICE	two list_add()
 *   COPIES	loaded_vmcs->cpu set on two paths
 *   OUT_OF_LINE VMCLEAR in a function of its own
 */
#include "vmx.h"

#define __always_inline inline __attribute__((__always_inline__))
#define noinline	__attribute__((__noinline__))
#define __percpu	__attribute__((__section__(".data..percpu")))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define barrier()	__asm__ volatile("" ::: "memory")
/* A label whose address is that of what comes next. */
#define LABEL(name)	__asm__ volatile(name ": nop" ::: "memory")

#define LIST_POISON1	((void *)0xdead000000000100)
#define LIST_POISON2	((void *)0xdead000000000122)

void vmx_vcpu_load_vmcs(struct vcpu_vmx *vmx, int cpu, struct loaded_vmcs *buddy);
void __loaded_vmcs_clear(void *arg);
#ifdef COLD
__attribute__((__cold__))
#endif
void vmx_error(void);
void kvm_make_request(struct vcpu_vmx *vmx);
void loaded_vmcs_clear(struct loaded_vmcs *loaded_vmcs);
extern unsigned long __per_cpu_offset[];
extern int cpu_number;

__percpu long other_percpu;
__percpu struct vmcs *current_vmcs;
static __percpu struct list_head loaded_vmcss_on_cpu;

/* The compiler must not know that it is the address of an object. */
#define per_cpu(variable, cpu) (*({					\
	unsigned long _address;						\
	__asm__("" : "=r" (_address) : "0" (&(variable)));		\
	(__typeof__(&(variable)))(_address + __per_cpu_offset[cpu]);	\
}))

#ifdef HOOKS
enum { NR_POINTS = 4 };
struct static_key {
	int enabled;
	void *type;
};
static const char *const vmx_crash_point_names[NR_POINTS] = {
	"list_add/0", "list_add/1", "list_add/4", "new/step",
};
struct static_key vmx_crash_point_keys[NR_POINTS];
int vmx_crash_point_register(const char *name);
const char *vmx_crash_point_name(unsigned int nr);
void __vmx_crash_point(struct loaded_vmcs *loaded_vmcs);

int vmx_crash_point_register(const char *name)
{
	return name == vmx_crash_point_names[0];
}

const char *vmx_crash_point_name(unsigned int nr)
{
	return vmx_crash_point_names[nr];
}

static __always_inline void vmx_crash_point(int nr, struct loaded_vmcs *loaded_vmcs)
{
	barrier();
	__asm__ goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
		     ".pushsection __jump_table, \"aw\"\n"
		     ".long 1b - ., %l[hit] - .\n"
		     ".quad %c0 - .\n"
		     ".popsection\n"
		     : : "i" (&vmx_crash_point_keys[nr]) : : hit);
	barrier();
	return;
hit:
	__vmx_crash_point(loaded_vmcs);
	barrier();
}
#else
static __always_inline void vmx_crash_point(int nr, struct loaded_vmcs *loaded_vmcs)
{
}
#endif

static __always_inline void __list_add(struct list_head *new, struct list_head *prev,
				       struct list_head *next,
				       struct loaded_vmcs *loaded_vmcs)
{
#if defined(EXACT)
	__asm__ volatile("list_add_0: movq %0, 8(%2)\n"
			 "list_add_1: movq %2, (%0)\n"
			 "list_add_2: movq %1, 8(%0)\n"
			 "list_add_3: movq %0, (%1)\n"
			 "list_add_4: nop"
			 : : "r" (new), "r" (prev), "r" (next) : "memory");
#elif defined(PUBLISH_FIRST)
	__asm__ volatile("list_add_0: movq %0, 8(%2)\n"
			 "list_add_1: movq %0, (%1)\n"
			 "list_add_2: movq %2, (%0)\n"
			 "list_add_3: movq %1, 8(%0)\n"
			 "list_add_4: nop"
			 : : "r" (new), "r" (prev), "r" (next) : "memory");
#else
	vmx_crash_point(0, loaded_vmcs);
	next->prev = new; /* list_add/1 */
	vmx_crash_point(1, loaded_vmcs);
	new->next = next; /* list_add/2 */
	barrier();
	new->prev = prev; /* list_add/3 */
	WRITE_ONCE(prev->next, new); /* list_add/4 */
	vmx_crash_point(2, loaded_vmcs);
#endif
}

static __always_inline void list_add(struct list_head *new, struct list_head *head,
				     struct loaded_vmcs *loaded_vmcs)
{
	__list_add(new, head, head->next, loaded_vmcs);
}

static __always_inline void list_del(struct list_head *entry)
{
	struct list_head *prev = entry->prev, *next = entry->next;

#ifdef POISON_FIRST
	__asm__ volatile("movq %1, 8(%2)\n"
			 "movq %3, (%0)\n"
			 "movq %2, (%1)\n"
			 "movq %4, 8(%0)"
			 : : "r" (entry), "r" (prev), "r" (next),
			     "r" (LIST_POISON1), "r" (LIST_POISON2) : "memory");
#else
	next->prev = prev; /* list_del/1 */
	WRITE_ONCE(prev->next, next); /* list_del/2 */
	entry->next = LIST_POISON1; /* list_del/3 */
	entry->prev = LIST_POISON2; /* list_del/4 */
#endif
}

static __always_inline void vmcs_load(struct vmcs *vmcs)
{
	unsigned long address = (unsigned long)vmcs;

	__asm__ goto("vmptrld %0\n" /* load/vmptrld */
		     "jbe %l[error]" : : "m" (address) : "cc" : error);
	return;
error:
	vmx_error();
}

#ifdef OUT_OF_LINE
static noinline
#else
static __always_inline
#endif
void vmcs_clear(struct vmcs *vmcs)
{
	unsigned long address = (unsigned long)vmcs;

	__asm__ goto("vmclear %0\n"
		     "jbe %l[error]" : : "m" (address) : "cc" : error);
	return;
error:
	vmx_error();
}

#ifdef WRAPPER
static __attribute__((__noipa__)) void loaded_vmcs_init(struct loaded_vmcs *loaded_vmcs)
{
	vmcs_clear(loaded_vmcs->vmcs);
	barrier();
}
#endif

#ifdef LIST_USER
bool list_user(int cpu);

bool list_user(int cpu)
{
	return per_cpu(loaded_vmcss_on_cpu, cpu).next;
}
#endif

void vmx_vcpu_load_vmcs(struct vcpu_vmx *vmx, int cpu, struct loaded_vmcs *buddy)
{
	bool already_loaded = vmx->loaded_vmcs->cpu == cpu;

	if (!already_loaded) {
		loaded_vmcs_clear(vmx->loaded_vmcs);
		list_add(&vmx->loaded_vmcs->loaded_vmcss_on_cpu_link,
			 &per_cpu(loaded_vmcss_on_cpu, cpu), vmx->loaded_vmcs);
#ifdef TWICE
		list_add(&buddy->loaded_vmcss_on_cpu_link,
			 &per_cpu(loaded_vmcss_on_cpu, cpu + 1), buddy);
#endif
	}

	if (per_cpu(current_vmcs, cpu) != vmx->loaded_vmcs->vmcs) {
		per_cpu(other_percpu, cpu) = 1;
		per_cpu(current_vmcs, cpu) = vmx->loaded_vmcs->vmcs; /* load/current_vmcs */
		barrier();
		vmcs_load(vmx->loaded_vmcs->vmcs);
		if (!buddy)
			vmx_error();
	}

	if (!already_loaded) {
		kvm_make_request(vmx);
		vmx->other_cpu = cpu;
#ifdef COPIES
		if (buddy) {
			vmx->loaded_vmcs->cpu = cpu;
			LABEL("copy");
		} else {
			vmx->loaded_vmcs->cpu = cpu;
			vmx_error();
		}
		LABEL("copies_met");
		vmx_error();
#else
		vmx->loaded_vmcs->cpu = cpu; /* load/cpu */
		barrier();
#endif
		kvm_make_request(vmx);
	}
}

#ifdef PART
static noinline void clear_rest(struct loaded_vmcs *loaded_vmcs)
	__asm__("__loaded_vmcs_clear.part.0");
static noinline
#else
static __always_inline
#endif
void clear_rest(struct loaded_vmcs *loaded_vmcs)
{
#ifdef WRAPPER
	loaded_vmcs_init(loaded_vmcs);
#else
	vmcs_clear(loaded_vmcs->vmcs); /* clear/vmclear */
	if (loaded_vmcs->shadow_vmcs && loaded_vmcs->launched)
		vmcs_clear(loaded_vmcs->shadow_vmcs);
#endif

	list_del(&loaded_vmcs->loaded_vmcss_on_cpu_link);
	barrier();
	loaded_vmcs->cpu = -1; /* clear/cpu */
	barrier();
	loaded_vmcs->launched = false; /* clear/launched */
}

void __loaded_vmcs_clear(void *arg)
{
	struct loaded_vmcs *loaded_vmcs = arg;
	int cpu = cpu_number;

	if (loaded_vmcs->cpu != cpu)
		return;
	if (per_cpu(current_vmcs, cpu) == loaded_vmcs->vmcs)
		per_cpu(current_vmcs, cpu) = (void *)0;
	LABEL("clear_current_vmcs");

	clear_rest(loaded_vmcs);
}

#ifndef NO_RULES
/* One instruction for each rule of kprobes; a label says where. */
__asm__(".text\n"
	".globl probe_rules\n"
	".type probe_rules, @function\n"
	"probe_rules:\n"
	"probe_entry:		nop\n"
	"probe_jump_label:	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"probe_static_call:	call probe_rules\n"
	"probe_call:		call vmx_error\n"
	"probe_bug:		ud2\n"
	"probe_vmlaunch:	vmlaunch\n"
	"probe_vmresume:	vmresume\n"
	"probe_vmxoff:		vmxoff\n"
	"probe_vmcall:		vmcall\n"
	"probe_vmclear:		vmclear (%rdi)\n"
	"probe_vmxon:		vmxon (%rdi)\n"
	"probe_indirect:	call *cpu_number(%rip)\n"
	"probe_register:	call *%rax\n"
	"probe_iret:		iretq\n"
	"probe_alternative:	nop\n"
	"probe_replaced:	nop\n"
	"probe_return:		ret\n"
	".size probe_rules, . - probe_rules\n"

	".globl probe_blacklisted\n"
	".type probe_blacklisted, @function\n"
	"probe_blacklisted:	ret\n"
	".size probe_blacklisted, . - probe_blacklisted\n"

	".pushsection .noinstr.text, \"ax\"\n"
	".globl probe_noinstr\n"
	".type probe_noinstr, @function\n"
	"probe_noinstr:		ret\n"
	".size probe_noinstr, . - probe_noinstr\n"
	".popsection\n"

	".pushsection __jump_table, \"aw\"\n"
	".long probe_jump_label - ., probe_return - .\n"
	".quad cpu_number - .\n"
	".popsection\n"
	".pushsection .static_call_sites, \"aw\"\n"
	".long probe_static_call - ., cpu_number - .\n"
	".popsection\n"
	".pushsection __bug_table, \"aw\"\n"
	".long probe_bug - .\n"
	".quad 0\n"
	".popsection\n"
	".pushsection _kprobe_blacklist, \"aw\"\n"
	".quad probe_blacklisted\n"
	".popsection\n"
	".pushsection .altinstr_replacement, \"ax\"\n"
	"replacement: .byte 0x66, 0x90\n"
	".popsection\n"
	".pushsection .altinstructions, \"a\"\n"
	".long probe_alternative - ., replacement - .\n"
	".word 0\n"
	".byte 2, 2\n"
	".popsection\n"
	".pushsection .modinfo, \"a\"\n"
	".string \"license=GPL\"\n"
	".string \"vermagic=6.1.0-test SMP mod_unload\"\n"
	".popsection\n");
#endif
