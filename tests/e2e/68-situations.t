#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Crashes of hosts that have been through something: idle again after use, a CPU
# unplugged under its guests, a guest that is a hypervisor and in a guest of its own,
# whose VMCSes come and go as it uses its own, a guest that gets page faults for its
# smaller MAXPHYADDR.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

my $file = scratch('situations') . '.cfg';

# Return: the results of one sweep of these scenarios.
sub sweep {
	my ($name, $scenarios) = @_;
	my $dir = scratch("situations-$name");
	open(my $out, '>', $file) or die "$file: $!\n";
	print $out $scenarios;
	close($out);
	diag("sweep: $name");
	my ($status, $text, $err) = tool("$dir.log", $COMMAND, 'sweep', '--sample', 0, '--out', $dir,
		'--scenarios', $file, '*');
	is($status, 0, "$name: exit status 0") or diag($text, $err);
	return @{ (eval { JSON::PP->new->decode(slurp("$dir/results.json")) } // {})->{results} // [] };
}

my @hosts = sweep('hosts', <<'END');
[idle]
operation = host
points = host/now
deliver = self, shootdown
situation = idle
verdict = inconclusive

[offline]
operation = host
points = host/now
deliver = self
situation = offline
cpu = 0
END
is(scalar(@hosts), 3, 'three crashes');
my ($offline) = grep { $_->{scenario} eq 'offline' } @hosts;
is_deeply([ map { $_->{online} ? 1 : 0 } @{ $offline->{lists} } ], [ 1, 0 ], 'offline: one CPU is');
is(scalar(grep { $_->{state} eq 'cleared' && $_->{cpu} == 0 } @{ $offline->{vmcs} }), 4,
	'its guests go on elsewhere');

my $nested = <<'END';
[running]
operation = host
points = host/now
deliver = self, remote, shootdown
situation = nested

END
$nested .= "[$_]\noperation = $_\npoints = steps\n"
	for qw(switch shadow-to-vmcs12 vmcs12-to-shadow vmwrite nested-on nested-free);
my @nested = sweep('nested', $nested);
my %kinds;
$kinds{ $_->{kind} }++ for grep { $_->{state} eq 'cleared' } @{ $nested[0]{vmcs} };
is_deeply(\%kinds, { vmcs01 => 4, vmcs02 => 1, shadow => 1 }, 'nested: all three kinds are cleared');
my %reached = map { ("$_->{op}/$_->{step}" => 1) }
	grep { $_->{status} eq 'pass' && defined $_->{step} } @nested;
is_deeply([ grep { !$reached{$_} } map { "$_/vmptrld" } qw(switch shadow-to-vmcs12 vmcs12-to-shadow vmwrite) ],
	[], 'nested: every VMPTRLD is come to');

# In the middle of a VM exit for a smaller MAXPHYADDR, and as the fault is injected.
my @small = sweep('maxphyaddr', <<'END');
[ept-violation]
operation = ept-violation
points = handle_ept_violation+0x0, vmx_inject_exception+0x0
deliver = self, remote, shootdown
END
is(scalar(grep { $_->{status} eq 'pass' } @small), 6, 'maxphyaddr: all six are come to, and pass');
is_deeply([ map { scalar grep { ($_->{maxphyaddr} // 0) == 36 } @{ $_->{vmcs} } } @small ], [ (4) x 6 ],
	'maxphyaddr: the analyser tells it of each vCPU');

# By options: the hypervisor is killed, and what it had is taken off the list.
my $kept = scratch('situations-kept');
my ($status, $out, $err) = tool("$kept.log", $COMMAND, 'sweep', '--sample', 0, '--out', $kept,
	'--situation', 'nested', '--trigger', 'nested-destroy', '--points',
	'list_del/1,nested-free/free', '--keep');
is($status, 0, 'sweep --situation --trigger: exit status 0') or diag($out, $err);
my $again = crash_run('situations-kept-again', '--replay', "$kept/1-list_del_1-self");
is($again->{status}, 0, 'a run that the sweep kept is repeated') or diag($again->{err});

($status, $out) = tool(scratch('situations-nested') . '-no-guest', $COMMAND, 'run',
	'--situation', 'nested', '--guests', 0, '--out', scratch('situations-no-guest'));
is($status, 2, 'nested without a guest: exit status 2');
like($out, qr/situation nested needs a guest on the victim CPU/, 'the message says what is missing');

done_testing();
