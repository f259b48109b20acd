#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of the fuzzer, from the same seeds with the same numbers each time.
use strict;
use warnings;
use File::Path 'remove_tree';
use FindBin;
use Test::More;

my $runs = 40000;
my $corpus = "$ENV{BUILD}/fuzz/check";
remove_tree($corpus);
my $log = `make -C $FindBin::Bin fuzz RUNS=$runs SEED=1 JOBS=1 CORPUS=$corpus 2>&1`;
is($?, 0, 'damaged dumps end in a verdict or an error, within a second and 256 MB')
	or diag($log);
my ($done) = $log =~ /number_of_executed_units: (\d+)/;
cmp_ok($done // 0, '>=', $runs, "all $runs of them");

done_testing();
