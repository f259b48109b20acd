#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# make run KDIR=...: what tree.sh does with a developer's tree. The trees here
# are the real source of KVM below a Makefile that only pretends to build.
use strict;
use warnings;
use Cwd 'abs_path';
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Test::More;
use Torture;

my $top = abs_path("$FindBin::Bin/../..");
my $scratch = "$BUILD/tests/tree";
remove_tree($scratch);
make_path("$scratch/scripts");

sub put {
	my ($file, $text) = @_;
	make_path($file =~ s{/[^/]*$}{}r);
	open(my $fh, '>', $file) or die "$file: $!";
	print $fh $text;
	close($fh);
}

sub tree {
	return tool("$scratch/log", "$top/kernel-patch/tree.sh", @_);
}

# Names, sizes and times of all files below a directory
sub listing {
	return scalar `cd $_[0] && find . -type f -printf '%P %s %T@\\n' | sort`;
}

my $kdir = "$scratch/linux";
make_path($kdir);
system("tar -xf /usr/src/linux-source-6.1.tar.xz -C $kdir --strip-components=1 linux-source-6.1/arch/x86/kvm") == 0
	or BAIL_OUT('cannot unpack the kernel source');
put("$kdir/Kconfig", '');
put("$kdir/Makefile", <<'END');
tinyconfig: ; @: > $(O)/.config
olddefconfig: ; @grep -v '^CONFIG_SLUB=' $(O)/.config > $(O)/.c; mv $(O)/.c $(O)/.config
bzImage: ; @mkdir -p $(O)/arch/x86/boot; echo "  CC      x"; touch $(O)/arch/x86/boot/bzImage
modules: ; @test ! -e broken
END
my $before = listing($kdir);

my ($status, $out, $err) = tree($kdir, "$scratch/work");
is($status, 0, 'a tree that is not built: ready') or diag($err);
is($out, "$scratch/work/obj\n", 'the built tree is named');
ok(-e "$scratch/work/src/arch/x86/kvm/vmx/crash_point.c", 'the crash-points patches are in the mirror');
like($err, qr/note: this kernel has no CONFIG_SLUB=y/, 'what its Kconfig drops is said');
is(listing($kdir), $before, 'nothing in the tree itself has changed');

my $mirror = listing("$scratch/work/src");
tree($kdir, "$scratch/work");
is(listing("$scratch/work/src"), $mirror, 'a second time: nothing to build again');

put("$kdir/arch/x86/kvm/vmx/new.c", "int x;\n");
tree($kdir, "$scratch/work");
is(slurp("$scratch/work/src/arch/x86/kvm/vmx/new.c"), "int x;\n", 'an edit arrives');
ok(-e "$scratch/work/src/arch/x86/kvm/vmx/crash_point.c", 'and the patches are still in');

put("$kdir/arch/x86/kvm/vmx/vmx.c", "/* rewritten */\n");
($status, $out, $err) = tree($kdir, "$scratch/work");
is($status, 0, 'patches that do not apply: still ready');
like($err, qr/do not apply to \Q$kdir\E: kprobe points only/, 'what the run goes without is said');
is(slurp("$scratch/work/src/arch/x86/kvm/vmx/vmx.c"), "/* rewritten */\n", 'none is half in');
ok(!-e "$scratch/work/src/arch/x86/kvm/vmx/crash_point.c", 'not one');

put("$kdir/broken", '');
($status, $out, $err) = tree($kdir, "$scratch/work");
is($status, 2, 'a build that fails is an error');
like($err, qr{the whole log is \Q$scratch\E/work/build\.log}, 'with its log named');

put("$scratch/built/$_", '') for qw(arch/x86/boot/bzImage arch/x86/kvm/kvm-intel.ko);
($status, $out) = tree("$scratch/built", "$scratch/work2");
is($out, "$scratch/built\n", 'a built tree is taken as it is');
ok(!-e "$scratch/work2", 'without a copy');

($status, $out, $err) = tree($scratch, "$scratch/work3");
is($status, 2, 'what is no kernel tree is refused');
like($err, qr/\Q$scratch\E: not a Linux kernel tree/, 'by name');

put("$scratch/series", "bad.patch\n");
put("$scratch/bad.patch", "--- a/Kconfig\n+++ b/Kconfig\n\@\@ -1,1 +1,1 \@\@\n-never there\n+x\n");
($status, $out, $err) = tool("$scratch/log", "$top/kernel-patch/apply.sh", "$scratch/series",
	$kdir, 'linux-source-6.1 6.1.999-1');
isnt($status, 0, 'a patch of ours that does not apply is an error');
like($err, qr{/bad\.patch: does not apply to linux-source-6\.1 6\.1\.999-1}, 'that names it and the source');

done_testing();
