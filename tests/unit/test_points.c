// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Crash points, against what binutils and the assembler say of the same code.
 * The objects are compiled here, from points/vmx.c; run in tests/unit.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/points.h"
#include "tests/unit/compiled.h"
#include "tests/unit/points/vmx.h"
#include "tests/unit/tap.h"

#define MAX_LINES	4096
#define MAX_LABELS	256

/* An instruction as objdump has it. */
struct line {
	uint64_t addr;
	int number;		/* in vmx.c */
};

struct label {
	uint64_t addr;
	char name[64];
};

/* A module, compiled, and what binutils say of it. */
struct object {
	char path[512];
	struct line line[MAX_LINES];
	size_t nr_lines;
	struct label label[MAX_LABELS];
	size_t nr_labels;
	struct points *points;
};

static char directory[256];
static struct object object;

static void compile(const char *name, const char *cc, const char *flags)
{
	snprintf(object.path, sizeof(object.path), "%s/%s.ko", directory, name);
	compile_module(object.path, cc, flags, "points/vmx.c");
}

/* Addresses in .text, which has all the code but that of .noinstr.text. */
static void read_lines(void)
{
	char command[1024], text[1024];
	int number = 0;

	snprintf(command, sizeof(command), "objdump -dl --no-show-raw-insn -j .text %s",
		 object.path);
	FILE *output = run_read(command);

	object.nr_lines = 0;
	while (fgets(text, sizeof(text), output)) {
		struct line line = { .number = number };
		const char *file = strstr(text, "vmx.c:");
		char colon;

		if (file)
			number = atoi(file + strlen("vmx.c:"));
		else if (sscanf(text, " %" SCNx64 "%c", &line.addr, &colon) == 2 &&
			 colon == ':' && object.nr_lines < MAX_LINES)
			object.line[object.nr_lines++] = line;
	}
	pclose(output);
}

static void read_labels(void)
{
	char command[1024], text[1024], type;

	snprintf(command, sizeof(command), "nm %s", object.path);
	FILE *output = run_read(command);

	object.nr_labels = 0;
	while (fgets(text, sizeof(text), output)) {
		struct label *label = &object.label[object.nr_labels];

		if (object.nr_labels < MAX_LABELS &&
		    sscanf(text, "%" SCNx64 " %c %63s", &label->addr, &type, label->name) == 3)
			object.nr_labels++;
	}
	pclose(output);
}

static uint64_t label(const char *name)
{
	for (size_t i = 0; i < object.nr_labels; i++) {
		if (!strcmp(object.label[i].name, name))
			return object.label[i].addr;
	}
	errx(1, "%s: has no label %s", object.path, name);
}

static bool close_object(void)
{
	points_destroy(object.points);
	object.points = NULL;
	return true;
}

/* Compile points/vmx.c and find its points. */
static bool open_object(const char *name, const char *cc, const char *flags)
{
	close_object();
	compile(name, cc, flags);
	read_lines();
	read_labels();
	struct error *error = points_create(object.path, &object.points);

	tap_ok(!error, "%s: opened", name);
	if (error)
		tap_diag("%s", error->message);
	error_free(error);
	return object.points;
}

static const struct point *get(const char *name)
{
	for (size_t i = 0; i < points_nr(object.points); i++) {
		const struct point *point = points_get(object.points, i);

		if (!strcmp(point->name, name))
			return point;
	}
	return NULL;
}

/* Address in .text. */
static uint64_t address(const struct point *point)
{
	return label(point->function) + point->offset;
}

static bool is_at(const char *name, uint64_t addr)
{
	const struct point *point = get(name);
	bool good = point && point->function && address(point) == addr &&
		    point->section_offset == addr && !strcmp(point->section, ".text") &&
		    point->kprobe;

	if (!good && point && point->function)
		tap_diag("%s is %s+0x%x (0x%" PRIx64 "), not 0x%" PRIx64, name, point->function,
			 point->offset, address(point), addr);
	else if (!good)
		tap_diag("%s: %s", name, point ? point->problem : "missing");
	return good;
}

/* The line of vmx.c that the comment with the point's name stands on. */
static int source_line(const char *name)
{
	_cleanup_fclose_ FILE *source = fopen("points/vmx.c", "r");
	char text[512], comment[128];

	if (!source)
		err(1, "points/vmx.c");
	snprintf(comment, sizeof(comment), "/* %s */", name);
	for (int number = 1; fgets(text, sizeof(text), source); number++) {
		if (strstr(text, comment))
			return number;
	}
	errx(1, "points/vmx.c: no line for %s", name);
}

