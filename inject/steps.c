// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/list.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* What the stores of a list operation read and write. */
enum list_role {
	ROLE_ENTRY,	/* &new, or &entry */
	ROLE_PREV,
	ROLE_NEXT,
	ROLE_POISON1,
	ROLE_POISON2,
	NR_ROLES
};

/* A list operation: its stores in the order of the source. */
struct list_pattern {
	struct {
		const char *name;
		enum list_role base;
		unsigned int offset;	/* bytes */
		enum list_role source;
	} store[LIST_STORES];
	/* Two stores whose order the crash path depends on. */
	unsigned int first, second;
	const char *danger;	/* if they are not in that order */
};

/* struct list_head: next at 0, prev at 8 */
static const struct list_pattern list_add_pattern = {
	.store = {
		{ "next->prev", ROLE_NEXT, 8, ROLE_ENTRY },
		{ "new->next", ROLE_ENTRY, 0, ROLE_NEXT },
		{ "new->prev", ROLE_ENTRY, 8, ROLE_PREV },
		{ "prev->next", ROLE_PREV, 0, ROLE_ENTRY },
	},
	.first = 1,
	.second = 3,
	.danger = "the entry is published before its ->next is set, and the crash path can follow a stale pointer",
};

static const struct list_pattern list_del_pattern = {
	.store = {
		{ "next->prev", ROLE_NEXT, 8, ROLE_PREV },
		{ "prev->next", ROLE_PREV, 0, ROLE_NEXT },
		{ "entry->next", ROLE_ENTRY, 0, ROLE_POISON1 },
		{ "entry->prev", ROLE_ENTRY, 8, ROLE_POISON2 },
	},
	.first = 1,
	.second = 2,
	.danger = "->next of the entry is poisoned while it is still on the list, and the crash path can follow it",
};

static struct error *find_list_stores(struct search *search);
static struct error *find_symbol_store(struct search *search);
static struct error *find_symbol_store_join(struct search *search);
static struct error *find_member_store(struct search *search);
static struct error *find_instructions(struct search *search);
static struct error *find_call(struct search *search);

/* Of the kernel, and of the crash-points patch in its place. */
static const char *const list_add_names[] = {
	"list_add", "__list_add", "loaded_vmcs_list_add", NULL
};
static const char *const list_del_names[] = {
	"list_del", "__list_del_entry", "__list_del", "loaded_vmcs_list_del",
	NULL
};

#define VMXON	ZYDIS_MNEMONIC_VMXON
#define VMXOFF	ZYDIS_MNEMONIC_VMXOFF
#define VMPTRLD	ZYDIS_MNEMONIC_VMPTRLD
#define VMCLEAR	ZYDIS_MNEMONIC_VMCLEAR

const struct step_rule step_rules[] = {
	{ "list_add", { "0", "1", "2", "3", "4" }, "vmx_vcpu_load_vmcs",
	  find_list_stores, .pattern = &list_add_pattern,
	  .inlined = list_add_names },
	{ "list_del", { "0", "1", "2", "3", "4" }, "__loaded_vmcs_clear",
	  find_list_stores, .pattern = &list_del_pattern,
	  .inlined = list_del_names },
	{ "load", { "current_vmcs" }, "vmx_vcpu_load_vmcs",
	  find_symbol_store, .symbol = "current_vmcs" },
	{ "load", { "vmptrld" }, "vmx_vcpu_load_vmcs",
	  find_instructions, .sequence = { VMPTRLD } },
	{ "load", { "cpu" }, "vmx_vcpu_load_vmcs",
	  find_member_store, .member = "cpu" },
	{ "clear", { "current_vmcs" }, "__loaded_vmcs_clear",
	  find_symbol_store_join, .symbol = "current_vmcs" },
	{ "clear", { "vmclear" }, "__loaded_vmcs_clear",
	  find_instructions, .sequence = { VMCLEAR } },
	{ "clear", { "cpu" }, "__loaded_vmcs_clear",
	  find_member_store, .member = "cpu", .argument = true },
	{ "clear", { "launched" }, "__loaded_vmcs_clear",
	  find_member_store, .member = "launched", .argument = true },
	/* What is below is not basic. */
	{ "create", { "vmclear" }, "alloc_loaded_vmcs",
	  find_instructions, .sequence = { VMCLEAR } },
	{ "vmxon", { "vmxon" }, "vmx_enable_virtualization_cpu|vmx_hardware_enable",
	  find_instructions, .sequence = { VMXON } },
	{ "vmxoff", { "vmxoff" }, "vmx_disable_virtualization_cpu|vmx_hardware_disable",
	  find_instructions, .sequence = { VMXOFF } },
	{ "switch", { "loaded_vmcs" }, "vmx_switch_vmcs",
	  find_member_store, .structure = "vcpu_vmx", .member = "loaded_vmcs",
	  .argument = true },
	{ "switch", { "vmptrld" }, "vmx_switch_vmcs",
	  find_instructions, .sequence = { VMPTRLD } },
	{ "shadow-to-vmcs12", { "vmptrld", "vmclear", "vmptrld-back" },
	  "copy_shadow_to_vmcs12",
	  find_instructions, .sequence = { VMPTRLD, VMCLEAR, VMPTRLD } },
	{ "vmcs12-to-shadow", { "vmptrld", "vmclear", "vmptrld-back" },
	  "copy_vmcs12_to_shadow|nested_sync_vmcs12_to_shadow",
	  find_instructions, .sequence = { VMPTRLD, VMCLEAR, VMPTRLD } },
	{ "vmwrite", { "vmptrld", "vmclear", "vmptrld-back" }, "handle_vmwrite",
	  find_instructions, .sequence = { VMPTRLD, VMCLEAR, VMPTRLD } },
	{ "nested-on", { "vmclear" }, "enter_vmx_operation",
	  find_instructions, .sequence = { VMCLEAR } },
	{ "nested-free", { "vmclear" }, "free_nested",
	  find_instructions, .sequence = { VMCLEAR } },
	{ "nested-free", { "free" }, "free_nested",
	  find_call, .symbol = "free_vmcs" },
};

