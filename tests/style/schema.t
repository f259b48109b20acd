#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The JSON of every host of the unit tests is as docs/verdict.schema.json has
# it, has no key that is not there, and docs/JSON.md explains every key.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/../e2e";
use JSON::PP;
use Test::More;
use Torture;

my $docs = "$FindBin::Bin/../../docs";
my $dir = "$BUILD/tests/json";
my $schema = JSON::PP->new->decode(slurp("$docs/verdict.schema.json"));
my %keys;

# Closed for keys that it does not name, which outside of tests may come at any time
sub close_objects {
	my ($node) = @_;
	close_objects($_) for ref $node eq 'HASH' ? values %$node : ref $node eq 'ARRAY' ? @$node : ();
	return if ref $node ne 'HASH' || ref $node->{properties} ne 'HASH';
	$node->{additionalProperties} = JSON::PP::false;
	$keys{$_} = 1 for keys %{ $node->{properties} };
}

close_objects($schema);
remove_tree($dir);
make_path($dir);
open(my $fh, '>', "$dir/closed.schema") or die;
print $fh JSON::PP->new->encode($schema);
close($fh);

my ($status, $out, $err) = tool("$BUILD/tests/json.log", 'env', '-C', "$FindBin::Bin/../unit",
	"JSON_DIRECTORY=$dir", "$BUILD/tests/unit/test_reports");
is($status, 0, 'the JSON of the cases') or diag($out, $err);
my @files = glob("$dir/*.json");
cmp_ok(scalar @files, '>', 50, 'there are many of them');
($status, $out, $err) = tool("$BUILD/tests/json.log", 'python3', '-W', 'ignore', '-m', 'jsonschema',
	(map { ('-i', $_) } @files), "$dir/closed.schema");
is($status, 0, 'all of it is as the schema has it') or diag(substr($out . $err, 0, 2000));

my ($page) = slurp("$docs/JSON.md") =~ /^## verdict.json\n(.*?)^## /ms;
is_deeply([ sort grep { $page !~ /`$_`/ } keys %keys ], [], 'JSON.md explains every key');

done_testing();
