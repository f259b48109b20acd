#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fetch-source.sh DIRECTORY: the source of Bochs as Debian has it, in DIRECTORY.
# From the mirror that this machine takes its packages from, checked by apt
# against Debian's signed index; the machine's own apt state stays as it is.
set -eu

# The first release with Bochs 3.0
release=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
directory=$1

# shellcheck disable=SC2016 # apt fills these in
mirror=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
	sed -n 's/^Debian|main|//p' | head -n 1)
if [ -z "$mirror" ]; then
	echo 'no mirror of Debian in the configuration of apt, or no index of it yet: apt-get update' >&2
	exit 1
fi

mkdir -p "$directory/lists/partial" "$directory/cache"
echo "deb-src [signed-by=$keyring] $mirror $release main" >"$directory/sources.list"
cd "$directory"

# apt_get ARGUMENT...: with a configuration of its own. The build directory may
# be one that apt's sandbox user cannot enter.
apt_get()
{
	apt-get -qq -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
		-o APT::Update::Error-Mode=any "$@"
}

apt_get update
# The tarball alone: Debian's patches are for its own build
apt_get source --tar-only --download-only bochs
tar -xf bochs_*.orig.tar.* --strip-components=1
rm -rf lists cache
