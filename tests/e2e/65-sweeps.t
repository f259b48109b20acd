#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What a sweep does with scenarios, what it says and leaves, that it goes on where
# it was broken off, that each outcome is told from the others, and what regress
# finds.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

sub write_file {
	my ($path, $text) = @_;
	open(my $fh, '>:raw', $path) or die "$path: $!";
	print $fh $text;
	close($fh);
}

sub results {
	my ($dir) = @_;
	my $text = slurp("$dir/results.json");
	return length $text ? JSON::PP->new->decode($text) : {};
}

# Returns status, out, err, dir, results (the file) and the first result as one.
sub sweep {
	my ($name, @options) = @_;
	my $dir = scratch($name);
	diag("sweep: $name");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--out', $dir, @options);
	my $results = results($dir);
	return { status => $status, out => $out, err => $err, dir => $dir, results => $results,
		one => $results->{results}[0] || {} };
}

my $file = scratch('scenarios') . '.cfg';
write_file($file, <<'END');
[one]
group = both
points = list_add/2, list_del/1

[two]
group = both
points = list_add/2
guests = 1
bystanders = 0

[mutant]
kernel = bitmap
points = list_add/2
verdict = fail

[elsewhere]
operation = create
points = list_del/1
outcome = not-fired

[bang]
group = both
points = list_add/2
danger = it is loud
END

subtest 'scenarios' => sub {
	my $junit = "$BUILD/tests/e2e/sweep-scenarios.xml";
	my $sweep = sweep('sweep-scenarios', '--scenarios', $file, '--junit', $junit, '*');
	is($sweep->{status}, 0, 'exit status 0') or diag($sweep->{out}, $sweep->{err});
	my @lines = split /\n/, $sweep->{out};
	is_deeply([ @lines[0, 1] ], [ 'KTAP version 1', '1..5' ], 'KTAP, with a plan');
	is_deeply([ sort map { /^ok \d+ (\S+)$/ ? $1 : () } @lines ], [ qw(
		elsewhere/fixed/list_del/1/self mutant/bitmap/list_add/2/self
		one/fixed/list_add/2/self one/fixed/list_del/1/self two/fixed/list_add/2/self
	) ], 'each crash of all scenarios but the dangerous one, as expected');
	my $all = $sweep->{results};
	is_deeply($all->{summary}, { pass => 5, fail => 0, error => 0, inconclusive => 0, skip => 0,
		total => 5 }, 'results.json counts them');
	is_deeply([ sort keys %{ $all->{kernels} } ], [ 'bitmap', 'fixed' ], 'in two kernels');
	my ($mutant) = grep { $_->{scenario} eq 'mutant' } @{ $all->{results} };
	is($mutant->{verdict}, 'fail', 'what passes because it fails has the verdict fail');
	is(scalar(grep { $_->{state} eq 'not-cleared' } @{ $mutant->{vmcs} }), 3, 'and its VMCSes');
	is(scalar(() = glob("$sweep->{dir}/snapshot*")), 3, 'from three boots: guests, kernels');
	like(slurp($junit), qr/<testsuites name="kdump-torture" tests="5" failures="0" errors="0"/,
		'JUnit XML');
	fits_results_schema($sweep->{dir});
	is_clean($sweep);
};

subtest 'a choice' => sub {
	my ($status, $out, $err) = tool("$BUILD/tests/e2e/list", $COMMAND, 'sweep', '--scenarios',
		$file, '--list', 'both', 'mutant');
	is_deeply([ $out =~ /^(\S+)/mg ], [qw(one two mutant)], 'by group and name');
	($status, $out, $err) = tool("$BUILD/tests/e2e/list", $COMMAND, 'sweep', '--scenarios', $file,
		'--list', 'ba*');
	is($status, 2, 'the dangerous one by a glob: exit status 2');
	like($err, qr/bang must be named in full, for it is dangerous: it is loud/, 'the message says why');
	($status, $out, $err) = tool("$BUILD/tests/e2e/list", $COMMAND, 'sweep', '--scenarios', $file,
		'--kernel', 'fixed', 'mutant');
	is($status, 2, 'a kernel that no scenario is for: exit status 2');
	($status, $out, $err) = tool("$BUILD/tests/e2e/list", $COMMAND, 'sweep', '--list', '--json');
	is(JSON::PP->new->decode($out)->{'list-add'}{points}, 'boundaries', 'as JSON');
};

