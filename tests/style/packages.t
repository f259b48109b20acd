#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# make deps: silent when nothing is missing; without root the exact command.
use strict;
use warnings;
use Cwd 'abs_path';
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Test::More;
use Torture;

my $script = abs_path("$FindBin::Bin/../../inject/install-packages.sh");
my $bin = "$BUILD/tests/packages";
remove_tree($bin);
make_path($bin);

# A machine that has these tools only: no sudo, and nobody is root
sub fake {
	my ($name, $text) = @_;
	open(my $fh, '>', "$bin/$name") or die;
	print $fh "#!/bin/sh\n$text\n";
	close($fh);
	chmod(0755, "$bin/$name");
}
for my $name (qw(cat dirname)) {
	my ($real) = grep { -x } "/usr/bin/$name", "/bin/$name";
	symlink($real, "$bin/$name");
}
fake('id', 'echo 1000');

sub install {
	return tool("$BUILD/tests/packages.log", '/usr/bin/env', "PATH=$bin", '/bin/sh', $script);
}

fake('dpkg-query', 'echo installed');
my ($status, $out, $err) = install();
is($status, 0, 'nothing missing: exit status 0');
is($out . $err, '', 'and silence');

fake('dpkg-query', 'for p; do :; done; [ $p = bochs ] || echo installed');
($status, $out, $err) = install();
is($status, 2, 'no root, no sudo: it stops');
like($err, qr/apt-get install -y --no-install-recommends bochs$/m,
	'with the exact command, for what is missing only');

fake('id', 'echo 0');
fake('apt-get', 'echo "apt-get $*" >> ' . "$bin/called" . '; [ $1 != -qq ] || [ $2 = update ]');
fake('env', 'shift; exec "$@"');
($status, $out, $err) = install();
is($status, 2, 'an installation that fails is an error');
is($out, "installing: bochs\n", 'what is installed is said first');
like(slurp("$bin/called"), qr/install -y --no-install-recommends bochs/, 'nothing else is installed');

done_testing();
