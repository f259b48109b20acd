// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/boundaries.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/probe.h"

/* Names of functions of all operations, all alternatives of each. */
#define MAX_NAMES	64

/* A function with its cold part, that has code of operations. */
struct region {
	const struct module_symbol *function;
	unsigned int operations; /* set, of all of it; 0: of what was inlined alone */
	struct code *code;
};

struct finder {
	const struct module_info *info;
	const struct found_step *step;
	size_t nr_steps;
	struct region *region;
	size_t nr_regions;
	const char *name[MAX_NAMES + 1];
	unsigned int name_operations[MAX_NAMES];
	size_t nr_names;
	struct module_range *range;
	size_t nr_ranges;
	struct boundaries *ret;
};

static void finder_deinit(struct finder *finder)
{
	for (size_t i = 0; i < finder->nr_regions; i++)
		code_destroy(finder->region[i].code);
	free(finder->region);
	free(finder->range);
}

static bool is_name(const char *name, const char *names)
{
	for (;;) {
		size_t length = strcspn(names, "|");

		if (!strncmp(name, names, length) &&
		    (!name[length] ||
		     (name[length] == '.' && !strstr(name + length, ".cold"))))
			return true;
		if (!names[length])
			return false;
		names += length + 1;
	}
}

bool symbol_is_function(const struct module_symbol *symbol, const char *names)
{
	return symbol->function && symbol->section && symbol->size && is_name(symbol->name, names);
}

const struct module_symbol *function_base(const struct module_info *info,
					  const struct module_symbol *function)
{
	for (size_t i = 0; i < info->nr_symbols; i++) {
		const struct module_symbol *symbol = &info->symbol[i];

		if (symbol->section && !strcmp(symbol->name, function->name))
			return symbol->section == function->section ? symbol : function;
	}
	return function;
}

static bool is_crash_path(const struct module_symbol *symbol)
{
	for (const char *const *name = crash_path_functions; *name; name++) {
		if (symbol_is_function(symbol, *name))
			return true;
	}
	return false;
}

static bool is_init(const struct module_symbol *symbol)
{
	return !strcmp(symbol->section->name, ".init.text");
}

/* Let @boundaries own @text; NULL is out of memory. */
static struct error *keep(struct boundaries *boundaries, char *text, const char **ret)
{
	char **grown = text ? reallocarray(boundaries->string, boundaries->nr_strings + 1,
					   sizeof(*grown)) : NULL;

	if (!grown) {
		free(text);
		return &error_no_memory;
	}
	boundaries->string = grown;
	boundaries->string[boundaries->nr_strings++] = text;
	*ret = text;
	return NULL;
}

static struct error *add_note(struct boundaries *boundaries, enum points_note_kind kind,
			      const char *function, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static struct error *add_note(struct boundaries *boundaries, enum points_note_kind kind,
			      const char *function, const char *format, ...)
{
	struct points_note *grown = reallocarray(boundaries->note, boundaries->nr_notes + 1,
						 sizeof(*grown));
	const char *text = NULL;
	char *formatted;
	va_list ap;

	if (!grown)
		return &error_no_memory;
	boundaries->note = grown;
	va_start(ap, format);
	if (vasprintf(&formatted, format, ap) < 0)
		formatted = NULL;
	va_end(ap);
	struct error *err = keep(boundaries, formatted, &text);

	if (!err)
		boundaries->note[boundaries->nr_notes++] =
			(struct points_note){ kind, function, text };
	return err;
}

static struct region *find_region(struct finder *finder, const struct module_symbol *function)
{
	for (size_t i = 0; i < finder->nr_regions; i++) {
		/* One function can have several names. */
		if (finder->region[i].function->addr == function->addr)
			return &finder->region[i];
	}
	return NULL;
}

static struct error *add_region(struct finder *finder, const struct module_symbol *function,
				unsigned int operations)
{
	struct region *region = find_region(finder, function);

	if (region) {
		region->operations |= operations;
		return NULL;
	}
	struct region *grown = reallocarray(finder->region, finder->nr_regions + 1,
					    sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	finder->region = grown;
	region = &finder->region[finder->nr_regions];
	*region = (struct region){ .function = function, .operations = operations };
	struct error *err = code_create(finder->info, function, &region->code);

	if (!err)
		finder->nr_regions++;
	return err;
}

/* One name of a function of the operation. */
static struct error *add_name(struct finder *finder, const char *name, unsigned int operation)
{
	size_t nr = 0;

	while (nr < finder->nr_names && strcmp(finder->name[nr], name))
		nr++;
	if (nr == MAX_NAMES)
		return error_new("operations: more than %d functions", MAX_NAMES);
	if (nr == finder->nr_names)
		finder->name[finder->nr_names++] = name;
	finder->name_operations[nr] |= operation;
	return NULL;
}

static struct error *collect_names(struct finder *finder)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < nr_operations; i++) {
		const struct operation *operation = &operations[i];

		for (const char *const *names = operation->functions; !err && *names; names++) {
			const char *name = *names;

			while (!err && *name) {
				size_t length = strcspn(name, "|");
				const char *one = NULL;

				err = keep(finder->ret, strndup(name, length), &one);
				if (!err)
					err = add_name(finder, one, operation_bit(operation));
				name += length + (name[length] == '|');
			}
		}
	}
	return err;
}

