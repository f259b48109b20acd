#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Target qemu: a host with SVM crashes, and SVM is off when the capture kernel runs.
use strict;
use warnings;
use File::Basename 'basename';
use File::Path 'make_path';
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Test::More;
use Torture;

# Where KVM nests VMX, the target has that, and the tests of Bochs apply to it.
my ($status, $doctor) = tool(scratch('qemu-doctor'), $COMMAND, 'doctor', '--json');
my ($is) = grep { $_->{check} eq 'target qemu' } @{ JSON::PP->new->decode($doctor) };
like($is->{found} // '', qr/^QEMU \d\S+ \((TCG|KVM), (SVM|VMX)\): (TCG|KVM) .*\/dev\/kvm/,
	'doctor says what it would be, and why');
if (($is->{found} // '') =~ /, VMX\)/) {
	done_testing();
	exit;
}

sub qemu {
	my ($name, @options) = @_;
	return crash_run("qemu-$name", '--target', 'qemu', '--timeout', 30, @options);
}

sub svme_after {
	my ($run) = @_;
	return join ' ', map { $_->{svme_after} ? 'on' : defined $_->{svme_after} ? 'off' : '-' }
		@{ $run->{verdict}{cpus} };
}

sub has_svm_story {
	my ($run, $victim) = @_;
	ok(hex($run->{verdict}{evidence}{efer} // 0) & 0x1000, 'EFER.SVME was set at the crash');
	is(scalar(grep { $_->{comm} =~ /^guest-\d/ && $_->{vcpus} == 1 } @{ $run->{verdict}{vms} }), 4,
		'four guests ran');
	fits_schema($run);
	is_clean($run);
}

subtest 'host/now, by default' => sub {
	my $run = qemu('now');
	is($run->{status}, 0, 'exit status 0') or diag($run->{out}, $run->{err});
	like($run->{out}, qr/^PASS: SVM was on, with 4 vCPUs, and is off on all 2 CPUs$/m, 'and why');
	is($run->{run}{target}, 'qemu', 'the record has the target');
	is($run->{run}{path}, 'disk', 'and its path');
	is($run->{run}{point}{name}, 'host/now', 'and its point');
	like($run->{run}{target_version}, qr/^QEMU \S+ \((TCG|KVM), SVM\)$/, 'and what runs it');
	like(join('', @{ $run->{run}{notes} }), qr{/dev/kvm}, 'a note says why that');
	is(svme_after($run), 'off off', 'SVM is off on each CPU');
	is($run->{verdict}{evidence}{state}, 'nmi-taken', 'the NMI was taken, so GIF was set');
	is_deeply($run->{verdict}{vmcs}, [], 'there are no VMCSes');
	has_svm_story($run);

	my $alone = analyze('qemu-alone', "$run->{dir}/vmcore");
	is($alone->{status}, 3, 'the dump alone is inconclusive');
	like($alone->{verdict}{summary}, qr/whether SVM is off on CPU 0.*--efer/, 'and says what is missing');
};

subtest 'in kvm_amd, shot down' => sub {
	my $run = qemu('kprobe', '--point', 'svm_vcpu_load+0x0', '--deliver', 'shootdown');
	is($run->{status}, 0, 'exit status 0') or diag($run->{out}, $run->{err});
	is($run->{run}{point}{via}, 'kprobe', 'by kprobe');
	is($run->{verdict}{evidence}{at}, 'svm_vcpu_load+0 [kvm_amd]', 'it was there');
	is(svme_after($run), 'off off', 'SVM is off on each CPU');
	has_svm_story($run);
};

subtest 'SVM left on' => sub {
	my $run = qemu('left-on', '--without', 'svm-off');
	is($run->{status}, 1, 'exit status 1') or diag($run->{out}, $run->{err});
	like($run->{out}, qr/^FAIL: SVM was left on, EFER.SVME is set: 2 of 2 CPUs/m, 'and why');
	is($run->{run}{without}, 'svm-off', 'the record says that it was to be');
	is(svme_after($run), 'on on', 'SVM is on on each CPU');
	has_svm_story($run);
};

subtest 'no guests' => sub {
	my $run = qemu('idle', '--guests', 0, '--bystanders', 0);
	is($run->{status}, 3, 'exit status 3');
	like($run->{out}, qr/^INCONCLUSIVE: nothing was at stake on the victim, CPU 1: SVM was off$/m,
		'nothing was at stake');
};

# An agent that cannot be executed: the kernel panics with no crash kernel loaded.
subtest 'a reset' => sub {
	my $data = scratch('qemu-data');
	make_path($data);
	symlink($_, "$data/" . basename($_)) for glob("$BUILD/*");
	unlink("$data/agent");
	open(my $fh, '>', "$data/agent") or die;
	close($fh);
	chmod(0755, "$data/agent");
	local $ENV{KDUMP_TORTURE_DATA} = $data;
	my $run = qemu('reset');
	is($run->{run}{outcome}, 'reset', 'the outcome is reset');
	isnt($run->{status}, 0, 'which is no pass');
	like($run->{out}, qr/QEMU: the machine reset itself/, 'and is told');
	is_clean($run);
};

subtest 'a kernel without kvm_amd' => sub {
	my $data = scratch('qemu-no-amd');
	make_path("$data/kernels/fixed");
	symlink($_, "$data/" . basename($_)) for grep { !/kernels$/ } glob("$BUILD/*");
	symlink($_, "$data/kernels/fixed/" . basename($_))
		for grep { !/kvm-amd/ } glob("$BUILD/kernels/fixed/{.config,*}");
	local $ENV{KDUMP_TORTURE_DATA} = $data;
	my $run = qemu('no-amd-run');
	is($run->{status}, 2, 'run: exit status 2');
	like($run->{err}, qr/no kvm-amd\.ko.*make kernel KERNEL=fixed/, 'with the cure');
	my ($code, undef, $why) = tool("$data.log", $COMMAND, qw(kselftest --target qemu driver));
	is($code, 2, 'kselftest: the same');
	like($why, qr/no kvm-amd\.ko/, 'with the same error');
};

for (
	[ [qw(--point list_add/2)], qr{list_add/2: .*have SVM: use host/now, or FUNCTION\+0xOFF} ],
	[ [qw(--point no_such+0x0)], qr/no function no_such/ ],
	[ [qw(--via hook)], qr/--via hook: .*kvm_intel/ ],
	[ [qw(--path full)], qr/--path full: goes with --target bochs/ ],
	[ [qw(--path fast)], qr/--path fast: goes with --target bochs/ ],
	[ [qw(--vary 1)], qr/--vary: goes with .*bochs/ ],
	[ [qw(--emulator fast)], qr/--emulator: goes with --target bochs/ ],
	[ [qw(--in-capture)], qr/--in-capture: goes with --target bochs/ ],
	[ [qw(--situation nested)], qr/nested: needs VMX/ ],
	[ [qw(--trigger vmxon-fault)], qr/vmxon-fault: needs VMX/ ],
) {
	my ($options, $message) = @$_;
	my $run = qemu('refused', @$options);
	is($run->{status}, 2, "@$options: refused");
	like($run->{err}, $message, "@$options: the message says why");
}
my ($replayed, undef, $why) = tool(scratch('qemu-replay'), $COMMAND, 'run', '--replay',
	"$BUILD/tests/e2e/qemu-now");
is($replayed, 2, '--replay of such a run: refused');
like($why, qr/on target qemu/, 'and says why');

subtest 'kselftest' => sub {
	my ($code, $out, $log) = tool(scratch('qemu-kselftest'), $COMMAND, 'kselftest', '--target', 'qemu',
		qw(driver driver-armed vmxon));
	is($code, 0, 'exit status 0') or diag($out);
	like($log, qr{note: (TCG|KVM) .*/dev/kvm}, 'a note says what runs the target');
	like($out, qr/^ok 1 driver$/m, q(what the driver refuses));
	like($out, qr/^ok 2 driver-armed$/m, 'and armed');
	like($out, qr/^  ok \d+ svm takes keep$/m, 'with SVM');
	like($out, qr/^ok 3 vmxon # SKIP the CPU has no VMX/m, 'VMXON is skipped with its reason');
};

done_testing();
