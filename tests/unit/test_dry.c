// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of a dry sweep, and what a target reports of it, whole and damaged.
 * The module is compiled here, from points/; run in tests/unit.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/dry.h"
#include "inject/points.h"
#include "tests/unit/compiled.h"
#include "tests/unit/tap.h"

#define FLAGS	"-O2 -g -gdwarf-4 -DNO_RULES "

static char directory[256];
static struct points *points;
static struct dry *dry;

static void open_module(const char *name, const char *flags)
{
	char path[512];

	points_destroy(points);
	points = NULL;
	snprintf(path, sizeof(path), "%s/%s.ko", directory, name);
	compile_module(path, "cc", flags, "points/vmx.c points/nested.c");
	struct error *error = points_create(path, &points);

	tap_ok(!error, "%s: opened", name);
	if (error)
		errx(1, "%s", error->message);
}

/* A dry sweep of one operation; NULL: of none. */
static struct error *start(const char *operation)
{
	const struct operation *list[] = { operation ? operation_find(operation) : NULL };

	dry_destroy(dry);
	dry = NULL;
	return dry_create(points, list, operation != NULL, &dry);
}

/* Index of the line of the table that starts with @text; @nr: the nth. -1: none. */
static int line_of(const char *text, int nr)
{
	int index = 0;

	for (const char *line = dry_table(dry); *line; index++) {
		if (!strncmp(line, text, strlen(text)) && !nr--)
			return index;
		line = strchr(line, '\n') + 1;
	}
	return -1;
}

static int nr_lines(void)
{
	int nr = 0;

	for (const char *c = dry_table(dry); *c; c++)
		nr += *c == '\n';
	return nr;
}

static bool has(const char *text)
{
	return strstr(dry_table(dry), text);
}

static void test_table(void)
{
	struct error *error = start("load");
	size_t probe = 0;

	tap_ok(!error, "the table of an operation%s%s", error ? ": " : "",
	       error ? error->message : "");
	error_free(error);
	if (!dry)
		return;
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		probe += boundary->probe && boundary_is_of(boundary, operation_find("load"));
	}
	tap_ok(probe && line_of("vmx_vcpu_load_vmcs+", probe - 1) >= 0 &&
	       line_of("vmx_vcpu_load_vmcs+", probe) < 0,
	       "has a line for each boundary that can be probed");
	tap_ok(has(" load/current_vmcs vmptrld rsp+0x") && has(" load - -\n"),
	       "with label, effect and operand");
	tap_ok(has("shadow-to-vmcs12/vmclear vmptrld "),
	       "VMX instructions of other operations are in it, too");
	tap_ok(has(" vmxoff after-vmxoff -\n"),
	       "VMXOFF is known by what is behind it");
	tap_ok(!has("vmx_emergency_disable"), "the crash path is not in it");
}

static void check_refused(const char *name, const char *flags, const char *instruction)
{
	open_module(name, flags);
	struct error *error = start("load");

	tap_ok(error && strstr(error->message, "cannot be followed") &&
	       strstr(error->message, instruction), "refused: %s",
	       error ? error->message : "no error");
	error_free(error);
}

static void test_refused(void)
{
	struct error *error = start(NULL);

	tap_ok(!error, "no operation: VMX instructions alone");
	error_free(error);
	open_module("stranger", FLAGS "-DSTRANGER");
	error = start("load");
	tap_ok(!error && has(" - vmptrld "), "what is in no operation is in the table");
	error_free(error);
	check_refused("indexed", FLAGS "-DINDEXED", "vmptrld (%rdi,%rsi,8)");
	/* Behind its VMXOFF is an instruction that cannot be probed either. */
	check_refused("rules", "-O2 -g -gdwarf-4", "vmcall");
	open_module("plain", FLAGS);
}

/* Whether the lines, up to NULL, are taken; the error of the first that is not. */
static struct error *take(const char *const *line, bool *ret_ended)
{
	struct error *error = start("load");

	*ret_ended = false;
	for (; !error && *line; line++)
		error = dry_take_line(dry, *line, ret_ended);
	return error;
}

