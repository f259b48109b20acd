#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The half of the kdump_torture driver that does not crash: what it refuses,
# arming and disarming, unloading while armed, and its list-state test.
#
# Needs root and the module, next to this script, in $KDUMP_TORTURE_KO or where
# modprobe finds it. Some tests need a loaded crash kernel, some need that there
# is none: those that do not apply are skipped. With a crash kernel, nothing
# here fires: the point is one that a running system does not get to.
#
# POSIX sh, so that it runs under busybox in an initramfs.

readonly ksft_pass=0 ksft_fail=1 ksft_skip=4

readonly module=kdump_torture
readonly knobs=/sys/kernel/debug/$module
# Called on the way to a halt only.
readonly function=kernel_halt

nr=0
failed=0
skipped=0

# pass NAME, fail NAME WHY, skip NAME WHY: the result of one test
pass()
{
	nr=$((nr + 1))
	echo "ok $nr $1"
}

fail()
{
	nr=$((nr + 1))
	failed=$((failed + 1))
	echo "# $2"
	echo "not ok $nr $1"
}

skip()
{
	nr=$((nr + 1))
	skipped=$((skipped + 1))
	echo "ok $nr $1 # SKIP $2"
}

# skip_all WHY
skip_all()
{
	echo "1..0 # SKIP $1"
	exit $ksft_skip
}

# knob NAME VALUE: write it, print the errno's name or nothing
knob()
{
	# dd names the errno, which not every shell's echo does. The texts
	# are those of glibc and musl.
	error=$(printf '%s\n' "$2" | dd of="$knobs/$1" bs=256 conv=notrunc 2>&1) && return
	case $error in
	*"No such file or directory"*)		echo ENOENT ;;
	*"No such device or address"*)		echo ENXIO ;;
	*"No such device"*)			echo ENODEV ;;
	*usy*)					echo EBUSY ;;
	*"Invalid argument"*)			echo EINVAL ;;
	*multibyte*|*"Illegal byte sequence"*)	echo EILSEQ ;;
	*upported*)				echo EOPNOTSUPP ;;
	*)					echo "$error" ;;
	esac
}

# expect NAME GOT WANTED
expect()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got \"$2\", not \"$3\""
	fi
}

# expect_refusal NAME ERRNO REASON: arming is refused, and says why
expect_refusal()
{
	got=$(knob arm 1)
	result=$(cat $knobs/result)
	[ -n "$got" ] || knob arm 0
	case $result in
	"refused: "*"$3"*)	expect "$1" "$got" "$2" ;;
	*)			fail "$1" "$got, and the result is \"$result\"" ;;
	esac
}

load()
{
	if [ -n "$ko" ]; then
		insmod "$ko" "$@"
	else
		modprobe $module "$@"
	fi
}

is_loaded()
{
	grep -q "^$module " /proc/modules
}

crash_kernel_loaded()
{
	[ "$(cat /sys/kernel/kexec_crash_loaded 2>/dev/null)" = 1 ]
}

# set_knobs POINT: the given one, the rest as after loading
set_knobs()
{
	knob point "$1"
	knob label ""
	knob deliver self
	knob cpu 0
	knob task ""
	knob skip 0
}

test_loaded()
{
	expect "loaded: not armed" "$(cat $knobs/arm)" 0
	expect "loaded: result is idle" "$(cat $knobs/result)" idle
	expect "deliver shows the choices" "$(cat $knobs/deliver)" \
		"[self] remote shootdown"
	expect "points ends with the form of raw points" \
		"$(tail -n 1 $knobs/points)" "FUNCTION+0xOFFSET (kprobe)"
}

test_bad_values()
{
	expect "deliver refuses an unknown delivery" "$(knob deliver post)" EINVAL
	expect "cpu refuses what is no number" "$(knob cpu first)" EINVAL
	expect "point refuses a function without offset" \
		"$(knob point $function)" EINVAL
	expect "fire refuses when not armed" "$(knob fire 1)" EINVAL
	expect "fire refuses what is not 1" "$(knob fire later)" EINVAL
	expect "layout refuses a part of one" \
		"$(knob layout "list_link=56 vmcs=0")" EINVAL
	expect "layout takes a whole one" \
		"$(knob layout "list_link=56 vmcs=0 shadow_vmcs=8 cpu=16 launched=20")" ""
	knob layout ""
}

