#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel side passes the kernel's own checkpatch.pl --strict.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $build = $ENV{BUILD} || "$top/build";
my ($checkpatch) = glob("$build/kernel/*/src/scripts/checkpatch.pl");
ok($checkpatch, 'the kernel source is there') or BAIL_OUT('no checkpatch.pl');

# It looks for a history where it is called; with one that is not the kernel's
# it leaves out half of what it has to say about commit ids.
sub check {
	my ($what, @arguments) = @_;
	my $out = `cd / && $checkpatch --no-tree --strict --terse --show-types @arguments 2>&1`;
	# New files under arch/x86/kvm/ are covered by MAINTAINERS; commit ids can
	# be looked up only where the kernel's history is. The % of an asm goto's
	# label in _ASM_EXTABLE() is taken for an operator.
	my @left = grep {
		/: (ERROR|WARNING|CHECK):/ && !/FILE_PATH_CHANGES|UNKNOWN_COMMIT_ID|SPACING: .* that '%'/
	} split /\n/, $out;
	is_deeply(\@left, [], "checkpatch: $what");
}

check($_ =~ s{.*/}{}r, '-f', $_) for glob("$top/driver/*.[ch]");
my $line = "$top/kernel-patch/6.1";
check($_ =~ s{.*/6\.1/}{}r, $_)
	for glob("$line/*/*.patch $line/mutants/*/*.patch $line/maxphyaddr/kernels/*/*.patch");

done_testing();