static void test_pass(void)
{
	static const char *const lines[] = { "dry 0:3 1:3 2:2", "dry 5:18446744073709551607", "dry", NULL };
	bool ended;
	struct error *error = take(lines, &ended);

	tap_ok(!error && !ended, "lines of hits");
	error_free(error);
	tap_ok(dry_status(dry) == STATUS_INCONCLUSIVE, "without an end nothing is known");
	error = dry_take_line(dry, "dry-end 18446744073709551615 0", &ended);
	tap_ok(!error && ended && dry_status(dry) == STATUS_PASS, "hits and no violation: pass");
	error_free(error);

	static const char *const nothing[] = { "dry-end 0 0", NULL };

	error = take(nothing, &ended);
	tap_ok(!error && ended && dry_status(dry) == STATUS_INCONCLUSIVE, "no hit: inconclusive");
	error_free(error);
}

static char *printed(void)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		err(1, "open_memstream");
	dry_print(dry, file);
	fclose(file);
	return text;
}

static void test_missed(void)
{
	static const char *const lines[] = {
		"dry 0:3 1:3", "dry-missed 1:2 2:1", "dry-end 6 0", NULL
	};
	bool ended;
	struct error *error = take(lines, &ended);

	tap_ok(!error && ended && dry_status(dry) == STATUS_INCONCLUSIVE,
	       "hits that were missed: inconclusive");
	error_free(error);
	_cleanup_free_ char *text = printed();

	tap_ok(strstr(text, ": 2 hits were missed") && strstr(text, ": 1 hits were missed"),
	       "and they are told");
	json_t *json = dry_json(dry);

	tap_ok(json_integer_value(json_object_get(json, "missed")) == 3, "also in JSON");
	json_decref(json);
}

static void test_fail(void)
{
	char bad[128], hits[64];
	bool ended;

	error_free(start("load"));
	int behind = line_of("vmx_vcpu_load_vmcs+", 0);

	while (!strstr(dry_table(dry), "load/vmptrld"))
		errx(1, "no load/vmptrld in the table");
	for (const char *at = dry_table(dry); at < strstr(dry_table(dry), " load/vmptrld"); at++)
		behind += *at == '\n';
	snprintf(hits, sizeof(hits), "dry 0:2 %d:2", behind);
	snprintf(bad, sizeof(bad), "dry-bad %d cpu=1 hit=2 kind=missing pa=0x1f3000 task=a b\x01", behind);
	const char *const lines[] = { hits, bad, "dry-end 4 3", NULL };
	struct error *error = take(lines, &ended);

	tap_ok(!error && ended && dry_status(dry) == STATUS_FAIL && dry_nr_violations(dry) == 3,
	       "a violation: fail%s%s", error ? ": " : "", error ? error->message : "");
	error_free(error);
	_cleanup_free_ char *text = printed();

	tap_ok(strstr(text, "load/vmptrld: missing: VMCS 0x1f3000 is active"),
	       "the window and the VMCS are named");
	tap_ok(strstr(text, "points/vmx.c:") && strstr(text, "hit 2 of it, CPU 1, task a b?"),
	       "source line, hit, CPU and task");
	tap_ok(strstr(text, "\nand 2 more, most of them at these boundaries again\n"),
	       "violations that were not told are counted");
	char line[256];
	int boundaries = 0, hit = 0, not_hit = 0, violations = 0;
	const char *row = strstr(text, "vmx_vcpu_load_vmcs ");

	snprintf(line, sizeof(line), "%.200s", row ?: "");
	sscanf(line, "vmx_vcpu_load_vmcs %d %d %d %d", &boundaries, &hit, &not_hit, &violations);
	tap_ok(boundaries > 50 && hit == 2 && not_hit == boundaries - 2 && violations == 1,
	       "each function has its line: %d %d %d %d", boundaries, hit, not_hit, violations);
	tap_ok(!strstr(text, "cpu_vmxoff"), "but not those that are only followed");
	json_t *json = dry_json(dry);

	tap_ok((int)json_array_size(json_object_get(json, "boundaries")) == boundaries &&
	       json_array_size(json_object_get(json, "violations")) == 1 &&
	       !strcmp(json_string_value(json_object_get(json_array_get(json_object_get(
		       json, "violations"), 0), "step")), "vmptrld"), "JSON says the same");
	json_decref(json);
}

