#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The VMCSes of a KVM host with Intel CPUs, by drgn from its vmcore and debug
information: the lines that the command "vmcs" of the extension vmcs.c prints
in crash(8), whose help explains them."""

import argparse

import drgn
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import virt_to_phys
from drgn.helpers.linux.percpu import per_cpu_ptr
from drgn.helpers.linux.pid import pid_task
from drgn.helpers.linux.xarray import xa_for_each

# Those that keep the launch state in the u32 at byte 8: Bochs, KVM
REVISIONS = 0x2B, 0x11E57ED0
MAX_LISTED = 4 * 65536


def region(vmcs):
    """The columns of a VMCS region: where it is and its launch state."""
    if not vmcs:
        return "- -"
    pa = virt_to_phys(vmcs).value_()
    try:
        revision, state = (vmcs.prog_.read_u32(pa + at, True) for at in (0, 8))
    except drgn.FaultError:
        return f"{pa:#x} -"
    if revision & 0x7FFFFFFF not in REVISIONS:
        return f"{pa:#x} -"
    return f"{pa:#x} {['clear', 'launched'][state] if state < 2 else '?'}"


def columns(loaded):
    """The columns from VMCS to LAUNCHED of a struct loaded_vmcs."""
    launched = "yes" if loaded.launched else "no"
    return f"{region(loaded.vmcs)} {region(loaded.shadow_vmcs)} {loaded.cpu.value_()} {launched}"


def walk(head):
    """Returns the list_heads after head in forward order, and how the walk ended."""
    entries = {}
    entry = head.next.read_()
    if not entry:
        return [], "uninitialised"
    while entry != head:
        try:
            following = entry.next.read_()
        except drgn.FaultError:
            return entries.values(), "wild-pointer"
        if entry.value_() in entries:
            return entries.values(), "loop"
        if len(entries) == MAX_LISTED:
            return entries.values(), "too-long"
        entries[entry.value_()] = entry
        entry = following
    return entries.values(), "complete"


def show_cpu(cpu, lists):
    entries, end = walk(per_cpu_ptr(lists, cpu))
    for i, entry in enumerate(entries):
        loaded = drgn.container_of(entry, "struct loaded_vmcs", "loaded_vmcss_on_cpu_link")
        print("list", cpu, i, columns(loaded))
    print("end", cpu, end)


def owner(kvm, vcpu):
    """The columns PID, TID and COMM."""
    tid, comm = 0, "-"
    if vcpu.pid:
        tid = vcpu.pid.numbers[0].nr.value_()
        task = pid_task(vcpu.pid, vcpu.prog_["PIDTYPE_PID"])
        if task:
            comm = task.group_leader.comm.string_().decode(errors="replace")
    return f"{kvm.userspace_pid.value_()} {tid} {comm}"


def vcpus(kvm):
    if hasattr(kvm, "vcpu_array"):
        return [vcpu for _, vcpu in xa_for_each(kvm.vcpu_array.address_of_())]
    # Linux kernel commit c5b077549136 ("KVM: Convert the kvm->vcpus array to a xarray") (in v5.17)
    return [vcpu for vcpu in kvm.vcpus if vcpu]


def show_vm(number, kvm):
    for pointer in vcpus(kvm):
        vcpu = drgn.cast("struct kvm_vcpu *", pointer)
        vmx = drgn.container_of(vcpu, "struct vcpu_vmx", "vcpu")
        for kind, loaded in ("vmcs01", vmx.vmcs01), ("vmcs02", vmx.nested.vmcs02):
            # vmcs02 has no region until the vCPU runs a nested guest
            if loaded.vmcs:
                id = vcpu.vcpu_id.value_()
                print("vcpu", number, id, kind, columns(loaded), owner(kvm, vcpu))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vmcore")
    parser.add_argument("--vmlinux", required=True, help="with debug information")
    parser.add_argument("--modules", nargs=2, required=True, metavar=("KVM", "KVM_INTEL"))
    arguments = parser.parse_args()

    prog = drgn.Program()
    prog.set_core_dump(arguments.vmcore)
    prog.load_debug_info([arguments.vmlinux, *arguments.modules])
    lists = prog["loaded_vmcss_on_cpu"].address_of_()
    for cpu in for_each_possible_cpu(prog):
        show_cpu(cpu, lists)
    vms = list_for_each_entry("struct kvm", prog["vm_list"].address_of_(), "vm_list")
    for number, kvm in enumerate(vms):
        show_vm(number, kvm)


if __name__ == "__main__":
    main()
