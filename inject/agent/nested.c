// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A KVM guest that is a hypervisor (L1) and has a guest itself (L2), so that KVM
 * has three VMCSes for one vCPU: of L1, of L2, and the shadow VMCS that L1's
 * VMREAD and VMWRITE use. Both share page tables and memory; L1 intercepts
 * nothing but what it must.
 */
#include "vcpu.h"

#include <stdlib.h>
#include <string.h>

/* Guest physical addresses, of a page each */
enum {
	CODE = 0x1000,
	PML4 = 0x2000,
	/* and the two pages behind it */
	VMXON_REGION = 0x5000,
	VMCS12 = 0x6000,
	STACK_END = 0x8000,
	TSS = 0x8000,
};

_Static_assert(TSS + 0x1000 <= GUEST_MEMORY, "all of it is there");

/* SDM volume 3, "Control Registers" */
#define CR4_VMXE	(1ULL << 13)

#define L1_CR0		(CR0_PE | CR0_ET | CR0_NE | CR0_PG)
#define L1_CR4		(CR4_PAE | CR4_VMXE)

#define RFLAGS_CF	(1ULL << 0)
#define RFLAGS_ZF	(1ULL << 6)

/* SDM volume 4, "Architectural MSRs" */
enum {
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_VMX_BASIC = 0x480,
	MSR_VMX_PIN_CONTROLS = 0x481,
	MSR_VMX_PROCESSOR_CONTROLS = 0x482,
	MSR_VMX_EXIT_CONTROLS = 0x483,
	MSR_VMX_ENTRY_CONTROLS = 0x484,
};

#define FEATURE_CONTROL_LOCKED		(1ULL << 0)
#define FEATURE_CONTROL_VMX		(1ULL << 2)	/* outside SMX */
#define EXIT_HOST_IS_64_BIT		(1U << 9)
#define ENTRY_GUEST_IS_64_BIT		(1U << 9)
#define EXIT_REASON_CPUID		10

/* SDM volume 3, appendix "Field Encoding in VMCS" */
enum {
	GUEST_ES_SELECTOR = 0x0800,
	GUEST_CS_SELECTOR = 0x0802,
	GUEST_SS_SELECTOR = 0x0804,
	GUEST_DS_SELECTOR = 0x0806,
	GUEST_FS_SELECTOR = 0x0808,
	GUEST_GS_SELECTOR = 0x080a,
	GUEST_TR_SELECTOR = 0x080e,
	HOST_ES_SELECTOR = 0x0c00,
	HOST_CS_SELECTOR = 0x0c02,
	HOST_SS_SELECTOR = 0x0c04,
	HOST_DS_SELECTOR = 0x0c06,
	HOST_FS_SELECTOR = 0x0c08,
	HOST_GS_SELECTOR = 0x0c0a,
	HOST_TR_SELECTOR = 0x0c0c,
	LINK_POINTER = 0x2800,
	PIN_CONTROLS = 0x4000,
	PROCESSOR_CONTROLS = 0x4002,
	EXIT_CONTROLS = 0x400c,
	ENTRY_CONTROLS = 0x4012,
	INSTRUCTION_ERROR = 0x4400,
	EXIT_REASON = 0x4402,
	EXIT_INSTRUCTION_LENGTH = 0x440c,
	GUEST_ES_LIMIT = 0x4800,
	GUEST_CS_LIMIT = 0x4802,
	GUEST_SS_LIMIT = 0x4804,
	GUEST_DS_LIMIT = 0x4806,
	GUEST_FS_LIMIT = 0x4808,
	GUEST_GS_LIMIT = 0x480a,
	GUEST_TR_LIMIT = 0x480e,
	GUEST_ES_ACCESS = 0x4814,
	GUEST_CS_ACCESS = 0x4816,
	GUEST_SS_ACCESS = 0x4818,
	GUEST_DS_ACCESS = 0x481a,
	GUEST_FS_ACCESS = 0x481c,
	GUEST_GS_ACCESS = 0x481e,
	GUEST_LDTR_ACCESS = 0x4820,
	GUEST_TR_ACCESS = 0x4822,
	GUEST_CR0 = 0x6800,
	GUEST_CR3 = 0x6802,
	GUEST_CR4 = 0x6804,
	GUEST_TR_BASE = 0x6814,
	GUEST_DR7 = 0x681a,
	GUEST_RSP = 0x681c,
	GUEST_RIP = 0x681e,
	GUEST_RFLAGS = 0x6820,
	HOST_CR0 = 0x6c00,
	HOST_CR3 = 0x6c02,
	HOST_CR4 = 0x6c04,
	HOST_TR_BASE = 0x6c0a,
	HOST_RSP = 0x6c14,
	HOST_RIP = 0x6c16,
};