# The driver knows instructions by decoding: some of the first 16 offsets of a
# function start one, but not all of them can.
test_instruction_boundary()
{
	mid=
	offset=0
	while [ $offset -lt 16 ]; do
		set_knobs "$function+$offset"
		got=$(knob arm 1)
		[ -n "$got" ] || knob arm 0
		[ "$got" = EILSEQ ] && mid="$mid $offset"
		offset=$((offset + 1))
	done
	case $mid in
	"")	fail "refuses the middle of an instruction" "took all offsets 0..15" ;;
	" 0"*)	fail "refuses the middle of an instruction" "took 0 for one" ;;
	*)	pass "refuses the middle of an instruction" ;;
	esac
}

test_refusals()
{
	set_knobs ""
	expect_refusal "refuses to arm without a point" ENOENT "no point"
	set_knobs "no_such_function+0x4"
	expect_refusal "refuses an unknown function" ENOENT "no function"
	set_knobs "list_add/9"
	expect_refusal "refuses an unknown hook" ENOENT "hook"
	set_knobs "$function+0x100000"
	expect_refusal "refuses an offset past the function" EILSEQ "past the end"
	set_knobs "asm_exc_nmi+0x0"
	expect_refusal "refuses what kprobes must not touch" EOPNOTSUPP "kprobes refuse"
	test_instruction_boundary

	set_knobs "$function+0x0"
	# No CPU has this number: more than NR_CPUS can be.
	knob cpu 65535
	expect_refusal "refuses a CPU that does not exist" ENODEV "not online"
}

nr_cpus()
{
	grep -c ^processor /proc/cpuinfo
}

# One CPU is left online, if the machine lets us; then all are back.
test_one_cpu()
{
	offlined=
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ -e "$cpu" ] && [ "$(cat "$cpu")" = 1 ] && echo 0 > "$cpu" &&
			offlined="$offlined $cpu"
	done
	for deliver in remote shootdown; do
		name="refuses $deliver without a second CPU"
		if [ "$(nr_cpus)" != 1 ]; then
			skip "$name" "the others cannot be taken offline"
			continue
		fi
		set_knobs "$function+0x0"
		knob deliver $deliver
		expect_refusal "$name" ENODEV "second CPU"
	done
	if [ -n "$offlined" ]; then
		set_knobs "$function+0x0"
		knob cpu 1
		expect_refusal "refuses an offline CPU" ENODEV "not online"
	fi
	for cpu in $offlined; do
		echo 1 > "$cpu"
	done
}

test_no_crash_kernel()
{
	name="refuses to arm without a crash kernel"
	if crash_kernel_loaded; then
		skip "$name" "one is loaded"
		return
	fi
	set_knobs "$function+0x0"
	expect_refusal "$name" ENXIO "crash kernel"
	expect "$name: not armed" "$(cat $knobs/arm)" 0
}

test_armed()
{
	set_knobs "$function+0x0"
	expect "arms" "$(knob arm 1)" ""
	expect "armed: arm reads 1" "$(cat $knobs/arm)" 1
	expect "armed: result" "$(cat $knobs/result)" \
		"armed $function+0x0 cpu 0 deliver self hits 0"
	expect "armed: refuses to arm twice" "$(knob arm 1)" EBUSY
	expect "armed: refuses another point" "$(knob point "$function+0x1")" EBUSY
	expect "armed: refuses to fire a place in the code" "$(knob fire 1)" EINVAL
	expect "disarms" "$(knob arm 0)" ""
	expect "disarmed: result is idle" "$(cat $knobs/result)" idle

	set_knobs "host/now"
	expect "arms host/now" "$(knob arm 1)" ""
	expect "armed: result of host/now" "$(cat $knobs/result)" \
		"armed host/now cpu 0 deliver self hits 0"
	expect "disarms host/now" "$(knob arm 0)" ""

	for deliver in self remote shootdown; do
		name="unloads while armed, deliver $deliver"
		if [ $deliver != self ] && [ "$(nr_cpus)" = 1 ]; then
			skip "$name" "needs a second CPU"
			continue
		fi
		set_knobs "$function+0x0"
		knob deliver $deliver
		knob arm 1
		if ! rmmod $module; then
			fail "$name" "rmmod failed"
		elif grep -q "$function" /sys/kernel/debug/kprobes/list; then
			fail "$name" "the kprobe is still there"
		else
			pass "$name"
		fi
		is_loaded || load
	done
	expect "loaded again: result is idle" "$(cat $knobs/result)" idle
}

