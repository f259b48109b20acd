#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A CPU that goes offline while KVM runs: it takes no NMI any more, and the other
# CPU waits for it with IRQs off. All deliveries end in a crash nonetheless.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

sub offline {
	my ($deliver) = @_;
	return crash_run("offline-$deliver", '--point', 'vmx_hardware_disable+0x0', '--trigger',
		'offline', '--deliver', $deliver);
}

sub states {
	my ($run, $cpu) = @_;
	my %states = map { ($_->{state} => 1) } grep { ($_->{cpu} // -1) == $cpu }
		@{ $run->{verdict}{vmcs} };
	return join(' ', sort keys %states);
}

for my $deliver (qw(self remote)) {
	my $run = offline($deliver);
	is($run->{run}{outcome}, 'captured', "$deliver: captured");
	is($run->{verdict}{evidence}{state}, 'nmi-taken', "$deliver: the victim panicked");
	is($run->{verdict}{evidence}{sender_cpu}, $deliver eq 'self' ? 1 : 0, "$deliver: sender");
	is(states($run, 1), 'cleared', "$deliver: all VMCSes of the victim are cleared");
	# With one CPU of two offline apic_send_IPI_allbutself() sends nothing: the
	# other is not shot down, and keeps what it has.
	is(states($run, 0), 'not-cleared', "$deliver: the kernel leaves the other CPU alone");
	like($run->{out}, qr/CPU 0 was online and saved no registers/, "$deliver: and it is told");
}

my $run = offline('shootdown');
is($run->{status}, 0, 'shootdown: exit status 0') or diag($run->{out});
is($run->{verdict}{evidence}{state}, 'let-go', 'shootdown: the victim went on');
is(states($run, 0), 'cleared', 'shootdown: the panicking CPU VMCLEARed');
is(states($run, 1), '', 'shootdown: the victim let go of its VMCSes itself');
fits_schema($run);

done_testing();
