#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Each known bug that is put back shows where it must, and nowhere else; the kernel
# without any passes all the same crashes. Some of them, or with FULL=1 all; and that a bug which is not caught is told.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Mutants;
use Test::More;
use Torture;

my %mutants = map { $_->{name} => $_ } mutants();
my @representative = qw(bitmap free-before-null no-shadow no-vmxoff vmxon-unhandled);

# Returns status, table and the crashes by kernel.
sub detect {
	my ($name, @mutants) = @_;
	my $dir = scratch("detect-$name");
	diag("detect: @mutants");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'detect', '--out', $dir, @mutants);
	my $results = eval { JSON::PP->new->decode(slurp("$dir/results.json")) } || {};
	my %by_kernel;
	push @{ $by_kernel{ $_->{kernel} } }, $_ for @{ $results->{results} || [] };
	diag($err) if !%by_kernel;
	return ($status, $out, \%by_kernel, $dir);
}

# What a crash shows, in the words of mutants.cfg.
sub finding {
	my ($crash) = @_;
	return $crash->{outcome} if $crash->{outcome} ne 'captured';
	return 'not-cleared' if $crash->{verdict} eq 'fail';
	return 'freed' if $crash->{text} =~ /is in a freed page/;
	return $crash->{text} =~ /the crash is another one/ ? 'oops' : 'none';
}

my @mutants = $ENV{FULL} ? sort keys %mutants : @representative;
my ($status, $out, $crashes, $dir) = detect('mutants', @mutants);
is($status, 0, 'exit status 0') or diag($out);
my @table = grep { /^# / } split /\n/, $out;
for my $name (@mutants) {
	my $mutant = $mutants{$name};
	subtest $name => sub {
		my @deliver = split ' ', $mutant->{deliver};
		my %want;
		for my $how (@deliver) {
			$want{"$_ $how"} = $mutant->{"finding.$how"} // $mutant->{finding}
				for split ' ', $mutant->{points};
			$want{"$_ $how"} = 'none' for split ' ', $mutant->{elsewhere} // '';
		}
		my %got = map { ("$_->{point} $_->{deliver}" => finding($_)) }
			grep { $_->{scenario} =~ /^\Q$name\E(-(elsewhere|self|remote|shootdown))?$/ }
			@{ $crashes->{ $mutant->{kernel} // $name } };
		is_deeply(\%got, \%want, "$mutant->{bug}: shows $mutant->{window}");
		my @caught = grep { $_ ne 'none' } values %want;
		my ($row) = grep { /^# \Q$name\E / } @table;
		like($row, qr/ ${\scalar @caught} of +${\scalar keys %want}\b/, 'its line in the table');
		my %fixed = map { ("$_->{point} $_->{deliver}" => 1) }
			grep { $_->{scenario} eq "$name-fixed" } @{ $crashes->{fixed} };
		is_deeply([ sort keys %fixed ], [ sort keys %want ], 'fixed is crashed in the same places');
	};
}
is_deeply([ grep { finding($_) ne 'none' } @{ $crashes->{fixed} } ], [], 'fixed: no false alarm');
is(scalar(grep { length $_->{difference} } map { @$_ } values %$crashes), 0, 'both paths agree');
fits_results_schema($dir);
is_clean({ dir => $dir });

subtest 'a bug that is not caught' => sub {
	my $data = scratch('detect-data');
	mkdir($data);
	mkdir("$data/kernels");
	symlink($_, "$data/" . ($_ =~ s{.*/}{}r)) for grep { !m{/kernels$} } glob("$BUILD/*");
	symlink("$BUILD/kernels/fixed", "$data/kernels/$_") for qw(fixed one-cpu-only);
	local $ENV{KDUMP_TORTURE_DATA} = $data;
	($status, $out) = detect('uncaught', 'one-cpu-only');
	is($status, 1, 'exit status 1');
	like($out, qr/^# one-cpu-only +- +0 of +6  NOT CAUGHT; 6 NOT AS EXPECTED$/m,
		'the table says so');
	like($out, qr/^# 0 of 1 mutants caught/m, 'the sum, too');
};

subtest 'what cannot be detected' => sub {
	($status, undef, my $err) = tool("$BUILD/tests/e2e/detect", $COMMAND, 'detect', 'list-add');
	is($status, 2, 'a scenario that is no mutant: exit status 2');
	like($err, qr/list-add: there is no mutant/, 'the message says why');
};

my ($again, $text) = tool("$BUILD/tests/e2e/detect", $COMMAND, 'detect', '--results', $dir);
is($again, 0, 'the table of these results again: exit status 0');
is_deeply([ split /\n/, $text ], [ @table[ -(() = $text =~ /\n/g) .. -1 ] ], 'the same');
diag($_ =~ s/^# //r) for split /\n/, $text;

done_testing();