static struct error *find_functions(struct finder *finder)
{
	struct error *err = NULL;

	for (size_t nr = 0; nr < finder->nr_names; nr++) {
		for (size_t i = 0; !err && i < finder->info->nr_symbols; i++) {
			const struct module_symbol *symbol = &finder->info->symbol[i];

			if (symbol_is_function(symbol, finder->name[nr]))
				err = add_region(finder, symbol, finder->name_operations[nr]);
		}
	}
	return err;
}

static unsigned int operations_of(const struct finder *finder, const char *name)
{
	for (size_t i = 0; i < finder->nr_names; i++) {
		if (!strcmp(finder->name[i], name))
			return finder->name_operations[i];
	}
	return 0;
}

/* The function whose code, or cold code, @addr is. */
static const struct module_symbol *function_at(const struct finder *finder, uint64_t addr)
{
	const struct module_symbol *symbol = module_info_symbol_at(finder->info, addr);
	const char *cold = symbol && symbol->function ? strstr(symbol->name, ".cold") : NULL;

	if (!symbol || !symbol->function)
		return NULL;
	for (size_t i = 0; cold && i < finder->info->nr_symbols; i++) {
		const struct module_symbol *warm = &finder->info->symbol[i];
		size_t length = cold - symbol->name;

		if (warm->function && warm->section && warm->size &&
		    !strncmp(warm->name, symbol->name, length) && !warm->name[length])
			return warm;
	}
	return symbol;
}

static struct error *find_inlined(struct finder *finder)
{
	struct error *err = module_info_inlined_ranges(finder->info, finder->name,
						       &finder->range, &finder->nr_ranges);

	for (size_t i = 0; !err && i < finder->nr_ranges; i++) {
		const struct module_symbol *function =
			function_at(finder, finder->range[i].start);

		if (function && !is_crash_path(function))
			err = add_region(finder, function, 0);
	}
	return err;
}

static enum vmx_effect effect_of(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_VMPTRLD:
		return VMX_VMPTRLD;
	case ZYDIS_MNEMONIC_VMCLEAR:
		return VMX_VMCLEAR;
	case ZYDIS_MNEMONIC_VMXON:
		return VMX_VMXON;
	case ZYDIS_MNEMONIC_VMXOFF:
		return VMX_VMXOFF;
	default:
		return VMX_NONE;
	}
}

/* The inlined function of an operation that the code at @addr is of; or NULL. */
static const char *inlined_at(const struct finder *finder, uint64_t addr,
			      unsigned int *ret_operations)
{
	const char *name = NULL;

	*ret_operations = 0;
	for (size_t i = 0; i < finder->nr_ranges; i++) {
		if (addr < finder->range[i].start || addr >= finder->range[i].end)
			continue;
		name = finder->range[i].name;
		*ret_operations |= operations_of(finder, name);
	}
	return name;
}

static unsigned int operations_at(const struct finder *finder, const struct region *region,
				  uint64_t addr, const char **ret_inlined)
{
	unsigned int operations;
	const char *inlined = inlined_at(finder, addr, &operations);

	/* A part of an operation inlined into the rest of it is nothing special. */
	*ret_inlined = operations & ~region->operations ? inlined : NULL;
	return operations | region->operations;
}

