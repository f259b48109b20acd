# SPDX-License-Identifier: GPL-2.0-or-later
# What kernel-patch/LINE/mutants/mutants.cfg says of each mutant.
package Mutants;
use strict;
use warnings;
use Exporter 'import';
use File::Basename;
use Torture;

our @EXPORT = qw(mutants mutants_directory);

sub mutants_directory {
	return dirname(__FILE__) . '/../../kernel-patch/6.1/mutants';
}

# Each a hash of the keys that the file explains, and its name, in order.
sub mutants {
	my @mutants;
	for (split /\n/, slurp(mutants_directory() . '/mutants.cfg')) {
		if (/^\[(\S+)\]$/) {
			push @mutants, { name => $1 };
		} elsif (/^(\S+) = (.+)$/) {
			$mutants[-1]{$1} = $2;
		} elsif (/^[^#]/) {
			die "mutants.cfg: $_\n";
		}
	}
	return @mutants;
}

1;
