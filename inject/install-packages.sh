#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# install-packages.sh: install those packages of the list beside it that this
# machine lacks. Prints nothing when nothing is missing.
set -eu

list=$(dirname "$0")/packages
missing=
while read -r package; do
	case $package in
	'' | '#'*) continue ;;
	esac
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$status" = installed ] || missing="$missing $package"
done <"$list"
[ -n "$missing" ] || exit 0

# Debian's kexec-tools offers to take over reboots; this machine's stay as they are.
preseed='kexec-tools kexec-tools/load_kexec boolean false'
install="apt-get install -y --no-install-recommends$missing"

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	cat >&2 <<-END
	These packages are missing, and it takes root to install them:
	$missing
	Run this as root, then make again:
	  echo '$preseed' | debconf-set-selections
	  apt-get update && $install
	END
	exit 2
fi

echo "installing:$missing"
case $missing in
*kexec-tools*) echo "$preseed" | $sudo debconf-set-selections ;;
esac
if ! $sudo apt-get -qq update; then
	echo "apt-get update failed; see above" >&2
	exit 2
fi
# shellcheck disable=SC2086 # the list is meant to be split
if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends $missing >/dev/null; then
	echo "apt-get install failed; see above" >&2
	exit 2
fi