/* Whether the instruction ahead of the point is the last of its source line. */
static bool is_behind_its_line(const char *name)
{
	const struct point *point = get(name);

	if (!point || !point->function) {
		tap_diag("%s: %s", name, point ? point->problem : "missing");
		return false;
	}
	for (size_t i = 1; i < object.nr_lines; i++) {
		if (object.line[i].addr != address(point))
			continue;
		if (object.line[i - 1].number == source_line(name))
			return true;
		tap_diag("%s is %s+0x%x, ahead of it line %d", name, point->function,
			 point->offset, object.line[i - 1].number);
	}
	return false;
}

/* Whatever the compiler makes of the C source. */
static void test_compiled(const char *name, const char *cc, const char *flags)
{
	static const char *const points[] = {
		"list_add/1", "list_add/2", "list_add/3", "list_add/4",
		"list_del/1", "list_del/2", "list_del/3", "list_del/4",
		"load/current_vmcs", "load/vmptrld", "load/cpu",
		"clear/cpu", "clear/launched",
	};

	if (!open_object(name, cc, flags))
		return;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		tap_ok(is_behind_its_line(points[i]),
		       "%s: %s is right behind what its line of source does", name, points[i]);
		tap_ok(!get(points[i])->finding, "%s: no finding for %s", name, points[i]);
	}
	tap_ok(is_at("clear/current_vmcs", label("clear_current_vmcs")),
	       "%s: clear/current_vmcs is where current_vmcs is dealt with, either way", name);
	tap_ok(get("clear/vmclear")->kprobe && get("clear/vmclear")->offset >
	       get("clear/current_vmcs")->offset, "%s: clear/vmclear is behind it", name);
}

static void test_exact(void)
{
	static const char *const steps[] = {
		"list_add/0", "list_add/1", "list_add/2", "list_add/3", "list_add/4"
	};

	if (!open_object("exact", "cc", "-O2 -g -gdwarf-4 -DEXACT"))
		return;
	for (int i = 0; i < 5; i++) {
		char name[] = "list_add_0";

		name[strlen(name) - 1] += i;
		tap_ok(is_at(steps[i], label(name)), "%s is exactly at its label", steps[i]);
	}
	tap_ok(!get("list_add/0")->finding, "stores in the order of list.h are no finding");
	tap_ok(!strcmp(points_release(object.points), "6.1.0-test"), "the release is known");
	tap_ok(points_nr(object.points) == 17, "17 points in all");
}

static void test_order(void)
{
	if (open_object("publish-first", "cc", "-O2 -g -gdwarf-4 -DPUBLISH_FIRST")) {
		const char *finding = get("list_add/2")->finding;

		tap_ok(is_at("list_add/2", label("list_add_2")),
		       "reordered list_add(): step 2 is behind the second store");
		tap_ok(is_at("list_add/4", label("list_add_4")),
		       "reordered list_add(): step 4 is behind the last");
		tap_ok(finding && strstr(finding, "next->prev, prev->next, new->next, new->prev") &&
		       strstr(finding, "published before its ->next is set"),
		       "a publish store that is not last is a finding: %s", finding);
		tap_ok(!get("list_del/2")->finding, "but none of list_del()");
	}
	if (open_object("poison-first", "cc", "-O2 -g -gdwarf-4 -DPOISON_FIRST")) {
		const char *finding = get("list_del/2")->finding;

		tap_ok(finding && strstr(finding, "next->prev, entry->next, prev->next") &&
		       strstr(finding, "poisoned while it is still on the list"),
		       "poison in an entry that is still linked is a finding: %s", finding);
		tap_ok(!get("list_add/2")->finding, "but none of list_add()");
	}
}

static void test_hooks(void)
{
	if (!open_object("hooks", "cc", "-O2 -g -gdwarf-4 -DHOOKS"))
		return;
	tap_ok(get("list_add/1")->hook && get("list_add/1")->kprobe,
	       "a point can be reached by hook and by kprobe");
	tap_ok(!get("list_add/2")->hook, "a point that has no hook is reached by kprobe");
	const struct point *point = get("list_add/1");
	bool behind = false;

	for (size_t i = 2; i < object.nr_lines; i++) {
		if (object.line[i].addr == address(point))
			behind = object.line[i - 2].number == source_line("list_add/1");
	}
	tap_ok(behind, "the kprobe goes behind the jump label of the hook");
	point = get("new/step");
	tap_ok(point && point->hook && !point->kprobe && !strcmp(point->op, "new") &&
	       !strcmp(point->step, "step"), "a hook of another name is listed");
	struct point found;
	struct error *error = points_find(object.points, "new/step", &found);

	tap_ok(!error, "and can be used");
	error_free(error);
}

