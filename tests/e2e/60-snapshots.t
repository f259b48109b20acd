#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Many crashes from one boot: the verdicts are those of single runs, by both
# paths; a crash can be repeated exactly; what goes wrong stays within its crash
# and leaves nothing behind.
use strict;
use warnings;
use FindBin;
use POSIX ();
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

# Returns status, out, err, dir and the crashes, as the command's JSON has them.
sub sweep {
	my ($name, @options) = @_;
	my $dir = scratch($name);
	diag("sweep: $name");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--json', '--out', $dir, @options);
	my @crashes = map { eval { JSON::PP->new->decode($_) } || () } split /\n/, $out;
	return { status => $status, out => $out, err => $err, dir => $dir, crashes => \@crashes };
}

sub results {
	my ($dir) = @_;
	return JSON::PP->new->decode(slurp("$dir/results.json"));
}

sub column {
	my ($sweep, $key) = @_;
	return [ map { $_->{$key} } sort { $a->{nr} <=> $b->{nr} } @{ $sweep->{crashes} } ];
}

# Start a sweep in the background and wait until it has said something on stdout.
sub start_sweep {
	my ($dir, @options) = @_;
	unlink("$dir.log.out");
	my $pid = fork // die;
	if (!$pid) {
		open(STDOUT, '>', "$dir.log.out");
		open(STDERR, '>', "$dir.log.err");
		exec($COMMAND, 'sweep', '--out', $dir, '--point', 'list_add/2', @options) or exit 127;
	}
	# The plan of KTAP comes before the boot.
	for (1 .. 1200) {
		last if slurp("$dir.log.out") =~ /^(ok|not ok|\{)/m;
		select(undef, undef, undef, 0.1);
	}
	return $pid;
}

# The emulators that were started for this directory.
sub emulators {
	my ($dir) = @_;
	return map { m{/proc/(\d+)/} ? $1 : () }
		grep { slurp($_) =~ /bochs[^\0]*\0.*\Q$dir\E/s } glob('/proc/[0-9]*/cmdline');
}

sub wait_until_gone {
	my ($dir) = @_;
	for (1 .. 50) {
		return if !emulators($dir);
		select(undef, undef, undef, 0.1);
	}
}

my @points = qw(list_add/0 list_add/2 list_del/1 clear/vmclear);

subtest 'the fixed kernel passes, by each delivery and both paths' => sub {
	my $sweep = sweep('sweep-fixed', '--points', join(',', @points),
		'--deliver', 'self,remote,shootdown', '--sample', 6);
	is($sweep->{status}, 0, 'exit status 0') or diag($sweep->{out}, $sweep->{err});
	is_deeply(column($sweep, 'verdict'), [ ('pass') x 12 ], 'twelve passes');
	is(scalar(grep { $_->{both_paths} } @{ $sweep->{crashes} }), 2, 'one in six was made both ways');
	is_deeply(column($sweep, 'difference'), [ ('') x 12 ], 'to the same verdict and the same bytes');
	is_deeply([ grep { -e } map { "$sweep->{dir}/$_" } '2-list_add_0-remote' ], [],
		'what passes leaves nothing');
	my ($kept) = grep { $_->{nr} == 2 } @{ results($sweep->{dir})->{results} };
	is(scalar(grep { $_->{state} eq 'cleared' } @{ $kept->{vmcs} }), 4,
		'but its VMCSes, which are in results.json');
	is_clean($sweep);
};

subtest 'the mutant fails, and its dumps are kept' => sub {
	my $sweep = sweep('sweep-bitmap', '--kernel', 'bitmap', '--points', 'list_add/2,list_del/1');
	is($sweep->{status}, 1, 'exit status 1') or diag($sweep->{out}, $sweep->{err});
	is_deeply(column($sweep, 'verdict'), [ ('fail') x 2 ], 'two failures');
	is_deeply(column($sweep, 'difference'), [ ('') x 2 ], 'by the full path, too');
	for (@{ $sweep->{crashes} }) {
		my $again = analyze("again-$_->{nr}", "$sweep->{dir}/$_->{directory}/vmcore");
		is($again->{status}, 1, "$_->{point}: its dump says so");
		is(scalar(grep { $_->{state} eq 'not-cleared' } @{ $again->{verdict}{vmcs} }), 3,
			"$_->{point}: of three VMCSes");
	}
	is_clean($sweep);
};

subtest 'a crash repeats exactly, unless it is to vary' => sub {
	my $same = sweep('sweep-same', '--points', 'list_add/2', '--repeat', 3, '--sample', 0);
	my %ticks = map { $_ => 1 } @{ column($same, 'ticks') };
	is(scalar keys %ticks, 1, 'three forks, instruction for instruction');
	my $varied = sweep('sweep-varied', '--points', 'list_add/2', '--repeat', 4, '--vary', 7,
		'--sample', 0);
	is($varied->{status}, 0, 'varied: they pass, too');
	%ticks = map { $_ => 1 } @{ column($varied, 'ticks') };
	is(scalar keys %ticks, 4, 'varied: no two are the same');
	is_deeply(column($varied, 'seed'), [ 7 .. 10 ], 'the seeds are told');
	is(scalar keys %{ { map { $_ => 1 } @{ column($varied, 'text') } } } > 1, 1,
		'varied: nor are the guests');
};

# KiB of memory and number of open files of a process; both 0 once it is gone.
sub resources {
	my ($pid) = @_;
	my ($rss) = (eval { slurp("/proc/$pid/status") } // '') =~ /^VmRSS:\s+(\d+)/m;
	return ($rss // 0, scalar(() = glob("/proc/$pid/fd/*")));
}

subtest 'many crashes do not wear the host' => sub {
	my $dir = scratch('sweep-many');
	my $pid = start_sweep($dir, '--repeat', 200, '--sample', 0, '--jobs', 1, '--json');
	my ($server) = sort { $a <=> $b } emulators($dir);
	my @first = resources($server);
	my @last = @first;
	my @files;
	while (!waitpid($pid, POSIX::WNOHANG())) {
		my @now = resources($server);
		@last = @now if $now[0] && $now[1];
		push(@files, $now[1]) if $now[1];
		select(undef, undef, undef, 0.2);
	}
	is($? >> 8, 0, 'exit status 0');
	my %kinds = map { s/"(id|nr|seconds|memory_kib)":[^,]*,//gr => 1 } split /\n/, slurp("$dir.log.out");
	is(scalar keys %kinds, 1, 'each of 200 says what the first says');
	cmp_ok($first[0], '>', 0, 'the server is there to be looked at');
	cmp_ok($last[0], '<=', $first[0] * 1.05, 'the memory of the server stays what it was');
	# It may have been seen with the files of a job in its hands.
	my ($fewest) = sort { $a <=> $b } splice(@files, @files > 10 ? -10 : 0);
	cmp_ok($fewest, '<=', $first[1] + 2, 'and so do its files');
	is_clean({ dir => $dir });
};

subtest 'a guest that hangs is ended by its budget' => sub {
	my $sweep = sweep('sweep-budget', '--points', 'list_add/2,list_del/1', '--budget', 1);
	is($sweep->{status}, 1, 'exit status 1: it was armed') or diag($sweep->{out}, $sweep->{err});
	is_deeply(column($sweep, 'outcome'), [ ('hung') x 2 ], 'outcome: hung');
	like(column($sweep, 'text')->[0], qr/emulated instructions/, 'the message says by which limit');
	is_clean($sweep);
};

subtest 'the server is killed' => sub {
	my $dir = scratch('sweep-server-killed');
	my $pid = start_sweep($dir, '--repeat', 100000, '--sample', 0);
	my ($server) = sort { $a <=> $b } emulators($dir);
	kill 'KILL', $server;
	waitpid($pid, 0);
	is($? >> 8, 2, 'exit status 2');
	like(slurp("$dir.log.out") . slurp("$dir.log.err"), qr/snapshot: .*(emulator|gone)/,
		'the message says why');
	wait_until_gone($dir);
	is_clean({ dir => $dir });
};

subtest 'the command is killed' => sub {
	my $dir = scratch('sweep-killed');
	my $pid = start_sweep($dir, '--repeat', 100000, '--sample', 0);
	kill 'KILL', $pid;
	waitpid($pid, 0);
	wait_until_gone($dir);
	is_clean({ dir => $dir });
};

subtest 'two at once' => sub {
	my $pid = fork // die;
	if (!$pid) {
		my $other = sweep('sweep-twin-bitmap', '--kernel', 'bitmap', '--points', 'list_add/2',
			'--repeat', 5);
		POSIX::_exit($other->{status});
	}
	my $sweep = sweep('sweep-twin-fixed', '--points', 'list_add/2', '--repeat', 5);
	waitpid($pid, 0);
	is($sweep->{status}, 0, 'one passes');
	is($? >> 8, 1, 'the other fails');
};

subtest 'a full disk' => sub {
	my $mount = scratch('sweep-small');
	mkdir($mount);
	plan skip_all => 'takes the right to mount'
		if system("mount -t tmpfs -o size=60m kdump-torture $mount 2>/dev/null");
	# The images take most of it; then a failure is to be kept.
	my ($status, $out, $err) = tool("$mount.log", $COMMAND, 'sweep', '--json', '--kernel', 'bitmap',
		'--points', 'list_add/2,list_del/1', '--jobs', 1, '--sample', 0, '--out', "$mount/sweep");
	system('umount', $mount);
	is($status, 3, 'exit status 3: nothing is known');
	is(scalar(() = $out =~ /"outcome":"dump-unreadable","text":"[^"]*No space left/g), 2,
		'outcome dump-unreadable, and the message says why') or diag($out, $err);
	unlike($out, qr/"status":"pass"/, 'nothing passes');
};

subtest 'the packaged emulator' => sub {
	my $sweep = sweep('sweep-packaged', '--points', 'list_del/1', '--deliver', 'shootdown',
		'--emulator', 'packaged');
	is($sweep->{status}, 0, 'exit status 0') or diag($sweep->{out}, $sweep->{err});
	is(column($sweep, 'both_paths')->[0] ? 1 : 0, 1, 'by both paths');
	is_clean($sweep);
};

done_testing();
