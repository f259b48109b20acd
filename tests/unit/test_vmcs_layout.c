// SPDX-License-Identifier: GPL-2.0-or-later
/* Layout files: those compiled in are sound, and one that is not says where. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/vmcs_layout.h"
#include "tests/unit/tap.h"

#define HEAD	"name X\nrevision 0x12\nsource me\nmemory cached\n"

static void test_built_in(void)
{
	struct vmcs_layouts layouts;
	bool good = !vmcs_layouts_init(NULL, &layouts), sourced = good;

	tap_ok(good, "the layouts that are compiled in can be read");
	for (size_t i = 0; i < layouts.nr; i++)
		sourced &= *layouts.layout[i].source &&
			   vmcs_layouts_find(&layouts, layouts.layout[i].revision_id) ==
				   &layouts.layout[i];
	tap_ok(sourced && layouts.nr, "each names its source and has a revision id of its own");
	const struct vmcs_layout *bochs = vmcs_layouts_find(&layouts, 0x2b);
	const struct vmcs_layout *sandy = vmcs_layouts_find(&layouts, 0x10);

	tap_ok(bochs && bochs->memory == VMCS_MEMORY_COHERENT &&
	       bochs->field[VMCS_LAUNCH_STATE].offset == 8 &&
	       bochs->field[VMCS_LAUNCH_STATE].size == 4, "Bochs has its launch state in byte 8");
	tap_ok(sandy && sandy->memory == VMCS_MEMORY_CACHED &&
	       !sandy->field[VMCS_LAUNCH_STATE].size,
	       "of real CPUs no launch state is claimed to be known");
	tap_ok(!vmcs_layouts_find(&layouts, 0x7777), "an unknown revision id has no layout");
	vmcs_layouts_deinit(&layouts);
}

static void test_own(void)
{
	char path[] = "/tmp/kdump-torture-layout-XXXXXX";
	FILE *out = fdopen(mkstemp(path), "w");
	struct vmcs_layouts layouts;

	fputs("name mine\nrevision 0x2b\nsource me\nmemory cached\n", out);
	fclose(out);
	struct error *err = vmcs_layouts_init(path, &layouts);

	unlink(path);
	tap_ok(!err && !strcmp(vmcs_layouts_find(&layouts, 0x2b)->name, "mine") &&
	       vmcs_layouts_find(&layouts, 0x10),
	       "a layout file counts before those that are compiled in");
	error_free(err);
	vmcs_layouts_deinit(&layouts);
}

static void test_error(const char *text, const char *message)
{
	struct vmcs_layout layout;
	struct error *err = vmcs_layout_parse("f", text, &layout);

	if (!tap_ok(err && strstr(err->message, message), "error: %s", message))
		tap_diag("%s", err ? err->message : "no error");
	error_free(err);
}

int main(void)
{
	struct vmcs_layout layout;
	struct error *err = vmcs_layout_parse("f", "# comment\r\n\r\n  " HEAD
					      "field host_rip 0xff8 8\r\n", &layout);

	tap_ok(!err && layout.revision_id == 0x12 && layout.memory == VMCS_MEMORY_CACHED &&
	       !strcmp(layout.name, "X") && layout.field[VMCS_HOST_RIP].offset == 0xff8,
	       "comments, empty lines, indentation and carriage returns are fine");
	error_free(err);
	test_built_in();
	test_error("name X\nrevision 1\nsource me\n", "f: no line \"memory ...\"");
	test_error("nonsense\n", "f:1: what is \"nonsense\"?");
	test_error(HEAD "name\n", "f:5: name of what?");
	test_error("revision 0x80000000\n", "f:1: \"0x80000000\" is no revision identifier");
	test_error("revision -1\n", "is no revision identifier");
	test_error("memory write-back\n", "memory is coherent, current or cached");
	test_error(HEAD "field host_rsp 8 8\n", "f:5: there is no field \"host_rsp\"");
	test_error(HEAD "field host_rip 8\n", "f:5: write \"field host_rip OFFSET SIZE\"");
	test_error(HEAD "field host_rip 8 8 8\n", "f:5: write \"field host_rip OFFSET SIZE\"");
	test_error(HEAD "field host_rip 0xffc 8\n", "f:5: host_rip has 2, 4 or 8 bytes");
	test_error(HEAD "field host_rip 8 3\n", "f:5: host_rip has 2, 4 or 8 bytes");
	test_error(HEAD "field host_rip 8 8\nfield host_rip 8 8\n", "f:6: host_rip comes twice");
	test_own();
	struct vmcs_layouts layouts;

	err = vmcs_layouts_init("/nonexistent", &layouts);
	tap_ok(err && strstr(err->message, "/nonexistent: cannot open"),
	       "a layout file that is not there is an error");
	error_free(err);
	return tap_done();
}
