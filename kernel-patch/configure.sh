#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# configure.sh SOURCE OBJ FRAGMENT [lenient]: x86 tinyconfig with FRAGMENT on
# top, in OBJ. An option of the fragment that Kconfig drops is an error, or
# with "lenient" (some other kernel than the fragment was written for) a note.
set -eu

source=$1
obj=$2
fragment=$3
lenient=${4:-}
dropped=
# Of the make above, whose jobs these short ones would ask for in vain
unset MAKEFLAGS MAKELEVEL

mkdir -p "$obj"
# Whatever stops us, a half-made configuration must not be taken for one
trap 'rm -f "$obj/.config"' EXIT INT TERM
make -s -C "$source" O="$obj" tinyconfig >/dev/null
# Of two assignments of an option Kconfig takes the later one
cat "$fragment" >>"$obj/.config"
make -s -C "$source" O="$obj" olddefconfig >"$obj/configure.log" 2>&1 || {
	cat "$obj/configure.log" >&2
	exit 1
}

while read -r line; do
	case $line in
	CONFIG_*) grep -qxF "$line" "$obj/.config" || dropped="$dropped $line" ;;
	esac
done <"$fragment"

if [ -n "$dropped" ] && [ -z "$lenient" ]; then
	echo "$fragment: Kconfig dropped$dropped; what do they depend on?" >&2
	exit 1
fi
[ -z "$dropped" ] || echo "note: this kernel has no$dropped" >&2
trap - EXIT INT TERM
