// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 4, 5)))
static void testify(struct testimony *ret, enum answer answer, const char *word,
		    const char *why, ...)
{
	va_list ap;

	ret->answer = answer;
	snprintf(ret->word, sizeof(ret->word), "%s", word);
	va_start(ap, why);
	vsnprintf(ret->why, sizeof(ret->why), why, ap);
	va_end(ap);
}

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

int vmcs_cpu(const struct vmcs *vmcs)
{
	return vmcs->loaded->cpu != NO_CPU ? vmcs->loaded->cpu : vmcs->loaded->list_cpu;
}

/* The driver looked at the CPU of @vmcs when its VMCSes were as the dump has them. */
static bool driver_watched(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	return evidence_fired(witnesses->evidence) && vmcs_cpu(vmcs) != NO_CPU &&
	       (int)witnesses->evidence->data.victim_cpu == vmcs_cpu(vmcs);
}

/* By VMPTRST on the victim. A VMCS that KVM has on no CPU any more can still be it. */
static bool driver_saw_current(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	return evidence_fired(witnesses->evidence) && vmcs->pa != NO_PA &&
	       witnesses->evidence->data.vmptr == vmcs->pa;
}

static bool is_current_anywhere(const struct kvm_state *kvm, uint64_t pa)
{
	for (size_t i = 0; i < kvm->nr_cpus; i++) {
		if (kvm->cpu[i].current_pa == pa)
			return true;
	}
	return false;
}

/*
 * A region that nothing points to is what a VMCS leaves that was freed: VMCLEARed
 * before that, as far as its launch state and KVM's current_vmcs tell.
 */
static bool is_orphan_at_stake(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	return !vmcs_image_has(&vmcs->image, VMCS_LAUNCH_STATE) ||
	       vmcs->image.field[VMCS_LAUNCH_STATE] ||
	       is_current_anywhere(witnesses->kvm, vmcs->pa);
}

/*
 * Whether a CPU may have held it active.  list_add() comes before VMPTRLD and
 * loaded_vmcs->cpu is written last, so in between only the list has it; the
 * driver's VMPTRST then tells whether VMPTRLD was reached.
 */
static bool is_at_stake(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	const struct loaded_vmcs *loaded = vmcs->loaded;

	if (loaded->cpu != NO_CPU || driver_saw_current(witnesses, vmcs))
		return true;
	if (vmcs->kind == VMCS_ORPHAN)
		return is_orphan_at_stake(witnesses, vmcs);
	if (loaded->link_state != LINK_LISTED && loaded->link_state != LINK_REMOVING)
		return loaded->link_state == LINK_NONE && loaded->current_cpu != NO_CPU;
	if (!driver_watched(witnesses, vmcs))
		return true;
	return vmcs->kind == VMCS_SHADOW && witnesses->evidence->data.vmptr == loaded->vmcs;
}

/*
 * KVM as the host's own hypervisor keeps the current VMCS of its guest in a
 * cache that reaches the guest's memory by VMCLEAR or by VMPTRLD of another.
 * Return: whether @vmcs was surely not the current one.
 */
