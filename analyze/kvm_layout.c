// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kvm_layout.h"

static struct error *find_loaded_vmcs(const struct types *types,
				      struct loaded_vmcs_layout *ret)
{
	/* Since Linux kernel commit 355f4fb1405e ("kvm: nVMX: VMCLEAR an active shadow VMCS after last use") (in v4.9) */
	ret->has_shadow = types_find(types, "loaded_vmcs", "shadow_vmcs", &ret->shadow_vmcs);
	struct error *err = types_member(types, "loaded_vmcs", "vmcs", &ret->vmcs);

	if (!err)
		err = types_member(types, "loaded_vmcs", "cpu", &ret->cpu);
	if (!err)
		err = types_member(types, "loaded_vmcs", "launched", &ret->launched);
	if (!err)
		err = types_member(types, "loaded_vmcs", "loaded_vmcss_on_cpu_link", &ret->link);
	return err;
}

static struct error *find_vcpu_vmx(const struct types *types, struct vcpu_layout *ret)
{
	struct error *err = types_member(types, "vcpu_vmx", "vcpu", &ret->vcpu);

	if (!err)
		err = types_member(types, "vcpu_vmx", "vmcs01", &ret->vmcs01);
	if (!err)
		err = types_member(types, "vcpu_vmx", "nested.vmcs02", &ret->vmcs02);
	if (!err)
		err = types_member(types, "vcpu_vmx", "loaded_vmcs", &ret->loaded_vmcs);
	return err;
}

static struct error *find_vcpu(const struct types *types, struct vcpu_layout *ret)
{
	struct error *err = types_member(types, "kvm_vcpu", "kvm", &ret->kvm);

	if (!err)
		err = types_member(types, "kvm_vcpu", "vcpu_id", &ret->id);
	if (!err)
		err = types_member(types, "kvm_vcpu", "pid", &ret->pid);
	ret->has_maxphyaddr = types_find(types, "kvm_vcpu", "arch.maxphyaddr", &ret->maxphyaddr);
	return err;
}

static struct error *find_vm(const struct types *types, struct vm_layout *ret)
{
	struct error *err = types_member(types, "kvm", "vm_list", &ret->list);

	if (!err)
		err = types_member(types, "kvm", "online_vcpus", &ret->online_vcpus);
	if (err)
		return err;
	ret->has_userspace_pid = types_find(types, "kvm", "userspace_pid", &ret->userspace_pid);
	ret->has_xarray = types_find(types, "kvm", "vcpu_array.xa_head", &ret->xa_head);
	if (ret->has_xarray) {
		err = types_member(types, "xa_node", "shift", &ret->xa_shift);
		if (!err)
			err = types_member(types, "xa_node", "slots", &ret->xa_slots);
		return err;
	}
	/* Linux kernel commit c5b077549136 ("KVM: Convert the kvm->vcpus array to a xarray") (in v5.17) */
	return types_member(types, "kvm", "vcpus", &ret->vcpus);
}

static struct error *find_task(const struct types *types, struct task_layout *ret)
{
	struct error *err = types_member(types, "pid", "numbers", &ret->numbers);

	if (!err)
		err = types_member(types, "upid", "nr", &ret->nr);
	if (!err)
		err = types_member(types, "pid", "tasks", &ret->tasks);
	if (!err)
		err = types_member(types, "task_struct", "pid_links", &ret->pid_links);
	if (!err)
		err = types_member(types, "task_struct", "group_leader", &ret->group_leader);
	if (!err)
		err = types_member(types, "task_struct", "tgid", &ret->tgid);
	if (!err)
		err = types_member(types, "task_struct", "comm", &ret->comm);
	if (!err)
		err = types_member(types, "task_struct", "tasks", &ret->list);
	return err;
}

struct error *kvm_layout_find_vms(const struct types *types, struct kvm_layout *ret)
{
	struct error *err = find_vcpu(types, &ret->vcpu);

	if (!err)
		err = find_vm(types, &ret->vm);
	if (!err)
		err = find_task(types, &ret->task);
	return err;
}

struct error *kvm_layout_find(const struct types *types, struct kvm_layout *ret)
{
	struct error *err = find_loaded_vmcs(types, &ret->loaded);

	if (!err)
		err = find_vcpu_vmx(types, &ret->vcpu);
	return err ? err : kvm_layout_find_vms(types, ret);
}