# Prints the module's last KTAP report, from the kernel log.
list_state_ktap()
{
	dmesg | sed 's/^\(<[0-9]*>\)*\[[^]]*\] //' |
		awk '/^KTAP version/ { report = "" }
		     { report = report $0 "\n" }
		     END { printf "%s", report }' |
		grep -E '^(1\.\.|ok |not ok |# found|# list_)'
}

test_list_state()
{
	name="list-state test"
	rmmod $module
	if ! load selftest=1; then
		fail "$name" "does not load with selftest=1"
		return
	fi
	ktap=$(list_state_ktap)
	plan=$(echo "$ktap" | sed -n 's/^1\.\.//p')
	passed=$(echo "$ktap" | grep -c '^ok ')
	if [ -n "$plan" ] && [ "$plan" -gt 0 ] && [ "$passed" = "$plan" ]; then
		pass "$name: all $plan states"
	else
		echo "$ktap" | sed 's/^/# /'
		fail "$name" "$passed of ${plan:-no} states pass"
	fi
}

# With the first VM every CPU executes VMXON. It may fault; the kernel has to
# live on, outside of VMX operation, and the next VM has to start.
test_vmxon()
{
	name="VMXON that faults"
	expect "vmxon_fault refuses what is no CPU" "$(knob vmxon_fault no)" EINVAL
	expect "vmxon_fault refuses a CPU that does not exist" \
		"$(knob vmxon_fault 65535)" EINVAL
	if [ -z "$KDUMP_TORTURE_CREATE_VM" ]; then
		skip "$name" "KDUMP_TORTURE_CREATE_VM names no agent that could create a VM"
		return
	fi
	if [ -n "$(cat $knobs/vmxe)" ]; then
		skip "$name" "CPUs $(cat $knobs/vmxe) are in VMX operation"
		return
	fi
	expect "vmxon_fault takes a CPU" "$(knob vmxon_fault 0)" ""
	expect "vmxon_fault shows it" "$(cat $knobs/vmxon_fault)" 0
	# On that CPU, where an oops ends this program and not the machine.
	vm_error=$(taskset 1 "$KDUMP_TORTURE_CREATE_VM" role=create-vm)
	status=$?
	knob vmxon_fault none
	if [ $status -ge 128 ]; then
		fail "$name: KVM_CREATE_VM returns" "killed by signal $((status - 128))"
		return
	fi
	expect "$name: KVM_CREATE_VM returns an error" "$vm_error" EBUSY
	expect "$name: CR4.VMXE is clear on every CPU" "$(cat $knobs/vmxe)" ""
	expect "$name: the next VM starts" "$("$KDUMP_TORTURE_CREATE_VM" role=create-vm)" ""
	expect "$name: VMX operation ends with it" "$(cat $knobs/vmxe)" ""
}

echo "TAP version 13"
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -d /sys/kernel/debug/kprobes ] || mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
[ -d /sys/kernel/debug/kprobes ] || skip_all "needs debugfs and kprobes"
is_loaded && skip_all "$module is in use: rmmod it"
ko=${KDUMP_TORTURE_KO:-$(dirname "$0")/$module.ko}
[ -f "$ko" ] || ko=
load || skip_all "cannot load $module"

test_loaded
test_bad_values
test_refusals
test_one_cpu
test_no_crash_kernel
if crash_kernel_loaded; then
	test_armed
else
	skip "arming, disarming, unloading while armed" "no crash kernel loaded"
fi
test_list_state
test_vmxon
rmmod $module

echo "1..$nr"
echo "# Totals: pass:$((nr - failed - skipped)) fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
[ $failed = 0 ] && exit $ksft_pass
exit $ksft_fail
