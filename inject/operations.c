// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/operations.h"

#include <string.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * A new operation is a line here. Its boundaries, those of the helpers that the
 * compiler left out of line, and the places that functions were inlined into
 * are found by the names; steps of it are lines in the table of steps.c.
 */
const struct operation operations[] = {
	{ "load", { "vmx_vcpu_load_vmcs" }, "create", "plain",
	  "a vCPU's VMCS becomes the current one of a CPU" },
	{ "list_add", { "vmx_vcpu_load_vmcs" }, "create", "plain",
	  "the VMCS is put on the CPU's list of loaded VMCSes" },
	{ "clear", { "__loaded_vmcs_clear" }, "migrate", "plain",
	  "a VMCS leaves the CPU, by IPI from the CPU that its vCPU has moved to" },
	{ "list_del", { "__loaded_vmcs_clear" }, "migrate", "plain",
	  "the VMCS is taken off the CPU's list of loaded VMCSes" },
	{ "destroy", { "__loaded_vmcs_clear" }, "destroy", "plain",
	  "clear, because the VM is destroyed" },
	/*
	 * Renamed by Linux kernel commit 0617a769ce16 ("KVM: x86: Rename
	 * virtualization {en,dis}abling APIs to match common KVM") (in v6.12)
	 */
	{ "vmxon", { "vmx_enable_virtualization_cpu|vmx_hardware_enable",
		     "kvm_cpu_vmxon" }, "first", "idle",
	  "the first VM comes: VMXON on every CPU" },
	{ "vmxoff", { "vmx_disable_virtualization_cpu|vmx_hardware_disable",
		      "vmclear_local_loaded_vmcss",
		      "kvm_cpu_vmxoff|cpu_vmxoff" }, "last", "plain",
	  "the last VM goes: VMXOFF on every CPU" },
	{ "offline", { "__loaded_vmcs_clear",
		       "vmx_disable_virtualization_cpu|vmx_hardware_disable",
		       "vmclear_local_loaded_vmcss",
		       "kvm_cpu_vmxoff|cpu_vmxoff" }, "offline", "plain",
	  "clear of all that is loaded and VMXOFF, because the CPU goes offline" },
	{ "last", { "__loaded_vmcs_clear",
		    "vmx_disable_virtualization_cpu|vmx_hardware_disable",
		    "vmclear_local_loaded_vmcss",
		    "kvm_cpu_vmxoff|cpu_vmxoff" }, "last", "plain",
	  "clear and VMXOFF, because the last VM goes" },
	{ "create", { "alloc_loaded_vmcs" }, "create", "plain",
	  "a vCPU gets a VMCS, which is VMCLEARed for the first time" },
	{ "switch", { "vmx_switch_vmcs" }, "nested-enter", "nested",
	  "between the VMCS of a guest hypervisor and that of its guest" },
	{ "shadow-to-vmcs12", { "copy_shadow_to_vmcs12" }, "nested-enter", "nested",
	  "the shadow VMCS is loaded to read what the guest hypervisor wrote to it" },
	{ "vmcs12-to-shadow", { "nested_sync_vmcs12_to_shadow",
				"copy_vmcs12_to_shadow" }, "nested-enter", "nested",
	  "the shadow VMCS is loaded to be filled for the guest hypervisor" },
	{ "vmwrite", { "handle_vmwrite" }, "nested-vmwrite", "nested",
	  "VMWRITE of the guest hypervisor that goes through to the shadow VMCS" },
	{ "nested-on", { "enter_vmx_operation" }, "nested-on", "plain",
	  "VMXON of a guest hypervisor: it gets a shadow VMCS" },
	{ "nested-free", { "free_nested" }, "nested-off", "nested",
	  "VMXOFF of a guest hypervisor, or its end: the shadow VMCS goes" },
	{ "ept-violation", { "handle_ept_violation" }, "reserved-fault", "maxphyaddr",
	  "an address beyond the guest's MAXPHYADDR: KVM emulates the access" },
	/* The second name is that of before Linux 6.1. */
	{ "inject", { "vmx_inject_exception|vmx_queue_exception" }, "reserved-fault", "maxphyaddr",
	  "and the guest is given its page fault for a reserved bit" },
	{ "host", { NULL }, "now", "plain",
	  "wherever the CPU is, a guest running or the host idle: point host/now" },
};

const size_t nr_operations = ARRAY_SIZE(operations);

_Static_assert(ARRAY_SIZE(operations) <= MAX_OPERATIONS, "a set is a mask of 32 bits");

const char *const crash_path_functions[] = {
	/* Since Linux kernel commit 590b09b1d88e (in v6.12) */
	"vmx_emergency_disable_virtualization_cpu",
	/* Since Linux kernel commit 119b5cb4ffd0 (in v6.6) */
	"vmx_emergency_disable",
	/* Of the crash-points patches */
	"vmx_emergency_vmclear",
	"vmx_crash_rehearse",
	/* Since Linux kernel commit 8f536b7697a0 (in v3.8) */
	"crash_vmclear_local_loaded_vmcss",
	NULL
};

const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < nr_operations; i++) {
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	}
	return NULL;
}

const struct operation *operation_of_point(const char *point)
{
	size_t length = strcspn(point, "/");

	for (size_t i = 0; point[length] && i < nr_operations; i++) {
		if (strlen(operations[i].name) == length &&
		    !strncmp(operations[i].name, point, length))
			return &operations[i];
	}
	return NULL;
}

unsigned int operation_bit(const struct operation *operation)
{
	return 1U << (operation - operations);
}