static void test_shapes(void)
{
	if (open_object("copies", "cc", "-O2 -g -gdwarf-4 -DCOPIES"))
		tap_ok(is_at("load/cpu", label("copies_met")),
		       "a store that the code has twice is done where both paths meet");
	if (open_object("out-of-line", "cc", "-O2 -g -gdwarf-4 -DOUT_OF_LINE")) {
		tap_ok(is_behind_its_line("clear/vmclear"),
		       "VMCLEAR in a function of its own: behind the first call of it");
		tap_ok(get("clear/vmclear")->note &&
		       strstr(get("clear/vmclear")->note, "vmcs_clear()"), "and says so");
	}
	if (open_object("part", "cc", "-O2 -g -gdwarf-4 -DPART")) {
		tap_ok(is_at("clear/current_vmcs", label("clear_current_vmcs")),
		       "a function in two parts: what is in the first is found");
		tap_ok(is_behind_its_line("list_del/1") && is_behind_its_line("clear/cpu") &&
		       !strcmp(get("list_del/1")->function, "__loaded_vmcs_clear.part.0"),
		       "and what is in the other");
	}
	if (open_object("twice", "cc", "-O2 -g -gdwarf-4 -DTWICE")) {
		const char *problem = get("list_add/1")->problem;

		tap_ok(!get("list_add/1")->kprobe && strstr(problem, "more than once"),
		       "two list_add() are not told apart: %s", problem);
		tap_ok(get("load/cpu")->kprobe, "which leaves the other points");
	}
	if (open_object("renamed", "cc", "-O2 -g -gdwarf-4 -Dvmx_vcpu_load_vmcs=load_vmcs")) {
		const char *problem = get("list_add/1")->problem;

		tap_ok(!get("list_add/1")->kprobe && strstr(problem, "no such function"),
		       "a function that is missing: %s", problem);
		tap_ok(get("list_del/1")->kprobe, "leaves those of the others");
	}
}

/* @expected: a part of the problem; NULL: none */
static void check_probe(const char *name, const char *function, const char *expected)
{
	char raw[128];
	struct point point;

	snprintf(raw, sizeof(raw), "%s+0x%" PRIx64, function, label(name) - label(function));
	struct error *error = points_find_kprobe(object.points, raw, &point);

	if (expected)
		tap_ok(error && strstr(error->message, expected), "%s cannot be probed: %s", name,
		       error ? error->message : "but it can");
	else
		tap_ok(!error && point.kprobe && !point.op && !strcmp(point.name, raw),
		       "%s can be probed%s%s", name, error ? ": " : "",
		       error ? error->message : "");
	error_free(error);
}

static void test_probe_rules(void)
{
	static const struct {
		const char *name, *problem;
	} rules[] = {
		{ "probe_entry", NULL },
		{ "probe_jump_label", "jump label" },
		{ "probe_static_call", "static call" },
		{ "probe_call", NULL },
		{ "probe_bug", "BUG()" },
		{ "probe_vmlaunch", "VMLAUNCH" },
		{ "probe_vmresume", "VMRESUME" },
		{ "probe_vmxoff", "VMXOFF" },
		{ "probe_vmcall", "VMCALL" },
		{ "probe_vmclear", NULL },
		{ "probe_vmxon", NULL },
		{ "probe_indirect", "through memory" },
		{ "probe_register", NULL },
		{ "probe_iret", "IRET" },
		{ "probe_alternative", NULL },
		{ "probe_replaced", "alternative" },
		{ "probe_return", NULL },
	};

	if (!open_object("rules", "cc", "-O2 -g -gdwarf-4"))
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		check_probe(rules[i].name, "probe_rules", rules[i].problem);
	check_probe("probe_noinstr", "probe_noinstr", "noinstr");
	check_probe("probe_blacklisted", "probe_blacklisted", "NOKPROBE_SYMBOL");
}

static void check_refused(const char *name, const char *expected)
{
	struct point point;
	struct error *error = points_find(object.points, name, &point);

	tap_ok(error && strstr(error->message, expected), "refused: %s",
	       error ? error->message : name);
	error_free(error);
}

