#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The build itself is gcc's, with warnings as errors; clang must agree.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $build = ($ENV{BUILD} || "$top/build") . '/clang';

for my $dir (qw(analyze inject inject/agent tests/unit)) {
	my $out = `make -C $top/$dir all CC=clang BUILD=$build 2>&1 < /dev/null`;
	is($?, 0, "$dir builds without warnings under clang") or diag($out);
}

done_testing();