static bool surely_flushed(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	if (driver_watched(witnesses, vmcs))
		return witnesses->evidence->data.vmptr != vmcs->pa &&
		       witnesses->evidence->data.vmptr != KDT_NO_PA;
	const struct kvm_cpu *cpu = kvm_find_cpu(witnesses->kvm, vmcs_cpu(vmcs));

	if (!cpu || cpu->current < 0)
		return false;
	const struct loaded_vmcs *current = &witnesses->kvm->loaded[cpu->current];

	/* current_vmcs is written before VMPTRLD; with ->cpu written too, that is past. */
	return current != vmcs->loaded && current->cpu == (int)cpu->nr;
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

static void ask_image(const struct witnesses *witnesses, const struct vmcs *vmcs,
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

/* The walk left no trace of a VMCS that it should have VMCLEARed. */
static void ask_log_for_missing(const struct vmclear_log *log, const struct vmcs *vmcs,
				struct testimony *ret)
{
	int cpu = vmcs_cpu(vmcs);

	if (log->overflowed)
		return testify(ret, ANSWER_NONE, "-",
			       "not in the VMCLEAR log, which lost entries");
	if (vmclear_log_find(log, cpu, VMCLEAR_OP_SKIPPED))
		return testify(ret, ANSWER_NOT_CLEARED, "skipped",
			       "CPU %d skipped its walk of the list", cpu);
	if (!vmclear_log_find(log, cpu, VMCLEAR_OP_WALK))
		return testify(ret, ANSWER_NOT_CLEARED, "no-walk",
			       "the emergency callback did not run on CPU %d", cpu);
	testify(ret, ANSWER_NOT_CLEARED, "missing",
		"the emergency callback of CPU %d walked its list without VMCLEAR of it", cpu);
}

static void ask_log(const struct witnesses *witnesses, const struct vmcs *vmcs,
		    struct testimony *ret)
{
	const struct vmclear_log *log = witnesses->log;

	if (!log->present)
		return testify(ret, ANSWER_NONE, "-", "the kernel keeps no log of VMCLEARs");
	if (vmcs_cpu(vmcs) == NO_CPU)
		return testify(ret, ANSWER_NONE, "-", "loaded on no CPU");
	const struct vmclear_log_entry *entry =
		vmclear_log_find_vmclear(log, vmcs_cpu(vmcs), vmcs->pa);

	if (entry && entry->status == VMCLEAR_DONE)
		return testify(ret, ANSWER_CLEARED, "done", "the emergency callback of CPU %d VMCLEARed it",
			       vmcs_cpu(vmcs));
	if (entry)
		return testify(ret, ANSWER_NOT_CLEARED,
			       entry->status == VMCLEAR_FAILED ? "failed" : "faulted",
			       "the VMCLEAR of CPU %d %s", vmcs_cpu(vmcs),
			       entry->status == VMCLEAR_FAILED ? "failed" : "faulted");
	switch (vmcs->loaded->link_state) {
	case LINK_REMOVING:
	case LINK_REMOVED:
		/* Whether list_del() came before or after VMCLEAR depends on the kernel. */
		return testify(ret, ANSWER_NONE, "-",
			       "the log has the emergency callback's VMCLEARs alone, and this one was being unloaded");
	case LINK_NONE:
	case LINK_ADDING:
		return testify(ret, ANSWER_NONE, "-", "not in the log, and not on the list then");
	case LINK_LISTED:
	case LINK_LOST:
		break;
	}
	if (!vmcs->at_stake)
		return testify(ret, ANSWER_NONE, "-", "not in the log, and not loaded yet");
	ask_log_for_missing(log, vmcs, ret);
}

/*
 * Whether the CPU with @vmcs on its list surely did not end its walk.  The log
 * tells that.  Without one, CR4.VMXE does: all kernels VMCLEAR before VMXOFF,
 * in the emergency callback or behind it, and clear VMXE after that even if it
 * faults.  A VMCS of which loaded_vmcs->cpu is not written yet need not have been
 * loaded.
 */
static bool did_not_walk(const struct witnesses *witnesses, const struct vmcs *vmcs)
{
	const struct vmclear_log *log = witnesses->log;
	int nr = vmcs->loaded->list_cpu;
	const struct cpu_state *cpu = cpu_states_find(witnesses->cpus, nr);

	if (!vmcs->at_stake || vmcs->loaded->cpu != nr || !cpu)
		return false;
	if (log->present)
		return !log->overflowed && !vmclear_log_find(log, nr, VMCLEAR_OP_WALK) &&
		       !vmclear_log_find(log, nr, VMCLEAR_OP_SKIPPED);
	return cpu->vmxe_known && cpu->vmxe;
}

static void ask_list_for_listed(const struct witnesses *witnesses, const struct vmcs *vmcs,
				struct testimony *ret)
{
	int cpu = vmcs->loaded->list_cpu;

	if (!did_not_walk(witnesses, vmcs))
		return testify(ret, ANSWER_NONE, "reached",
			       "a forward walk of the list of CPU %d reaches it", cpu);
	testify(ret, ANSWER_NOT_CLEARED, "no-walk",
		witnesses->log->present ? "CPU %d, on whose list it is, did not walk it"
		: "CPU %d, on whose list it is, is still in VMX operation: it did not end its walk",
		cpu);
}

/*
 * That the walk could have reached a VMCS does not prove that it was made, so
 * here only the contrary is an answer.
 */
static void ask_list(const struct witnesses *witnesses, const struct vmcs *vmcs,
		     struct testimony *ret)
{
	const struct loaded_vmcs *loaded = vmcs->loaded;
	char word[sizeof(ret->word)];

	switch (loaded->link_state) {
	case LINK_NONE:
		return testify(ret, ANSWER_NONE, "-", "on no list");
	case LINK_LISTED:
		return ask_list_for_listed(witnesses, vmcs, ret);
	case LINK_ADDING:
		snprintf(word, sizeof(word), "adding/%u", loaded->step);
		return testify(ret, ANSWER_NONE, word,
			       "its list_add() on CPU %d was after store %u of 4", loaded->list_cpu,
			       loaded->step);
	case LINK_REMOVING:
		snprintf(word, sizeof(word), "removing/%u", loaded->step);
		return testify(ret, ANSWER_NONE, word,
			       "a forward walk of CPU %d still reaches it, its list_del() was after store %u of 4",
			       loaded->list_cpu, loaded->step);
	case LINK_REMOVED:
		snprintf(word, sizeof(word), "removed/%u", loaded->step);
		return testify(ret, ANSWER_NONE, word,
			       "its list_del() on CPU %d was after store %u of 4", loaded->list_cpu,
			       loaded->step);
	case LINK_LOST:
		return testify(ret, ANSWER_NOT_CLEARED, "lost",
			       "a forward walk of the list of CPU %d does not reach it", loaded->cpu);
	}
}

static void ask_evidence(const struct witnesses *witnesses, const struct vmcs *vmcs,
			 struct testimony *ret)
{
	if (!evidence_fired(witnesses->evidence))
		return testify(ret, ANSWER_NONE, "-", "the driver saw no crash");
	const struct kdt_evidence_vmcs *seen = evidence_find_vmcs(witnesses->evidence, vmcs->pa);
	unsigned int victim = witnesses->evidence->data.victim_cpu;

	if (driver_saw_current(witnesses, vmcs)) {
		bool walked = vmcs->loaded->link_state == LINK_LISTED ||
			      vmcs->loaded->link_state == LINK_REMOVING;

		if (walked || vmcs->kind == VMCS_SHADOW)
			return testify(ret, ANSWER_NONE, "current",
				       "it was the current VMCS of CPU %u", victim);
		return testify(ret, ANSWER_NOT_CLEARED, "current",
			       "it was the current VMCS of CPU %u and not on its list", victim);
	}
	if (seen)
		return testify(ret, ANSWER_NONE, seen->launched ? "launched" : "listed",
			       "the driver saw it on the list of CPU %u, %slaunched", victim,
			       seen->launched ? "" : "not ");
	testify(ret, ANSWER_NONE, "-", "the driver did not see it on the list of CPU %u", victim);
}

static void combine(struct vmcs *vmcs)
{
	bool cleared = false, not_cleared = false;

	for (int i = 0; i < NR_ORACLES; i++) {
		cleared |= vmcs->oracle[i].answer == ANSWER_CLEARED;
		not_cleared |= vmcs->oracle[i].answer == ANSWER_NOT_CLEARED;
	}
	vmcs->disagreement = cleared && not_cleared;
	if (vmcs->disagreement)
		vmcs->state = VMCS_UNKNOWN;
	else if (not_cleared)
		vmcs->state = VMCS_NOT_CLEARED;
	else if (cleared)
		vmcs->state = VMCS_CLEARED;
	else
		vmcs->state = vmcs->at_stake ? VMCS_UNKNOWN : VMCS_NEVER_LOADED;
}

void oracle_judge(const struct witnesses *witnesses, struct vmcs *vmcs)
{
	vmcs->at_stake = is_at_stake(witnesses, vmcs);
	ask_image(witnesses, vmcs, &vmcs->oracle[ORACLE_IMAGE]);
	ask_log(witnesses, vmcs, &vmcs->oracle[ORACLE_LOG]);
	ask_list(witnesses, vmcs, &vmcs->oracle[ORACLE_LIST]);
	ask_evidence(witnesses, vmcs, &vmcs->oracle[ORACLE_EVIDENCE]);
	combine(vmcs);
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

static void look_at_image(const struct memory *mem, const struct witnesses *witnesses,
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

void oracle_look_and_judge(const struct memory *mem, const struct witnesses *witnesses,
			   struct findings *findings, struct vmcs *vmcs)
{
	look_at_image(mem, witnesses, findings, vmcs);
	oracle_judge(witnesses, vmcs);
}

static enum vmcs_kind kind_of(const struct loaded_vmcs *loaded)
{
	if (loaded->vcpu < 0)
		return VMCS_UNOWNED;
	return loaded->nested ? VMCS_02 : VMCS_01;
}

struct error *oracle_judge_all(const struct memory *mem, const struct witnesses *witnesses,
			       struct findings *findings, struct vmcs **ret, size_t *ret_nr)
{
	const struct kvm_state *kvm = witnesses->kvm;
	/* Each may have a shadow VMCS. */
	struct vmcs *vmcs = calloc(kvm->nr_loaded, 2 * sizeof(*vmcs));
	size_t nr = 0;

	if (kvm->nr_loaded && !vmcs)
		return &error_no_memory;
	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];

		if (loaded->vmcs != NO_PA)
			vmcs[nr++] = (struct vmcs){
				.pa = loaded->vmcs, .kind = kind_of(loaded), .loaded = loaded,
			};
		if (loaded->shadow_vmcs != NO_PA)
			vmcs[nr++] = (struct vmcs){
				.pa = loaded->shadow_vmcs, .kind = VMCS_SHADOW, .loaded = loaded,
			};
	}
	for (size_t i = 0; i < nr; i++)
		oracle_look_and_judge(mem, witnesses, findings, &vmcs[i]);
	*ret = vmcs;
	*ret_nr = nr;
	return NULL;
}

const char *vmcs_kind_name(enum vmcs_kind kind)
{
	static const char *const names[] = {
		[VMCS_01] = "vmcs01",
		[VMCS_02] = "vmcs02",
		[VMCS_SHADOW] = "shadow",
		[VMCS_UNOWNED] = "unowned",
		[VMCS_ORPHAN] = "orphan",
	};

	return names[kind];
}

const char *vmcs_state_name(enum vmcs_state state)
{
	static const char *const names[] = {
		[VMCS_CLEARED] = "cleared",
		[VMCS_NOT_CLEARED] = "not-cleared",
		[VMCS_NEVER_LOADED] = "never-loaded",
		[VMCS_UNKNOWN] = "unknown",
	};

	return names[state];
}

const char *answer_name(enum answer answer)
{
	static const char *const names[] = {
		[ANSWER_NONE] = "none",
		[ANSWER_CLEARED] = "cleared",
		[ANSWER_NOT_CLEARED] = "not-cleared",
	};

	return names[answer];
}

const char *oracle_name(enum oracle oracle)
{
	static const char *const names[] = {
		[ORACLE_IMAGE] = "image",
		[ORACLE_LOG] = "log",
		[ORACLE_LIST] = "list",
		[ORACLE_EVIDENCE] = "evidence",
	};

	return names[oracle];
}