static void test_raw(void)
{
	char boundaries[128];

	if (!open_object("raw", "cc", "-O2 -g -gdwarf-4 -DEXACT"))
		return;
	uint64_t offset = label("list_add_0") - label("vmx_vcpu_load_vmcs");
	char name[128];
	struct point point;

	snprintf(name, sizeof(name), "vmx_vcpu_load_vmcs+0x%" PRIx64, offset);
	struct error *error = points_find(object.points, name, &point);

	tap_ok(!error && point.offset == offset && point.file && point.line &&
	       !strncmp(point.instruction, "mov ", 4), "a raw point has instruction and source");
	error_free(error);

	snprintf(name, sizeof(name), "vmx_vcpu_load_vmcs+0x%" PRIx64, offset + 1);
	snprintf(boundaries, sizeof(boundaries),
		 "boundaries are vmx_vcpu_load_vmcs+0x%" PRIx64
		 " and vmx_vcpu_load_vmcs+0x%" PRIx64, offset,
		 label("list_add_1") - label("vmx_vcpu_load_vmcs"));
	check_refused(name, boundaries);
	check_refused("vmx_vcpu_load_vmcs+0x10000", "bytes long");
	check_refused("no_such_function+0x10", "no function no_such_function()");
	check_refused("vmx_vcpu_load_vmcs+12", "not of the form");
	check_refused("vmx_vcpu_load_vmcs+0x", "not of the form");
	check_refused("vmx_vcpu_load_vmcs+0x10zz", "not of the form");
	check_refused("+0x10", "not of the form");
	check_refused("list_add/9", "neither an OP/STEP nor");
	check_refused("", "neither an OP/STEP nor");
}

static void check_unreadable(const char *fact, const char *path, const char *expected)
{
	struct points *points = NULL;
	struct error *error = points_create(path, &points);

	tap_ok(error && strstr(error->message, expected), "%s: %s", fact,
	       error ? error->message : "no error");
	error_free(error);
	points_destroy(points);
}

static void test_unreadable(void)
{
	char command[1024], path[600];

	compile("no-dwarf", "cc", "-O2 -g0");
	check_unreadable("no DWARF", object.path, "linux-image-6.1.0-test-dbg");

	compile("stripped", "cc", "-O2 -g -gdwarf-4");
	snprintf(command, sizeof(command), "strip --strip-all %s", object.path);
	run(command);
	check_unreadable("stripped", object.path, "no symbol table");

	snprintf(path, sizeof(path), "%s/32-bit.ko", directory);
	snprintf(command, sizeof(command), "echo 'int x;' | cc -m32 -c -x c - -o %s", path);
	if (!run(command))
		errx(1, "%s: failed", command);
	check_unreadable("32-bit", path, "not for x86-64");

	check_unreadable("a program", "/proc/self/exe", "not a kernel module");
	check_unreadable("not ELF", "points/vmx.c", "not an ELF file");
	check_unreadable("not there", "points/none.ko", "No such file");

	compile("cut", "cc", "-O2 -g -gdwarf-4");
	if (truncate(object.path, 2000))
		err(1, "%s", object.path);
	check_unreadable("cut short", object.path, "cut short or damaged");
}

static void test_layout(void)
{
	char expected[256], *layout = NULL;

	compile("layout", "cc", "-O2 -g -gdwarf-4");
	snprintf(expected, sizeof(expected),
		 "list_link=%zu vmcs=%zu shadow_vmcs=%zu cpu=%zu launched=%zu",
		 offsetof(struct loaded_vmcs, loaded_vmcss_on_cpu_link),
		 offsetof(struct loaded_vmcs, vmcs), offsetof(struct loaded_vmcs, shadow_vmcs),
		 offsetof(struct loaded_vmcs, cpu), offsetof(struct loaded_vmcs, launched));
	struct error *error = points_layout(object.path, &layout);

	tap_ok(!error && !strcmp(layout, expected), "layout: %s",
	       error ? error->message : layout);
	error_free(error);
	free(layout);

	compile("no-member", "cc", "-O2 -g -gdwarf-4 -Dshadow_vmcs=other");
	error = points_layout(object.path, &layout);
	tap_ok(error && strstr(error->message, "no member shadow_vmcs"), "layout: %s",
	       error ? error->message : "no error");
	error_free(error);
}

static void test_names(void)
{
	tap_ok(points_is_known("list_add/0") && points_is_known("list_del/4") &&
	       points_is_known("load/vmptrld") && points_is_known("clear/launched"),
	       "names of points are known");
	tap_ok(!points_is_known("list_add/5") && !points_is_known("list_add") &&
	       !points_is_known("list_add/") && !points_is_known("f+0x1"), "others are not");
}

int main(void)
{
	char command[512];
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_points.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	test_names();
	test_compiled("O2", "cc", "-O2 -g -gdwarf-4");
	test_compiled("Os", "cc", "-Os -g -gdwarf-4");
	test_compiled("dwarf5", "cc", "-O2 -g -gdwarf-5");
	if (run("clang --version >/dev/null 2>&1"))
		test_compiled("clang", "clang", "-O2 -g -gdwarf-4");
	test_exact();
	test_order();
	test_hooks();
	test_shapes();
	test_probe_rules();
	test_raw();
	test_unreadable();
	test_layout();
	close_object();
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	run(command);
	return tap_done();
}
