#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Crashes of a host that does something else than load or clear a VMCS: it runs
# guests, has never had a VM, gets its first one.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

my @deliveries = qw(self remote shootdown);

# Return: what became of each crash, by "POINT DELIVERY".
sub sweep {
	my ($name, @options) = @_;
	my $dir = scratch("operations-$name");
	diag("sweep: $name");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--json', '--sample', 0,
		'--budget', 200, '--deliver', join(',', @deliveries), '--out', $dir, @options);
	my @crashes = map { eval { JSON::PP->new->decode($_) } || () } split /\n/, $out;
	diag($err) if !@crashes;
	return { map { ("$_->{point} $_->{deliver}" => "$_->{outcome} $_->{verdict}") } @crashes };
}

sub all {
	my ($expected, @points) = @_;
	return { map { my $point = $_; map { ("$point $_" => $expected) } @deliveries } @points };
}

is_deeply(sweep('guests', '--points', 'host/now'), all('captured pass', 'host/now'),
	'a host that runs guests');

# Its dump is good; there is no VMCS that a verdict could be about.
my @unused = qw(--guests 0 --bystanders 0 --points);
is_deeply(sweep('unused', @unused, 'host/now,vmxon/vmxon'),
	all('captured inconclusive', 'host/now', 'vmxon/vmxon'), 'a host that has made no VM');
is_deeply(sweep('uninit-list', '--kernel', 'uninit-list', @unused, 'host/now'),
	all('hung none', 'host/now'), 'uninit-list: the crash path of such a host faults');

done_testing();
