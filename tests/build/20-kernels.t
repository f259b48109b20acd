#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernels to be crashed: built from source, resumed if interrupted, left
# alone when up to date, and alike but for their KVM modules.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Mutants;
use Test::More;
use Torture;

my $make = "make -C $FindBin::Bin/../../kernel-patch";

for my $target (qw(kernel mutants)) {
	diag("make $target");
	# Its signs of life are for whoever waits; TAP has standard output.
	is(system("$make $target < /dev/null >&2"), 0, "make $target") or BAIL_OUT('no kernel');
}

# Those for MAXPHYADDR may be there: 25-maxphyaddr-kernels.t
my @kernels = grep { !/^maxphyaddr/ } map { s{.*/}{}r } glob("$BUILD/kernels/*");
my %kernels = map { ($_->{kernel} // $_->{name}) => 1 } mutants();
my @mutants = sort keys %kernels;
is_deeply([ sort @kernels ], [ sort 'fixed', @mutants ], 'fixed and the mutants');

sub stamps {
	return join(' ', map { "$_ " . (stat)[9] } glob("$BUILD/kernels/*/* $BUILD/kernel/*/obj/vmlinux"));
}
my $before = stamps();
is(system("$make kernel mutants < /dev/null >&2"), 0, 'once more');
is(stamps(), $before, 'nothing is built again');

for my $file (qw(bzImage capture-bzImage vmlinux kvm.ko irqbypass.ko kdump_torture.ko)) {
	for my $mutant (@mutants) {
		is(system('cmp', '-s', map { "$BUILD/kernels/$_/$file" } 'fixed', $mutant), 0,
			"$mutant has the $file of fixed");
	}
}

# The machine code of a kernel's kvm_intel
sub code {
	my ($kernel) = @_;
	my $file = scratch("code-$kernel");
	is(system('objcopy', '-O', 'binary', '--only-section=.text',
		"$BUILD/kernels/$kernel/kvm-intel.ko", $file), 0, "the code of $kernel");
	return slurp($file);
}
my $fixed = code('fixed');
for my $mutant (@mutants) {
	my $same = code($mutant) eq $fixed;
	is(!!$same, $mutant eq 'vmclear-3', "$mutant: " . ($same ? 'the code of fixed' : 'other code'));
}

my ($status, $out) = tool("$BUILD/tests/points", $COMMAND, 'points', '--kernel', 'fixed');
is($status, 0, 'points --kernel fixed');
for my $point (qw(list_add/0 list_add/2 list_add/4 list_del/1 list_del/4 load/vmptrld clear/vmclear)) {
	like($out, qr/^\Q$point\E .*(vmx_vcpu_load_vmcs|__loaded_vmcs_clear)\+0x/m, "it lists $point");
}

done_testing();
