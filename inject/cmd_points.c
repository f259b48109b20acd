// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/commands.h"
#include "inject/kernel_build.h"
#include "inject/list_boundaries.h"
#include "inject/points.h"

static const char help[] =
"Usage: kdump-torture points [OPTION...] [POINT...]\n"
"List the crash points of a kernel, or look at single ones: OP/STEP or\n"
"FUNCTION+0xOFF of its kvm-intel.ko.\n"
"\n"
"  -k, --kernel KERNEL    fixed (default), a mutant (bitmap), or a built kernel tree\n"
"  -m, --module FILE      this kvm-intel.ko instead\n"
"      --op OP            only this operation: list_add, list_del, load, clear, create,\n"
"                         vmxon, vmxoff, ... (see kdump-torture-points(1))\n"
"  -b, --boundaries       every place between two instructions of the operations'\n"
"                         functions, with the step that has been done there\n"
"  -j, --json             JSON instead of the table\n"
"  -h, --help             this text\n"
"\n"
"VIA says what can stop a CPU there: a hook of the crash-points patch, a kprobe,\n"
"or nothing. ADDRESS is that of the instruction that is not executed yet.\n"
"\n"
"Exit status: 0 listed, 2 usage or set-up error, or a POINT that cannot be used.\n";

enum {
	OPT_OP = 256,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "module", required_argument, NULL, 'm' },
	{ "op", required_argument, NULL, OPT_OP },
	{ "boundaries", no_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct options {
	const char *kernel;
	const char *module;
	const char *op;
	bool boundaries;
	bool json;
};

enum column {
	COLUMN_POINT,
	COLUMN_VIA,
	COLUMN_ADDRESS,
	COLUMN_INSTRUCTION,
	COLUMN_SOURCE,
	COLUMN_NOTE,
	NR_COLUMNS
};

/* What is to be listed. */
struct selection {
	struct point *point;
	size_t nr;
};

static void cleanup_selection(struct selection *selection)
{
	free(selection->point);
}

static const char *via(const struct point *point)
{
	if (point->driver)
		return "driver";
	if (point->hook)
		return point->kprobe ? "hook,kprobe" : "hook";
	return point->kprobe ? "kprobe" : "-";
}

static void format_cell(const struct point *point, enum column column,
			char *ret, size_t size)
{
	*ret = '\0';
	switch (column) {
	case COLUMN_POINT:
		snprintf(ret, size, "%s", point->name);
		break;
	case COLUMN_VIA:
		snprintf(ret, size, "%s", via(point));
		break;
	case COLUMN_ADDRESS:
		if (point->function)
			snprintf(ret, size, "%s+0x%x", point->function,
				 point->offset);
		break;
	case COLUMN_INSTRUCTION:
		if (point->function)
			snprintf(ret, size, "%s", point->instruction);
		break;
	case COLUMN_SOURCE:
		if (point->file)
			snprintf(ret, size, "%s:%d", point->file, point->line);
		break;
	case COLUMN_NOTE:
		snprintf(ret, size, "%s%s%s",
			 point->problem ? point->problem : "",
			 point->problem && point->note ? "; " : "",
			 point->note ? point->note : "");
		break;
	case NR_COLUMNS:
		break;
	}
}

static void print_row(char cell[NR_COLUMNS][512], const size_t *width)
{
	int last = NR_COLUMNS - 1;

	while (last > 0 && !*cell[last])
		last--;
	for (int column = 0; column < last; column++)
		printf("%-*s  ", (int)width[column], cell[column]);
	printf("%s\n", cell[last]);
}

static void print_table(const struct selection *selection)
{
	static const char *const titles[] = {
		"POINT", "VIA", "ADDRESS", "INSTRUCTION", "SOURCE", "NOTE"
	};
	size_t width[NR_COLUMNS];
	char cell[NR_COLUMNS][512];

	for (enum column column = 0; column < NR_COLUMNS; column++) {
		width[column] = strlen(titles[column]);
		for (size_t i = 0; i < selection->nr; i++) {
			format_cell(&selection->point[i], column, *cell,
				    sizeof(*cell));
			if (strlen(*cell) > width[column])
				width[column] = strlen(*cell);
		}
	}
	for (enum column column = 0; column < NR_COLUMNS; column++)
		snprintf(cell[column], sizeof(*cell), "%s", titles[column]);
	print_row(cell, width);
	for (size_t i = 0; i < selection->nr; i++) {
		for (enum column column = 0; column < NR_COLUMNS; column++)
			format_cell(&selection->point[i], column, cell[column],
				    sizeof(*cell));
		print_row(cell, width);
	}
}

/* Each once: all steps of an operation have the same one. */
static void print_findings(const struct selection *selection)
{
	const char *last = NULL;

	for (size_t i = 0; i < selection->nr; i++) {
		const char *finding = selection->point[i].finding;

		if (finding && finding != last)
			printf("Finding: %s\n", finding);
		last = finding;
	}
}

static json_t *point_json(const struct point *point)
{
	json_t *via_list = json_array();
	json_t *object = json_object();

	if (point->hook)
		json_array_append_new(via_list, json_string("hook"));
	if (point->kprobe)
		json_array_append_new(via_list, json_string("kprobe"));
	if (point->driver)
		json_array_append_new(via_list, json_string("driver"));
	json_object_set_new(object, "name", json_string(point->name));
	json_object_set_new(object, "op", json_pack("s?", point->op));
	json_object_set_new(object, "step", json_pack("s?", point->step));
	json_object_set_new(object, "via", via_list);
	if (point->function) {
		json_object_set_new(object, "function",
				    json_string(point->function));
		json_object_set_new(object, "offset",
				    json_integer(point->offset));
		json_object_set_new(object, "section",
				    json_string(point->section));
		json_object_set_new(object, "section_offset",
				    json_integer(point->section_offset));
		json_object_set_new(object, "instruction",
				    json_string(point->instruction));
	}
	if (point->file) {
		json_object_set_new(object, "file", json_string(point->file));
		json_object_set_new(object, "line", json_integer(point->line));
	}
	json_object_set_new(object, "problem", json_pack("s?", point->problem));
	json_object_set_new(object, "note", json_pack("s?", point->note));
	json_object_set_new(object, "finding", json_pack("s?", point->finding));
	return object;
}

static struct error *print_json(const char *module, const char *release,
				const struct selection *selection)
{
	json_t *list = json_array();

	for (size_t i = 0; i < selection->nr; i++)
		json_array_append_new(list, point_json(&selection->point[i]));
	json_t *root = json_pack("{s:s, s:s?, s:o}", "module", module,
				 "release", release, "points", list);

	if (!root)
		return &error_no_memory;
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return NULL;
}

static struct error *error_operation(const char *op)
{
	return error_new("--op %s: no such operation; kdump-torture-points(1) lists them", op);
}

/* The points asked for by name, or else all of the operation. */
static struct error *select_points(const struct options *options,
				   struct points *points, char **names,
				   size_t nr_names, struct selection *ret)
{
	size_t nr = options->op ? points_nr_all(points) : points_nr(points);

	ret->point = calloc(nr_names + nr, sizeof(*ret->point));
	if (!ret->point)
		return &error_no_memory;
	for (size_t i = 0; i < nr_names; i++) {
		struct error *err = points_find(points, names[i],
						&ret->point[ret->nr++]);

		if (err)
			return err;
	}
	for (size_t i = 0; !nr_names && i < nr; i++) {
		const struct point *point = points_get(points, i);

		if (!options->op || !strcmp(point->op, options->op))
			ret->point[ret->nr++] = *point;
	}
	if (ret->nr)
		return NULL;
	return operation_find(options->op) ?
		error_new("--op %s: has no steps with names of their own; use --boundaries",
			  options->op) :
		error_operation(options->op);
}

static struct error *list_all_boundaries(const struct options *options,
					 const struct points *points, const char *module)
{
	const struct operation *operation =
		options->op ? operation_find(options->op) : NULL;

	if (options->op && !operation)
		return error_operation(options->op);
	if (!points_nr_boundaries(points))
		return error_new("%s: has none of the functions that operations are known by: is it kvm-intel.ko?",
				 module);
	if (options->json)
		return list_boundaries_json(points, operation, module);
	list_boundaries(points, operation);
	return NULL;
}

static struct error *list_points(const struct options *options, char **names,
				 size_t nr_names)
{
	_cleanup_(cleanup_points) struct points *points = NULL;
	_cleanup_(cleanup_selection) struct selection selection = { 0 };
	_cleanup_free_ char *path = NULL;
	const char *module = options->module;
	struct error *err = NULL;

	if (!module) {
		err = kernel_module_path(options->kernel, "kvm-intel", &path);
		module = path;
	}
	if (!err)
		err = points_create(module, &points);
	if (!err && options->boundaries)
		return list_all_boundaries(options, points, module);
	if (!err)
		err = select_points(options, points, names, nr_names,
				    &selection);
	if (err)
		return err;
	if (options->json)
		return print_json(module, points_release(points), &selection);
	print_table(&selection);
	print_findings(&selection);
	return NULL;
}

int cmd_points(int argc, char **argv)
{
	struct options options = { .kernel = "fixed" };
	int option;

	while ((option = getopt_long(argc, argv, "k:m:bjh", long_options,
				     NULL)) != -1) {
		switch (option) {
		case 'k':
			options.kernel = optarg;
			break;
		case 'm':
			options.module = optarg;
			break;
		case OPT_OP:
			options.op = optarg;
			break;
		case 'b':
			options.boundaries = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_PASS;
		default:
			error_report(error_new("see 'kdump-torture points --help'"));
			return STATUS_USAGE;
		}
	}
	struct error *err;

	if (options.op && optind < argc)
		err = error_new("--op %s: goes without a POINT", options.op);
	else if (options.boundaries && optind < argc)
		err = error_new("--boundaries: goes without a POINT");
	else
		err = list_points(&options, argv + optind, argc - optind);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return STATUS_PASS;
}
