#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What every source file promises: a licence, no line too long, clean shell.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
chdir($top) or die "$top: $!";
my @files = split /\n/, `git ls-files --cached --others --exclude-standard`;
@files = split /\n/, `find . -path ./build -prune -o -path ./runs -prune -o -type f -print`
	if $? || !@files;    # a tarball has no git
my @text = grep { -f && -T } @files;

sub lines {
	my ($file) = @_;
	open(my $fh, '<', $file) or die "$file: $!";
	return <$fh>;
}

my (@unlicensed, @long, @trailing);
for my $file (@text) {
	# What must be pure data has no room for a licence line.
	next if $file =~ m{\.(host|expect|patch|json)$|reports/|settings$|packages$|kselftest/(?:\w+/)?config$|\.gitignore$};
	my @lines = lines($file);
	push @unlicensed, $file unless grep { /SPDX-License-Identifier: GPL-2\.0/ } @lines[0 .. 2];
	push @trailing, "$file:" . ($_ + 1) for grep { $lines[$_] =~ /[ \t]\n/ } 0 .. $#lines;
	next unless $file =~ /\.[ch]$/;
	for (0 .. $#lines) {
		my $width = 0;
		$width += $_ eq "\t" ? 8 - $width % 8 : 1 for split //, $lines[$_] =~ s/\n//r;
		# A message stays in one piece, so that it can be searched for.
		push @long, "$file:" . ($_ + 1) if $width > 100 && $lines[$_] !~ /"/;
	}
}
is_deeply(\@unlicensed, [], 'every file names its licence in its first lines');
is_deeply(\@trailing, [], 'no white space at the end of a line');
is_deeply(\@long, [], 'no line of C is longer than 100 columns');

for my $file (grep { /\.(sh|bash)$/ || (lines($_))[0] =~ m{^#!/bin/(ba)?sh} } @text) {
	my $report = `shellcheck -x @{[ $file =~ /\.bash$/ ? '-s bash' : '' ]} $file 2>&1`;
	is($report, '', "shellcheck: $file");
}

for my $page (glob('docs/man/*.[1-9]')) {
	my $report = `mandoc -Tlint -W warning $page 2>&1`;
	is($report, '', "mandoc: $page");
}

done_testing();
