#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Which emulator is used, and that a fast one that cannot be had is no obstacle.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Test::More;
use Torture;

my $dir = "$BUILD/tests/emulator";
remove_tree($dir);
make_path("$dir/bin", "$dir/data/emulator");

sub put {
	my ($file, $text) = @_;
	open(my $fh, '>', $file) or die "$file: $!";
	print $fh $text;
	close($fh);
	chmod(0755, $file);
}

$ENV{KDUMP_TORTURE_DATA} = "$dir/data";
my (undef, $out) = tool("$dir/doctor", $COMMAND, 'doctor');
like($out, qr/^ok +emulator +Bochs \S* ?\(packaged\); 'make emulator'/m,
	'without a fast emulator: the packaged one, and how to get the other');
put("$dir/data/emulator/bochs", '');
put("$dir/data/emulator/version", "9.9\n");
(undef, $out) = tool("$dir/doctor", $COMMAND, 'doctor');
like($out, qr/^ok +emulator +Bochs 9\.9 \(fast\)$/m, 'with one: that, by its version');

# A machine whose apt has no mirror of Debian, then one that cannot reach it
my @make = ('/usr/bin/env', "PATH=$dir/bin:$ENV{PATH}", 'make', '-s', '-C',
	"$FindBin::Bin/../../inject/emulator", "BUILD=$dir/build");
put("$dir/bin/apt-get", "#!/bin/sh\necho \"\$*\" >> $dir/called\n");
my ($status, undef, $err) = tool("$dir/make", @make);
isnt($status, 0, 'no mirror: make emulator fails');
like($err, qr/no mirror of Debian/, 'and says why');

put("$dir/bin/apt-get", <<"END");
#!/bin/sh
echo "\$*" >> $dir/called
case \$* in
indextargets*) echo 'Debian|main|http://mirror.invalid/debian/' ;;
*) echo 'E: no route to mirror.invalid' >&2; exit 100 ;;
esac
END
unlink("$dir/called");
($status, undef, $err) = tool("$dir/make", @make, 'if-possible');
is($status, 0, 'offline: those who can go on without it do');
like($err, qr/no route to mirror\.invalid.*going on with the packaged one/s, 'and say why');
like(slurp("$dir/build/emulator/source/sources.list"),
	qr{^deb-src \[signed-by=\S+\.gpg\] http://mirror\.invalid/debian/ }m,
	'the source was to come from the mirror of this machine, with its signature');
my $called = slurp("$dir/called");
($status, undef, $err) = tool("$dir/make", @make, 'if-possible');
is("$status$err" . slurp("$dir/called"), "0$called", 'it is not tried again by itself');
($status) = tool("$dir/make", @make);
isnt($status, 0, 'but when asked for');
isnt(slurp("$dir/called"), $called, 'which does try');

done_testing();
