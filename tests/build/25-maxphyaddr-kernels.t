#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernels for guests with a smaller MAXPHYADDR: the patches apply alone and in the
# series, each mutant says what it takes out, and the kernel with all of them builds.
# With FULL=1 all are built.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use File::Path qw(remove_tree);
use Test::More;
use Torture;

my $patches = "$FindBin::Bin/../../kernel-patch";
my $folder = "$patches/6.1/maxphyaddr";
my @kernels = map { s{.*/}{}r } glob("$folder/kernels/*");
my @series = map { s{.*/}{}r } glob("$folder/*.patch");
my $target = $ENV{FULL} ? 'maxphyaddr' : 'kernel KERNEL=maxphyaddr';

is(system("make -C $patches $target < /dev/null >&2"), 0, "make $target") or BAIL_OUT('no kernel');
my $stamp = (stat("$BUILD/kernels/maxphyaddr/complete"))[9];
is(system("make -C $patches $target < /dev/null >&2"), 0, 'once more');
is((stat("$BUILD/kernels/maxphyaddr/complete"))[9], $stamp, 'nothing is built again');

# The lines of a file that are no comment
sub lines {
	my ($file) = @_;
	return grep { !/^#/ } split /\n/, slurp($file);
}

is_deeply([ lines("$folder/kernels/maxphyaddr/series") ], [ map { "../../$_" } @series ],
	'maxphyaddr has all patches');
for my $nr (1 .. @series) {
	is_deeply([ lines("$folder/kernels/maxphyaddr-$nr/series") ], [ "../../$series[$nr - 1]" ],
		"maxphyaddr-$nr has one");
}

my ($source) = glob("$BUILD/kernel/6.1/src");
for my $kernel (@kernels) {
	my $copy = scratch("source-$kernel");
	remove_tree($copy);
	is(system("mkdir -p $copy/arch/x86 && cp -r $source/arch/x86/kvm $copy/arch/x86/ && " .
		"$patches/apply.sh $folder/kernels/$kernel/series $copy 6.1"), 0, "$kernel: applies");
	remove_tree($copy);
}

my %mutants;
my $mutant;
for (lines("$folder/mutants.cfg")) {
	if (/^\[(\S+)\]$/) {
		$mutant = $1;
	} elsif (/^(what|vendor) = (.+)$/) {
		$mutants{$mutant}{$1} = $2;
	} else {
		is($_, '', 'mutants.cfg: a line of known form');
	}
}
is_deeply([ sort keys %mutants ], [ sort grep { /-no-/ } @kernels ], 'each mutant is told of');
for my $name (sort keys %mutants) {
	ok($mutants{$name}{what}, "$name: what");
	like($mutants{$name}{vendor}, qr/^(intel|amd|both)$/, "$name: vendor");
}

# The machine code of a module
sub code {
	my ($kernel, $module) = @_;
	my $file = scratch("code-$kernel-$module");
	is(system('objcopy', '-O', 'binary', '--only-section=.text',
		"$BUILD/kernels/$kernel/$module", $file), 0, "the code of $module of $kernel");
	return slurp($file);
}
for my $module (qw(kvm.ko kvm-intel.ko kvm-amd.ko)) {
	isnt(code('maxphyaddr', $module), code('fixed', $module), "$module is another");
}
for my $file (qw(bzImage capture-bzImage vmlinux irqbypass.ko kdump_torture.ko)) {
	is(system('cmp', '-s', map { "$BUILD/kernels/$_/$file" } 'fixed', 'maxphyaddr'), 0,
		"$file is that of fixed");
}

done_testing();