/* Whether @function is no operation's by its own name, and not the crash's. */
static bool is_anonymous(const struct finder *finder, const struct module_symbol *function)
{
	for (size_t i = 0; i < finder->nr_names; i++) {
		if (symbol_is_function(function, finder->name[i]))
			return false;
	}
	return !is_crash_path(function);
}

/*
 * Whether @function executes VMX instructions, or calls who does: wrappers of
 * helpers are left out of line, too.
 */
static struct error *function_has_effect(const struct finder *finder,
					 const struct module_symbol *function, bool wrapper,
					 bool *ret)
{
	_cleanup_code_ struct code *code = NULL;
	struct error *err = code_decode(finder->info, function, &code);

	*ret = false;
	for (size_t i = 0; !err && !*ret && i < code->nr; i++)
		*ret = effect_of(code->insn[i].decoded.mnemonic) != VMX_NONE;
	for (size_t i = 0; !err && !*ret && wrapper && i < code->nr; i++) {
		const struct module_symbol *callee = steps_callee(finder->info, &code->insn[i]);

		if (callee && is_anonymous(finder, callee))
			err = function_has_effect(finder, callee, false, ret);
	}
	return err;
}

/*
 * A function that an operation calls to execute a VMX instruction is code of
 * the operation; vmcs_clear() is inlined by one compiler and not by another.
 */
static struct error *find_helpers_of(struct finder *finder, size_t nr)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < finder->region[nr].code->nr; i++) {
		const struct region *region = &finder->region[nr];
		const struct code_insn *insn = &region->code->insn[i];
		const struct module_symbol *callee = steps_callee(finder->info, insn);
		const char *inlined;
		unsigned int operations = operations_at(finder, region, insn->addr, &inlined);
		bool has = false;

		if (!callee || !operations || !is_anonymous(finder, callee))
			continue;
		err = function_has_effect(finder, callee, true, &has);
		if (!err && has)
			err = add_region(finder, callee, operations);
	}
	return err;
}

static struct error *find_helpers(struct finder *finder)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < finder->nr_regions; i++)
		err = find_helpers_of(finder, i);
	return err;
}

static const char *register_name(ZydisRegister reg)
{
	return reg == ZYDIS_REGISTER_RIP ? "rip" : ZydisRegisterGetString(reg);
}

/* NULL in *@ret: an address that the driver cannot work out. */
static struct error *format_operand(struct boundaries *boundaries, const struct code_insn *insn,
				    const char **ret)
{
	const ZydisDecodedOperand *operand = &insn->operand[0];
	int64_t disp = operand->mem.disp.has_displacement ? operand->mem.disp.value : 0;
	char *text, length[16] = "";

	if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || insn->disp_reloc ||
	    operand->mem.base == ZYDIS_REGISTER_NONE ||
	    operand->mem.index != ZYDIS_REGISTER_NONE ||
	    operand->mem.segment == ZYDIS_REGISTER_GS || operand->mem.segment == ZYDIS_REGISTER_FS)
		return NULL;
	if (operand->mem.base == ZYDIS_REGISTER_RIP)
		snprintf(length, sizeof(length), ",%u", insn->decoded.length);
	if (asprintf(&text, "%s%c0x%" PRIx64 "%s", register_name(operand->mem.base),
		     disp < 0 ? '-' : '+', disp < 0 ? -(uint64_t)disp : (uint64_t)disp,
		     length) < 0)
		text = NULL;
	return keep(boundaries, text, ret);
}

static bool is_after_vmxoff(const struct code *code, size_t nr)
{
	return nr && code->insn[nr - 1].function == code->insn[nr].function &&
	       code->insn[nr - 1].decoded.mnemonic == ZYDIS_MNEMONIC_VMXOFF;
}

static struct error *describe(struct finder *finder, const struct code *code, size_t nr,
			      struct boundary *boundary)
{
	const struct code_insn *insn = &code->insn[nr];
	const struct module_symbol *function = insn->function;
	const struct module_symbol *base = function_base(finder->info, function);
	const char *file;
	int line;