const size_t nr_step_rules = ARRAY_SIZE(step_rules);
const size_t nr_basic_step_rules = 9;

static const char *search_function(const struct search *search)
{
	return search->code->insn[0].function->name;
}

static struct error *set_text(char **ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static struct error *set_text(char **ret, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int length = vasprintf(ret, format, ap);

	va_end(ap);
	if (length >= 0)
		return NULL;
	*ret = NULL;
	return &error_no_memory;
}

/* Stores of 8 bytes, only those inlined from the operation if there are any. */
static size_t list_candidates(const struct search *search,
			      const struct store **ret, size_t max)
{
	size_t nr, found = 0;
	const struct store *store = values_stores(search->values, &nr);

	for (bool inlined = true; !found; inlined = false) {
		for (size_t i = 0; i < nr && found < max; i++) {
			uint64_t addr = search->code->insn[store[i].insn].addr;

			if (store[i].size == 8 &&
			    (!inlined || module_info_inlined(search->code->info,
							     addr, search->rule->inlined)))
				ret[found++] = &store[i];
		}
		if (!inlined)
			break;
	}
	return found;
}

/* A partial assignment of stores to the pattern. */
struct match {
	const struct list_pattern *pattern;
	const struct store *const *candidate;
	size_t nr_candidates;
	bool bound[NR_ROLES];
	struct value role[NR_ROLES];
	const struct store *store[LIST_STORES];
	unsigned int nr_solutions;
	const struct store *solution[LIST_STORES];
};

static bool bind(struct match *match, enum list_role role, struct value value)
{
	if (match->bound[role])
		return value_equal(match->role[role], value);
	match->bound[role] = true;
	match->role[role] = value;
	return true;
}

static bool is_taken(const struct match *match, unsigned int depth,
		     const struct store *store)
{
	for (unsigned int i = 0; i < depth; i++) {
		if (match->store[i] == store)
			return true;
	}
	return false;
}

/* All ways to assign the pattern's stores from the one at @depth on. */
static void solve(struct match *match, unsigned int depth)
{
	if (depth == LIST_STORES) {
		memcpy(match->solution, match->store, sizeof(match->store));
		match->nr_solutions++;
		return;
	}
	for (size_t i = 0; i < match->nr_candidates; i++) {
		const struct store *store = match->candidate[i];
		struct value base = store->address;
		struct match attempt = *match;

		base.offset = (int64_t)((uint64_t)base.offset -
					match->pattern->store[depth].offset);
		if (is_taken(match, depth, store) ||
		    !bind(&attempt, match->pattern->store[depth].base, base) ||
		    !bind(&attempt, match->pattern->store[depth].source,
			  store->source))
			continue;
		attempt.store[depth] = store;
		solve(&attempt, depth + 1);
		match->nr_solutions = attempt.nr_solutions;
		memcpy(match->solution, attempt.solution,
		       sizeof(match->solution));
	}
}

static int source_line(const struct search *search, const struct store *store)
{
	const char *file;
	int line;

	return module_info_source(search->code->info,
				  search->code->insn[store->insn].addr,
				  &file, &line) ? line : 0;
}

/*
 * Without knowing what is stored where: the source has each store on a line of
 * its own, in order.
 */
static bool solve_by_line(const struct search *search, struct match *match)
{
	if (match->nr_candidates != LIST_STORES)
		return false;
	for (unsigned int i = 0; i < LIST_STORES; i++) {
		int line = source_line(search, match->candidate[i]);
		unsigned int before = 0;

		for (unsigned int other = 0; other < LIST_STORES; other++) {
			int other_line = source_line(search,
						     match->candidate[other]);

			if (!line || (other != i && other_line == line))
				return false;
			before += other_line < line;
		}
		match->solution[before] = match->candidate[i];
	}
	return true;
}

static bool executes_before(const struct code *code, size_t a, size_t b)
{
	return code_reaches(code, a, b, NULL, 0) &&
	       !code_reaches(code, b, a, NULL, 0);
}

/*
 * Put the indices of the stores in the pattern into the order in which the
 * stores are executed.
 */
static struct error *execution_order(const struct search *search,
				     const struct match *match,
				     unsigned int order[LIST_STORES])
{
	for (unsigned int i = 0; i < LIST_STORES; i++) {
		unsigned int before = 0, after = 0;

		for (unsigned int other = 0; other < LIST_STORES; other++) {
			size_t a = match->solution[other]->insn;
			size_t b = match->solution[i]->insn;

			before += executes_before(search->code, a, b);
			after += executes_before(search->code, b, a);
		}
		if (before + after != LIST_STORES - 1)
			return error_new("the stores of %s() in %s() are on different paths",
					 search->rule->op,
					 search_function(search));
		order[before] = i;
	}
	return NULL;
}

static struct error *describe_order(struct search *search,
				    const unsigned int order[LIST_STORES],
				    bool by_line)
{
	const struct list_pattern *pattern = search->rule->pattern;
	unsigned int position[LIST_STORES];
	bool in_order = true;

	for (unsigned int i = 0; i < LIST_STORES; i++) {
		position[order[i]] = i;
		in_order = in_order && order[i] == i;
	}
	if (in_order)
		return NULL;
	bool danger = position[pattern->first] > position[pattern->second];

	return set_text(&search->finding,
			"%s() stores in the order %s, %s, %s, %s%s: %s",
			search->rule->op,
			pattern->store[order[0]].name,
			pattern->store[order[1]].name,
			pattern->store[order[2]].name,
			pattern->store[order[3]].name,
			by_line ? " (told apart by source line only)" : "",
			danger ? pattern->danger :
				 "not that of list.h, but harmless to the crash path");
}

/* Whether execution must pass @to when it comes from @from, without a choice. */
static bool leads_to(const struct code *code, size_t from, size_t to)
{
	/* Bounded, for a loop without an exit. */
	for (size_t i = 0; i < code->nr && from != CODE_NONE; i++) {
		from = code_next(code, from);
		if (from == to)
			return true;
	}
	return false;
}

/*
 * The first instruction behind all of the copies in @place->anchor, for one
 * copy the instruction behind it.
 */
static struct error *place_behind(struct search *search, struct place *place)
{
	const struct code *code = search->code;
	size_t insn = place->anchor[0] + 1;

	for (size_t steps = 0; steps < code->nr && insn < code->nr; steps++) {
		size_t copy = 1;

		while (copy < place->nr_anchors &&
		       leads_to(code, place->anchor[copy], insn))
			copy++;
		if (copy >= place->nr_anchors) {
			place->insn = insn;
			return NULL;
		}
		insn = code_next(code, insn);
	}
	return error_new("%s() of this kernel does it on %zu paths that do not meet; use FUNCTION+0xOFF",
			 search_function(search), place->nr_anchors);
}

static struct error *add_anchor(struct search *search, unsigned int step,
				size_t insn)
{
	struct place *place = &search->place[step];

	if (place->nr_anchors == MAX_COPIES)
		return error_new("%s() of this kernel does it in more than %d places; use FUNCTION+0xOFF",
				 search_function(search), MAX_COPIES);
	place->anchor[place->nr_anchors++] = insn;
	return NULL;
}

static struct error *find_list_stores(struct search *search)
{
	const struct store *candidate[64];
	struct match match = {
		.pattern = search->rule->pattern,
		.candidate = candidate,
		.nr_candidates = list_candidates(search, candidate,
						 ARRAY_SIZE(candidate)),
		.bound[ROLE_POISON1] = true,
		.bound[ROLE_POISON2] = true,
		.role[ROLE_POISON1] = { VALUE_CONSTANT, (int64_t)LIST_POISON1 },
		.role[ROLE_POISON2] = { VALUE_CONSTANT, (int64_t)LIST_POISON2 },
	};
	unsigned int order[LIST_STORES];

	solve(&match, 0);
	if (match.nr_solutions > 1)
		return error_new("%s() has the stores of %s() more than once; use FUNCTION+0xOFF",
				 search_function(search), search->rule->op);
	bool by_line = !match.nr_solutions;

	if (by_line && !solve_by_line(search, &match))
		return error_new("the stores of %s() are not in %s() of this kernel",
				 search->rule->op, search_function(search));
	struct error *err = execution_order(search, &match, order);

	if (!err)
		err = describe_order(search, order, by_line);
	if (err)
		return err;
	search->place[0].insn = match.solution[order[0]]->insn;
	for (unsigned int i = 0; !err && i < LIST_STORES; i++) {
		err = add_anchor(search, i + 1, match.solution[order[i]]->insn);
		if (!err)
			err = place_behind(search, &search->place[i + 1]);
	}
	return err;
}

static struct error *find_symbol_store(struct search *search)
{
	const char *name = search->rule->symbol;
	const struct module_symbol *symbol =
		module_info_symbol(search->code->info, name);
	struct error *err = NULL;
	size_t nr;
	const struct store *store = values_stores(search->values, &nr);

	for (size_t i = 0; !err && symbol && i < nr; i++) {
		if (store[i].size == symbol->size &&
		    value_is_symbol(search->values, store[i].address, symbol))
			err = add_anchor(search, 0, store[i].insn);
	}
	if (!err && !search->place[0].nr_anchors)
		err = error_new("%s() of this kernel has no store to %s",
				search_function(search), name);
	return err ? err : place_behind(search, &search->place[0]);
}

/* Behind the store and behind whatever goes around it. */
static struct error *find_symbol_store_join(struct search *search)
{
	const struct code *code = search->code;
	struct place *place = &search->place[0];
	struct error *err = find_symbol_store(search);
	size_t insn = place->insn;

	if (err)
		return err;
	for (size_t steps = 0; steps < code->nr && insn != CODE_NONE; steps++) {
		if (code_reaches(code, 0, insn, place->anchor,
				 place->nr_anchors)) {
			place->insn = insn;
			break;
		}
		insn = code_next(code, insn);
	}
	/* That it is reached without the store too is what it is for. */
	place->nr_anchors = 0;
	return NULL;
}

/* Whether the base of the store is known to be the structure. */
static bool is_structure(const struct search *search,
			   const struct store *store)
{
	uint64_t offset, size;

	if (search->rule->argument)
		return value_is_argument(search->values, store->address);
	_cleanup_error_ struct error *err =
		module_info_member(search->code->info, "vcpu_vmx",
				   "loaded_vmcs", &offset, &size);

	return !err && value_is_loaded(search->values, store->address, offset);
}

static struct error *find_member_store(struct search *search)
{
	const char *member = search->rule->member;
	const char *structure = search->rule->structure ?: "loaded_vmcs";
	uint64_t offset, size;
	struct error *err = module_info_member(search->code->info, structure,
					       member, &offset, &size);

	if (err)
		return err;
	size_t nr;
	const struct store *store = values_stores(search->values, &nr);

	/* Those that are known to be it, or else what only looks like it. */
	for (bool sure = true; !err && !search->place[0].nr_anchors; sure = false) {
		for (size_t i = 0; !err && i < nr; i++) {
			if (store[i].size == size &&
			    store[i].address.offset == (int64_t)offset &&
			    (!sure || is_structure(search, &store[i])))
				err = add_anchor(search, 0, store[i].insn);
		}
		if (!sure)
			break;
	}
	if (!err && !search->place[0].nr_anchors)
		err = error_new("%s() of this kernel has no store to %s->%s",
				search_function(search), structure, member);
	return err ? err : place_behind(search, &search->place[0]);
}

const struct module_symbol *steps_callee(const struct module_info *info,
					 const struct code_insn *insn)
{
	if (insn->decoded.mnemonic != ZYDIS_MNEMONIC_CALL &&
	    insn->decoded.mnemonic != ZYDIS_MNEMONIC_JMP)
		return NULL;
	uint64_t target = code_target(insn);
	const struct module_symbol *symbol =
		target ? module_info_symbol_at(info, target) : NULL;

	/* A jump to the start is also what a loop does. */
	return symbol && symbol->function && symbol->addr == target &&
	       symbol->addr != insn->function->addr ? symbol : NULL;
}

/* Whether @function executes @mnemonic, or, @depth calls further on, who does. */
static bool function_has(const struct module_info *info,
			 const struct module_symbol *function,
			 ZydisMnemonic mnemonic, unsigned int depth)
{
	_cleanup_code_ struct code *code = NULL;
	_cleanup_error_ struct error *err = code_decode(info, function, &code);

	for (size_t i = 0; !err && i < code->nr; i++) {
		const struct module_symbol *callee =
			depth ? steps_callee(info, &code->insn[i]) : NULL;

		if (code->insn[i].decoded.mnemonic == mnemonic ||
		    (callee && function_has(info, callee, mnemonic, depth - 1)))
			return true;
	}
	return false;
}

/* An instruction that was looked for, or the call of what executes it. */
struct found {
	size_t insn;
	ZydisMnemonic mnemonic;
	const struct module_symbol *helper;	/* NULL: it is there itself */
};

/*
 * All places that execute @mnemonic: the instruction itself, or, where the
 * compiler inlined none of the helpers that have it, the calls of those.
 */
static size_t find_mnemonic(const struct search *search, ZydisMnemonic mnemonic,
			    struct found *ret, size_t max)
{
	const struct code *code = search->code;
	size_t nr = 0;

	for (size_t i = 0; i < code->nr && nr < max; i++) {
		if (code->insn[i].decoded.mnemonic == mnemonic)
			ret[nr++] = (struct found){ i, mnemonic, NULL };
	}
	/* A helper, or at last a wrapper of one. */
	for (unsigned int depth = 0; !nr && depth < 2; depth++) {
		for (size_t i = 0; i < code->nr && nr < max; i++) {
			const struct module_symbol *symbol =
				steps_callee(code->info, &code->insn[i]);

			if (symbol && function_has(code->info, symbol, mnemonic, depth))
				ret[nr++] = (struct found){ i, mnemonic, symbol };
		}
	}
	return nr;
}

/* The one of @found that is executed before all the others, or NULL. */
static struct found *first_executed(const struct code *code, struct found *found,
				    size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		size_t before = 0;

		for (size_t other = 0; other < nr; other++)
			before += executes_before(code, found[i].insn, found[other].insn);
		if (before == nr - 1)
			return &found[i];
	}
	return NULL;
}

