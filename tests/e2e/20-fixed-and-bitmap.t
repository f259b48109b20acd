#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The proof: the same crashes on a kernel with the fix and on one without. The
# crash NMI lands in the middle of list_add() and of list_del(), by each of the
# three deliveries.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

my $victim = 1;

for my $point ('list_add/2', 'list_del/1') {
	for my $deliver (qw(self remote shootdown)) {
		my $name = ($point =~ s{/}{-}r) . "-$deliver";

		subtest "fixed, $point, $deliver: every VMCS is cleared" => sub {
			my $run = crash_run("fixed-$name", '--kernel', 'fixed', '--point', $point,
				'--deliver', $deliver);
			is($run->{status}, 0, 'exit status 0') or diag($run->{out}, $run->{err});
			is($run->{run}{outcome}, 'captured', 'outcome: captured');
			is($run->{verdict}{verdict}, 'pass', 'verdict: pass');
			is($run->{verdict}{evidence}{state}, $deliver eq 'shootdown' ? 'nmi-sent' : 'nmi-taken',
				'the NMI came as it was to come');
			is(scalar vmcs_by($run, cpu => $victim, state => 'cleared', launched => 1),
				3, 'the three guests launched on the victim CPU are cleared');
			is(scalar vmcs_by($run, state => 'not-cleared'), 0, 'no VMCS is left behind');
			like($run->{out}, qr/\Q$point\E/, 'the point is named');
			like($run->{out}, $point =~ /add/ ? qr/vmx_vcpu_load_vmcs\+0x/ :
				qr/__loaded_vmcs_clear\+0x/, 'the interrupted instruction is named');
			fits_schema($run);
			is_clean($run);
		};

		subtest "bitmap, $point, $deliver: exactly the victim's VMCSes are not" => sub {
			my $run = crash_run("bitmap-$name", '--kernel', 'bitmap', '--point', $point,
				'--deliver', $deliver);
			is($run->{status}, 1, 'exit status 1') or diag($run->{out}, $run->{err});
			is($run->{verdict}{verdict}, 'fail', 'verdict: fail');
			my @left = vmcs_by($run, state => 'not-cleared');
			is_deeply([ sort map { $_->{comm} } @left ], [qw(guest-0 guest-1 guest-2)],
				'each with its guest');
			is_deeply([ grep { $_->{cpu} != $victim } @left ], [], 'all on the victim CPU');
			is(scalar vmcs_by($run, comm => 'guest-3', state => 'cleared'), 1,
				'the guest on the other CPU is cleared');
			fits_schema($run);
			is_clean($run);
		};
	}
}

done_testing();
