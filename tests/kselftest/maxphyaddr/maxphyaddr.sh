#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests whose MAXPHYADDR is smaller than the host's: each program for each
# combination of the parameters of kvm_intel or kvm_amd that decide who checks a
# guest's physical addresses.
#
# Needs root, and that no VM runs: the module is reloaded for each combination, and
# in the end as it was. It comes from $KDUMP_TORTURE_MODULES/kvm-intel.ko (kvm-amd.ko)
# or from where modprobe finds it. POSIX sh, so that it runs under busybox.

readonly ksft_pass=0 ksft_fail=1 ksft_skip=4
readonly own_programs="matrix corners"
# The kernel's own test of this, before and since Linux 6.2; run if they are here
readonly kernel_programs="emulator_error_test smaller_maxphyaddr_emulation_test"

directory=$(dirname "$0")
programs=$own_programs
for program in $kernel_programs; do
	[ ! -x "$directory/$program" ] || programs="$programs $program"
done
readonly directory programs

usage()
{
	cat <<-END
	Usage: $0 [-p PROGRAM] [-c "PARAMETER=VALUE..."] [-b] [-m BITS]
	  -p PROGRAM  this one only, of: $programs
	  -c COMBI    this combination only, as "ept=1 allow_smaller_maxphyaddr=1"
	  -b          brief: a representative part of the cases
	  -m BITS     the guest's MAXPHYADDR, where the program has one (default 36)
	END
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit $ksft_skip
}

# parameters: those of the loaded module that matter, as "NAME=VALUE..."
parameters()
{
	for parameter in $paging allow_smaller_maxphyaddr; do
		file=/sys/module/$module/parameters/$parameter
		[ -r "$file" ] || continue
		case $(cat "$file") in
		Y | 1)	echo "$parameter=1" ;;
		*)	echo "$parameter=0" ;;
		esac
	done | tr '\n' ' ' | sed 's/ $//'
}

unload()
{
	! grep -q "^$module " /proc/modules || rmmod $module
}

# load [PARAMETER=VALUE...]
load()
{
	unload || return
	if [ -n "$KDUMP_TORTURE_MODULES" ]; then
		insmod "$KDUMP_TORTURE_MODULES/$file_name" "$@"
	else
		modprobe $module "$@"
	fi
}

# The combinations of what the module has, one a line
combinations()
{
	for value in 1 0; do
		if [ -e /sys/module/$module/parameters/allow_smaller_maxphyaddr ]; then
			echo "$paging=$value allow_smaller_maxphyaddr=1"
			echo "$paging=$value allow_smaller_maxphyaddr=0"
		else
			echo "$paging=$value"
		fi
	done
}

# run COMBINATION PROGRAM: a subtest, its lines nested
run()
{
	nr=$((nr + 1))
	echo "# Subtest: $1 $2"
	# shellcheck disable=SC2086 # a word each
	if load $1; then
		# The status goes past the filter that indents.
		status=$({ {
			case " $kernel_programs " in
			*" $2 "*)	"$directory/$2" 2>&1 < /dev/null ;;
			*)		"$directory/$2" $options 2>&1 < /dev/null ;;
			esac
			echo $? >&3
		} | sed 's/^/    /' >&4; } 3>&1)
	else
		echo "    # $module does not load with $1"
		status=$ksft_fail
	fi
	case $2,$status,$1 in
	emulator_error_test,254,*"$paging=0"*)
		echo "    # cases pass:0 fail:0 xfail:1 skip:0"
		echo "    # xfail kernel-test-tdp 1: it waits for a failed emulation, and with" \
			"shadow paging the guest gets its fault; mended in Linux 6.2"
		echo "    ok 1 shadow paging"
		status=$ksft_pass ;;
	esac
	case $status in
	"$ksft_pass")	echo "ok $nr $1 $2" ;;
	"$ksft_skip")	echo "ok $nr $1 $2 # SKIP" ;;
	*)		failed=$((failed + 1))
			echo "not ok $nr $1 $2" ;;
	esac
}

only_program=
only_combination=
options=
nr=0
failed=0
while getopts p:c:bm:h option; do
	case $option in
	p)	only_program=$OPTARG ;;
	c)	only_combination=$OPTARG ;;
	b)	options="$options -b" ;;
	m)	options="$options -m $OPTARG" ;;
	h)	usage
		exit 0 ;;
	*)	usage >&2
		exit 2 ;;
	esac
done

exec 4>&1
echo "KTAP version 1"
[ "$(id -u)" = 0 ] || skip_all "needs root"
if grep -qw vmx /proc/cpuinfo; then
	module=kvm_intel file_name=kvm-intel.ko paging=ept
elif grep -qw svm /proc/cpuinfo; then
	module=kvm_amd file_name=kvm-amd.ko paging=npt
else
	skip_all "the CPU has neither VMX nor SVM"
fi
was_loaded=$(parameters)
loaded=$(grep -c "^$module " /proc/modules)
[ "$loaded" = 1 ] || load || skip_all "$module does not load"

all=${only_combination:-$(combinations)}
# shellcheck disable=SC2086 # a word each
set -- ${only_program:-$programs}
echo "1..$(($(echo "$all" | wc -l) * $#))"
while IFS= read -r combination; do
	for program in "$@"; do
		run "$combination" "$program"
	done
done <<END
$all
END

if [ "$loaded" = 1 ]; then
	# shellcheck disable=SC2086 # a word each
	load $was_loaded
else
	unload
fi
echo "# Totals: pass:$((nr - failed)) fail:$failed"
[ $failed = 0 ] && exit $ksft_pass
exit $ksft_fail
