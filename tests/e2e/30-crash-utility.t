#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A second reader: crash(8), with the kernel's debug information, must see the
# same list and the same launch states as the analyser, which has only the dump.
use strict;
use warnings;
no warnings 'portable';    # addresses are 64 bits wide
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

# Answers of crash(8) to these commands, as text.
sub crash_utility {
	my ($run, $kernel, @commands) = @_;
	my $input = "$run->{dir}.crash-commands";
	open(my $fh, '>', $input) or die "$input: $!";
	print $fh "$_\n" for "mod -s kvm_intel $BUILD/kernels/$kernel/kvm-intel.ko", @commands, 'quit';
	close($fh);
	my ($status, $out, $err) = tool("$run->{dir}.crash", 'crash', '-s', '-i', $input,
		"$BUILD/kernels/$kernel/vmlinux", "$run->{dir}/vmcore");
	is($status, 0, 'crash(8) reads the dump as it comes') or diag($out, $err);
	return $out;
}

# The victim CPU's list as crash(8) walks it: [ vmcs physical address, launched, launch state ]
sub list_by_crash {
	my ($run, $kernel, $cpu) = @_;
	my $out = crash_utility($run, $kernel, 'sym loaded_vmcss_on_cpu', 'kmem -o');
	my ($symbol) = $out =~ /^([0-9a-f]+) .* loaded_vmcss_on_cpu /m;
	my ($offset) = $out =~ /^\s*CPU $cpu: ([0-9a-f]+)/m;
	my $head = sprintf('%x', (hex($symbol) + hex($offset)) & ~0);
	$out = crash_utility($run, $kernel, "list -H $head -o loaded_vmcs.loaded_vmcss_on_cpu_link"
		. ' -s loaded_vmcs.vmcs,launched -x');
	my @list;
	while ($out =~ /vmcs = 0x([0-9a-f]+),?\s+launched = (\S+?),?\s/g) {
		push @list, [ $1, $2 ];
	}
	$out = crash_utility($run, $kernel,
		map { ("vtop $_->[0]", sprintf('rd -32 %x', hex($_->[0]) + 8)) } @list);
	my @physical = $out =~ /^[0-9a-f]{16}\s+([0-9a-f]+)\s*$/mg;
	my @words = $out =~ /^[0-9a-f]{16}:\s+([0-9a-f]{8})\s/mg;
	return map { [ '0x' . $physical[$_], $list[$_][1] =~ /true|0x1|^1/ ? 1 : 0, hex($words[$_]) ] }
		0 .. $#list;
}

for my $kernel (qw(fixed bitmap)) {
	subtest "$kernel: crash(8) agrees" => sub {
		my $run = crash_run("crash-utility-$kernel", '--kernel', $kernel);
		my @theirs = list_by_crash($run, $kernel, 1);
		my %ours = map { $_->{pa} => $_ } @{ $run->{verdict}{vmcs} };
		my ($cpu) = grep { $_->{cpu} == 1 } @{ $run->{verdict}{cpus} };

		is(scalar @theirs, 3, 'three VMCSes on the list');
		is_deeply([ map { $_->[0] } @theirs ], $cpu->{list}, 'the same list, in the same order');
		for (@theirs) {
			my ($pa, $launched, $state) = @$_;
			is($launched, $ours{$pa}{launched} ? 1 : 0, "$pa: the same launched");
			is($state, $ours{$pa}{oracles}{image}{answer} eq 'cleared' ? 0 : 1,
				"$pa: the same launch state");
			is($state, $kernel eq 'fixed' ? 0 : 1, "$pa: launch state as this kernel leaves it");
		}
		my $panic = crash_utility($run, $kernel, 'sys');
		like($panic, qr/PANIC: .*kdump-torture: NMI at list_add\/2/, 'the same panic');
	};
}

done_testing();
