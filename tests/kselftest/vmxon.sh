#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# With the first VM every CPU executes VMXON. It may fault, or VMfail, or find the
# CPU in VMX operation; the kernel has to live on, outside of VMX operation, and the
# next VM has to start once the cause is gone.
#
# Needs root, the module as kdump_torture.sh does, no VM, and the agent of
# kdump-torture as $KDUMP_TORTURE_CREATE_VM. Where the kernel has the bug, the task
# that makes the VM dies and KVM is of no use until the next boot; the last test, of
# a bug that Linux 6.1 is known to have, is for a machine that is rebooted anyway:
# KDUMP_TORTURE_MAY_BREAK_KVM=1.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# CPU 0, for it is always there
readonly cpu=0

# Create a VM on the CPU whose VMXON fails: an oops there ends the agent and not the
# machine. Prints the errno's name, nothing, or the signal that killed it.
create_vm()
{
	taskset 1 "$KDUMP_TORTURE_CREATE_VM" role=create-vm
	status=$?
	[ $status -ge 128 ] && echo "killed by signal $((status - 128))"
}

# KVM is dead, and with the locks that were held then the rest of the tests.
broken()
{
	echo "# KVM can be used again after a reboot"
	end
}

test_refusals()
{
	for value in no 0 "0 no" "65535 fault" "0 fault 1" ""; do
		expect "vmxon refuses \"$value\"" "$(knob vmxon "$value")" EINVAL
	done
	expect "vmxon: none is broken" "$(cat $knobs/vmxon)" none
}

# expect_recovery NAME: as nothing had been
expect_recovery()
{
	expect "vmxon takes none" "$(knob vmxon none)" ""
	expect "$1: CR4.VMXE is clear on every CPU" "$(cat $knobs/vmxe)" ""
	expect "$1: the next VM starts" "$(create_vm)" ""
	expect "$1: VMX operation ends with it" "$(cat $knobs/vmxe)" ""
}

# Commit 4f6ea0a87608 ("KVM: VMX: Gracefully handle faults on VMXON")
test_fault()
{
	name="VMXON that faults"
	expect "vmxon takes a fault" "$(knob vmxon "$cpu fault")" ""
	expect "vmxon shows it" "$(cat $knobs/vmxon)" "$cpu fault"
	got=$(create_vm)
	expect "$name: KVM_CREATE_VM returns an error" "$got" EBUSY
	case $got in
	killed*)	broken ;;
	esac
	expect "$name: CR4.VMXE is clear at once" "$(cat $knobs/vmxe)" ""
	expect_recovery "$name"
}

# Does not come to VMXON: the kernel looks at CR4.VMXE first.
test_entered()
{
	name="a CPU that is in VMX operation"
	expect "vmxon takes a CPU in VMX operation" "$(knob vmxon "$cpu entered")" ""
	expect "$name has CR4.VMXE" "$(cat $knobs/vmxe)" "$cpu"
	expect "$name: KVM_CREATE_VM returns an error" "$(create_vm)" EBUSY
	expect "$name: it is left there" "$(cat $knobs/vmxe)" "$cpu"
	expect_recovery "$name"
}

# The kernel looks for a fault, and not at CF and ZF.
test_revision()
{
	name="VMXON that VMfails: KVM_CREATE_VM returns an error"
	if [ -z "$KDUMP_TORTURE_MAY_BREAK_KVM" ]; then
		skip "$name" "KVM would be broken after it"
		return
	fi
	expect "vmxon takes a wrong revision id" "$(knob vmxon "$cpu revision")" ""
	got=$(create_vm)
	case $got in
	killed*)
		dmesg | grep -A 30 'kernel BUG at' | grep -E 'BUG|RIP' | head -n 2 | sed 's/^/# /'
		xfail "$name" "the kernel goes on as if the CPU were in VMX operation: $got"
		broken ;;
	esac
	expect "$name" "$got" EBUSY
	expect_recovery "$name"
}

if ! grep -qw vmx /proc/cpuinfo; then
	echo "TAP version 13"
	skip_all "the CPU has no VMX, and so no VMXON"
fi
begin
test_refusals
if [ -z "$KDUMP_TORTURE_CREATE_VM" ]; then
	skip "VMXON that fails" "KDUMP_TORTURE_CREATE_VM names no agent that could create a VM"
elif [ -n "$(cat $knobs/vmxe)" ]; then
	skip "VMXON that fails" "CPUs $(cat $knobs/vmxe) are in VMX operation"
else
	test_fault
	test_entered
	test_revision
fi
end
