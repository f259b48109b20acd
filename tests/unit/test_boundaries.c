// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boundaries of operations, against what binutils say of the same code. The
 * modules are compiled here, from points/; run in tests/unit.
 */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/points.h"
#include "tests/unit/compiled.h"
#include "tests/unit/tap.h"

#define BOTH	"points/vmx.c points/nested.c"
#define FLAGS	"-O2 -g -gdwarf-4 "

static char directory[256], path[512];
static struct points *points;

static bool open_module(const char *name, const char *flags)
{
	points_destroy(points);
	points = NULL;
	snprintf(path, sizeof(path), "%s/%s.ko", directory, name);
	compile_module(path, "cc", flags, BOTH);
	struct error *error = points_create(path, &points);

	tap_ok(!error, "%s: opened", name);
	if (error)
		tap_diag("%s", error->message);
	error_free(error);
	return points;
}

/* Of the symbol table: where a symbol is in its section; @ret_size may be NULL. */
static uint64_t symbol(const char *name, uint64_t *ret_size)
{
	char command[1024], text[1024], found[128], type;
	uint64_t addr = 0, size = 0;
	bool known = false;

	snprintf(command, sizeof(command), "nm -S %s", path);
	FILE *output = run_read(command);

	while (fgets(text, sizeof(text), output)) {
		uint64_t a, s = 0;

		if ((sscanf(text, "%" SCNx64 " %" SCNx64 " %c %127s", &a, &s, &type, found) == 4 ||
		     sscanf(text, "%" SCNx64 " %c %127s", &a, &type, found) == 3) &&
		    !strcmp(found, name) && !known) {
			addr = a;
			size = s;
			known = true;
		}
	}
	pclose(output);
	if (!known)
		errx(1, "%s: has no symbol %s", path, name);
	if (ret_size)
		*ret_size = size;
	return addr;
}

static const struct boundary *at(const char *section, uint64_t offset)
{
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (boundary->section_offset == offset && !strcmp(boundary->section, section))
			return boundary;
	}
	return NULL;
}

static size_t count(const char *function, const char *operation)
{
	size_t nr = 0;

	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		nr += !strcmp(boundary->function, function) &&
		      (!operation || boundary_is_of(boundary, operation_find(operation)));
	}
	return nr;
}

/* The boundaries in [start, start + size) are objdump's instructions there. */
static bool is_complete(const char *section, uint64_t start, uint64_t size)
{
	char command[1024], text[1024];
	uint64_t addr, next = start;
	size_t nr = 0;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn -j %s --start-address=%#" PRIx64
		 " --stop-address=%#" PRIx64 " %s", section, start, start + size, path);
	FILE *output = run_read(command);
	bool good = true;

	while (fgets(text, sizeof(text), output)) {
		char colon;

		if (sscanf(text, " %" SCNx64 "%c", &addr, &colon) != 2 || colon != ':')
			continue;
		const struct boundary *boundary = at(section, addr);

		good = good && boundary && addr == next;
		next = boundary ? addr + boundary->length : next;
		nr++;
	}
	pclose(output);
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		nr -= !strcmp(boundary->section, section) &&
		      boundary->section_offset >= start && boundary->section_offset < start + size;
	}
	return good && !nr && next == start + size;
}

static void check_function(const char *name, const char *section)
{
	uint64_t size, start = symbol(name, &size);

	tap_ok(is_complete(section, start, size), "%s(): each instruction once", name);
}

static bool has_label(const struct boundary *boundary, const char *op, const char *step)
{
	bool good = boundary && boundary->op && !strcmp(boundary->op, op) &&
		    (step ? boundary->step && !strcmp(boundary->step, step) : !boundary->step);

	if (!good && boundary)
		tap_diag("%s+0x%x '%s' has the label %s/%s", boundary->function, boundary->offset,
			 boundary->instruction, boundary->op ?: "-", boundary->step ?: "-");
	return good;
}

/* The boundary behind the instruction that starts with @text, in @function; the nth. */
static const struct boundary *find(const char *function, const char *text, int n)
{
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (!strcmp(boundary->function, function) &&
		    !strncmp(boundary->instruction, text, strlen(text)) && !n--)
			return boundary;
	}
	return NULL;
}

