// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/points.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/boundaries.h"
#include "inject/code.h"
#include "inject/module_info.h"
#include "inject/probe.h"
#include "inject/steps.h"
#include "inject/values.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* A function that points are looked for in. */
struct subject {
	const struct module_symbol *symbol;
	struct code *code;
	struct values *values;
};

struct points {
	struct module_info *info;
	struct subject *subject;
	size_t nr_subjects;
	struct point *point;
	size_t nr_points, nr_basic;
	struct found_step *step;
	size_t nr_steps;
	struct boundaries boundaries;
	char **string;		/* all that the points refer to */
	size_t nr_strings;
};

/* Let @points own @text; NULL is out of memory. */
static struct error *keep(struct points *points, char *text, const char **ret)
{
	char **grown = text ? reallocarray(points->string,
					   points->nr_strings + 1,
					   sizeof(*grown)) : NULL;

	if (!grown) {
		free(text);
		return &error_no_memory;
	}
	points->string = grown;
	points->string[points->nr_strings++] = text;
	*ret = text;
	return NULL;
}

static struct error *keep_format(struct points *points, const char **ret,
				 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static struct error *keep_format(struct points *points, const char **ret,
				 const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	return keep(points, text, ret);
}

static struct error *add_point(struct points *points, const char *name,
			       struct point **ret)
{
	struct point *grown = reallocarray(points->point, points->nr_points + 1,
					   sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	points->point = grown;
	*ret = &points->point[points->nr_points++];
	**ret = (struct point){ .name = name };
	return NULL;
}

/* The decoded function @symbol, which @points keeps. */
static struct error *get_subject(struct points *points,
				 const struct module_symbol *symbol,
				 const struct subject **ret)
{
	for (size_t i = 0; i < points->nr_subjects; i++) {
		if (points->subject[i].symbol == symbol) {
			*ret = &points->subject[i];
			return NULL;
		}
	}
	struct subject *grown = reallocarray(points->subject,
					     points->nr_subjects + 1,
					     sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	points->subject = grown;
	struct subject *subject = &points->subject[points->nr_subjects];

	*subject = (struct subject){ .symbol = symbol };
	struct error *err = code_create(points->info, symbol, &subject->code);

	if (!err)
		err = values_create(subject->code, &subject->values);
	if (err) {
		code_destroy(subject->code);
		return err;
	}
	points->nr_subjects++;
	*ret = subject;
	return NULL;
}

/* What is known of the instruction that a CPU stops before. */
static struct error *locate(struct points *points, const struct code *code,
			    size_t nr, struct point *point)
{
	const struct code_insn *insn = &code->insn[nr];
	const struct module_section *section = insn->function->section;
	const char *file;
	int line;

	point->function = insn->function->name;
	point->offset = insn->addr -
			function_base(code->info, insn->function)->addr;
	point->section = section->name;
	point->section_offset = insn->addr - section->addr;
	point->problem = probe_problem(code, nr);
	point->kprobe = !point->problem;
	if (module_info_source(points->info, insn->addr, &file, &line)) {
		point->file = file;
		point->line = line;
	}
	return keep(points, code_format(code, nr), &point->instruction);
}

/*
 * A jump label cannot be probed.  While it is off it is a no-op, and nothing
 * has happened yet behind it.
 */
static size_t skip_jump_labels(const struct code *code, size_t nr)
{
	while (nr + 1 < code->nr &&
	       code->insn[nr].decoded.mnemonic == ZYDIS_MNEMONIC_NOP &&
	       module_info_site(code->info, SITE_JUMP_LABEL,
				code->insn[nr].addr))
		nr++;
	return nr;
}

/* Where a CPU can come from that has not done it, or CODE_NONE. */
static size_t other_way(const struct code *code, const struct place *place)
{
	if (!place->nr_anchors)
		return CODE_NONE;
	for (size_t i = 0; i < code->nr_edges; i++) {
		const struct code_edge *edge = &code->edge[i];

		/* The anchors themselves are never reached around them. */
		if (edge->to == place->insn &&
		    code_reaches(code, 0, edge->from, place->anchor,
				 place->nr_anchors))
			return edge->from;
	}
	return CODE_NONE;
}

static struct error *add_note(struct points *points,
			      const struct search *search,
			      const struct place *place, struct point *point)
{
	const char *helper = place->helper ? place->helper->name : NULL;
	size_t other = other_way(search->code, place);

	if (other == CODE_NONE)
		return helper ? keep_format(points, &point->note,
					    "behind the call of %s()", helper) :
				NULL;
	const struct code_insn *insn = &search->code->insn[other];

	return keep_format(points, &point->note,
			   "%s%s%salso reached from %s+0x%" PRIx64 ", where it has not been done",
			   helper ? "behind the call of " : "",
			   helper ?: "", helper ? "(); " : "",
			   insn->function->name,
			   insn->addr - insn->function->addr);
}

static struct error *add_found(struct points *points,
			       const struct search *search, unsigned int nr)
{
	struct found_step *grown = reallocarray(points->step,
						points->nr_steps + 1,
						sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	points->step = grown;
	points->step[points->nr_steps++] = (struct found_step){
		.function = search->code->insn[0].function,
		.op = search->rule->op,
		.step = search->rule->steps[nr],
		.place = search->place[nr],
	};
	return NULL;
}

/* @problem: why the step was not found; NULL: it was. */
static struct error *add_step(struct points *points, struct search *search,
			      unsigned int nr, const char *problem,
			      const char *finding)
{
	const struct step_rule *rule = search->rule;
	const char *name;
	struct point *point;
	struct error *err = keep_format(points, &name, "%s/%s", rule->op,
					rule->steps[nr]);

	if (!err)
		err = add_point(points, name, &point);
	if (err)
		return err;
	point->op = rule->op;
	point->step = rule->steps[nr];
	point->problem = problem;
	point->finding = finding;
	if (problem)
		return NULL;
	struct place *place = &search->place[nr];

	err = add_found(points, search, nr);
	if (err)
		return err;
	place->insn = skip_jump_labels(search->code, place->insn);
	err = add_note(points, search, place, point);
	return err ? err : locate(points, search->code, place->insn, point);
}

static struct error *search_in(struct points *points,
			       const struct module_symbol *symbol,
			       struct search *search)
{
	const struct subject *subject;
	struct error *err = get_subject(points, symbol, &subject);

	if (err)
		return err;
	search->code = subject->code;
	search->values = subject->values;
	return search->rule->find(search);
}

/*
 * Look for the operation in all functions that can have it.
 * *@ret_problem: why it is in none; NULL: @search has it.
 */
static struct error *find_operation(struct points *points,
				    struct search *search,
				    const char **ret_problem)
{
	const struct step_rule *rule = search->rule;
	_cleanup_error_ struct error *problem = NULL;

	for (size_t i = 0; i < points->info->nr_symbols; i++) {
		const struct module_symbol *symbol = &points->info->symbol[i];

		if (!symbol_is_function(symbol, rule->function))
			continue;
		search_deinit(search);
		*search = (struct search){ .rule = rule };
		struct error *err = search_in(points, symbol, search);

		if (!err || err == &error_no_memory)
			return err;
		/* What is wrong with the function itself says most. */
		if (!problem || !strcmp(symbol->name, rule->function)) {
			error_free(problem);
			problem = err;
		} else {
			error_free(err);
		}
	}
	return keep_format(points, ret_problem, "%s",
			   problem ? problem->message :
				     "the module has no such function");
}

static struct error *add_rule(struct points *points,
			      const struct step_rule *rule)
{
	_cleanup_(search_deinit) struct search search = {
		.rule = rule,
	};
	const char *problem = NULL, *finding = NULL;
	struct error *err = find_operation(points, &search, &problem);

	if (!err && search.finding)
		err = keep_format(points, &finding, "%s", search.finding);
	for (unsigned int i = 0; !err && rule->steps[i]; i++)
		err = add_step(points, &search, i, problem, finding);
	return err;
}

static struct point *lookup(const struct points *points, const char *name)
{
	for (size_t i = 0; i < points->nr_points; i++) {
		if (!strcmp(points->point[i].name, name))
			return &points->point[i];
	}
	return NULL;
}

/* The string that the pointer at @addr in the module's data points to. */
static const char *read_string(const struct module_info *info, uint64_t addr)
{
	const struct module_reloc *reloc = module_info_reloc(info, addr,
							     addr + 1);
	const struct module_section *section =
		reloc ? reloc->symbol->section : NULL;

	if (!section || !section->data)
		return NULL;
	uint64_t at = reloc->symbol->addr - section->addr + reloc->addend;

	if (at >= section->size ||
	    !memchr(section->data + at, 0, section->size - at))
		return NULL;
	return (const char *)section->data + at;
}

/* Show where the hook is if it is all that is known of the point. */
static struct error *locate_hook(struct points *points, uint64_t key,
				 struct point *point)
{
	const struct module_site *site = NULL;

	for (size_t i = 0; !site && i < points->info->nr_sites; i++) {
		const struct module_site *candidate = &points->info->site[i];

		/* The lowest bits of the key's address are flags. */
		if (candidate->kind == SITE_JUMP_LABEL &&
		    (candidate->key & ~3ULL) == key)
			site = candidate;
	}
	const struct module_symbol *function =
		site ? module_info_symbol_at(points->info, site->addr) : NULL;

	if (!function)
		return NULL;
	const char *problem = point->problem;
	_cleanup_code_ struct code *code = NULL;
	struct error *err = code_create(points->info, function, &code);

	if (!err && code_find(code, site->addr) != CODE_NONE)
		err = locate(points, code, code_find(code, site->addr), point);
	if (problem)
		point->problem = problem;
	return err;
}

static struct error *add_hook(struct points *points, const char *name,
			      uint64_t key)
{
	struct point *point = lookup(points, name);
	struct error *err = NULL;

	if (!point) {
		const char *slash = strchr(name, '/');
		const char *op = NULL;

		err = keep(points, strndup(name, slash ? (size_t)(slash - name) :
							 strlen(name)), &op);
		if (!err)
			err = add_point(points, name, &point);
		if (err)
			return err;
		point->op = op;
		point->step = slash ? slash + 1 : "";
	}
	point->hook = true;
	return point->function ? NULL : locate_hook(points, key, point);
}

/* The names are a table of the crash-points patch, one a static key. */
static struct error *add_hooks(struct points *points)
{
	const struct module_info *info = points->info;
	const struct module_symbol *names =
		module_info_symbol(info, "vmx_crash_point_names");
	const struct module_symbol *keys =
		module_info_symbol(info, "vmx_crash_point_keys");

	if (!module_info_symbol(info, "vmx_crash_point_register"))
		return NULL;
	size_t nr = names ? names->size / sizeof(uint64_t) : 0;

	for (size_t i = 0; i < nr; i++) {
		const char *name = read_string(info, names->addr +
						     i * sizeof(uint64_t));

		if (!name)
			return error_new("%s: the names of its crash-point hooks cannot be read",
					 info->path);
		struct error *err = add_hook(points, name, keys ?
			keys->addr + i * (keys->size / nr) : 0);

		if (err)
			return err;
	}
	return nr ? NULL : error_new("%s: has crash-point hooks without names: they are not those of kernel-patch/",
				     info->path);
}

static struct error *add_driver_point(struct points *points)
{
	struct point *point;
	struct error *err = add_point(points, "host/now", &point);

	if (err)
		return err;
	point->op = "host";
	point->step = "now";
	point->driver = true;
	point->problem = "no place in the code, but wherever the CPU is";
	return NULL;
}

struct error *points_create(const char *module_path, struct points **ret)
{
	_cleanup_(cleanup_points) struct points *points =
		calloc(1, sizeof(*points));

	if (!points)
		return &error_no_memory;
	struct error *err = module_info_create(module_path, &points->info);

	for (size_t i = 0; !err && i < nr_basic_step_rules; i++)
		err = add_rule(points, &step_rules[i]);
	if (!err)
		err = add_hooks(points);
	points->nr_basic = points->nr_points;
	for (size_t i = nr_basic_step_rules; !err && i < nr_step_rules; i++)
		err = add_rule(points, &step_rules[i]);
	if (!err)
		err = add_driver_point(points);
	if (!err)
		err = boundaries_init(points->info, points->step,
				      points->nr_steps, &points->boundaries);
	if (err)
		return err;
	*ret = no_cleanup_ptr(points);
	return NULL;
}

void points_destroy(struct points *points)
{
	if (!points)
		return;
	for (size_t i = 0; i < points->nr_subjects; i++) {
		values_destroy(points->subject[i].values);
		code_destroy(points->subject[i].code);
	}
	for (size_t i = 0; i < points->nr_strings; i++)
		free(points->string[i]);
	free(points->string);
	boundaries_deinit(&points->boundaries);
	free(points->step);
	free(points->point);
	free(points->subject);
	module_info_destroy(points->info);
	free(points);
}

size_t points_nr(const struct points *points)
{
	return points->nr_basic;
}

size_t points_nr_all(const struct points *points)
{
	return points->nr_points;
}

size_t points_nr_boundaries(const struct points *points)
{
	return points->boundaries.nr;
}

const struct boundary *points_boundary(const struct points *points, size_t nr)
{
	return &points->boundaries.boundary[nr];
}

size_t points_nr_others(const struct points *points)
{
	return points->boundaries.nr_others;
}

const struct boundary *points_other(const struct points *points, size_t nr)
{
	return &points->boundaries.other[nr];
}

size_t points_nr_notes(const struct points *points)
{
	return points->boundaries.nr_notes;
}

const struct points_note *points_note(const struct points *points, size_t nr)
{
	return &points->boundaries.note[nr];
}

const struct point *points_get(const struct points *points, size_t nr)
{
	return &points->point[nr];
}

const char *points_release(const struct points *points)
{
	return points->info->release;
}

static struct error *parse_raw(const char *name, char **ret_function,
			       uint64_t *ret_offset)
{
	const char *plus = strchr(name, '+');
	char *end;

	errno = 0;
	*ret_offset = strtoull(plus + 1, &end, 16);
	if (plus == name || strncmp(plus, "+0x", 3) || end == plus + 3 ||
	    *end || errno)
		return error_new("point %s: not of the form FUNCTION+0xOFF", name);
	*ret_function = strndup(name, plus - name);
	return *ret_function ? NULL : &error_no_memory;
}

/* @offset lies inside an instruction: name those that it could have meant. */
static struct error *error_boundary(const struct code *code, const char *name,
				    uint64_t base, uint64_t offset)
{
	const struct module_symbol *function = code->insn[0].function;
	size_t nr = 0;

	while (nr + 1 < code->nr &&
	       code->insn[nr + 1].function == function &&
	       code->insn[nr + 1].addr - base < offset)
		nr++;
	const struct code_insn *insn = &code->insn[nr];
	uint64_t start = insn->addr - base;
	_cleanup_free_ char *text = code_format(code, nr);

	return error_new("point %s: inside the instruction '%s'; the nearest boundaries are %s+0x%" PRIx64 " and %s+0x%" PRIx64,
			 name, text ? text : "?", function->name, start,
			 function->name, start + insn->decoded.length);
}

/*
 * The function that the instruction @offset bytes behind the start of @function
 * is in: that one itself, or another of the same name, which no name leads to.
 */
static struct error *find_raw(struct points *points, const char *name,
			      const char *function_name, uint64_t offset,
			      const struct module_symbol **ret)
{
	const struct module_info *info = points->info;
	const struct module_symbol *first = NULL;

	for (size_t i = 0; !first && i < info->nr_symbols; i++) {
		const struct module_symbol *symbol = &info->symbol[i];

		if (symbol->function && symbol->section && symbol->size &&
		    !strcmp(symbol->name, function_name))
			first = symbol;
	}
	if (!first)
		return module_info_function(info, function_name, ret);
	*ret = offset < first->size ? first :
		module_info_symbol_at(info, first->addr + offset);
	if (!*ret || (*ret)->section != first->section ||
	    strcmp((*ret)->name, function_name))
		return error_new("point %s: %s() is only 0x%" PRIx64 " bytes long",
				 name, function_name, first->size);
	return NULL;
}

static struct error *resolve_raw(struct points *points, const char *name,
				 struct point *ret)
{
	_cleanup_free_ char *function_name = NULL;
	_cleanup_code_ struct code *code = NULL;
	const struct module_symbol *function;
	uint64_t offset;
	struct error *err = parse_raw(name, &function_name, &offset);

	if (!err)
		err = find_raw(points, name, function_name, offset, &function);
	if (!err)
		err = code_create(points->info, function, &code);
	if (err)
		return err;
	uint64_t start = function_base(points->info, function)->addr;
	size_t nr = code_find(code, start + offset);

	if (nr == CODE_NONE)
		return error_boundary(code, name, start, offset);
	*ret = (struct point){ 0 };
	err = keep_format(points, &ret->name, "%s", name);
	return err ? err : locate(points, code, nr, ret);
}

static struct error *error_unknown(const char *name)
{
	return error_new("point %s: neither an OP/STEP nor FUNCTION+0xOFF; 'kdump-torture points' lists them",
			 name);
}

static struct error *resolve(struct points *points, const char *name,
			     struct point *ret)
{
	if (strchr(name, '+'))
		return resolve_raw(points, name, ret);
	const struct point *point = lookup(points, name);

	if (!point)
		return error_unknown(name);
	*ret = *point;
	return NULL;
}

struct error *points_find(struct points *points, const char *name,
			  struct point *ret)
{
	struct error *err = resolve(points, name, ret);

	if (err || ret->hook || ret->kprobe || ret->driver)
		return err;
	return error_new("point %s: cannot be used in this kernel: %s", name,
			 ret->problem);
}

struct error *points_find_kprobe(struct points *points, const char *name,
				 struct point *ret)
{
	struct error *err = resolve(points, name, ret);

	if (err || ret->kprobe)
		return err;
	return error_new("point %s: no kprobe is possible there: %s", name,
			 ret->problem);
}

bool points_is_known(const char *name)
{
	if (!strcmp(name, "host/now"))
		return true;
	for (size_t i = 0; i < nr_step_rules; i++) {
		const struct step_rule *rule = &step_rules[i];
		size_t length = strlen(rule->op);

		if (strncmp(name, rule->op, length) || name[length] != '/')
			continue;
		for (unsigned int nr = 0; rule->steps[nr]; nr++) {
			if (!strcmp(name + length + 1, rule->steps[nr]))
				return true;
		}
	}
	return false;
}

struct error *points_layout(const char *module_path, char **ret)
{
	static const struct {
		const char *key, *member;
	} fields[] = {
		{ "list_link", "loaded_vmcss_on_cpu_link" },
		{ "vmcs", "vmcs" },
		{ "shadow_vmcs", "shadow_vmcs" },
		{ "cpu", "cpu" },
		{ "launched", "launched" },
	};
	_cleanup_module_info_ struct module_info *info = NULL;
	struct error *err = module_info_create(module_path, &info);
	char text[256];
	size_t length = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(fields); i++) {
		uint64_t offset = 0, size;

		err = module_info_member(info, "loaded_vmcs", fields[i].member,
					 &offset, &size);
		length += snprintf(text + length, sizeof(text) - length,
				   "%s%s=%" PRIu64, i ? " " : "",
				   fields[i].key, offset);
	}
	if (err)
		return err;
	*ret = strdup(text);
	return *ret ? NULL : &error_no_memory;
}