subtest 'every boundary' => sub {
	write_file("$file.all", "[all]\noperation = list_del\npoints = boundaries\n");
	my $sweep = sweep('sweep-boundaries', '--scenarios', "$file.all", '--sample', 50, 'all');
	is($sweep->{status}, 0, 'exit status 0') or diag($sweep->{out}, $sweep->{err});
	my $all = $sweep->{results};
	my ($status, $out) = tool("$sweep->{dir}.points", $COMMAND, 'points', '--json', '--boundaries',
		'--op', 'list_del');
	my %boundaries = map { sprintf('%s+0x%x', $_->{function}, $_->{offset}) => $_ }
		@{ JSON::PP->new->decode($out)->{boundaries} };
	is_deeply([ sort map { $_->{point} } @{ $all->{results} } ], [ sort keys %boundaries ],
		'each has a result');
	my @skipped = grep { $_->{status} eq 'skip' } @{ $all->{results} };
	my @unprobed = grep { !$boundaries{ $_->{point} }{probe} } @skipped;
	is_deeply([ map { $_->{text} } @unprobed ],
		[ map { $boundaries{ $_->{point} }{problem} } @unprobed ],
		'where no probe can be, the reason');
	cmp_ok(scalar @unprobed, '>', 0, 'of which there are some');
	is_deeply([ grep { $_->{outcome} !~ /^(not-made|not-fired)$/ } @skipped ], [],
		'what is skipped was not reached or not made');
	is_deeply([ grep { $_->{status} eq 'pass' && @{ $_->{vmcs} } < 4 } @{ $all->{results} } ], [],
		'no pass without VMCSes');
	fits_results_schema($sweep->{dir});
};

