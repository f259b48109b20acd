#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The half of the kdump_torture driver that does not crash: what it refuses,
# arming and disarming, dry mode, unloading while armed, and its self-tests.
#
# Needs root and the module, next to this script, in $KDUMP_TORTURE_KO or where
# modprobe finds it. Some tests need a loaded crash kernel, some need that there
# is none: those that do not apply are skipped. With a crash kernel, nothing
# here fires: the point is one that a running system does not get to.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# Called on the way to a halt only.
readonly function=kernel_halt

# expect_refusal NAME ERRNO REASON: arming is refused, and says why
expect_refusal()
{
	expect_refusal_of arm "$@"
}

# The same of arm or dry
expect_refusal_of()
{
	busy=$1
	shift
	got=$(knob "$busy" 1)
	result=$(cat $knobs/result)
	[ -n "$got" ] || knob "$busy" 0
	case $result in
	"refused: "*"$3"*)	expect "$1" "$got" "$2" ;;
	*)			fail "$1" "$got, and the result is \"$result\"" ;;
	esac
}

# expect_unload NAME: it goes, with its kprobe, and is loaded again
expect_unload()
{
	if ! rmmod $module; then
		fail "$1" "rmmod failed"
	elif grep -q "$function" /sys/kernel/debug/kprobes/list; then
		fail "$1" "the kprobe is still there"
	else
		pass "$1"
	fi
	is_loaded || load
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

# To leave SVM on needs a CPU that has it.
test_svm()
{
	expect "svm refuses what it does not know" "$(knob svm on)" EINVAL
	expect "svm: the crash path turns it off" "$(cat $knobs/svm)" off
	if ! grep -qw svm /proc/cpuinfo; then
		expect "svm: nothing to keep without SVM" "$(knob svm keep)" ENODEV
		return
	fi
	expect "svm takes keep" "$(knob svm keep)" ""
	expect "svm shows it" "$(cat $knobs/svm)" keep
	expect "svm takes off" "$(knob svm off)" ""
	expect "svm shows that, too" "$(cat $knobs/svm)" off
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

test_dry_table()
{
	expect "dry_table takes lines" \
		"$(knob dry_table "$function+0x0 - - -
$function+0x1 load/vmptrld vmptrld rip+0x1234,8")" ""
	expect "dry_table takes more lines" \
		"$(knob dry_table "cpu_vmxoff+0x3 vmxoff after-vmxoff -")" ""
	expect "dry_table shows them all" "$(wc -l < $knobs/dry_table)" 3
	for line in "garbage" "$function+0x0 - -" "$function+0x0 - - - -" "$function - - -" \
		"$function+0x0 - vmlaunch -" "$function+0x0 - vmptrld -" \
		"$function+0x0 - vmptrld eax+0x0" "$function+0x0 - - rax+0x0" \
		"list_add/0 - - -"; do
		expect "dry_table refuses \"$line\"" "$(knob dry_table "$line")" EINVAL
	done
	expect "dry_table refuses good lines with a bad one" \
		"$(knob dry_table "$function+0x0 - - -
garbage")" EINVAL
	expect "dry_table is as before" "$(wc -l < $knobs/dry_table)" 3
	lines=$(i=0; while [ $i -lt 400 ]; do echo "a+0 - - -"; i=$((i + 1)); done)
	got=
	i=0
	while [ -z "$got" ] && [ $i -lt 100 ]; do
		got=$(knob dry_table "$lines")
		i=$((i + 1))
	done
	expect "dry_table refuses more than it holds" "$got" E2BIG
	expect "dry_table: an empty line empties it" "$(knob dry_table "")$(cat $knobs/dry_table)" ""
}

# Up to what kvm_intel has to be loaded for
test_dry_refusals()
{
	expect "dry refuses what is not 0 or 1" "$(knob dry maybe)" EINVAL
	expect_refusal_of dry "dry refuses an empty table" ENOENT "no boundaries"
	knob dry_table "$function+0x0 - - -"
	knob layout ""
	expect_refusal_of dry "dry refuses to go without a layout" ENOENT "layout"
}

# dry_runs NAME: whether it begins
dry_runs()
{
	got=$(knob dry 1)
	[ -z "$got" ] && return
	fail "$1" "$got, and the result is \"$(cat $knobs/result)\""
	return 1
}

test_dry()
{
	test_dry_table
	test_dry_refusals
	name="dry mode"
	if ! grep -q '^kvm_intel ' /proc/modules; then
		skip "$name" "kvm_intel is not loaded"
		knob dry_table ""
		return
	fi
	knob layout "list_link=56 vmcs=0 shadow_vmcs=8 cpu=16 launched=20"
	knob dry_table "no_such_function+0x0 - - -"
	expect_refusal_of dry "dry refuses an unknown function" ENOENT "no function"
	knob dry_table ""
	knob dry_table "$function+0x100000 - - -"
	expect_refusal_of dry "dry refuses an offset past the function" EILSEQ "past the end"
	knob dry_table ""
	knob dry_table "$function+0x0 - - -
asm_exc_nmi+0x0 - - -"
	expect_refusal_of dry "dry refuses what kprobes must not touch" EOPNOTSUPP "asm_exc_nmi+0x0"
	expect "dry refused: no kprobe is left" "$(grep -c "$function" /sys/kernel/debug/kprobes/list)" 0
	knob dry_table ""
	knob dry_table "$function+0x0 - - -"
	dry_runs "dry begins" || return
	expect "dry: dry reads 1" "$(cat $knobs/dry)" 1
	expect "dry: refuses to begin twice" "$(knob dry 1)" EBUSY
	expect "dry: refuses another table" "$(knob dry_table "$function+0x0 - - -")" EBUSY
	expect "dry: refuses another point" "$(knob point "$function+0x0")" EBUSY
	expect "dry: refuses to arm" "$(knob arm 1)" EBUSY
	expect "dry: ends" "$(knob dry 0)" ""
	expect "dry: nothing was hit, nothing is wrong" "$(cat $knobs/dry_result)" "end 0 0"
	test_dry_vm
	dry_runs "dry begins again" || return
	expect_unload "unloads while dry"
}

# A VM that comes and goes is seen, with nothing wrong.
test_dry_vm()
{
	name="dry: a VM comes to its boundaries"
	if [ -z "$KDUMP_TORTURE_CREATE_VM" ]; then
		skip "$name" "KDUMP_TORTURE_CREATE_VM names no agent that could create a VM"
		return
	fi
	knob dry_table "vmx_hardware_enable+0x0 - - -"
	dry_runs "$name" || return
	"$KDUMP_TORTURE_CREATE_VM" role=create-vm > /dev/null
	knob dry 0
	result=$(cat $knobs/dry_result)
	case $result in
	"1 "*"
end "*" 0")	pass "$name" ;;
	*)		fail "$name" "the result is \"$result\"" ;;
	esac
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
	expect "armed: refuses dry mode" "$(knob dry 1)" EBUSY
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
		expect_unload "$name"
	done
	expect "loaded again: result is idle" "$(cat $knobs/result)" idle
}

# Prints the module's last KTAP report of suite $1, from the kernel log.
module_ktap()
{
	dmesg | sed 's/^\(<[0-9]*>\)*\[[^]]*\] //' |
		awk -v suite="# $module $1" '
		     /^KTAP version/ { report = "" }
		     { report = report $0 "\n" }
		     $0 == suite { wanted = 1 }
		     /^# Totals/ { if (wanted) last = report
				   wanted = 0 }
		     END { printf "%s", last }' |
		grep -E '^(1\.\.|ok |not ok |# found|# list_)'
}

# expect_module_ktap SUITE NAME UNITS
expect_module_ktap()
{
	ktap=$(module_ktap "$1")
	plan=$(echo "$ktap" | sed -n 's/^1\.\.//p')
	passed=$(echo "$ktap" | grep -c '^ok ')
	if [ -n "$plan" ] && [ "$plan" -gt 0 ] && [ "$passed" = "$plan" ]; then
		pass "$2: all $plan $3"
	else
		echo "$ktap" | sed 's/^/# /'
		fail "$2" "$passed of ${plan:-no} $3 pass"
	fi
}

test_selftest()
{
	rmmod $module
	if ! load selftest=1; then
		fail "selftest" "does not load with selftest=1"
		return
	fi
	expect_module_ktap list_state "list-state test" states
	expect_module_ktap dry "what dry mode follows" cases
}

begin
test_loaded
test_bad_values
test_svm
test_refusals
test_one_cpu
test_dry
test_no_crash_kernel
if crash_kernel_loaded; then
	test_armed
else
	skip "arming, disarming, unloading while armed" "no crash kernel loaded"
fi
test_selftest
end