#define DR7_RESERVED	0x400		/* always 1 */

/* How far the hypervisor of this process is. */
static struct {
	bool on;	/* in VMX operation */
	bool current;	/* its VMCS is the current one, and filled in */
	bool launched;
	bool in_l2;
} nested;

/* Where @label of nested_code is in the guest. */
static uint64_t address(const uint8_t *label)
{
	return CODE + (label - nested_code);
}

/* Execute what is at @label up to the next OUT. @rax and @rcx: in and out. */
static unsigned int execute(struct vcpu *vcpu, const uint8_t *label, struct kvm_regs *regs)
{
	regs->rip = address(label);
	regs->rsp = STACK_END;
	return vcpu_execute(vcpu, regs);
}

/* An instruction of L1 that must succeed. */
static struct kvm_regs do_l1(struct vcpu *vcpu, const uint8_t *label, const char *what,
			     uint64_t rax, uint64_t rcx)
{
	struct kvm_regs regs = { .rax = rax, .rcx = rcx };
	unsigned int port = execute(vcpu, label, &regs);

	if (port != NESTED_PORT_L1 || regs.rbx & (RFLAGS_CF | RFLAGS_ZF))
		die("setup-failed", "guest hypervisor: %s(%#llx, %#llx): port %#x, RFLAGS %#llx",
		    what, (unsigned long long)rax, (unsigned long long)rcx, port, regs.rbx);
	return regs;
}

static void write_field(struct vcpu *vcpu, unsigned int field, uint64_t value)
{
	do_l1(vcpu, nested_vmwrite, "VMWRITE", field, value);
}

static uint64_t read_field(struct vcpu *vcpu, unsigned int field)
{
	return do_l1(vcpu, nested_vmread, "VMREAD", field, 0).rcx;
}

static uint64_t read_msr(struct vcpu *vcpu, unsigned int msr)
{
	struct kvm_regs regs = do_l1(vcpu, nested_rdmsr, "RDMSR", msr, 0);

	return regs.rdx << 32 | (uint32_t)regs.rax;
}

/* @wanted and what must be 1 by the capability MSR, which has that in its low half. */
static void write_controls(struct vcpu *vcpu, unsigned int field, unsigned int msr,
			   uint32_t wanted)
{
	uint64_t capability = read_msr(vcpu, msr);
	uint32_t value = wanted | (uint32_t)capability;

	if (value & ~(capability >> 32))
		die("setup-failed", "guest hypervisor: MSR %#x = %#llx does not allow controls %#x",
		    msr, (unsigned long long)capability, value);
	write_field(vcpu, field, value);
}

struct field_value {
	unsigned int field;
	uint64_t value;
};

static void write_fields(struct vcpu *vcpu, const struct field_value *fields, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		write_field(vcpu, fields[i].field, fields[i].value);
}

static void write_host_state(struct vcpu *vcpu)
{
	const struct field_value fields[] = {
		{ HOST_ES_SELECTOR, SELECTOR_DATA }, { HOST_CS_SELECTOR, SELECTOR_CODE },
		{ HOST_SS_SELECTOR, SELECTOR_DATA }, { HOST_DS_SELECTOR, SELECTOR_DATA },
		{ HOST_FS_SELECTOR, SELECTOR_DATA }, { HOST_GS_SELECTOR, SELECTOR_DATA },
		{ HOST_TR_SELECTOR, SELECTOR_TSS }, { HOST_TR_BASE, TSS },
		{ HOST_CR0, L1_CR0 }, { HOST_CR3, PML4 }, { HOST_CR4, L1_CR4 },
		{ HOST_RSP, STACK_END }, { HOST_RIP, address(nested_exited) },
	};

	write_fields(vcpu, fields, sizeof(fields) / sizeof(fields[0]));
}

