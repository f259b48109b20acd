#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A run is repeated exactly by another boot: the same number of instructions, the
# same verdict, the same bytes of the dump. What cannot be repeated, or was not, is
# an error.
use strict;
use warnings;
use Digest::SHA;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use Test::More;
use Torture;

sub digest {
	my ($run, $name) = @_;
	my $file = "$run->{dir}/" . ($name // 'vmcore');
	return -s $file ? Digest::SHA->new(256)->addfile($file, 'b')->hexdigest : "no $file";
}

sub is_repeated {
	my ($run, $again) = @_;
	is($again->{status}, $run->{status}, "exit status $run->{status} again")
		or diag($again->{out}, $again->{err});
	is_deeply([ map { $again->{run}{$_} } qw(outcome verdict ticks armed_ticks) ],
		[ map { $run->{run}{$_} } qw(outcome verdict ticks armed_ticks) ],
		'outcome, verdict and instructions are the same');
	is_deeply([ map { [ @$_{qw(pa cpu state launched)} ] } @{ $again->{verdict}{vmcs} // [] } ],
		[ map { [ @$_{qw(pa cpu state launched)} ] } @{ $run->{verdict}{vmcs} // [] } ],
		'so is each VMCS');
	is($again->{run}{replay_of}, $run->{dir}, 'the record says what was repeated');
	is_clean($again);
}

# The record of a run, changed, in a directory of its own.
sub tampered {
	my ($run, $name, $change) = @_;
	my $dir = scratch($name);
	my $record = JSON::PP->new->decode(slurp("$run->{dir}/run.json"));
	$change->($record);
	mkdir($dir) or die "$dir: $!";
	open(my $fh, '>', "$dir/run.json") or die "$dir: $!";
	print $fh JSON::PP->new->encode($record);
	close($fh);
	return $dir;
}

my $run = crash_run('replay-full', '--kernel', 'bitmap', '--point', 'list_del/1', '--deliver',
	'shootdown', '--vary', 3, '--path', 'full');
is($run->{status}, 1, 'a run to be repeated') or diag($run->{out}, $run->{err});

subtest 'full path, with other work on the machine' => sub {
	my @busy = map { my $pid = fork // die "fork: $!"; while (!$pid) { } $pid } 1 .. 3;
	my $again = crash_run('replay-full-again', '--replay', $run->{dir});
	kill('KILL', @busy);
	waitpid($_, 0) for @busy;
	is_repeated($run, $again);
	is(digest($again), digest($run), 'and each byte of the dump');
	like($again->{out}, qr/^repeated exactly: $run->{run}{ticks} instructions.*the same dump$/m,
		'the report says so');
};

subtest 'fast path, a run that a sweep kept' => sub {
	my $dir = scratch('replay-sweep');
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'sweep', '--quiet', '--out', $dir,
		'--points', 'list_add/1,list_add/2', '--keep', '--sample', 0);
	is($status, 0, 'the sweep passes') or diag($out, $err);
	my $kept = "$dir/2-list_add_2-self";
	my $fast = {
		dir => $kept, status => 0,
		run => JSON::PP->new->decode(slurp("$kept/run.json")),
		verdict => JSON::PP->new->decode(slurp("$kept/verdict.json")),
	};
	my $again = crash_run('replay-sweep-again', '--replay', $kept);
	is_repeated($fast, $again);
	is(digest($again), digest($fast), 'and each byte of the dump');
};

subtest 'by disk' => sub {
	my $disk = crash_run('replay-disk', '--path', 'disk', '--guests', 1, '--keep');
	my $again = crash_run('replay-disk-again', '--json', '--keep', '--replay', $disk->{dir});
	is(digest($again, 'disk.img'), digest($disk, 'disk.img'), 'the dump disks are the same');
	unlink(map { glob("$_->{dir}/*.{iso,img}"), glob("$_->{dir}/*initramfs") } $disk, $again);
	is_repeated($disk, $again);
	is(digest($again), digest($disk), 'and each byte of the dump');
	like($again->{err}, qr/^repeated exactly: the same dump$/m, 'stderr says so beside JSON');
	ok(eval { JSON::PP->new->decode($again->{out}) }, 'stdout is JSON');
};

subtest 'a run without a crash' => sub {
	my $idle = crash_run('replay-idle', '--without', 'arming');
	is($idle->{run}{outcome}, 'not-fired', 'the point is not reached');
	my $again = crash_run('replay-idle-again', '--replay', $idle->{dir});
	is_repeated($idle, $again);
	like($again->{out}, qr/^repeated exactly: $idle->{run}{armed_ticks} instr.* was armed$/m,
		'it is compared up to where the host was armed');
};

subtest 'a run that does not come to the same is an error' => sub {
	my $dir = tampered($run, 'replay-tampered', sub { $_[0]{ticks} -= 1 });
	my $again = crash_run('replay-tampered-again', '--replay', $dir);
	is($again->{status}, 2, 'exit status 2');
	my ($now, $then) = ($run->{run}{ticks}, $run->{run}{ticks} - 1);
	like($again->{err}, qr/not repeated.*after $now emulated.*after $then$/m, 'with both numbers');
};

# What is refused before anything is started: change of the record, message
for (
	[ 'kernel', sub { $_[0]{inputs}{'kvm-intel.ko'} =~ tr/0-9a-f/1-9a-f0/ },
		qr/made of another kvm-intel\.ko than/ ],
	[ 'emulator', sub { $_[0]{target_version} = 'Bochs 1.0 (fast)' },
		qr/was on Bochs 1\.0 \(fast\), which is not here/ ],
	[ 'old', sub { delete $_[0]{inputs} }, qr/does not say what the run was made of/ ],
	[ 'interrupted', sub { $_[0]{outcome} = 'interrupted' }, qr/was interrupted/ ],
) {
	my ($name, $change, $message) = @$_;
	my $again = crash_run("replay-$name-again", '--replay',
		tampered($run, "replay-$name", $change));
	is($again->{status}, 2, "$name: exit status 2");
	like($again->{err}, $message, "$name: the message says why");
	ok(!-e $again->{dir}, "$name: nothing was started");
}

done_testing();
