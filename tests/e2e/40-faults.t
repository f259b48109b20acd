#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong has its own outcome, a message that helps, an exit status
# other than 0, and leaves nothing running.
use strict;
use warnings;
use FindBin;
use POSIX ();
use lib $FindBin::Bin;
use Test::More;
use Torture;

sub outcome_is {
	my ($run, $outcome, $status, $message) = @_;
	is($run->{run}{outcome}, $outcome, "outcome: $outcome") or diag($run->{out}, $run->{err});
	is($run->{status}, $status, "exit status $status");
	like($run->{out}, $message, 'the message says what');
	isnt($run->{run}{verdict}, 'pass', 'that is no pass');
	is_clean($run);
}

subtest 'no crash kernel: the driver refuses to arm' => sub {
	outcome_is(crash_run('no-crash-kernel', '--without', 'crash-kernel'), 'refused', 2,
		qr/no crash kernel/);
};

subtest 'not armed: nothing fires' => sub {
	outcome_is(crash_run('not-armed', '--without', 'arming'), 'not-fired', 3,
		qr/was not reached/);
};

subtest 'a point that is never reached' => sub {
	outcome_is(crash_run('never-reached', '--skip', 1000), 'not-fired', 3,
		qr/was not reached/);
};

subtest 'dump disk too small: the dump is incomplete' => sub {
	my $run = crash_run('small-disk', '--disk', 4);
	outcome_is($run, 'dump-incomplete', 3, qr/makedumpfile/);
	ok(-e "$run->{dir}/vmcore-incomplete", 'what there is of the dump is kept under its name');
	my $cut = analyze('small-disk', "$run->{dir}/vmcore-incomplete");
	isnt($cut->{status}, 0, 'and it never passes');
};

subtest 'a dump that was cut: it never passes' => sub {
	my $run = crash_run('to-be-cut', '--quiet');
	is($run->{status}, 0, 'whole, it passes');
	my $size = -s "$run->{dir}/vmcore";
	for my $part (0, 0.001, 0.1, 0.5, 0.9, 0.999) {
		my $file = "$run->{dir}/cut";
		system('cp', "$run->{dir}/vmcore", $file);
		truncate($file, int($size * $part));
		my $cut = analyze('cut', $file);
		ok($cut->{status} == 2 || $cut->{status} == 3, "cut to $part: exit status $cut->{status}");
		like($cut->{err} . $cut->{out}, qr/cut|empty|short|truncated|incomplete/i,
			"cut to $part: the message says so");
	}
};

subtest 'a point in the middle of an instruction' => sub {
	my $dir = scratch('wrong-point');
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'run', '--out', $dir,
		'--point', 'vmx_vcpu_load_vmcs+0x1');
	is($status, 2, 'exit status 2');
	like($err, qr/vmx_vcpu_load_vmcs\+0x1.*instruction/, 'the message names it');
	ok(!-e $dir, 'no run directory is made');
};

subtest 'a run directory that is in use' => sub {
	my $dir = scratch('in-use');
	mkdir($dir);
	open(my $fh, '>', "$dir/precious");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'run', '--out', $dir);
	is($status, 2, 'exit status 2');
	like($err, qr/\Q$dir\E.*another with --out/, 'the message says what to do');
	ok(-e "$dir/precious", 'nothing is lost');
};

subtest 'two runs at once do not disturb each other' => sub {
	my $pid = fork // die;
	if (!$pid) {
		my $other = crash_run('twin-bitmap', '--kernel', 'bitmap', '--point', 'list_del/1');
		POSIX::_exit($other->{status});
	}
	my $run = crash_run('twin-fixed');
	waitpid($pid, 0);
	is($run->{status}, 0, 'one passes');
	is($? >> 8, 1, 'the other fails');
};

# Where the boot's logs are, by the path the run takes.
my %boot = (full => 'boot/', disk => '');

# Wait until the agent of this boot has said so.
sub wait_for_agent {
	my ($dir, $path, $what) = @_;
	for (1 .. 600) {
		return if slurp("$dir/$boot{$path}agent.log") =~ /$what/;
		select(undef, undef, undef, 0.2);
	}
}

for my $path (sort keys %boot) {
	subtest "$path: emulator killed midway" => sub {
		my $dir = scratch("killed-$path");
		my $pid = fork // die;
		if (!$pid) {
			wait_for_agent($dir, $path, qr/phase guests/);
			for (glob('/proc/[0-9]*/cmdline')) {
				next unless slurp($_) =~ /^[^\0]*bochs[^\0]*\0.*\Q$dir\E/s;
				m{/proc/(\d+)/} and kill 'KILL', $1;
			}
			exec('true');
		}
		my $run = crash_run("killed-$path", '--path', $path);
		waitpid($pid, 0);
		outcome_is($run, 'target-died', 2, qr/killed by signal 9/);
		like($run->{run}{target_version}, qr/^Bochs /, 'the record says what ran');
	};

	subtest "$path: hung: no sign of life" => sub {
		my $run = crash_run("hung-$path", '--timeout', 1, '--path', $path);
		is($run->{run}{outcome}, 'hung', 'outcome: hung') or diag($run->{out}, $run->{err});
		is($run->{status}, 3, 'exit status 3: it was not crashed yet');
		like($run->{run}{hung_in}, qr/./, 'the phase is named');
		is_clean($run);
	};

	subtest "$path: Ctrl-C leaves nothing behind" => sub {
		my $dir = scratch("interrupted-$path");
		my $pid = fork // die;
		if (!$pid) {
			open(STDOUT, '>', "$dir.log.out");
			open(STDERR, '>', "$dir.log.err");
			exec($COMMAND, 'run', '--out', $dir, '--path', $path) or exit 127;
		}
		wait_for_agent($dir, $path, qr/phase boot/);
		kill 'INT', $pid;
		waitpid($pid, 0);
		is($? & 127, 2, 'it dies of the signal, as a shell expects');
		like(slurp("$dir/run.json"), qr/"outcome": "interrupted"/, 'the record says interrupted');
		is_clean({ dir => $dir });
	};
}

done_testing();
