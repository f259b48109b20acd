#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The dry sweep says of each known bug, without a crash, what the crashes of
# 35-mutants.t say: it shows at these points and at no others, and never in the
# kernel without it.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Mutants;
use Test::More;
use Torture;

sub dry {
	my ($name, $kernel, @options) = @_;
	my $dir = scratch("dry-$name");
	diag("dry sweep: $name");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--dry', '--json', '--kernel',
		$kernel, '--out', $dir, @options);
	my $json = eval { JSON::PP->new->decode($out) };
	diag($err) if !$json;
	return ($status, $json // {});
}

# OP/STEP of the boundaries, or of the violations
sub labels {
	return { map { ("$_->{op}/$_->{step}" => 1) } grep { defined $_->{step} } @{ $_[0] // [] } };
}

sub kinds {
	my ($json) = @_;
	my %kinds = map { ($_->{kind} => 1) } @{ $json->{violations} };
	return join(' ', sort keys %kinds);
}

my ($status, $fixed) = dry('fixed', 'fixed');
is($status, 0, 'fixed: exit status 0');
is($fixed->{bad}, 0, 'fixed: no violation');
is($fixed->{missed}, 0, 'fixed: no hit was missed');
cmp_ok($fixed->{seconds}, '<', 30, "fixed: done in $fixed->{seconds} s after boot");
my $hit = labels([ grep { $_->{hits} } @{ $fixed->{boundaries} } ]);
for my $step (qw(list_add/0 list_add/1 list_add/2 list_add/3 list_add/4 list_del/1 list_del/4
		load/vmptrld clear/vmclear vmxon/vmxon vmxoff/vmxoff create/vmclear)) {
	ok($hit->{$step}, "fixed: $step was hit");
}

my %kind = (
	'bitmap' => 'missing', 'del-before-clear' => 'missing', 'publish-first' => 'bad-pointer',
	'walk-backward' => 'bad-pointer', 'no-vmxoff' => 'no-vmxoff', 'one-cpu-only' => 'missing',
);
for my $mutant (grep { $kind{ $_->{name} } } mutants()) {
	my $name = $mutant->{name};
	my ($failed, $json) = dry($name, $name);
	is($failed, 1, "$name: exit status 1");
	is(kinds($json), $kind{$name}, "$name: $mutant->{bug}");
	my $bad = labels($json->{violations});
	is_deeply([ grep { !$bad->{$_} } split ' ', $mutant->{points} ], [],
		"$name: shows at $mutant->{points}");
	is_deeply([ grep { $bad->{$_} } split ' ', $mutant->{elsewhere} // '' ], [],
		"$name: and not at " . ($mutant->{elsewhere} // 'any other'));
}

# A guest that is a hypervisor uses its shadow VMCS in every way.
my @nested = ('--op', 'switch,shadow-to-vmcs12,vmcs12-to-shadow,vmwrite,nested-on,nested-free');
my ($clean, $json) = dry('nested-fixed', 'fixed', @nested);
is($clean, 0, 'fixed, nested: exit status 0');
is_deeply([ @$json{qw(bad missed)} ], [ 0, 0 ], 'fixed, nested: no violation, no hit was missed');
$hit = labels([ grep { $_->{hits} } @{ $json->{boundaries} } ]);
is_deeply([ grep { !$hit->{$_} } 'switch/vmptrld', 'nested-free/vmclear',
	map { ("$_/vmptrld", "$_/vmclear") } qw(shadow-to-vmcs12 vmcs12-to-shadow vmwrite) ], [],
	'fixed, nested: every VMPTRLD and VMCLEAR was hit');

(my $failed, $json) = dry('no-shadow', 'no-shadow', @nested);
my %bad = map { ($_->{function} => 1) } @{ $json->{violations} };
is($failed, 1, 'no-shadow: exit status 1');
is(kinds($json), 'missing', 'no-shadow: the shadow VMCS would be left');
ok($bad{vmx_switch_vmcs} && $bad{free_nested}, 'no-shadow: shows as long as there is one');
ok(!$bad{enter_vmx_operation}, 'no-shadow: and not before');

($failed, $json) = dry('free-before-null', 'free-before-null', @nested);
is($failed, 1, 'free-before-null: exit status 1');
is(kinds($json), 'freed', 'free-before-null: free memory would be VMCLEARed');
is_deeply(labels($json->{violations}), { 'nested-free/free' => 1 },
	'free-before-null: shows at nested-free/free and nowhere else');

# KVM loaded and never used: the first VM comes while it is watched.
for my $kernel (qw(fixed uninit-list)) {
	my ($unused, $json) = dry("$kernel-unused", $kernel, qw(--guests 0 --bystanders 0 --op vmxon));
	my $bad = $kernel eq 'fixed' ? '' : 'bad-pointer';
	is($unused, $bad ? 1 : 0, "$kernel, never used: exit status");
	is(kinds($json), $bad, "$kernel, never used: " . ($bad || 'no violation'));
}

done_testing();
