#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said of the boundaries of the kernels' kvm-intel.ko, against what objdump
# says of the same file; and that nothing in it is in no operation.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../e2e";
use JSON::PP;
use Test::More;
use Torture;

my $VMX = qr/^(vmptrld|vmclear|vmxon|vmxoff)\b/;

# Instructions by section and address there: name, function, its start and size.
sub disassemble {
	my ($module) = @_;
	my (%code, $section, $function);

	open(my $objdump, '-|', 'objdump', '-d', '--no-show-raw-insn', $module) or die "objdump: $!";
	while (<$objdump>) {
		$section = $1 if /^Disassembly of section (.*):/;
		$function = { name => $2, start => hex $1 } if /^([0-9a-f]+) <(.*)>:/;
		next unless /^ *([0-9a-f]+):\t(?:bnd )?(\S+)/;
		$code{$section}{hex $1} = { name => $2, function => $function };
		push @{$function->{insns}}, hex $1;
	}
	return \%code;
}

sub points {
	my ($kernel, @options) = @_;
	my ($status, $out) = tool("$BUILD/tests/boundaries", $COMMAND, 'points', '--kernel', $kernel,
		'--json', @options);
	is($status, 0, "points --kernel $kernel @options");
	return JSON::PP->new->decode($out);
}

sub check_kernel {
	my ($kernel) = @_;
	my $code = disassemble("$BUILD/kernels/$kernel/kvm-intel.ko");
	my $json = points($kernel, '--boundaries');
	my (%listed, @twice, @lost, @cut, @unknown);

	cmp_ok(scalar @{$json->{boundaries}}, '>', 500, "$kernel: boundaries");
	for my $boundary (@{$json->{boundaries}}) {
		my ($section, $at) = @$boundary{qw(section section_offset)};
		my $insn = $code->{$section}{$at};
		my $place = sprintf('%s+0x%x', @$boundary{qw(function offset)});

		push @twice, $place if $listed{$section}{$at}++;
		push @unknown, $place if !$insn;
		next if !$insn;
		$insn->{boundary} = $boundary;
		my @insns = @{$insn->{function}{insns}};
		my ($next) = grep { $_ > $at } @insns;

		push @cut, $place if defined $next && $next != $at + $boundary->{length};
		# Without code of others inlined into it all of a function is listed.
		push @lost, $place if !$boundary->{inlined} && grep {
			!grep { $_->{section} eq $section && $_->{section_offset} == $at } @{$json->{boundaries}}
		} $insns[0], $insns[-1];
	}
	is_deeply(\@unknown, [], "$kernel: each is where objdump has an instruction");
	is_deeply(\@twice, [], "$kernel: and there once");
	is_deeply(\@cut, [], "$kernel: with its length");

	my %whole = map { ("$_->{section} $_->{function}" => $_->{inlined}) } @{$json->{boundaries}};
	for my $section (keys %$code) {
		for my $insn (values %{$code->{$section}}) {
			next if !exists $whole{"$section $insn->{function}{name}"} ||
				$whole{"$section $insn->{function}{name}"};
			push @lost, "$insn->{function}{name}: $insn->{name}" unless $insn->{boundary};
		}
	}
	is_deeply(\@lost, [], "$kernel: none is left out of a function");

	my (@strange, @effect);
	for my $section (keys %$code) {
		for my $insn (values %{$code->{$section}}) {
			next unless $insn->{name} =~ $VMX;
			my $boundary = $insn->{boundary};

			push @strange, $insn->{function}{name}
				unless $boundary || $insn->{function}{name} =~ /^vmx_emergency_/;
			push @effect, "$insn->{function}{name}: $insn->{name}"
				if $boundary && $boundary->{effect} ne $insn->{name};
			push @effect, "$insn->{function}{name}: no operand"
				if $boundary && $insn->{name} ne 'vmxoff' && !$boundary->{operand};
		}
	}
	is_deeply(\@strange, [], "$kernel: every VMX instruction is in an operation");
	is_deeply(\@effect, [], "$kernel: and known for what it is");
	is_deeply([ map { $_->{text} } grep { $_->{kind} ne 'crash-path' } @{$json->{notes}} ], [],
		"$kernel: nothing is unlisted or missing");
	is_deeply([ sort map { $_->{function} } grep { $_->{kind} eq 'crash-path' } @{$json->{notes}} ],
		[qw(vmx_crash_rehearse vmx_emergency_disable vmx_emergency_vmclear)], "$kernel: the crash path");

	# The points with names are boundaries with that label.
	my %by_place = map { ("$_->{function}+$_->{offset}" => $_) } @{$json->{boundaries}};
	my @mislabelled;
	for my $operation (@{$json->{operations}}) {
		next if !@{$operation->{functions}} || $operation->{name} =~ /^(destroy|offline|last|ept-violation|inject)$/;
		for my $point (@{points($kernel, '--op', $operation->{name})->{points}}) {
			my $boundary = $by_place{"$point->{function}+$point->{offset}"};

			# One that is reached by other ways, too, is of no step.
			push @mislabelled, $point->{name} unless ($point->{note} // '') =~ /also reached/ ||
				($boundary->{op} eq $point->{op} && $boundary->{step} eq $point->{step});
		}
	}
	is_deeply(\@mislabelled, [], "$kernel: every OP/STEP is the label of its boundary");
	return $json;
}

my $json = check_kernel('fixed');
check_kernel('bitmap');

my $page = slurp("$FindBin::Bin/../../docs/man/kdump-torture-points.1") =~ s/\\-/-/gr;
my $completion = slurp("$FindBin::Bin/../../docs/completion/kdump-torture.bash");
for my $name (map { $_->{name} } @{$json->{operations}}) {
	like($page, qr/^\.B.*\b\Q$name\E\b/m, "the man page has operation $name");
	like($completion, qr/\b\Q$name\E\b/, 'so has the completion');
}
for my $name (qw(load vmxon offline)) {
	my $one = points('fixed', '--boundaries', '--op', $name);

	ok(@{$one->{boundaries}} && !(grep { !grep { $_ eq $name } @{$_->{operations}} } @{$one->{boundaries}}),
		"--op $name: its boundaries alone");
}

done_testing();
