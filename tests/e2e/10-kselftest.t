#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The tests that run in the target, told one by one: what the driver refuses,
# arming and disarming, the half-done states of list operations, a VMXON that
# faults. The mutant that does not expect that fails there, and only there. Then KVM
# selftests of the kernel's own tree, which know nothing of this project.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

diag('kselftest in the emulated host');
my ($status, $out, $err) = tool(scratch('kselftest'), $COMMAND, 'kselftest', 'driver',
	'driver-armed', 'vmxon');
is($status, 0, 'exit status 0') or diag($out, $err);

my (%passed, %skipped);
for (split /\n/, $out) {
	next unless /^  (not )?ok \d+ (.*?)( # SKIP.*| # XFAIL.*)?$/;
	my ($failed, $name, $why) = ($1, $2, $3 // '');
	if ($why =~ /SKIP/) {
		$skipped{$name} = 1;
		next;
	}
	next if $why;
	ok(!$failed, $name);
	$passed{$name} = 1;
}
# What only one of the two rounds can test must have run in the other.
delete $skipped{'arming, disarming, unloading while armed'} if $passed{'arms'};
is_deeply([ grep { !$passed{$_} } keys %skipped ], [], 'nothing was skipped for good');
ok($passed{'list-state test: all 30 states'}, 'the list states were walked');

ok($passed{'VMXON that faults: the next VM starts'}, 'a VMXON that faulted was survived');
like($out, qr/^  ok \d+ VMXON that VMfails: .* # XFAIL the kernel goes on/m,
	'one that VMfailed was not: Linux 6.1 does not look');

diag('kselftest in the emulated host, vmxon-unhandled');
($status, $out) = tool(scratch('kselftest-vmxon'), $COMMAND, 'kselftest', '--kernel',
	'vmxon-unhandled', 'vmxon');
is($status, 1, 'vmxon-unhandled: exit status 1');
is_deeply([ $out =~ /^ *not ok \d+ (.*)$/mg ],
	['VMXON that faults: KVM_CREATE_VM returns an error', 'vmxon'],
	'vmxon-unhandled: VMXON kills the task that makes the first VM');

diag('KVM selftests of the kernel in the emulated host');
($status, $out, $err) = tool(scratch('kselftest-kvm'), $COMMAND, 'kselftest', 'state_test',
	'svm_vmcall_test', 'vmx_close_while_nested_test', 'steal_time');
is($status, 0, 'KVM selftests: exit status 0') or diag($out, $err);
is_deeply([ $out =~ /^(.*ok \d+ .*)$/mg ], [
	'ok 1 steal_time # SKIP no program comes of it in this tree',
	'ok 2 state_test',
	'ok 3 svm_vmcall_test # SKIP Requirement not met: kvm_cpu_has(X86_FEATURE_SVM)',
	'ok 4 vmx_close_while_nested_test',
], 'two pass, one needs another CPU, one does not build');

($status, $out, $err) = tool(scratch('kselftest-unknown'), $COMMAND, 'kselftest', 'no_such_test');
is($status, 2, 'an unknown test: exit status 2');
like($err, qr/no_such_test: no such test; .*--list/, 'and a cure');
($status, $out) = tool(scratch('kselftest-list'), $COMMAND, 'kselftest', '--list');
is_deeply([ (split /\n/, $out)[0 .. 3] ], [ 'driver', 'driver-armed', 'vmxon', 'cpuid_test' ],
	'--list names them');

# Programs that end otherwise than well, taken for some of them.
my ($list) = glob "$BUILD/selftests/kvm/*/list";
my $programs = $list =~ s/list$/programs/r;
my %bad = (
	kdt_exits => 'exit 3', kdt_dies => 'kill -SEGV $$', kdt_fails => 'echo not ok 1 this',
	kdt_panics => 'echo c > /proc/sysrq-trigger',
);
for (keys %bad) {
	open my $file, '>', "$programs/$_" or die "$programs/$_: $!";
	print $file "#!/bin/sh\n$bad{$_}\n";
	close $file;
	chmod 0755, "$programs/$_";
}
my $names = slurp($list);
open my $file, '>', $list or die "$list: $!";
print $file $names, map { "$_\n" } keys %bad;
close $file;
diag('tests that fail');
($status, $out) = tool(scratch('kselftest-bad'), $COMMAND, 'kselftest', 'kdt_exits', 'kdt_dies',
	'kdt_panics', 'kdt_fails', 'state_test');
open $file, '>', $list or die "$list: $!";
print $file $names;
close $file;
unlink map { "$programs/$_" } keys %bad;
is($status, 1, 'tests that fail: exit status 1');
is_deeply([ grep { !/^# Subtest/ } $out =~ /^((?:not )?ok .*|# .*)$/mg ], [
	'# exit status 3', 'not ok 1 kdt_exits',
	'# killed by signal 11 (Segmentation fault)', 'not ok 2 kdt_dies',
	'# the target reset itself', 'not ok 3 kdt_panics',
	'# exit status 0', 'not ok 4 kdt_fails',
	'ok 5 state_test',
], 'each is told as it ended, and the rest runs after a crash');

done_testing();
