# SPDX-License-Identifier: GPL-2.0-or-later
# What the end-to-end tests share: they run the command as a user does and look
# at its exit status, its output and the run directory it leaves.
package Torture;
use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename 'dirname';
use File::Path qw(make_path remove_tree);
use JSON::PP;
use Test::More;

our @EXPORT = qw(closed_schema fits_results_schema fits_schema crash_run analyze tool slurp is_clean vmcs_by scratch $BUILD $COMMAND);
our $BUILD = $ENV{BUILD} || abs_path(dirname(__FILE__) . '/../../build');
our $COMMAND = "$BUILD/kdump-torture";

# A fresh directory for one test, kept afterwards for whoever looks into a failure.
sub scratch {
	my ($name) = @_;
	my $dir = "$BUILD/tests/e2e/$name";
	remove_tree($dir);
	make_path(dirname($dir));
	return $dir;
}

sub slurp {
	my ($file) = @_;
	open(my $fh, '<', $file) or return '';
	local $/;
	return <$fh> // '';
}

# Run a program; returns its exit status and what it wrote to stdout and stderr.
sub tool {
	my ($log, @argv) = @_;
	make_path(dirname($log));
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$log.out");
		open(STDERR, '>', "$log.err");
		exec(@argv) or exit 127;
	}
	waitpid($pid, 0);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, slurp("$log.out"), slurp("$log.err"));
}

sub decode {
	my ($file) = @_;
	my $text = slurp($file);
	return length $text ? JSON::PP->new->decode($text) : {};
}

# One crash run with these options. Returns status, out, err, dir and the
# records run and verdict (empty when the run left none).
sub crash_run {
	my ($name, @options) = @_;
	my $dir = scratch($name);
	diag("crash run: $name");
	my ($status, $out, $err) = tool("$dir.log", $COMMAND, 'run', '--out', $dir, @options);
	return {
		status => $status, out => $out, err => $err, dir => $dir,
		run => decode("$dir/run.json"), verdict => decode("$dir/verdict.json"),
	};
}

sub analyze {
	my ($name, $file) = @_;
	my ($status, $out, $err) = tool(scratch("analyze-$name"), $COMMAND, 'analyze', '--json', $file);
	my $json = eval { JSON::PP->new->decode($out) } || {};
	return { status => $status, out => $out, err => $err, verdict => $json };
}

# The verdict's JSON is as docs/verdict.schema.json has it.
sub fits_schema {
	my ($run) = @_;
	my ($status, $out, $err) = tool("$run->{dir}.schema", '/usr/bin/python3', '-W', 'ignore', '-m',
		'jsonschema', '-i', "$run->{dir}/verdict.json",
		dirname(__FILE__) . '/../../docs/verdict.schema.json');
	is($status, 0, 'verdict.json fits its schema') or diag($out, $err);
}

# The path of a schema of docs/ that is closed for keys it does not name, which
# outside of tests may come at any time; and its keys.
sub closed_schema {
	my ($name) = @_;
	my $schema = JSON::PP->new->decode(slurp(dirname(__FILE__) . "/../../docs/$name"));
	my %keys;
	my $close;
	$close = sub {
		my ($node) = @_;
		$close->($_) for ref $node eq 'HASH' ? values %$node : ref $node eq 'ARRAY' ? @$node : ();
		return if ref $node ne 'HASH' || ref $node->{properties} ne 'HASH';
		$node->{additionalProperties} = JSON::PP::false;
		$keys{$_} = 1 for keys %{ $node->{properties} };
	};
	$close->($schema);
	my $path = "$BUILD/tests/$name";
	make_path(dirname($path));
	open(my $fh, '>', $path) or die "$path: $!";
	print $fh JSON::PP->new->encode($schema);
	close($fh);
	return ($path, sort keys %keys);
}

# The results of the sweep in $dir are as docs/results.schema.json has it.
sub fits_results_schema {
	my ($dir) = @_;
	my ($schema) = closed_schema('results.schema.json');
	my ($status, $out, $err) = tool("$dir.schema", 'python3', '-W', 'ignore', '-m', 'jsonschema',
		'-i', "$dir/results.json", $schema);
	is($status, 0, 'results.json fits its schema') or diag(substr($out . $err, 0, 2000));
}

# Nothing of a run is left but what it is to leave: no process that names its
# directory, no image, no lock file.
sub is_clean {
	my ($run) = @_;
	my @processes = grep { index(slurp($_), $run->{dir}) >= 0 && !m{/proc/$$/} }
		glob('/proc/[0-9]*/cmdline');
	is_deeply(\@processes, [], 'no process is left');
	my @files = grep { /\.(iso|img|lock)$|initramfs/ } glob("$run->{dir}/*");
	is_deeply(\@files, [], 'no image and no lock file is left');
}

# The VMCSes of a verdict for which all of the given fields have these values.
sub vmcs_by {
	my ($run, %want) = @_;
	return grep {
		my $vmcs = $_;
		!grep { !defined $vmcs->{$_} || $vmcs->{$_} ne $want{$_} } keys %want;
	} @{ $run->{verdict}{vmcs} || [] };
}

1;
