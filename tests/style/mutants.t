#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Every mutant says which bug it is and where that shows, and no other is named.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Mutants;
use Test::More;
use Torture;

my @mutants = mutants();
my @folders = map { m{([^/]+)/series$} } glob(mutants_directory() . '/*/series');
my %kernels = map { ($_->{kernel} // $_->{name}) => 1 } @mutants;
is_deeply([ sort keys %kernels ], [ sort @folders ], 'mutants.cfg has each folder');

my %known = map { $_ => 1 } qw(name commit bug window points deliver finding finding.self
	finding.remote finding.shootdown elsewhere clean kernel operation situation trigger guests
	bystanders);
my %findings = map { $_ => 1 } qw(not-cleared freed oops hung reset none);
for my $mutant (@mutants) {
	my $name = $mutant->{name};
	is_deeply([ grep { !$known{$_} } keys %$mutant ], [], "$name: no unknown key");
	is_deeply([ grep { !length($mutant->{$_} // '') } qw(commit bug window) ], [],
		"$name: commit, bug and window");
	ok($mutant->{points} && $mutant->{deliver} && $mutant->{finding}, "$name: what is crashed");
	is_deeply([ grep { /^finding/ && !$findings{ $mutant->{$_} } } keys %$mutant ], [],
		"$name: findings");
	my $folder = mutants_directory() . '/' . ($mutant->{kernel} // $name);
	my ($series) = slurp("$folder/series") =~ /^([^#].*)$/m;
	my $patch = slurp("$folder/$series");
	like($patch, qr/^Known bug, for testing the tests/m, "$name: its patch says what it is");
	my ($commit) = split ' ', $mutant->{commit};
	like($patch, qr/\Q$commit\E/, "$name: and names $commit") if $commit ne '-';
}

done_testing();
