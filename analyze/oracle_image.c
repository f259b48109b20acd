// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/oracle_image.h"

#include <inttypes.h>
#include <string.h>

bool vmcs_image_has(const struct vmcs_image *image, enum vmcs_field field)
{
	return image->layout && image->layout->field[field].size;
}

bool vmcs_region_holds(const uint8_t region[VMCS_REGION_SIZE], uint64_t value)
{
	for (size_t at = 8; value && at <= VMCS_REGION_SIZE - sizeof(value); at += 4) {
		if (!memcmp(region + at, &value, sizeof(value)))
			return true;
	}
	return false;
}

/* vmx_vcpu_load_vmcs() writes current_vmcs before it executes VMPTRLD. */
static bool may_be_switching(const struct witnesses *witnesses, int nr)
{
	static const char within[] = "vmx_vcpu_load_vmcs+";
	const struct cpu_state *cpu = cpu_states_find(witnesses->cpus, nr);

	return !cpu || cpu->at_source == AT_UNKNOWN || !strncmp(cpu->at, within, strlen(within));
}

/*
 * KVM as the host's own hypervisor keeps the current VMCS of its guest in a
 * cache that reaches the guest's memory by VMCLEAR or by VMPTRLD of another.
 * Return: whether @vmcs was surely not the current one.
 */
static bool surely_flushed(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	if (oracle_driver_watched(witnesses, vmcs))
		return witnesses->evidence->data.vmptr != vmcs->pa &&
		       witnesses->evidence->data.vmptr != KDT_NO_PA;
	const struct kvm_cpu *cpu = kvm_find_cpu(witnesses->kvm, vmcs_cpu(vmcs));

	return cpu && cpu->current >= 0 && !may_be_switching(witnesses, cpu->nr) &&
	       &witnesses->kvm->loaded[cpu->current] != vmcs->loaded;
}

/* Whether @gs_base is that of another CPU than @nr. */
static bool is_of_other_cpu(const struct kvm_state *kvm, uint64_t gs_base, int nr)
{
	for (size_t i = 0; i < kvm->nr_cpus; i++) {
		if (kvm->cpu[i].per_cpu == gs_base)
			return (int)kvm->cpu[i].nr != nr;
	}
	return false;
}

/*
 * Whether the region is surely older than the last VM entry, so that no VMCLEAR
 * came after that.  KVM sets HOST_RIP once for all, and before the first entry
 * on a CPU HOST_GS_BASE to that of the CPU.  A layout without launch state is that
 * of a real CPU, found by experiment: there the absence of a value proves nothing.
 */
static bool is_stale(const struct kvm_state *kvm, const struct vmcs *vmcs)
{
	const struct vmcs_image *image = &vmcs->image;

	if (!image->layout || image->layout->memory == VMCS_MEMORY_COHERENT ||
	    vmcs->kind == VMCS_SHADOW || !vmcs->loaded->launched)
		return false;
	if (vmcs_image_has(image, VMCS_LAUNCH_STATE) && vmcs_image_has(image, VMCS_HOST_RIP) &&
	    kvm->vmexit && image->field[VMCS_HOST_RIP] != kvm->vmexit)
		return true;
	return vmcs_image_has(image, VMCS_HOST_GS_BASE) && vmcs->loaded->cpu != NO_CPU &&
	       is_of_other_cpu(kvm, image->field[VMCS_HOST_GS_BASE], vmcs->loaded->cpu);
}

/*
 * Launch state 0, in a VMCS that KVM had launched.  Where the memory can be
 * behind, that may be from before the launch.
 */
static void ask_image_clear(const struct witnesses *witnesses, const struct vmcs *vmcs,
			    struct testimony *ret)
{
	enum vmcs_memory memory = vmcs->image.layout->memory;

	if (memory == VMCS_MEMORY_COHERENT ||
	    (memory == VMCS_MEMORY_CURRENT && surely_flushed(witnesses, vmcs)))
		return testify(ret, ANSWER_CLEARED, "clear",
			       "the launch state in the VMCS region is 0 though KVM had launched it");
	testify(ret, ANSWER_NONE, "clear",
		"the launch state in the VMCS region is 0, but %s may cache it",
		memory == VMCS_MEMORY_CURRENT ? "the hypervisor below" : "the CPU");
}

