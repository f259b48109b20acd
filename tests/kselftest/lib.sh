# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the tests of the kdump_torture driver share: results, knobs, the module.
# For a script that has its arguments and name from the shell that reads this.
#
# POSIX sh, so that it runs under busybox in an initramfs.

readonly ksft_pass=0 ksft_fail=1 ksft_skip=4

readonly module=kdump_torture
readonly knobs=/sys/kernel/debug/$module

nr=0
failed=0
skipped=0
expected=0

# pass NAME, fail NAME WHY, skip NAME WHY, xfail NAME WHY: the result of one test
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

# A failure of the kernel that is known, and is not ours to mend
xfail()
{
	nr=$((nr + 1))
	expected=$((expected + 1))
	echo "ok $nr $1 # XFAIL $2"
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
	knob_error=$(printf '%s\n' "$2" | dd of="$knobs/$1" bs=4000 conv=notrunc 2>&1) && return
	case $knob_error in
	*"No such file or directory"*)		echo ENOENT ;;
	*"No such device or address"*)		echo ENXIO ;;
	*"No such device"*)			echo ENODEV ;;
	*usy*)					echo EBUSY ;;
	*"rgument list too long"*)		echo E2BIG ;;
	*"Invalid argument"*)			echo EINVAL ;;
	*multibyte*|*"Illegal byte sequence"*)	echo EILSEQ ;;
	*upported*)				echo EOPNOTSUPP ;;
	*)					echo "$knob_error" ;;
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

# load [PARAMETER=VALUE...]
# shellcheck disable=SC2119,SC2120 # the arguments are given by scripts
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

# Load the driver, or skip all tests.
begin()
{
	echo "TAP version 13"
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	[ -d /sys/kernel/debug/kprobes ] || mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	[ -d /sys/kernel/debug/kprobes ] || skip_all "needs debugfs and kprobes"
	is_loaded && skip_all "$module is in use: rmmod it"
	ko=${KDUMP_TORTURE_KO:-$(dirname "$0")/$module.ko}
	[ -f "$ko" ] || ko=
	# shellcheck disable=SC2119 # no parameters
	load || skip_all "cannot load $module"
}

# Plan, totals and exit status
end()
{
	rmmod $module
	echo "1..$nr"
	echo "# Totals: pass:$((nr - failed - skipped - expected)) fail:$failed" \
		"xfail:$expected xpass:0 skip:$skipped error:0"
	[ $failed = 0 ] && exit $ksft_pass
	exit $ksft_fail
}