/* The last boundary of @function that is ahead of all with @step. */
static const struct boundary *before_step(const char *function, const char *step)
{
	const struct boundary *before = NULL;

	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (strcmp(boundary->function, function))
			continue;
		if (boundary->step && !strcmp(boundary->step, step))
			return before;
		before = boundary;
	}
	return NULL;
}

static const struct boundary *behind(const struct boundary *boundary)
{
	return boundary ? at(boundary->section, boundary->section_offset + boundary->length) : NULL;
}

static const char *note(enum points_note_kind kind, const char *function)
{
	for (size_t i = 0; i < points_nr_notes(points); i++) {
		const struct points_note *note = points_note(points, i);

		if (note->kind == kind && !strcmp(note->function, function))
			return note->text;
	}
	return NULL;
}

static size_t count_unlisted(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < points_nr_notes(points); i++)
		nr += points_note(points, i)->kind == NOTE_UNLISTED;
	return nr;
}

/* The first VMX instruction of a function that is in no operation. */
static const struct boundary *other(const char *function)
{
	for (size_t i = 0; i < points_nr_others(points); i++) {
		if (!strcmp(points_other(points, i)->function, function))
			return points_other(points, i);
	}
	return NULL;
}

/* The raw point of a boundary leads to it. */
static bool is_found(const struct boundary *boundary)
{
	struct point point;
	char name[256];

	snprintf(name, sizeof(name), "%s+0x%x", boundary->function, boundary->offset);
	struct error *error = points_find(points, name, &point);
	bool good = !error && point.section_offset == boundary->section_offset &&
		    !strcmp(point.section, boundary->section) &&
		    point.offset == boundary->offset &&
		    !strcmp(point.function, boundary->function);

	if (!good)
		tap_diag("%s: %s", name, error ? error->message : "another place");
	error_free(error);
	return good;
}

static void test_complete(void)
{
	static const char *const functions[] = {
		"vmx_vcpu_load_vmcs", "__loaded_vmcs_clear", "copy_shadow_to_vmcs12",
		"vmx_hardware_enable", "vmx_hardware_disable", "cpu_vmxoff",
	};
	size_t good = 0, probe = 0;

	if (!open_module("complete", FLAGS "-DCOLD"))
		return;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		check_function(functions[i], ".text");
	check_function("vmx_vcpu_load_vmcs.cold", ".text.unlikely");
	check_function("__loaded_vmcs_clear.cold", ".text.unlikely");
	tap_ok(count("vmx_vcpu_load_vmcs.cold", "load") == count("vmx_vcpu_load_vmcs.cold", NULL) &&
	       count("vmx_vcpu_load_vmcs.cold", "list_add"),
	       "a cold part is of the operations of its function");
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		if (points_boundary(points, i)->probe) {
			probe++;
			good += is_found(points_boundary(points, i));
		}
	}
	tap_ok(probe && good == probe, "all %zu that can be probed are points", probe);
}

static void test_labels(void)
{
	static const char *const steps[] = { "0", "1", "2", "3", "4" };

	if (!open_module("labels", FLAGS "-DEXACT"))
		return;
	for (int i = 0; i < 5; i++) {
		char name[] = "list_add_0";

		name[strlen(name) - 1] += i;
		tap_ok(has_label(at(".text", symbol(name, NULL)), "list_add", steps[i]),
		       "%d stores of list_add() done: list_add/%d", i, i);
	}
	const struct boundary *vmptrld = find("vmx_vcpu_load_vmcs", "vmptrld", 0);

	tap_ok(has_label(vmptrld, "load", "current_vmcs") && vmptrld->effect == VMX_VMPTRLD,
	       "before VMPTRLD: the step before");
	tap_ok(has_label(behind(vmptrld), "load", "vmptrld"), "behind it: load/vmptrld");
	tap_ok(has_label(at(".text", symbol("vmx_vcpu_load_vmcs", NULL)), "load", NULL),
	       "at the entry no step has been done");
	tap_ok(has_label(find("vmx_vcpu_load_vmcs", "ret", 0), "load", NULL),
	       "where paths with different last steps meet there is none");
	tap_ok(has_label(before_step("vmx_vcpu_load_vmcs", "current_vmcs"), "load", NULL),
	       "nor where the list may have been left alone");
	tap_ok(has_label(at(".text", symbol("clear_current_vmcs", NULL)), "clear", "current_vmcs"),
	       "a step that is a place alone");
	tap_ok(boundary_is_of(vmptrld, operation_find("list_add")) &&
	       !boundary_is_of(vmptrld, operation_find("clear")),
	       "a function is of several operations, and not of the others");
}

