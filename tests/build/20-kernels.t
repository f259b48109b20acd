#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernels to be crashed: built from source, resumed if interrupted, left
# alone when up to date, and alike but for their KVM modules.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Test::More;
use Torture;

my $make = "make -C $FindBin::Bin/../../kernel-patch";

for my $target (qw(kernel mutants)) {
	diag("make $target");
	# Its signs of life are for whoever waits; TAP has standard output.
	is(system("$make $target < /dev/null >&2"), 0, "make $target") or BAIL_OUT('no kernel');
}

my @kernels = map { s{.*/}{}r } glob("$BUILD/kernels/*");
is_deeply([ sort @kernels ], [qw(bitmap fixed)], 'fixed and the mutants');

sub stamps {
	return join(' ', map { "$_ " . (stat)[9] } glob("$BUILD/kernels/*/* $BUILD/kernel/*/obj/vmlinux"));
}
my $before = stamps();
is(system("$make kernel mutants < /dev/null >&2"), 0, 'once more');
is(stamps(), $before, 'nothing is built again');

for my $file (qw(bzImage capture-bzImage vmlinux kvm.ko irqbypass.ko kdump_torture.ko)) {
	is(system('cmp', '-s', map { "$BUILD/kernels/$_/$file" } qw(fixed bitmap)), 0,
		"bitmap has the $file of fixed");
}
isnt(system('cmp', '-s', map { "$BUILD/kernels/$_/kvm-intel.ko" } qw(fixed bitmap)), 0,
	'and a kvm-intel.ko of its own');

my ($status, $out) = tool("$BUILD/tests/points", $COMMAND, 'points', '--kernel', 'fixed');
is($status, 0, 'points --kernel fixed');
for my $point (qw(list_add/0 list_add/2 list_add/4 list_del/1 list_del/4 load/vmptrld clear/vmclear)) {
	like($out, qr/^\Q$point\E .*(vmx_vcpu_load_vmcs|__loaded_vmcs_clear)\+0x/m, "it lists $point");
}

done_testing();