static struct error *place_found(struct search *search, unsigned int step,
				 const struct found *found)
{
	struct error *err = add_anchor(search, step, found->insn);

	search->place[step].helper = found->helper;
	return err ? err : place_behind(search, &search->place[step]);
}

/*
 * The instructions of the rule, a step each; more of the same kind that come
 * later are not steps: in __loaded_vmcs_clear() VMCLEAR of ->vmcs comes before
 * that of ->shadow_vmcs.
 */
static struct error *find_instructions(struct search *search)
{
	const struct step_rule *rule = search->rule;
	struct found found[4 * MAX_COPIES];
	size_t nr = 0;

	for (size_t i = 0; i < MAX_SEQUENCE && rule->sequence[i]; i++) {
		size_t first = 0;

		while (rule->sequence[first] != rule->sequence[i])
			first++;
		if (first == i)
			nr += find_mnemonic(search, rule->sequence[i], found + nr,
					    ARRAY_SIZE(found) - nr);
	}
	for (unsigned int step = 0; rule->steps[step]; step++) {
		const char *name = ZydisMnemonicGetString(rule->sequence[step]);

		if (!nr)
			return error_new("%s() of this kernel executes no %s",
					 search_function(search), name);
		struct found *first = first_executed(search->code, found, nr);

		if (!first)
			return error_new("%s() executes %s on different paths",
					 search_function(search), name);
		if (first->mnemonic != rule->sequence[step])
			return error_new("%s() of this kernel executes %s where %s was expected",
					 search_function(search),
					 ZydisMnemonicGetString(first->mnemonic), name);
		struct error *err = place_found(search, step, first);

		if (err)
			return err;
		*first = found[--nr];
	}
	return NULL;
}

static struct error *find_call(struct search *search)
{
	const struct code *code = search->code;
	struct error *err = NULL;

	for (size_t i = 0; !err && i < code->nr; i++) {
		const struct module_symbol *callee = steps_callee(code->info, &code->insn[i]);

		if (callee && !strcmp(callee->name, search->rule->symbol))
			err = add_anchor(search, 0, i);
	}
	if (!err && !search->place[0].nr_anchors)
		err = error_new("%s() of this kernel calls no %s()", search_function(search),
				search->rule->symbol);
	return err ? err : place_behind(search, &search->place[0]);
}
