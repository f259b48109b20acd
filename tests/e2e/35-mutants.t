#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The detection table: each known bug that is put back shows where it must, and
# nowhere else; the kernel without any passes all the same crashes.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Mutants;
use Test::More;
use Torture;

# What a crash of a sweep shows, in the words of mutants.cfg.
sub finding {
	my ($crash) = @_;
	return $crash->{outcome} if $crash->{outcome} ne 'captured';
	return { pass => 'none', fail => 'not-cleared' }->{ $crash->{verdict} } // $crash->{verdict};
}

# The findings by "POINT DELIVERY".
sub sweep {
	my ($kernel, $points, $deliver) = @_;
	my $dir = scratch("mutant-$kernel");
	diag("sweep: $kernel");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--json', '--kernel', $kernel,
		'--points', join(',', @$points), '--deliver', join(',', @$deliver), '--sample', 0,
		'--budget', 200, '--out', $dir);
	my @crashes = map { eval { JSON::PP->new->decode($_) } || () } split /\n/, $out;
	diag($err) if !@crashes;
	is(scalar(grep { length $_->{difference} } @crashes), 0, 'both paths agree');
	return { map { ("$_->{point} $_->{deliver}" => finding($_)) } @crashes };
}

my (@table, %seen);
for my $mutant (grep { !$_->{unshown} } mutants()) {
	my @points = split ' ', $mutant->{points};
	my @elsewhere = split ' ', $mutant->{elsewhere} // '';
	my @deliver = split ' ', $mutant->{deliver};
	my %want = map { my $point = $_; map { ("$point $_" => 'none') } @deliver } @elsewhere;
	for my $deliver (@deliver) {
		$want{"$_ $deliver"} = $mutant->{"finding.$deliver"} // $mutant->{finding} for @points;
	}
	$seen{$_}++ for @points, @elsewhere;
	subtest $mutant->{name} => sub {
		my $got = sweep($mutant->{name}, [ @points, @elsewhere ], \@deliver);
		is_deeply($got, \%want, "$mutant->{bug}: shows " . ($mutant->{window}));
		my @caught = grep { ($got->{$_} // '') ne 'none' } sort keys %$got;
		push @table, sprintf('%-18s %-14s %2d of %2d crashes%s', $mutant->{name},
			(split ' ', $mutant->{commit})[0], scalar @caught, scalar keys %$got,
			@caught ? ", first at $caught[0]: $got->{$caught[0]}" : '');
	};
}

subtest 'fixed: no false alarm' => sub {
	my $got = sweep('fixed', [ sort keys %seen ], [qw(self remote shootdown)]);
	is(scalar keys %$got, 3 * keys %seen, 'all were crashed');
	is_deeply([ grep { $got->{$_} ne 'none' } sort keys %$got ], [], 'and all pass');
};

diag($_) for 'detection table:', @table,
	map { sprintf('%-18s not shown: %s', @$_{qw(name unshown)}) } grep { $_->{unshown} } mutants();

done_testing();
