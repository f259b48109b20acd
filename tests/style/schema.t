#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The JSON of every host of the unit tests is as docs/verdict.schema.json has
# it, has no key that is not there, and docs/JSON.md explains every key of the schemas.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/../e2e";
use Test::More;
use Torture;

my $docs = "$FindBin::Bin/../../docs";
my $dir = "$BUILD/tests/json";
my ($schema, @keys) = closed_schema('verdict.schema.json');

remove_tree($dir);
make_path($dir);

my ($status, $out, $err) = tool("$BUILD/tests/json.log", 'env', '-C', "$FindBin::Bin/../unit",
	"JSON_DIRECTORY=$dir", "$BUILD/tests/unit/test_reports");
is($status, 0, 'the JSON of the cases') or diag($out, $err);
my @files = glob("$dir/*.json");
cmp_ok(scalar @files, '>', 50, 'there are many of them');
($status, $out, $err) = tool("$BUILD/tests/json.log", 'python3', '-W', 'ignore', '-m', 'jsonschema',
	(map { ('-i', $_) } @files), $schema);
is($status, 0, 'all of it is as the schema has it') or diag(substr($out . $err, 0, 2000));

my ($page) = slurp("$docs/JSON.md") =~ /^## verdict.json\n(.*?)^## /ms;
is_deeply([ grep { $page !~ /`$_`/ } @keys ], [], 'JSON.md explains every key');

# What a sweep writes is held against this one in tests/e2e, for it takes an emulator.
($schema, @keys) = closed_schema('results.schema.json');
($status, $out, $err) = tool("$BUILD/tests/json.log", 'python3', '-W', 'ignore', '-c', <<'END', $schema);
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.validators.validator_for(schema).check_schema(schema)
END
is($status, 0, 'results.schema.json is a JSON Schema') or diag($out, $err);
($page) = slurp("$docs/JSON.md") =~ /^## results.json\n(.*?)^## /ms;
is_deeply([ grep { $page !~ /`$_`/ } @keys ], [], 'JSON.md explains its keys, too');

done_testing();