static void test_sequence(void)
{
	static const char function[] = "copy_shadow_to_vmcs12", op[] = "shadow-to-vmcs12";

	if (!open_module("sequence", FLAGS "-DOUT_OF_LINE"))
		return;
	const struct boundary *load = find(function, "vmptrld", 0);

	tap_ok(has_label(load, op, NULL) && has_label(behind(load), op, "vmptrld"),
	       "a loop is behind the first of three steps");
	tap_ok(has_label(behind(find(function, "call vmcs_clear", 0)), op, "vmclear"),
	       "a call of a helper is the second");
	tap_ok(has_label(behind(find(function, "vmptrld", 1)), op, "vmptrld-back"),
	       "a second VMPTRLD is the third");
}

static void test_twins(void)
{
	const struct boundary *twin[2] = { NULL };

	if (!open_module("twins", FLAGS "-DOUT_OF_LINE"))
		return;
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (strcmp(boundary->function, "vmcs_clear") || boundary->effect != VMX_VMCLEAR)
			continue;
		twin[boundary_is_of(boundary, operation_find("shadow-to-vmcs12"))] = boundary;
	}
	tap_ok(twin[0] && twin[1] && twin[0] != twin[1],
	       "two functions of one name are helpers of different operations");
	tap_ok(twin[0] && boundary_is_of(twin[0], operation_find("clear")) &&
	       !boundary_is_of(twin[1], operation_find("clear")), "each of those that call it");
	tap_ok(twin[1] && twin[0]->section_offset - twin[0]->offset ==
	       twin[1]->section_offset - twin[1]->offset && is_found(twin[0]) && is_found(twin[1]),
	       "offsets of both are from the first one");
	tap_ok(twin[0] && twin[0]->operand && !strncmp(twin[0]->operand, "rsp", 3),
	       "the operand of VMCLEAR: %s", twin[0] ? twin[0]->operand : "");
}

static void test_wrapper(void)
{
	if (!open_module("wrapper", FLAGS "-DOUT_OF_LINE -DWRAPPER"))
		return;
	tap_ok(count("loaded_vmcs_init", "clear") && count("vmcs_clear", "clear"),
	       "a wrapper of a helper, and the helper, are of the operation");
	tap_ok(has_label(behind(find("__loaded_vmcs_clear", "call loaded_vmcs_init", 0)), "clear",
			 "vmclear"), "a step can be the call of a wrapper");
}

static void test_part(void)
{
	static const char part[] = "__loaded_vmcs_clear.part.0";
	const struct boundary *last = NULL;

	if (!open_module("part", FLAGS "-DPART"))
		return;
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (!strcmp(boundary->function, part) && boundary->op &&
		    !strcmp(boundary->op, "list_del") && boundary->step)
			last = boundary;
	}
	tap_ok(count(part, "clear") && count("__loaded_vmcs_clear", "clear"),
	       "both parts of a split function are of the operation");
	tap_ok(has_label(last, "list_del", "4"), "with the steps of the part");
}

static void test_inlined(void)
{
	uint64_t size, start;
	size_t inlined = 0, cleared = 0;

	if (!open_module("inlined", FLAGS))
		return;
	start = symbol("vmx_create_vcpu", &size);
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (strcmp(boundary->function, "vmx_create_vcpu"))
			continue;
		inlined += boundary->inlined && !strcmp(boundary->inlined, "alloc_loaded_vmcs") &&
			   has_label(boundary, "create", NULL);
		cleared += boundary->effect == VMX_VMCLEAR;
	}
	tap_ok(inlined && inlined == count("vmx_create_vcpu", NULL) && cleared == 1,
	       "a function of an operation that was inlined into another one is found there");
	tap_ok(!at(".text", start), "the rest of the other one is none of it");
	tap_ok(count("vmx_hardware_enable", "vmxon") &&
	       !find("vmx_hardware_enable", "vmxon", 0)->inlined,
	       "what is inlined into its own operation is nothing special");
	tap_ok(!note(NOTE_MISSING, "alloc_loaded_vmcs"), "and it is not said to be missing");
}