/* What is not here is 0 and may be. */
static void write_guest_state(struct vcpu *vcpu)
{
	const struct field_value fields[] = {
		{ GUEST_ES_SELECTOR, SELECTOR_DATA }, { GUEST_CS_SELECTOR, SELECTOR_CODE },
		{ GUEST_SS_SELECTOR, SELECTOR_DATA }, { GUEST_DS_SELECTOR, SELECTOR_DATA },
		{ GUEST_FS_SELECTOR, SELECTOR_DATA }, { GUEST_GS_SELECTOR, SELECTOR_DATA },
		{ GUEST_TR_SELECTOR, SELECTOR_TSS },
		{ GUEST_ES_LIMIT, LIMIT_FLAT }, { GUEST_CS_LIMIT, LIMIT_FLAT },
		{ GUEST_SS_LIMIT, LIMIT_FLAT }, { GUEST_DS_LIMIT, LIMIT_FLAT },
		{ GUEST_FS_LIMIT, LIMIT_FLAT }, { GUEST_GS_LIMIT, LIMIT_FLAT },
		{ GUEST_TR_LIMIT, LIMIT_TSS },
		{ GUEST_ES_ACCESS, ACCESS_DATA }, { GUEST_CS_ACCESS, ACCESS_CODE },
		{ GUEST_SS_ACCESS, ACCESS_DATA }, { GUEST_DS_ACCESS, ACCESS_DATA },
		{ GUEST_FS_ACCESS, ACCESS_DATA }, { GUEST_GS_ACCESS, ACCESS_DATA },
		{ GUEST_LDTR_ACCESS, ACCESS_UNUSABLE }, { GUEST_TR_ACCESS, ACCESS_TSS },
		{ GUEST_TR_BASE, TSS },
		{ GUEST_CR0, L1_CR0 }, { GUEST_CR3, PML4 }, { GUEST_CR4, L1_CR4 },
		{ GUEST_DR7, DR7_RESERVED }, { GUEST_RSP, STACK_END },
		{ GUEST_RFLAGS, RFLAGS_RESERVED }, { LINK_POINTER, ~0ULL },
	};

	write_fields(vcpu, fields, sizeof(fields) / sizeof(fields[0]));
}

/* An interrupt or an OUT in L2 is not L1's: it goes to the host. */
static void write_all_controls(struct vcpu *vcpu)
{
	write_controls(vcpu, PIN_CONTROLS, MSR_VMX_PIN_CONTROLS, 0);
	write_controls(vcpu, PROCESSOR_CONTROLS, MSR_VMX_PROCESSOR_CONTROLS, 0);
	write_controls(vcpu, EXIT_CONTROLS, MSR_VMX_EXIT_CONTROLS, EXIT_HOST_IS_64_BIT);
	write_controls(vcpu, ENTRY_CONTROLS, MSR_VMX_ENTRY_CONTROLS, ENTRY_GUEST_IS_64_BIT);
}

static void leave_l2(struct vcpu *vcpu)
{
	struct kvm_regs regs = {};

	if (!nested.in_l2)
		return;
	unsigned int port = execute(vcpu, nested_l2_exit, &regs);

	if (port != NESTED_PORT_EXITED)
		die("setup-failed", "guest hypervisor: no VM exit: port %#x", port);
	nested.in_l2 = false;
	uint64_t reason = read_field(vcpu, EXIT_REASON);

	if (reason != EXIT_REASON_CPUID)
		die("setup-failed", "guest hypervisor: VM exit reason %#llx",
		    (unsigned long long)reason);
}

static void be_off(struct vcpu *vcpu)
{
	leave_l2(vcpu);
	if (nested.on)
		do_l1(vcpu, nested_vmxoff, "VMXOFF", 0, 0);
	nested.on = nested.current = nested.launched = false;
}

static void be_on(struct vcpu *vcpu)
{
	leave_l2(vcpu);
	if (nested.on)
		return;
	/* Bits 0 to 30 are what regions begin with. */
	uint32_t revision = read_msr(vcpu, MSR_VMX_BASIC) & 0x7fffffff;

	memset(vcpu->memory + VMCS12, 0, 0x1000);
	memcpy(vcpu->memory + VMCS12, &revision, sizeof(revision));
	memcpy(vcpu->memory + VMXON_REGION, &revision, sizeof(revision));
	do_l1(vcpu, nested_vmxon, "VMXON", VMXON_REGION, 0);
	nested.on = true;
}

