// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the crash path would do on this CPU if it came now. The crash-points
 * patches let it be rehearsed: that is the very code that a crash runs. Of any
 * other kernel it is assumed that it walks the list forward and VMCLEARs each VMCS
 * and its shadow VMCS.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "dry.h"
#include "kdt.h"

/* vmx_crash_rehearse(); NULL if this kvm_intel has none. */
static void (*kdt_rehearse)(bool (*visit)(const void *loaded_vmcs, void *data),
			    void (*vmclear)(u64 pa, bool shadow, void *data),
			    void (*vmxoff)(void *data), void *data);

/* Holds a reference on kvm_intel, if it is used, until kdt_crash_path_put(). */
void kdt_crash_path_get(void)
{
	kdt_rehearse = __symbol_get("vmx_crash_rehearse");
}

void kdt_crash_path_put(void)
{
	if (kdt_rehearse)
		__symbol_put("vmx_crash_rehearse");
	kdt_rehearse = NULL;
}

static void kdt_is_bad(struct kdt_crash_path *path, unsigned long address)
{
	path->bad_pointer = true;
	path->bad_address = address;
}

/* Lets the rehearsal go on only if it cannot fault at this entry. */
static bool kdt_rehearse_visit(const void *loaded_vmcs, void *data)
{
	struct kdt_crash_path *path = data;
	unsigned long address = (unsigned long)loaded_vmcs;

	if (path->nr_visits++ < KDT_MAX_ACTIVE && kdt_can_read_loaded_vmcs(address))
		return true;
	kdt_is_bad(path, address);
	return false;
}

static void kdt_rehearse_vmclear(u64 pa, bool shadow, void *data)
{
	struct kdt_crash_path *path = data;

	kdt_pa_set_add(&path->vmclear, pa);
}

static void kdt_rehearse_vmxoff(void *data)
{
	struct kdt_crash_path *path = data;

	path->vmxoff = true;
}

static bool kdt_model_entry(const struct kdt_evidence_vmcs *entry, void *data)
{
	struct kdt_crash_path *path = data;

	kdt_pa_set_add(&path->vmclear, entry->vmcs);
	if (entry->shadow_vmcs != KDT_NO_PA)
		kdt_pa_set_add(&path->vmclear, entry->shadow_vmcs);
	return !path->vmclear.overflow;
}

static void kdt_model(struct kdt_crash_path *path)
{
	unsigned long end;

	if (kdt_walk_list(kdt_model_entry, path, &end) != KDT_LIST_COMPLETE)
		kdt_is_bad(path, end);
}

/* Called with IRQs off, in any context. */
void kdt_crash_path_ask(struct kdt_crash_path *ret)
{
	kdt_pa_set_clear(&ret->vmclear);
	ret->nr_visits = 0;
	ret->bad_pointer = false;
	ret->knows_vmxoff = kdt_rehearse;
	ret->vmxoff = false;
	if (kdt_rehearse)
		kdt_rehearse(kdt_rehearse_visit, kdt_rehearse_vmclear,
			     kdt_rehearse_vmxoff, ret);
	else
		kdt_model(ret);
}
