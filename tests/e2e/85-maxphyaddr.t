#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests whose MAXPHYADDR is smaller than the host's: with the patches no case fails,
# without them some do, and without one of KVM's checks others; with shadow paging
# none. The results are told alike in KTAP, JSON and JUnit.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

for my $kernel (qw(maxphyaddr maxphyaddr-no-ept-violation maxphyaddr-no-fixup)) {
	is(system("make -C $FindBin::Bin/../../kernel-patch kernel KERNEL=$kernel < /dev/null >&2"), 0,
		"make kernel KERNEL=$kernel") or BAIL_OUT('no kernel');
}

my $json = scratch('maxphyaddr') . '.json';

# Return: exit status, output, and the record.
sub maxphyaddr {
	my ($name, @options) = @_;
	diag("maxphyaddr: $name");
	unlink $json;
	my ($status, $out, $err) = tool(scratch("maxphyaddr-$name"), $COMMAND, 'maxphyaddr', '--brief',
		'--output', $json, @options);
	my $record = eval { JSON::PP->new->decode(slurp($json)) } // {};
	return ($status, $out, $err, $record);
}

sub cases {
	my ($record, $kernel, $key) = @_;
	my $sum = 0;
	$sum += $_->{$key} for grep { $_->{kernel} eq $kernel } @{ $record->{results} };
	return $sum;
}

my $junit = scratch('maxphyaddr-junit') . '.xml';
my @ept = ('--parameters', 'ept=1 allow_smaller_maxphyaddr=1');
my ($status, $out, $err, $record) = maxphyaddr('both', @ept, '--junit', $junit);
is($status, 0, 'with the patches: exit status 0') or diag($out, $err);
cmp_ok(cases($record, 'maxphyaddr', 'pass'), '>', 3000, 'thousands of cases pass');
is(cases($record, 'maxphyaddr', 'fail'), 0, 'none fails');
cmp_ok(cases($record, 'fixed', 'fail'), '>', 0, 'without the patches some do');
is_deeply([ grep { !/^(matrix PAE PDPTE|corners) / } map { "$_->{program} $_->{name}" }
		grep { $_->{kernel} eq 'fixed' && $_->{fail} } @{ $record->{results} } ], [],
	'in what the patches are about');
my @own = grep { $_->{program} eq 'emulator_error_test' } @{ $record->{results} };
is_deeply([ map { $_->{status} } @own ], [ 'pass', 'pass' ], "the kernel's own test passes on both");
like($out, qr{^#   4-level PTE +\d+\+\d+x/\d+}m, 'the table has expected failures');
like($out, qr{^#   PAE PDPTE +(\d+)/\1 \[\d+\]}m, 'and what the other kernel passes');
like($out, qr{^# +\d+  bochs-leaf-flags: \S}m, 'and the cause');
my ($plan) = $out =~ /^1\.\.(\d+)$/m;
is(scalar(() = $out =~ /^(?:not )?ok \d+ /mg), $plan, 'KTAP: as many results as planned');
is(scalar(@{ $record->{results} }), $plan, 'JSON: the same');
is(scalar(() = slurp($junit) =~ /<testcase /g), $plan, 'JUnit: the same');

($status, $out, $err, $record) = maxphyaddr('shadow', '--against', 'none', '--program', 'matrix',
	'--parameters', 'ept=0 allow_smaller_maxphyaddr=1', '--kernel', 'fixed');
is($status, 0, 'shadow paging: exit status 0') or diag($out, $err);
is(cases($record, 'fixed', 'xfail'), 0, 'shadow paging: nothing fails as expected, either');

($status, $out, $err, $record) = maxphyaddr('amd', '--target', 'qemu',
	'--parameters', 'npt=1 allow_smaller_maxphyaddr=1', '--against', 'none');
is($status, 0, 'AMD, with the patches: exit status 0') or diag($out, $err);
cmp_ok(cases($record, 'maxphyaddr', 'pass'), '>', 1000, 'AMD: a thousand cases pass');
($status, $out, $err, $record) = maxphyaddr('amd-fixed', '--target', 'qemu', '--kernel', 'fixed',
	'--parameters', 'npt=1', '--against', 'none');
is($status, 1, 'AMD, without them: exit status 1');
like($out, qr{^not ok \d+ fixed npt=1: matrix 4-level PTE read$}m, 'AMD: reads fail');

for (['no-ept-violation', 'PTE'], ['no-fixup', 'PTE']) {
	my ($name, $level) = @$_;
	($status, $out, $err, $record) = maxphyaddr($name, '--against', 'none', '--program', 'matrix',
		@ept, '--kernel', "maxphyaddr-$name");
	is($status, 1, "$name: exit status 1") or diag($err);
	my %failed = map { $_->{name} => $_->{fail} } @{ $record->{results} };
	cmp_ok($failed{"4-level $level read"}, '>', 0, "$name: reads fail");
}

($status, $out, $err) = tool(scratch('maxphyaddr-bad'), $COMMAND, 'maxphyaddr', '--kernel', 'no-such');
is($status, 2, 'an unknown kernel: exit status 2');
like($err, qr/kernel no-such: not built/, 'and a message that names it');
($status, $out, $err) = tool(scratch('maxphyaddr-parameters'), $COMMAND, 'maxphyaddr',
	'--parameters', 'ept=1,allow=1');
is($status, 2, 'parameters with a comma: exit status 2');
like($err, qr/--parameters ept=1,allow=1: use NAME=VALUE/, 'and a message that says how');

done_testing();
