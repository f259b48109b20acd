// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/oracle_image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void testify(struct testimony *ret, enum answer answer, const char *word, const char *why, ...)
{
	va_list ap;

	ret->answer = answer;
	snprintf(ret->word, sizeof(ret->word), "%s", word);
	va_start(ap, why);
	vsnprintf(ret->why, sizeof(ret->why), why, ap);
	va_end(ap);
}

int vmcs_cpu(const struct vmcs *vmcs)
{
	return vmcs->loaded->cpu != NO_CPU ? vmcs->loaded->cpu : vmcs->loaded->list_cpu;
}

bool oracle_driver_watched(const struct witnesses *witnesses, const struct vmcs *vmcs)
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
	       vmcs->image.layout->memory == VMCS_MEMORY_CACHED ||
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
		return loaded->current_cpu != NO_CPU;
	if (!oracle_driver_watched(witnesses, vmcs))
		return true;
	return vmcs->kind == VMCS_SHADOW && witnesses->evidence->data.vmptr == loaded->vmcs;
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

/* A walk that ends before its time may do so in the dump alone. */
static void ask_list_for_lost(const struct witnesses *witnesses, const struct loaded_vmcs *loaded,
			      struct testimony *ret)
{
	const struct kvm_cpu *cpu = kvm_find_cpu(witnesses->kvm, loaded->cpu);

	if (cpu && cpu->list.end == LIST_COMPLETE)
		return testify(ret, ANSWER_NOT_CLEARED, "lost",
			       "a forward walk of the list of CPU %d does not reach it",
			       loaded->cpu);
	testify(ret, ANSWER_NONE, "lost",
		"a forward walk of the list of CPU %d does not reach it, but does not end at its head either",
		loaded->cpu);
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
		return ask_list_for_lost(witnesses, loaded, ret);
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
	oracle_ask_image(witnesses, vmcs, &vmcs->oracle[ORACLE_IMAGE]);
	ask_log(witnesses, vmcs, &vmcs->oracle[ORACLE_LOG]);
	ask_list(witnesses, vmcs, &vmcs->oracle[ORACLE_LIST]);
	ask_evidence(witnesses, vmcs, &vmcs->oracle[ORACLE_EVIDENCE]);
	combine(vmcs);
}

void oracle_look_and_judge(const struct memory *mem, const struct witnesses *witnesses,
			   struct findings *findings, struct vmcs *vmcs)
{
	oracle_look_at_image(mem, witnesses, findings, vmcs);
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
