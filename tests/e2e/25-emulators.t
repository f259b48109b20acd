#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Both emulators tell the fixed kernel from the mutant, and the record of a run
# names the one that ran. What other tests do not say otherwise runs on the fast
# one, whose CPUs take turns of another length.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

for my $emulator (qw(packaged fast)) {
	subtest $emulator => sub {
		plan skip_all => 'it has not been built' if $emulator eq 'fast' && !-x "$BUILD/emulator/bochs";
		my @options = ('--emulator', $emulator, '--point', 'list_del/1', '--deliver', 'shootdown');
		my $good = crash_run("$emulator-fixed", '--kernel', 'fixed', @options);
		is($good->{status}, 0, 'fixed: exit status 0') or diag($good->{out}, $good->{err});
		my $bad = crash_run("$emulator-bitmap", '--kernel', 'bitmap', @options);
		is($bad->{status}, 1, 'bitmap: exit status 1') or diag($bad->{out}, $bad->{err});
		is(scalar vmcs_by($bad, state => 'not-cleared', cpu => 1), 3, 'with the three VMCSes left');
		for ($good, $bad) {
			like($_->{run}{target_version}, qr/^Bochs .*\($emulator\)$/, 'the record names it');
			is_clean($_);
		}
	};
}

done_testing();
