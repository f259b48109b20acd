#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The analyser in the capture kernel: /proc/vmcore as it is there, before any
# dump tool has touched it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Test::More;
use Torture;

my $run = crash_run('in-capture', '--in-capture', '--point', 'list_del/2');
is($run->{status}, 0, 'exit status 0') or diag($run->{out}, $run->{err});
my $there = eval { JSON::PP->new->decode(slurp("$run->{dir}/verdict-in-capture.json")) } || {};
is($there->{verdict}, 'pass', 'the capture kernel says pass');
is($there->{dump}{path}, '/proc/vmcore', 'of /proc/vmcore');
is($there->{dump}{format}, 'ELF', 'which is an ELF vmcore');
is_deeply($there->{vmcs}, $run->{verdict}{vmcs}, 'every VMCS is judged as in the dump');
is(scalar(grep { $_->{name} eq 'in-capture' } @{ $run->{run}{phases} }), 1, 'it has its phase');
is_clean($run);

done_testing();
