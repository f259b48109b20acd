#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What every command promises: help, errors that name the thing, documented
# exit statuses, and that man page, completion and help know the same options.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use JSON::PP;
use Test::More;
use Torture;

my $docs = "$FindBin::Bin/../../docs";
my $completion = slurp("$docs/completion/kdump-torture.bash");

sub command {
	return tool("$BUILD/tests/commands", $COMMAND, @_);
}

my ($status, $out, $err) = command('--help');
is($status, 0, '--help: exit status 0');
my @commands = $out =~ /^  (\w+) +\S/mg;
cmp_ok(scalar @commands, '>=', 5, 'it lists the commands');

for my $name (@commands) {
	($status, $out, $err) = command($name, '--help');
	is($status, 0, "$name --help: exit status 0");
	like($out, qr/^Usage: kdump-torture $name/, "$name --help: usage");
	my @options = $out =~ /^ +(?:-\w, )?(--[\w-]+)/mg;
	my $page = slurp("$docs/man/kdump-torture-$name.1") =~ s/\\-/-/gr;
	is_deeply([ grep { index($page, $_) < 0 } @options ], [], "$name: the man page has all options");
	is_deeply([ grep { index($completion, $_) < 0 } @options ], [],
		"$name: so has the completion");

	($status, $out, $err) = command($name, '--no-such-option');
	is($status, 2, "$name: an unknown option is a usage error");
	like($err, qr/no-such-option/, "$name: which names it");
}

# Each word of a list that run --help ends with: man page and completion know it.
($status, $out, $err) = command('run', '--help');
my $page = slurp("$docs/man/kdump-torture-run.1") =~ s/\\-/-/gr;
for my $list (qw(Triggers Situations)) {
	my ($lines) = $out =~ /^$list.*:\n((?:  .*\n)+)/m;
	my @words = ($lines // '') =~ /^  (\S+)/mg;
	cmp_ok(scalar @words, '>=', 3, "run --help: $list");
	is_deeply([ grep { $page !~ /^\.B $_$/m } @words ], [], "$list: the man page has all");
	is_deeply([ grep { $completion !~ /[\s']\Q$_\E[\s']/ } @words ], [],
		"$list: so has the completion");
}

($status, $out, $err) = command('no-such-command');
is($status, 2, 'an unknown command is a usage error');
like($err, qr/no-such-command/, 'which names it');
is((command())[0], 2, 'so is no command at all');

# Each wrong use of run: arguments, what the message must name
for (
	[ [qw(--kernel no-such-kernel)], qr/no-such-kernel.*make kernel/ ],
	[ [qw(--kernel /nonexistent/tree)], qr{/nonexistent/tree: no such kernel tree} ],
	[ [qw(--deliver pigeon)], qr/pigeon.*self, remote or shootdown/ ],
	[ [qw(--cpu 7)], qr/--cpu 7.*CPUs 0 to 1/ ],
	[ [qw(--guests many)], qr/--guests many/ ],
	[ [qw(--disk 0)], qr/--disk 0: not a number from 1/ ],
	[ [qw(--target moon)], qr/moon.*bochs/ ],
	[ [qw(--emulator moth)], qr/moth.*packaged or fast/ ],
	[ [qw(--checks --path full)], qr/--checks: goes with --path disk/ ],
	[ [qw(--disk 64 --path fast)], qr/--disk: goes with --path disk/ ],
	[ [qw(--replay /nonexistent)], qr{--replay /nonexistent: No such file} ],
	[ [qw(--replay /)], qr{--replay /: no record of a run} ],
	[ [qw(--replay / -k fixed --cpu 1)], qr/--replay: .*leave out --kernel --cpu$/m ],
	[ [qw(--path garden)], qr/garden.*disk, full or fast/ ],
	[ [qw(--vary 1 --path disk)], qr/--vary.*--path full or fast/ ],
	[ [qw(--via air)], qr/air.*auto, hook or kprobe/ ],
	[ [qw(--without reason)], qr/reason.*crash-kernel or arming/ ],
	[ [qw(--trigger pull)], qr/--trigger pull: use create, .* or reserved-fault/ ],
	[ [ '--trigger', 'create,,last' ], qr/--trigger create,,last: use create/ ],
	[ [qw(--situation hopeless)], qr/--situation hopeless: use plain, .* or \w+$/m ],
	[ [qw(--point nonsense)], qr/nonsense.*OP\/STEP/ ],
	[ [qw(extra)], qr/extra: unexpected/ ],
) {
	my ($args, $message) = @$_;
	($status, $out, $err) = command('run', @$args);
	is($status, 2, "run @$args: a usage error");
	like($err, $message, "run @$args: the message says what to do");
}

# The same of sweep
for (
	[ [qw(--situation hopeless)], qr/situation hopeless: use plain, .* or \w+$/m ],
	[ [qw(--trigger create,pull)], qr/trigger create,pull: use create, .* or reserved-fault/ ],
	[ [qw(--situation idle quick)], qr/--situation and --trigger: a scenario has its own/ ],
	[ [qw(--dry --trigger last)], qr/--trigger: not with --dry.*--op/ ],
	[ [qw(--dry quick)], qr/--dry: goes by operations \(--op\)/ ],
) {
	my ($args, $message) = @$_;
	($status, $out, $err) = command('sweep', @$args);
	is($status, 2, "sweep @$args: a usage error");
	like($err, $message, "sweep @$args: the message says what to do");
}

($status, $out, $err) = command('doctor', '--json');
ok($status == 0 || $status == 2, 'doctor: 0 or 2');
ok(ref(eval { JSON::PP->new->decode($out) }) eq 'ARRAY', 'doctor --json: JSON');

for ([ '/nonexistent', qr{/nonexistent} ], [ '/dev/null', qr{/dev/null} ], [ $0, qr{commands\.t} ]) {
	my ($file, $message) = @$_;
	($status, $out, $err) = command('analyze', $file);
	is($status, 2, "analyze $file: unreadable, exit status 2");
	like($err, $message, "analyze $file: the message names it");
}

done_testing();