static void test_fault(void)
{
	if (!open_module("fault", FLAGS))
		return;
	const struct boundary *vmxon = find("vmx_hardware_enable", "vmxon", 0);

	tap_ok(has_label(behind(vmxon), "vmxon", "vmxon"), "behind VMXON it has been done");
	tap_ok(has_label(at(".text", symbol("vmxon_fault", NULL)), "vmxon", NULL),
	       "where its fault leads to it has not");
	const struct boundary *vmxoff = find("cpu_vmxoff", "vmxoff", 0);

	tap_ok(vmxoff && !vmxoff->probe && strstr(vmxoff->problem, "VMXOFF") &&
	       vmxoff->effect == VMX_VMXOFF, "VMXOFF cannot be probed: %s", vmxoff->problem);
	tap_ok(behind(vmxoff)->after_vmxoff && behind(vmxoff)->probe, "what is behind it can be");
}

static void test_hooks(void)
{
	size_t jump_labels = 0;

	if (!open_module("hooks", FLAGS "-DHOOKS"))
		return;
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		jump_labels += !boundary->probe && strstr(boundary->problem, "jump label") &&
			       !strcmp(boundary->function, "vmx_vcpu_load_vmcs");
	}
	tap_ok(jump_labels == 3, "each jump label cannot be probed, and says why");
	tap_ok(has_label(at(".text", symbol("jump_label_off", NULL)), "nested-on", "vmclear"),
	       "a jump label that is a jump can be none");
}

static void test_notes(void)
{
	if (!open_module("all-listed", FLAGS "-DOUT_OF_LINE"))
		return;
	/* probe_rules() of vmx.c is one of each. */
	tap_ok(count_unlisted() == 1 && note(NOTE_UNLISTED, "probe_rules"),
	       "what operations and the crash path do is not said to be unlisted");
	tap_ok(note(NOTE_CRASH_PATH, "vmx_emergency_disable") && !count("vmx_emergency_disable", NULL),
	       "the crash path is named, and not swept");
	tap_ok(note(NOTE_MISSING, "handle_vmwrite") && strstr(note(NOTE_MISSING, "handle_vmwrite"),
							      "vmwrite"),
	       "a function that this kernel does not have: %s", note(NOTE_MISSING, "handle_vmwrite"));
	tap_ok(!other("vmx_emergency_disable"),
	       "the crash path's VMX instructions are not followed");

	if (!open_module("strangers", FLAGS "-DSTRANGER -DLIST_USER"))
		return;
	tap_ok(note(NOTE_UNLISTED, "stranger") && !count("stranger", NULL),
	       "VMPTRLD in no operation: %s", note(NOTE_UNLISTED, "stranger"));
	tap_ok(other("stranger") && other("stranger")->effect == VMX_VMPTRLD &&
	       other("stranger")->operand, "which can be followed");
	tap_ok(note(NOTE_UNLISTED, "stranger_by_helper"), "a call of a helper: %s",
	       note(NOTE_UNLISTED, "stranger_by_helper"));
	tap_ok(note(NOTE_UNLISTED, "list_user"), "a use of the list: %s",
	       note(NOTE_UNLISTED, "list_user"));
}

static void test_driver_point(void)
{
	struct point point;

	if (!open_module("driver", FLAGS))
		return;
	struct error *error = points_find(points, "host/now", &point);

	tap_ok(!error && point.driver && !point.hook && !point.kprobe && !point.function,
	       "host/now is the driver's alone");
	error_free(error);
	error = points_find_kprobe(points, "host/now", &point);
	tap_ok(error, "and nothing to probe: %s", error ? error->message : "");
	error_free(error);
	tap_ok(points_is_known("host/now") && points_is_known("vmxon/vmxon") &&
	       !points_is_known("host/then"), "its name is known");
}

static void test_table(void)
{
	for (size_t i = 0; i < nr_operations; i++) {
		const struct operation *operation = &operations[i];

		tap_ok(operation_find(operation->name) == operation && operation->trigger &&
		       operation->situation && operation->meaning[0] &&
		       operation_bit(operation) == 1U << i, "operation %s", operation->name);
	}
	tap_ok(!operation_find("loa") && !operation_find(""), "others are not known");
}

int main(void)
{
	char command[512];
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_boundaries.XXXXXX", tmp ?: "/tmp");
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	test_table();
	test_complete();
	test_labels();
	test_sequence();
	test_twins();
	test_wrapper();
	test_part();
	test_inlined();
	test_fault();
	test_hooks();
	test_notes();
	test_driver_point();
	points_destroy(points);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	run(command);
	return tap_done();
}
