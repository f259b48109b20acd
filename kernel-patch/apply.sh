#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# apply.sh SERIES DIRECTORY WHAT: apply the patches that SERIES lists (paths
# relative to it) below DIRECTORY. WHAT names that source in an error.
set -eu

series=$1
directory=$2
what=$3
here=$(dirname "$(realpath "$series")")

grep -v '^#' "$series" | while read -r name; do
	[ -n "$name" ] || continue
	patch=$here/$name
	if [ ! -r "$patch" ]; then
		echo "$series: $name: no such patch" >&2
		exit 1
	fi
	if ! out=$(patch -d "$directory" -p1 --batch --forward --fuzz=1 \
			--no-backup-if-mismatch -i "$patch" 2>&1); then
		echo "$out" | grep -E 'FAILED|can.t find|malformed|ignored' | head -n 5 >&2
		echo "$patch: does not apply to $what; rebase it on that source" >&2
		exit 1
	fi
done
