#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tree.sh KDIR WORK: make a kernel developer's tree ready to be crashed and
# print the path of the built tree. A tree that is built is taken as it is. One
# that is not is mirrored below WORK, patched where the patches apply, and
# built there with our configuration: KDIR itself is never written to.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
kdir=$(realpath "$1") || { echo "KDIR=$1: no such directory" >&2; exit 2; }
work=$2

if [ ! -e "$kdir/Kconfig" ] && [ ! -e "$kdir/arch/x86/boot/bzImage" ]; then
	echo "KDIR=$kdir: not a Linux kernel tree (no Kconfig, no bzImage)" >&2
	exit 2
fi
if [ -e "$kdir/arch/x86/boot/bzImage" ] && [ -e "$kdir/arch/x86/kvm/kvm-intel.ko" ]; then
	echo "$kdir"
	exit
fi

mkdir -p "$work"
# Two runs on one tree take turns: the mirror changes while it is made ready
exec 9>"$work/lock"
flock 9
# Every round starts from the pristine source, so that the developer's edits
# and the patches both arrive; time stamps follow the source, so that only what
# has changed is built again.
excludes=(--exclude=/.git --exclude=/.config --exclude=/include/config
	--exclude=/include/generated '--exclude=/arch/*/include/generated'
	'--exclude=*.o' '--exclude=.*.cmd' '--exclude=*.ko' '--exclude=*.a' '--exclude=/vmlinux*')
rsync -a --delete "${excludes[@]}" "$kdir/" "$work/src/"
mapfile -t patches < <(grep -v '^#' "$here/6.1/series")
if (for name in "${patches[@]}"; do
	patch -d "$work/src" -p1 -s --batch --forward --dry-run --fuzz=1 \
		-i "$here/6.1/$name" >/dev/null || exit 1
	patch -d "$work/src" -p1 -s --batch --forward --fuzz=1 --no-backup-if-mismatch \
		-i "$here/6.1/$name" >/dev/null
	sed -n 's,^+++ b/,,p' "$here/6.1/$name" | while read -r file; do
		if [ -e "$kdir/$file" ]; then
			touch -r "$kdir/$file" "$work/src/$file"
		else
			touch -r "$here/6.1/$name" "$work/src/$file"
		fi
	done
done); then
	echo "  PATCH    crash-points" >&2
else
	echo "note: the crash-points patches do not apply to $kdir: kprobe points only, no log of VMCLEARs" >&2
	rsync -a --delete "${excludes[@]}" "$kdir/" "$work/src/"
fi

if [ ! -e "$work/obj/.config" ] || [ "$here/6.1/config" -nt "$work/obj/.config" ]; then
	echo "  CONFIG   $work/obj" >&2
	"$here/configure.sh" "$work/src" "$work/obj" "$here/6.1/config" lenient
fi
echo "  KERNEL   $work/obj (minutes)" >&2
if ! make "-j$(nproc)" -C "$work/src" O="$work/obj" bzImage modules 2>&1 |
		tee "$work/build.log" | awk -f "$here/progress.awk" >&2; then
	grep -n -i -m 10 -E 'error|not found|no such file' "$work/build.log" >&2 || :
	echo "kernel: build failed; the whole log is $work/build.log" >&2
	exit 2
fi
echo "$work/obj"
