#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A single run comes to the same verdict by each path from the crash to the dump.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Torture;

for my $path (qw(disk full fast)) {
	subtest $path => sub {
		my $good = crash_run("path-$path-fixed", '--path', $path);
		is($good->{status}, 0, 'fixed: exit status 0') or diag($good->{out}, $good->{err});
		is($good->{run}{path}, $path, 'the record has the path');
		like($good->{run}{capture_kernel}, qr{/capture-bzImage$}, 'and the capture kernel');
		cmp_ok($good->{run}{ticks} // 0, '>', 0, 'and when the crash kernel was entered')
			if $path ne 'disk';
		is(scalar vmcs_by($good, cpu => 1, state => 'cleared', launched => 1), 3,
			'three VMCSes are cleared');
		my $bad = crash_run("path-$path-bitmap", '--kernel', 'bitmap', '--path', $path,
			'--point', 'list_del/1', '--deliver', 'shootdown',
			$path eq 'disk' ? () : ('--vary', 3));
		is($bad->{status}, 1, 'bitmap: exit status 1') or diag($bad->{out}, $bad->{err});
		is($bad->{run}{vary}, $path eq 'disk' ? undef : 3, 'the record has the seed');
		is(scalar vmcs_by($bad, cpu => 1, state => 'not-cleared'), 3, 'three VMCSes are not');
		for ($good, $bad) {
			fits_schema($_);
			is_clean($_);
		}
	};
}

subtest 'as kdump scripts do it' => sub {
	my $run = crash_run('path-plain', '--checks', '--compress', '--same-kernel');
	is($run->{status}, 0, 'exit status 0') or diag($run->{out}, $run->{err});
	is($run->{run}{capture_kernel}, $run->{run}{kernel}{bzimage}, 'the kernel captures its own dump');
	like($run->{out}, qr/kdump-compressed \(zlib\)/, 'the dump is compressed');
	is_clean($run);
};

done_testing();