/* Each alone, behind a good line. */
static void test_damaged(void)
{
	char past[64], past_bad[128];

	error_free(start("load"));
	snprintf(past, sizeof(past), "dry %d:1", nr_lines());
	snprintf(past_bad, sizeof(past_bad), "dry-bad %d cpu=1 hit=1 kind=freed pa=0x1000 task=x",
		 nr_lines());
	const char *const damaged[] = {
		"dry 1", "dry 1:", "dry 1:x", "dry 1:0", "dry :1", "dry 1:2:3", "dry 1:2,3:4",
		"dry -1:2", "dry 1:-2", "dry +1:2", "dry 1: 2", "dry 99999999999999999999:1",
		"dry 1:99999999999999999999", "dry 0x1:1", "dry 0:1", past, "dry 1:2\x01",
		"dry-bad", "dry-bad 1", "dry-bad 1 cpu=1 hit=1 kind=missing",
		"dry-bad 1 cpu=1 hit=1 kind=missing pa=0x1000",
		"dry-bad 1 cpu=1 hit=1 kind=miss pa=0x1000 task=x",
		"dry-bad 1 cpu=1 hit=1 kind=missingpa=0x1000 task=x",
		"dry-bad 1 cpu=1 hit=1 kind=missing pa=1000 task=x",
		"dry-bad 1 cpu=4294967296 hit=1 kind=missing pa=0x1000 task=x",
		"dry-bad x cpu=1 hit=1 kind=missing pa=0x1000 task=x",
		"dry-bad 1 cpu=1 hit=1 kind=missing pa=0x10000000000000000 task=x",
		"dry-bad 1 cpu=1 hit=1 kind=missing pa=0x1000 task=0123456789012345678901234567890123456789012345678901234567890123",
		past_bad,
		"dry-end", "dry-end 1", "dry-end 1 x", "dry-end 1 0 0", "dry-end x 0", "dry-end -1 0",
		"dry-end 1 0 ",
		"dry-missed 1", "dry-missed 1:0", "dry-missed 1:1 1:1", "dry-missed x:1",
		"dryad", "", "phase fire", "dry-badly 1",
	};
	const char *const lost[] = { "dry-end 2 0", "dry-end 0 0", "dry-end 1 1" };
	bool ended;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		const char *const lines[] = { "dry 0:1", damaged[i], NULL };
		struct error *error = take(lines, &ended);

		tap_ok(error && strstr(error->message, "damaged") && !ended, "damaged: '%.60s'",
		       damaged[i]);
		error_free(error);
	}
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		const char *const lines[] = { "dry 0:1", lost[i], NULL };
		struct error *error = take(lines, &ended);

		tap_ok(error && strstr(error->message, "lost") && dry_status(dry) != STATUS_PASS,
		       "%s: %s", lost[i], error ? error->message : "no error");
		error_free(error);
	}
	const char *const after[] = { "dry 0:1", "dry-end 1 0", "dry 1:1", NULL };
	struct error *error = take(after, &ended);

	tap_ok(error && strstr(error->message, "after its end"), "nothing comes after the end");
	error_free(error);
}

/* Every way to cut a report, and every byte of it changed. */
static void test_fuzzed(void)
{
	static const char good[] = "dry-bad 1 cpu=1 hit=12 kind=bad-pointer pa=0x1000 task=guest-1";
	char line[sizeof(good)];
	unsigned int taken = 0;
	bool ended;

	error_free(start("load"));
	for (size_t length = 0; length < sizeof(good); length++) {
		snprintf(line, length + 1, "%s", good);
		struct error *error = dry_take_line(dry, line, &ended);

		taken += !error;
		error_free(error);
	}
	/* Only of the task's name something can be missing; and "dry" tells of no hits. */
	tap_ok(taken == sizeof("guest-1") + 1, "cut anywhere: taken %u times", taken);
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		for (int byte = 1; byte < 256; byte++) {
			memcpy(line, good, sizeof(good));
			line[at] = byte;
			error_free(dry_take_line(dry, line, &ended));
		}
	}
	_cleanup_free_ char *text = printed();

	tap_ok(text[0], "changed anywhere: nothing breaks");
}

static void test_is_line(void)
{
	tap_ok(dry_is_line("dry 1:2") && dry_is_line("dry") &&
	       dry_is_line("dry-missed 1:1") && dry_is_line("dry-bad 1") &&
	       dry_is_line("dry-end 0 0"), "lines of a dry sweep");
	tap_ok(!dry_is_line("dryer") && !dry_is_line("") && !dry_is_line("phase dry") &&
	       !dry_is_line("dry-") && !dry_is_line("error x dry"), "other lines");
}

int main(void)
{
	char command[512];
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_dry.XXXXXX", tmp ?: "/tmp");
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	open_module("first", FLAGS);
	test_table();
	test_refused();
	test_pass();
	test_missed();
	test_fail();
	test_damaged();
	test_fuzzed();
	test_is_line();
	dry_destroy(dry);
	points_destroy(points);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	run(command);
	return tap_done();
}