	*boundary = (struct boundary){
		.function = function->name,
		.offset = insn->addr - base->addr,
		.length = insn->decoded.length,
		.section = function->section->name,
		.section_offset = insn->addr - function->section->addr,
		.problem = probe_problem(code, nr),
		.effect = effect_of(insn->decoded.mnemonic),
		.after_vmxoff = is_after_vmxoff(code, nr),
	};
	boundary->probe = !boundary->problem;
	if (module_info_source(finder->info, insn->addr, &file, &line)) {
		boundary->file = file;
		boundary->line = line;
	}
	struct error *err = boundary->effect ?
		format_operand(finder->ret, insn, &boundary->operand) : NULL;

	return err ? err : keep(finder->ret, code_format(code, nr), &boundary->instruction);
}

static struct error *append(struct boundary **list, size_t *nr, const struct boundary *boundary)
{
	struct boundary *grown = reallocarray(*list, *nr + 1, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	*list = grown;
	grown[(*nr)++] = *boundary;
	return NULL;
}

static const char *first_operation(unsigned int set)
{
	for (size_t i = 0; i < nr_operations; i++) {
		if (set & operation_bit(&operations[i]))
			return operations[i].name;
	}
	return NULL;
}

/* From all steps that can be the last one: what they have in common. */
static void label(const struct found_step *const *steps, size_t nr, uint32_t last,
		  struct boundary *boundary)
{
	const struct found_step *only = NULL;
	bool one = true, same = !(last & LAST_NONE);

	boundary->op = first_operation(boundary->operations);
	for (size_t i = 0; i < nr && i < LAST_MAX; i++) {
		if (!(last & (1U << (i + 1))))
			continue;
		one = one && !only;
		same = same && (!only || !strcmp(only->op, steps[i]->op));
		only = steps[i];
	}
	if (only && same)
		boundary->op = only->op;
	if (only && same && one)
		boundary->step = only->step;
}

static bool is_listed(const struct boundaries *boundaries, const struct code_insn *insn)
{
	const struct module_section *section = insn->function->section;

	for (size_t i = 0; i < boundaries->nr; i++) {
		if (boundaries->boundary[i].section == section->name &&
		    boundaries->boundary[i].section_offset == insn->addr - section->addr)
			return true;
	}
	return false;
}

static struct error *add_boundaries(struct finder *finder, const struct region *region)
{
	const struct found_step *steps[LAST_MAX];
	_cleanup_free_ uint32_t *last = NULL;
	size_t nr = 0;

	for (size_t i = 0; i < finder->nr_steps && nr < LAST_MAX; i++) {
		if (finder->step[i].function == region->function)
			steps[nr++] = &finder->step[i];
	}
	struct error *err = last_steps(region->code, steps, nr, &last);

	for (size_t i = 0; !err && i < region->code->nr; i++) {
		const struct code_insn *insn = &region->code->insn[i];
		struct boundary boundary;
		const char *inlined;
		unsigned int operations = operations_at(finder, region, insn->addr, &inlined);

		/* Two functions of one name may seem to share a cold part. */
		if (!operations || is_listed(finder->ret, insn))
			continue;
		err = describe(finder, region->code, i, &boundary);
		if (err)
			break;
		boundary.operations = operations;
		boundary.inlined = inlined;
		label(steps, nr, last[i], &boundary);
		err = append(&finder->ret->boundary, &finder->ret->nr, &boundary);
	}
	return err;
}

/* Whether the module has a function of one of @names, inlined or not. */
static bool has_function(const struct finder *finder, const char *names)
{
	for (size_t i = 0; i < finder->nr_regions; i++) {
		if (symbol_is_function(finder->region[i].function, names))
			return true;
	}
	for (size_t i = 0; i < finder->nr_ranges; i++) {
		if (is_name(finder->range[i].name, names))
			return true;
	}
	return false;
}

static struct error *note_missing(struct finder *finder)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < nr_operations; i++) {
		for (const char *const *names = operations[i].functions; !err && *names; names++) {
			const char *older = strchr(*names, '|');

			if (has_function(finder, *names))
				continue;
			err = add_note(finder->ret, NOTE_MISSING, *names,
				       "operation %s: this kernel has no %.*s()%s%s%s",
				       operations[i].name, (int)strcspn(*names, "|"), *names,
				       older ? " or " : "", older ? older + 1 : "",
				       older ? "()" : "");
		}
	}
	return err;
}

