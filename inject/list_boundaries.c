// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/list_boundaries.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "inject/points.h"

static bool is_selected(const struct boundary *boundary, const struct operation *operation)
{
	return !operation || boundary_is_of(boundary, operation);
}

static const char *effect_name(enum vmx_effect effect)
{
	static const char *const names[] = {
		[VMX_VMPTRLD] = "vmptrld", [VMX_VMCLEAR] = "vmclear",
		[VMX_VMXON] = "vmxon", [VMX_VMXOFF] = "vmxoff",
	};

	return names[effect];
}

enum column {
	COLUMN_OFFSET,
	COLUMN_LENGTH,
	COLUMN_STEP,
	COLUMN_INSTRUCTION,
	COLUMN_SOURCE,
	COLUMN_NOTE,
	NR_COLUMNS
};

static void format_cell(const struct boundary *boundary, enum column column, char *ret,
			size_t size)
{
	*ret = '\0';
	switch (column) {
	case COLUMN_OFFSET:
		snprintf(ret, size, "+0x%x", boundary->offset);
		break;
	case COLUMN_LENGTH:
		snprintf(ret, size, "%u", boundary->length);
		break;
	case COLUMN_STEP:
		snprintf(ret, size, "%s%s%s", boundary->op, boundary->step ? "/" : "",
			 boundary->step ?: "");
		break;
	case COLUMN_INSTRUCTION:
		snprintf(ret, size, "%s", boundary->instruction);
		break;
	case COLUMN_SOURCE:
		if (boundary->file)
			snprintf(ret, size, "%s:%d", boundary->file, boundary->line);
		break;
	case COLUMN_NOTE:
		snprintf(ret, size, "%s%s%s%s", boundary->inlined ? "inlined " : "",
			 boundary->inlined ?: "", boundary->inlined && boundary->problem ? "; " : "",
			 boundary->problem ?: "");
		break;
	case NR_COLUMNS:
		break;
	}
}

/* The boundaries from @first on that are of the same function. */
static size_t function_end(const struct points *points, size_t first)
{
	const char *function = points_boundary(points, first)->function;
	size_t end = first + 1;

	while (end < points_nr_boundaries(points) &&
	       !strcmp(points_boundary(points, end)->function, function))
		end++;
	return end;
}

static void print_row(const struct boundary *boundary, const size_t *width)
{
	char cell[512];

	for (enum column column = 0; column < NR_COLUMNS; column++) {
		format_cell(boundary, column, cell, sizeof(cell));
		/* Nothing is aligned behind the last one. */
		printf("%s%-*s", column ? "  " : "", column == COLUMN_NOTE ? 0 : (int)width[column],
		       cell);
	}
	putchar('\n');
}

static void print_title(const struct points *points, const struct operation *operation,
			size_t first, size_t end)
{
	unsigned int set = 0;
	size_t nr = 0, probe = 0;

	for (size_t i = first; i < end; i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (!is_selected(boundary, operation))
			continue;
		set |= boundary->operations;
		nr++;
		probe += boundary->probe;
	}
	printf("%s():", points_boundary(points, first)->function);
	for (size_t i = 0; i < nr_operations; i++) {
		if (set & operation_bit(&operations[i]))
			printf(" %s", operations[i].name);
	}
	printf("; %zu boundaries, kprobes at %zu\n", nr, probe);
}

static void print_function(const struct points *points, const struct operation *operation,
			   size_t first, size_t end)
{
	size_t width[NR_COLUMNS] = { 0 };
	char cell[512];

	for (size_t i = first; i < end; i++) {
		for (enum column column = 0; column < NR_COLUMNS; column++) {
			format_cell(points_boundary(points, i), column, cell, sizeof(cell));
			if (strlen(cell) > width[column])
				width[column] = strlen(cell);
		}
	}
	print_title(points, operation, first, end);
	for (size_t i = first; i < end; i++) {
		if (is_selected(points_boundary(points, i), operation))
			print_row(points_boundary(points, i), width);
	}
	putchar('\n');
}

void list_boundaries(const struct points *points, const struct operation *operation)
{
	for (size_t first = 0, end; first < points_nr_boundaries(points); first = end) {
		bool any = false;

		end = function_end(points, first);
		for (size_t i = first; i < end; i++)
			any = any || is_selected(points_boundary(points, i), operation);
		if (any)
			print_function(points, operation, first, end);
	}
	for (size_t i = 0; i < points_nr_notes(points); i++)
		printf("Note: %s\n", points_note(points, i)->text);
}

static json_t *operation_json(const struct operation *operation)
{
	json_t *functions = json_array();

	for (const char *const *names = operation->functions; *names; names++)
		json_array_append_new(functions, json_string(*names));
	return json_pack("{s:s, s:o, s:s, s:s, s:s}", "name", operation->name, "functions",
			 functions, "trigger", operation->trigger, "situation",
			 operation->situation, "meaning", operation->meaning);
}

static json_t *boundary_json(const struct boundary *boundary)
{
	json_t *set = json_array();

	for (size_t i = 0; i < nr_operations; i++) {
		if (boundary_is_of(boundary, &operations[i]))
			json_array_append_new(set, json_string(operations[i].name));
	}
	json_t *object = json_pack(
		"{s:s, s:i, s:i, s:s, s:I, s:o, s:s?, s:s?, s:s?, s:s, s:b, s:s?, s:s?, s:s?}",
		"function", boundary->function, "offset", (int)boundary->offset, "length",
		(int)boundary->length, "section", boundary->section, "section_offset",
		(json_int_t)boundary->section_offset, "operations", set, "op", boundary->op,
		"step", boundary->step, "inlined", boundary->inlined, "instruction",
		boundary->instruction, "probe", boundary->probe, "problem", boundary->problem,
		"effect", effect_name(boundary->effect), "operand", boundary->operand);

	if (object && boundary->file) {
		json_object_set_new(object, "file", json_string(boundary->file));
		json_object_set_new(object, "line", json_integer(boundary->line));
	}
	return object;
}

static json_t *note_json(const struct points_note *note)
{
	static const char *const kinds[] = {
		[NOTE_UNLISTED] = "unlisted", [NOTE_CRASH_PATH] = "crash-path",
		[NOTE_MISSING] = "missing",
	};

	return json_pack("{s:s, s:s, s:s}", "kind", kinds[note->kind], "function",
			 note->function, "text", note->text);
}

struct error *list_boundaries_json(const struct points *points,
				   const struct operation *operation, const char *module)
{
	json_t *known = json_array(), *boundaries = json_array(), *others = json_array();
	json_t *notes = json_array();

	for (size_t i = 0; i < nr_operations; i++)
		json_array_append_new(known, operation_json(&operations[i]));
	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (is_selected(boundary, operation))
			json_array_append_new(boundaries, boundary_json(boundary));
	}
	for (size_t i = 0; i < points_nr_others(points); i++)
		json_array_append_new(others, boundary_json(points_other(points, i)));
	for (size_t i = 0; i < points_nr_notes(points); i++)
		json_array_append_new(notes, note_json(points_note(points, i)));
	json_t *root = json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o}", "module", module, "release",
				 points_release(points), "operations", known, "boundaries",
				 boundaries, "others", others, "notes", notes);

	if (!root)
		return &error_no_memory;
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return NULL;
}
