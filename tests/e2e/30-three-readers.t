#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Three independent readers, one answer: the analyser, which has only the dump,
# and crash(8) and drgn, each with its own reading of the debug information, see
# the same lists, the same launch states and the same owners.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

# What crash(8) prints for these commands, with our extension and debug information.
sub by_crash {
	my ($run, $kernel, @commands) = @_;
	my $dir = "$BUILD/kernels/$kernel";
	my $input = "$run->{dir}.crash-commands";
	open(my $fh, '>', $input) or die "$input: $!";
	print $fh "$_\n" for "extend $BUILD/extras/vmcs.so", "mod -s kvm $dir/kvm.ko",
		"mod -s kvm_intel $dir/kvm-intel.ko", @commands, 'quit';
	close($fh);
	my ($status, $out, $err) = tool("$run->{dir}.crash", 'crash', '-s', '-i', $input,
		"$dir/vmlinux", "$run->{dir}/vmcore");
	is($status, 0, 'crash(8) reads the dump as it comes') or diag($out, $err);
	return $out;
}

sub by_drgn {
	my ($run, $kernel) = @_;
	my $dir = "$BUILD/kernels/$kernel";
	my ($status, $out, $err) = tool("$run->{dir}.drgn", "$BUILD/extras/vmcs.py", '--vmlinux',
		"$dir/vmlinux", '--modules', "$dir/kvm.ko", "$dir/kvm-intel.ko", '--',
		"$run->{dir}/vmcore");
	is($status, 0, 'drgn reads the dump as it comes') or diag($out, $err);
	return $out;
}

# From VMCS to LAUNCHED; kdump-torture-vmcs(7) has the columns.
sub columns {
	my ($vmcs, $shadow) = @_;
	my @regions = map { $_ ? ($_->{pa}, $_->{oracles}{image}{word}) : ('-', '-') } $vmcs, $shadow;
	return (@regions, $vmcs->{cpu} // -1, $vmcs->{launched} ? 'yes' : 'no');
}

# The verdict as the other two print it. A vCPU that is being created is on no list
# and in no VM yet: that only the analyser finds.
sub by_analyser {
	my ($verdict) = @_;
	my @vmcs = grep { $_->{oracles}{list}{word} !~ /^adding/ } @{ $verdict->{vmcs} };
	my (%columns, @lines);
	for my $i (grep { $vmcs[$_]{kind} ne 'shadow' } 0 .. $#vmcs) {
		my ($vmcs, $next) = @vmcs[$i, $i + 1];
		my @columns = columns($vmcs, $next && $next->{kind} eq 'shadow' ? $next : undef);
		$columns{$vmcs->{pa}} = "@columns";
		push @lines, join(' ', 'vcpu', @$vmcs{qw(vm vcpu kind)}, @columns,
			@$vmcs{qw(pid tid comm)});
	}
	for my $cpu (reverse @{ $verdict->{cpus} }) {
		my @list = @{ $cpu->{list} };
		unshift @lines, (map { "list $cpu->{cpu} $_ $columns{$list[$_]}" } 0 .. $#list),
			"end $cpu->{cpu} $cpu->{list_end}";
	}
	return join('', map { "$_\n" } @lines);
}

for my $kernel (qw(fixed bitmap)) {
	subtest "$kernel: the three agree" => sub {
		my $run = crash_run("three-readers-$kernel", '--kernel', $kernel);
		my $ours = by_analyser($run->{verdict});
		my $crash = by_crash($run, $kernel, 'vmcs', 'sys');
		my $theirs = join('', $crash =~ /^(?:list|end|vcpu) .*\n/mg);

		is($theirs, $ours, 'crash(8) has the same table');
		is(by_drgn($run, $kernel), $ours, 'drgn has the same table');
		my $state = $kernel eq 'fixed' ? 'clear' : 'launched';
		is(scalar(() = $theirs =~ /^list 1 \d+ \S+ $state - - 1 yes$/mg), 3,
			"three launched VMCSes on the victim's list, $state as this kernel leaves them");
		is(scalar(() = $theirs =~ /^vcpu .* guest-\d$/mg), 4, 'each guest has its VMCS');
		like($crash, qr/PANIC: .*kdump-torture: NMI at list_add\/2/, 'the same panic');
	};
}

subtest 'what the help promises' => sub {
	my $run = { dir => "$BUILD/tests/e2e/three-readers-fixed" };
	my $crash = by_crash($run, 'fixed', 'help vmcs', 'vmcs extra');
	like($crash, qr/^\s+vcpu VM VCPU KIND VMCS .* PID TID COMM$/m, 'help vmcs has the columns');
	like($crash, qr/^Usage:\n\s+vmcs\s*$/m, 'an argument is a usage error');
};

done_testing();