/* An entry of the list of loaded VMCSes is reached from its head alone. */
static bool refers_to_list(const struct finder *finder, const struct module_symbol *function)
{
	const struct module_symbol *list =
		module_info_symbol(finder->info, "loaded_vmcss_on_cpu");
	uint64_t end = function->addr + function->size;

	if (!list)
		return false;
	for (const struct module_reloc *reloc =
		     module_info_reloc(finder->info, function->addr, end);
	     reloc; reloc = module_info_reloc(finder->info, reloc->addr + 1, end)) {
		if (reloc->symbol == list)
			return true;
		/* Relative is to the end of the field, which the instruction ends with. */
		uint64_t addr = reloc->symbol->addr + reloc->addend +
				(reloc->pc_relative ? 4 : 0);

		if (reloc->symbol->section == list->section && addr == list->addr)
			return true;
	}
	return false;
}

/* What a function that is of no operation does that operations do; or NULL. */
static struct error *look_through(struct finder *finder, const struct module_symbol *function,
				  const char **ret)
{
	_cleanup_code_ struct code *code = NULL;
	struct error *err = code_decode(finder->info, function, &code);

	for (size_t i = 0; !err && i < code->nr; i++) {
		const struct code_insn *insn = &code->insn[i];
		const struct module_symbol *callee = steps_callee(finder->info, insn);
		const struct region *helper = callee ? find_region(finder, callee) : NULL;
		unsigned int operations;
		struct boundary boundary;

		if (inlined_at(finder, insn->addr, &operations))
			continue;
		if (helper && helper->operations && is_anonymous(finder, callee))
			*ret = "calls a function that executes VMX instructions";
		if (effect_of(insn->decoded.mnemonic) == VMX_NONE && !is_after_vmxoff(code, i))
			continue;
		*ret = "executes VMX instructions";
		err = describe(finder, code, i, &boundary);
		if (!err)
			err = append(&finder->ret->other, &finder->ret->nr_others, &boundary);
	}
	return err;
}

static struct error *note_function(struct finder *finder, const struct module_symbol *function)
{
	struct boundaries *ret = finder->ret;
	const char *what = NULL;

	if (is_crash_path(function))
		return add_note(ret, NOTE_CRASH_PATH, function->name,
				"%s() is run by a crash itself, and not swept", function->name);
	const struct region *region = find_region(finder, function_at(finder, function->addr));

	if (region && region->operations)
		return NULL;
	struct error *err = look_through(finder, function, &what);

	if (!err && !what && !is_init(function) && refers_to_list(finder, function))
		what = "uses the list of loaded VMCSes";
	if (err || !what)
		return err;
	return add_note(ret, NOTE_UNLISTED, function->name, "%s() %s, but is in no operation",
			function->name, what);
}

/* All code of the module, for what nobody has thought of. */
static struct error *note_rest(struct finder *finder)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < finder->info->nr_symbols; i++) {
		const struct module_symbol *symbol = &finder->info->symbol[i];

		if (symbol->function && symbol->section && symbol->section->text &&
		    symbol->section->data && symbol->size)
			err = note_function(finder, symbol);
	}
	return err;
}

struct error *boundaries_init(const struct module_info *info, const struct found_step *step,
			      size_t nr_steps, struct boundaries *ret)
{
	_cleanup_(finder_deinit) struct finder finder = {
		.info = info, .step = step, .nr_steps = nr_steps, .ret = ret,
	};

	*ret = (struct boundaries){ 0 };
	struct error *err = collect_names(&finder);

	if (!err)
		err = find_functions(&finder);
	if (!err)
		err = find_inlined(&finder);
	if (!err)
		err = find_helpers(&finder);
	for (size_t i = 0; !err && i < finder.nr_regions; i++)
		err = add_boundaries(&finder, &finder.region[i]);
	if (!err)
		err = note_missing(&finder);
	return err ? err : note_rest(&finder);
}

void boundaries_deinit(struct boundaries *boundaries)
{
	for (size_t i = 0; i < boundaries->nr_strings; i++)
		free(boundaries->string[i]);
	free(boundaries->string);
	free(boundaries->note);
	free(boundaries->other);
	free(boundaries->boundary);
}