static void load(struct vcpu *vcpu)
{
	be_on(vcpu);
	do_l1(vcpu, nested_vmclear, "VMCLEAR", VMCS12, 0);
	do_l1(vcpu, nested_vmptrld, "VMPTRLD", VMCS12, 0);
	nested.current = true;
	nested.launched = false;
	write_all_controls(vcpu);
	write_host_state(vcpu);
	write_guest_state(vcpu);
}

static void be_current(struct vcpu *vcpu)
{
	leave_l2(vcpu);
	if (!nested.current)
		load(vcpu);
}

static void enter(struct vcpu *vcpu)
{
	struct kvm_regs regs = {};

	be_current(vcpu);
	write_field(vcpu, GUEST_RIP, address(nested_l2));
	unsigned int port = execute(vcpu, nested.launched ? nested_vmresume : nested_vmlaunch,
				    &regs);

	if (port != NESTED_PORT_L2)
		die("setup-failed", "guest hypervisor: no VM entry: port %#x, RFLAGS %#llx, "
		    "VM-instruction error %llu, exit reason %#llx", port, regs.rbx,
		    (unsigned long long)read_field(vcpu, INSTRUCTION_ERROR),
		    (unsigned long long)read_field(vcpu, EXIT_REASON));
	nested.launched = nested.in_l2 = true;
}

/* Of each kind one. KVM has no choice which: its vmcs_shadow_fields.h. */
static void write_and_read(struct vcpu *vcpu)
{
	static const struct field_value fields[] = {
		{ GUEST_RSP, STACK_END - 16 },	/* in the shadow VMCS */
		{ GUEST_ES_LIMIT, 0xfffff },	/* emulated */
		{ GUEST_SS_ACCESS, ACCESS_DATA }, /* emulated, and copied to the shadow VMCS */
		{ EXIT_INSTRUCTION_LENGTH, 2 },	/* the same; read-only on most CPUs */
	};

	be_current(vcpu);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		write_field(vcpu, fields[i].field, fields[i].value);
		uint64_t value = read_field(vcpu, fields[i].field);

		if (value != fields[i].value)
			die("setup-failed", "guest hypervisor: field %#x is %#llx, not %#llx",
			    fields[i].field, (unsigned long long)value,
			    (unsigned long long)fields[i].value);
	}
}

void nested_do(struct vcpu *vcpu, enum nested_act act)
{
	switch (act) {
	case NESTED_ON:
		be_off(vcpu);
		be_on(vcpu);
		break;
	case NESTED_LOAD:
		load(vcpu);
		break;
	case NESTED_ENTER:
		enter(vcpu);
		break;
	case NESTED_VMWRITE:
		write_and_read(vcpu);
		break;
	case NESTED_CLEAR:
		be_current(vcpu);
		do_l1(vcpu, nested_vmclear, "VMCLEAR", VMCS12, 0);
		nested.current = nested.launched = false;
		break;
	case NESTED_OFF:
		be_on(vcpu);
		be_off(vcpu);
		break;
	}
}

static void allow_vmx(struct vcpu *vcpu)
{
	struct kvm_msrs *msrs = vcpu_allocate(sizeof(*msrs) + sizeof(msrs->entries[0]));

	msrs->nmsrs = 1;
	msrs->entries[0] = (struct kvm_msr_entry){
		.index = MSR_FEATURE_CONTROL,
		.data = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX,
	};
	/* Refused, it stops before the first. */
	if (kvm_ioctl(vcpu->fd, KVM_SET_MSRS, msrs, "KVM_SET_MSRS") != 1)
		die("setup-failed", "KVM gives no VMX to its guests: was kvm_intel loaded with "
		    "nested=0?");
	free(msrs);
}

void nested_create(struct vcpu *ret)
{
	char shadow[8];

	if (read_line("/sys/module/kvm_intel/parameters/enable_shadow_vmcs", shadow,
		      sizeof(shadow)) || strcmp(shadow, "Y"))
		report("note this KVM uses no shadow VMCSes: what it does with them is not "
		       "reached");
	vcpu_create(ret);
	memcpy(ret->memory + CODE, nested_code, nested_code_end - nested_code);
	vcpu_set_cpuid(ret, 0);
	allow_vmx(ret);
	vcpu_enter_long_mode(ret, &(struct long_mode){
		.pml4 = PML4, .tss = TSS, .cr0 = L1_CR0, .cr4 = L1_CR4,
	});
}