# Minutes, so with FULL=1 only
subtest 'every boundary of list_add() and list_del(), by every delivery' => sub {
	my $sweep = sweep('sweep-complete', 'list');
	is($sweep->{status}, 0, 'exit status 0') or diag($sweep->{out}, $sweep->{err});
	my $all = $sweep->{results};
	my @boundaries = map {
		my ($status, $out) = tool("$sweep->{dir}.points", $COMMAND, 'points', '--json',
			'--boundaries', '--op', $_);
		map { sprintf('%s+0x%x', $_->{function}, $_->{offset}) }
			@{ JSON::PP->new->decode($out)->{boundaries} };
	} qw(list_add list_del);
	my %results = map { ("$_->{point} $_->{deliver}" => $_) } @{ $all->{results} };
	is_deeply([ sort keys %results ],
		[ sort map { my $point = $_; map { "$point $_" } qw(self remote shootdown) } @boundaries ],
		'each has a result');
	is_deeply([ grep { $_->{status} !~ /^(pass|skip)$/ } values %results ], [], 'none fails');
	my (%steps, %crashed);
	for (grep { ($_->{op} // '') =~ /^list_/ } values %results) {
		my $step = "$_->{op}/$_->{step} $_->{deliver}";
		$steps{$step} = 1;
		$crashed{$step} = 1 if $_->{status} eq 'pass';
	}
	is_deeply([ sort keys %crashed ], [ sort keys %steps ], 'each step has been crashed');
	diag(sprintf('%.0f s, %.0f a minute', $all->{seconds}, $all->{pace}));
} if $ENV{FULL};

sub journal {
	my ($dir) = @_;
	my ($header, @lines) = split /\n/, slurp("$dir/journal.jsonl");
	return map { JSON::PP->new->decode($_)->{id} } @lines;
}

# Start a sweep and end it by @signal after some crashes.
sub break_off {
	my ($dir, $signal, @options) = @_;
	unlink("$dir.log.out");
	my $pid = fork // die;
	if (!$pid) {
		open(STDOUT, '>', "$dir.log.out");
		open(STDERR, '>', "$dir.log.err");
		exec($COMMAND, 'sweep', '--out', $dir, '--jobs', 2, '--points', 'list_add/2,list_del/1',
			'--repeat', 15, '--sample', 0, @options) or exit 127;
	}
	for (1 .. 1200) {
		last if (() = slurp("$dir.log.out") =~ /^ok/mg) > 4;
		select(undef, undef, undef, 0.05);
	}
	kill $signal, $pid;
	waitpid($pid, 0);
	return $?;
}

sub resume {
	my ($dir, @options) = @_;
	return tool("$dir.resume", $COMMAND, 'sweep', '--resume', $dir, @options);
}

subtest 'killed, and resumed' => sub {
	my $dir = scratch('sweep-resume');
	break_off($dir, 'KILL');
	my @before = journal($dir);
	cmp_ok(scalar @before, '>', 4, 'some crashes are finished');
	cmp_ok(scalar @before, '<', 30, 'not all');
	ok(!-e "$dir/results.json", 'it could not write its results');
	open(my $fh, '>>', "$dir/journal.jsonl");
	print $fh '{"id":"adhoc/fixed/list_a';
	close($fh);

	for ([ '--budget', 999 ], [ '--points', 'list_add/2' ], [ '--kernel', 'bitmap' ],
		[ '--emulator', 'packaged' ]) {
		my ($status, $out, $err) = resume($dir, @$_);
		is($status, 2, "with other options (@$_): exit status 2");
		like($err, qr/not as it was when the sweep began/, 'the message says why');
	}
	my ($status, $out, $err) = resume($dir, '--jobs', 1);
	is($status, 0, 'resumed: exit status 0') or diag($out, $err);
	my @after = journal($dir);
	is_deeply([ @after[0 .. $#before] ], \@before, 'what was finished is there');
	is(scalar keys %{ { map { $_ => 1 } @after } }, 30, 'all are finished ...');
	is(scalar @after, 30, '... and none was made twice');
	is(scalar(() = $out =~ /^ok /mg), 30, 'all are told');
	is(results($dir)->{summary}{pass}, 30, 'and are in results.json');
	fits_results_schema($dir);
	is_clean({ dir => $dir });

	($status, $out, $err) = resume($dir);
	is($status, 0, 'once more: exit status 0');
	unlike($err, qr/power-on/, 'nothing is booted');
	is(scalar journal($dir), 30, 'nothing is made');
};

subtest 'interrupted' => sub {
	my $dir = scratch('sweep-interrupted');
	is(break_off($dir, 'TERM') & 127, 15, 'it dies of the signal');
	my $results = results($dir);
	is($results->{finished}, undef, 'results.json says that it is not all');
	is(scalar @{ $results->{results} }, scalar journal($dir), 'and has what was finished');
	like(slurp("$dir.log.out"), qr/^# broken off: kdump-torture sweep --resume \Q$dir\E$/m,
		'it is told how to go on');
	is_clean({ dir => $dir });
};

subtest 'another kernel under the same name' => sub {
	my $data = tampered('resume', '', '');
	my $dir = scratch('sweep-changed');
	local $ENV{KDUMP_TORTURE_DATA} = $data;
	break_off($dir, 'KILL');
	write_file("$data/agent", slurp("$BUILD/agent") . "\0");
	my ($status, $out, $err) = resume($dir);
	is($status, 2, 'exit status 2');
	like($err, qr/kernels: fixed: not as it was/, 'the message says what has changed');
};

# A copy of what the command needs, in which every $from is a $to in file $name.
sub tampered {
	my ($name, $from, $to, $what) = @_;
	my $data = scratch("data-$name");
	mkdir($data);
	system("cp -a $BUILD/agent $BUILD/snapshot.so $data/ && mkdir $data/kernels && " .
		"cp -a $BUILD/kernels/fixed $data/kernels/ && ln -s $BUILD/emulator $data/emulator");
	if ($what) {
		my $bytes = slurp("$data/$what");
		ok($bytes =~ s/\Q$from\E/$to/g, "$what is tampered with");
		write_file("$data/$what", $bytes);
	}
	return $data;
}

# In the protected-mode code of a kernel image, behind its 64 bit entry.
sub spoil_kernel {
	my ($path, $instruction) = @_;
	my $bytes = slurp($path);
	my $entry = (ord(substr($bytes, 0x1f1, 1)) + 1) * 512 + 0x200;
	substr($bytes, $entry + 48, 4000) = $instruction x 2000;
	write_file($path, $bytes);
}

my @one = ('--points', 'list_add/2', '--jobs', 1);

# Outcome, status and phase of the one crash of a sweep.
sub outcome_is {
	my ($sweep, $outcome, $status, $text) = @_;
	my $one = $sweep->{one};
	is($one->{outcome}, $outcome, "outcome: $outcome") or diag($sweep->{out}, $sweep->{err});
	is($one->{status}, $status, "status: $status");
	is($one->{verdict}, 'none', 'no verdict without a dump');
	like($one->{text} // '', $text, 'the text says what');
	like($sweep->{out}, qr/^not ok 1 .*\n# $status: $outcome$/m, 'so does KTAP');
	fits_results_schema($sweep->{dir});
	is_clean($sweep);
}

for my $path ([], ['--full']) {
	my $name = @$path ? 'full' : 'fast';
	subtest "$name: not fired" => sub {
		write_file("$file.lost", "[lost]\noperation = create\npoints = list_del/1\n");
		outcome_is(sweep("sweep-not-fired-$name", '--scenarios', "$file.lost", @$path, 'lost'),
			'not-fired', 'inconclusive', qr/was not reached/);
	};

	subtest "$name: hung" => sub {
		my $sweep = sweep("sweep-hung-$name", @one, @$path, '--budget', 1);
		outcome_is($sweep, 'hung', 'fail', qr/emulated instructions/);
		is($sweep->{status}, 1, 'exit status 1');
		like($sweep->{one}{phase}, qr/^(arm|fire|kexec)$/, "the phase is told: $sweep->{one}{phase}");
	};
}

subtest 'a host that hangs before it is armed' => sub {
	my $sweep = sweep('sweep-unarmed', '--points', 'list_add/2,list_del/1', '--timeout', 1);
	outcome_is($sweep, 'hung', 'inconclusive', qr/./);
	is($sweep->{status}, 3, 'exit status 3');
	is($sweep->{results}{summary}{inconclusive}, 2, 'nothing is known of any of its crashes');
};

subtest 'full: hung later' => sub {
	my $sweep = sweep('sweep-hung-capture', @one, '--full', '--budget', 12);
	outcome_is($sweep, 'hung', 'fail', qr/emulated instructions/);
	like($sweep->{one}{phase}, qr/^(capture|dump)$/, "another phase: $sweep->{one}{phase}");
};

subtest 'full: triple fault of the capture kernel' => sub {
	local $ENV{KDUMP_TORTURE_DATA} = tampered('reset');
	spoil_kernel("$ENV{KDUMP_TORTURE_DATA}/kernels/fixed/capture-bzImage", "\x0f\x0b");
	my $sweep = sweep('sweep-reset', @one, '--full');
	outcome_is($sweep, 'reset', 'fail', qr/./);
};

subtest 'full: capture kernel that stands still' => sub {
	local $ENV{KDUMP_TORTURE_DATA} = tampered('still');
	spoil_kernel("$ENV{KDUMP_TORTURE_DATA}/kernels/fixed/capture-bzImage", "\xeb\xfe");
	my $sweep = sweep('sweep-still', @one, '--full', '--budget', 20);
	outcome_is($sweep, 'hung', 'fail', qr/./);
};

subtest 'full: no vmcore in the capture kernel' => sub {
	local $ENV{KDUMP_TORTURE_DATA} = tampered('no-vmcore', '/proc/vmcore', '/proc/vmcorX', 'agent');
	outcome_is(sweep('sweep-capture-failed', @one, '--full'), 'capture-failed', 'inconclusive',
		qr/vmcor/);
};

subtest 'full: makedumpfile fails' => sub {
	local $ENV{KDUMP_TORTURE_DATA} = tampered('no-makedumpfile', '/usr/bin/makedumpfile',
		'/usr/bin/makedumpfilX', 'agent');
	outcome_is(sweep('sweep-incomplete', @one, '--full'), 'dump-incomplete', 'inconclusive',
		qr/makedumpfile: status/);
};

subtest 'regress' => sub {
	my $baseline = sweep('regress-baseline', '--points', 'list_add/2,list_del/1', '--sample', 0);
	is($baseline->{status}, 0, 'the baseline') or diag($baseline->{out}, $baseline->{err});
	for ([ 'fixed', 0, qr/^# against the baseline: 2 as before, 0 new failure/m ],
		[ 'bitmap', 1, qr{^# new failure: adhoc/list_add/2/self\n#     before: pass\n#     now: fail}m ]) {
		my ($kernel, $wanted, $message) = @$_;
		my $dir = scratch("regress-$kernel");
		diag("regress: $kernel");
		my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'regress', '--baseline',
			"$baseline->{dir}/results.json", '--kernel', $kernel, '--out', $dir);
		is($status, $wanted, "$kernel: exit status $wanted") or diag($out, $err);
		like($out, $message, "$kernel: what has changed");
		like($out, qr/^KTAP version 1\n1\.\.2\n/, "$kernel: behind the sweep");
	}
	my ($status, $out) = tool("$BUILD/tests/e2e/regress-fixed.back", $COMMAND, 'regress',
		'--baseline', "$BUILD/tests/e2e/regress-bitmap", '--results', $baseline->{dir});
	is($status, 0, 'the other way round, from the files: exit status 0');
	is(scalar(() = $out =~ /^# fixed: /mg), 2, 'both are fixed');
};

done_testing();