/* Whether KVM of this kernel had launched it, only the region itself can tell. */
static void ask_image_orphan(const struct vmcs_image *image, struct testimony *ret)
{
	if (!image->field[VMCS_LAUNCH_STATE])
		return testify(ret, ANSWER_NONE, "clear",
			       "the launch state in the VMCS region is 0, and nothing points to it");
	if (image->ours)
		return testify(ret, ANSWER_NOT_CLEARED, "launched",
			       "the launch state in the VMCS region is 1, launched, and its HOST_RIP this kernel's");
	testify(ret, ANSWER_NONE, "launched",
		"the launch state in the VMCS region is 1, launched, but it need not be this kernel's");
}

void oracle_ask_image(const struct witnesses *witnesses, const struct vmcs *vmcs,
		      struct testimony *ret)
{
	const struct vmcs_image *image = &vmcs->image;
	uint64_t launch_state = image->field[VMCS_LAUNCH_STATE];

	if (!image->readable)
		return testify(ret, ANSWER_NONE, "-", "the VMCS region is not in the dump");
	if (launch_state != 1 && is_stale(witnesses->kvm, vmcs))
		return testify(ret, ANSWER_NOT_CLEARED, "stale",
			       "the VMCS region is older than the last VM entry: it was not written back");
	if (!vmcs_image_has(image, VMCS_LAUNCH_STATE))
		return testify(ret, ANSWER_NONE, "-",
			       "where VMCSes of revision id %#" PRIx32 " keep the launch state is not known",
			       image->revision_id);
	if (vmcs->kind == VMCS_ORPHAN && launch_state <= 1)
		return ask_image_orphan(image, ret);
	if (launch_state == 1)
		return testify(ret, ANSWER_NOT_CLEARED, "launched",
			       "the launch state in the VMCS region is 1, launched");
	if (launch_state)
		return testify(ret, ANSWER_NONE, "?", "a launch state of %#" PRIx64 " is impossible",
			       launch_state);
	if (vmcs->kind == VMCS_SHADOW || !vmcs->loaded->launched)
		return testify(ret, ANSWER_NONE, "clear",
			       "the launch state in the VMCS region is 0, as of any VMCS never launched");
	ask_image_clear(witnesses, vmcs, ret);
}

static struct error *read_fields(const struct memory *mem, uint64_t pa, struct vmcs_image *image)
{
	struct error *err = NULL;

	for (int i = 0; i < NR_VMCS_FIELDS && !err; i++) {
		if (vmcs_image_has(image, i))
			err = mem->read(mem, MEMORY_PHYSICAL,
					pa + image->layout->field[i].offset, &image->field[i],
					image->layout->field[i].size);
	}
	return err;
}

static struct error *read_image(const struct memory *mem, const struct vmcs_layouts *layouts,
				uint64_t pa, struct vmcs_image *ret)
{
	uint32_t word[2];
	struct error *err = mem->read(mem, MEMORY_PHYSICAL, pa, word, sizeof(word));

	if (err)
		return err;
	struct vmcs_image image = {
		.readable = true,
		.revision_id = word[0] & 0x7fffffff,	/* bit 31: shadow-VMCS indicator */
		.abort = word[1],
	};

	image.layout = vmcs_layouts_find(layouts, image.revision_id);
	err = read_fields(mem, pa, &image);
	if (!err)
		*ret = image;
	return err;
}

static struct error *read_ours(const struct memory *mem, uint64_t pa, uint64_t vmexit, bool *ret)
{
	uint8_t region[VMCS_REGION_SIZE];
	struct error *err = mem->read(mem, MEMORY_PHYSICAL, pa, region, sizeof(region));

	if (!err)
		*ret = vmcs_region_holds(region, vmexit);
	return err;
}

void oracle_look_at_image(const struct memory *mem, const struct witnesses *witnesses,
			  struct findings *findings, struct vmcs *vmcs)
{
	struct error *err = read_image(mem, witnesses->layouts, vmcs->pa, &vmcs->image);

	if (!err && vmcs->kind == VMCS_ORPHAN)
		err = read_ours(mem, vmcs->pa, witnesses->kvm->vmexit, &vmcs->image.ours);
	if (err)
		findings_add(findings, FINDING_DOUBT, "VMCS %#" PRIx64 ": %s", vmcs->pa,
			     err->message);
	else if (vmcs->image.abort)
		findings_add(findings, FINDING_NOTE,
			     "VMCS %#" PRIx64 ": VMX-abort indicator %#" PRIx32, vmcs->pa,
			     vmcs->image.abort);
	error_free(err);
}
