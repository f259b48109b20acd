// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/operations.h"

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
static struct error *find_instruction(struct search *search);

/* Of the kernel, and of the crash-points patch in its place. */
static const char *const list_add_names[] = {
	"list_add", "__list_add", "loaded_vmcs_list_add", NULL
};
static const char *const list_del_names[] = {
	"list_del", "__list_del_entry", "__list_del", "loaded_vmcs_list_del",
	NULL
};

const struct operation operations[] = {
	{ "list_add", { "0", "1", "2", "3", "4" }, "vmx_vcpu_load_vmcs",
	  find_list_stores, .pattern = &list_add_pattern,
	  .inlined = list_add_names },
	{ "list_del", { "0", "1", "2", "3", "4" }, "__loaded_vmcs_clear",
	  find_list_stores, .pattern = &list_del_pattern,
	  .inlined = list_del_names },
	{ "load", { "current_vmcs" }, "vmx_vcpu_load_vmcs",
	  find_symbol_store, .symbol = "current_vmcs" },
	{ "load", { "vmptrld" }, "vmx_vcpu_load_vmcs",
	  find_instruction, .mnemonic = ZYDIS_MNEMONIC_VMPTRLD },
	{ "load", { "cpu" }, "vmx_vcpu_load_vmcs",
	  find_member_store, .member = "cpu" },
	{ "clear", { "current_vmcs" }, "__loaded_vmcs_clear",
	  find_symbol_store_join, .symbol = "current_vmcs" },
	{ "clear", { "vmclear" }, "__loaded_vmcs_clear",
	  find_instruction, .mnemonic = ZYDIS_MNEMONIC_VMCLEAR },
	{ "clear", { "cpu" }, "__loaded_vmcs_clear",
	  find_member_store, .member = "cpu", .argument = true },
	{ "clear", { "launched" }, "__loaded_vmcs_clear",
	  find_member_store, .member = "launched", .argument = true },
};

const size_t nr_operations = ARRAY_SIZE(operations);

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
							     addr, search->operation->inlined)))
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
					 search->operation->op,
					 search_function(search));
		order[before] = i;
	}
	return NULL;
}

static struct error *describe_order(struct search *search,
				    const unsigned int order[LIST_STORES],
				    bool by_line)
{
	const struct list_pattern *pattern = search->operation->pattern;
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
			search->operation->op,
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
		.pattern = search->operation->pattern,
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
				 search_function(search), search->operation->op);
	bool by_line = !match.nr_solutions;

	if (by_line && !solve_by_line(search, &match))
		return error_new("the stores of %s() are not in %s() of this kernel",
				 search->operation->op, search_function(search));
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

/* The one of @insn that is executed before all the others, or CODE_NONE. */
static size_t first_executed(const struct code *code, const size_t *insn,
			     size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		size_t before = 0;

		for (size_t other = 0; other < nr; other++)
			before += executes_before(code, insn[i], insn[other]);
		if (before == nr - 1)
			return insn[i];
	}
	return CODE_NONE;
}

static struct error *find_symbol_store(struct search *search)
{
	const char *name = search->operation->symbol;
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

/* Whether the base of the store is known to be the struct loaded_vmcs. */
static bool is_loaded_vmcs(const struct search *search,
			   const struct store *store)
{
	uint64_t offset, size;

	if (search->operation->argument)
		return value_is_argument(search->values, store->address);
	_cleanup_error_ struct error *err =
		module_info_member(search->code->info, "vcpu_vmx",
				   "loaded_vmcs", &offset, &size);

	return !err && value_is_loaded(search->values, store->address, offset);
}

static struct error *find_member_store(struct search *search)
{
	const char *member = search->operation->member;
	uint64_t offset, size;
	struct error *err = module_info_member(search->code->info,
					       "loaded_vmcs", member, &offset,
					       &size);

	if (err)
		return err;
	size_t nr;
	const struct store *store = values_stores(search->values, &nr);

	/* Those that are known to be it, or else what only looks like it. */
	for (bool sure = true; !err && !search->place[0].nr_anchors; sure = false) {
		for (size_t i = 0; !err && i < nr; i++) {
			if (store[i].size == size &&
			    store[i].address.offset == (int64_t)offset &&
			    (!sure || is_loaded_vmcs(search, &store[i])))
				err = add_anchor(search, 0, store[i].insn);
		}
		if (!sure)
			break;
	}
	if (!err && !search->place[0].nr_anchors)
		err = error_new("%s() of this kernel has no store to loaded_vmcs->%s",
				search_function(search), member);
	return err ? err : place_behind(search, &search->place[0]);
}

static bool function_has(const struct module_info *info,
			 const struct module_symbol *function,
			 ZydisMnemonic mnemonic)
{
	_cleanup_code_ struct code *code = NULL;
	_cleanup_error_ struct error *err = code_create(info, function, &code);

	for (size_t i = 0; !err && i < code->nr; i++) {
		if (code->insn[i].decoded.mnemonic == mnemonic)
			return true;
	}
	return false;
}

/* The function of the module that the instruction calls, or NULL. */
static const struct module_symbol *callee(const struct module_info *info,
					  const struct code_insn *insn)
{
	if (insn->decoded.mnemonic != ZYDIS_MNEMONIC_CALL)
		return NULL;
	uint64_t target = code_target(insn);
	const struct module_symbol *symbol =
		target ? module_info_symbol_at(info, target) : NULL;

	return symbol && symbol->function ? symbol : NULL;
}

/*
 * The instruction itself, or, where the compiler did not inline the helper that
 * executes it, the call of that; of several the first: in __loaded_vmcs_clear()
 * VMCLEAR of ->vmcs comes before that of ->shadow_vmcs.
 */
static struct error *find_instruction(struct search *search)
{
	const struct module_info *info = search->code->info;
	const struct code *code = search->code;
	ZydisMnemonic mnemonic = search->operation->mnemonic;
	struct place *place = &search->place[0];
	size_t found[MAX_COPIES], nr = 0;

	for (size_t i = 0; i < code->nr && nr < ARRAY_SIZE(found); i++) {
		if (code->insn[i].decoded.mnemonic == mnemonic)
			found[nr++] = i;
	}
	bool inlined = nr;

	for (size_t i = 0; !inlined && i < code->nr && nr < ARRAY_SIZE(found); i++) {
		const struct module_symbol *symbol = callee(info, &code->insn[i]);

		if (symbol && function_has(info, symbol, mnemonic))
			found[nr++] = i;
	}
	if (!nr)
		return error_new("%s() of this kernel executes no %s",
				 search_function(search),
				 ZydisMnemonicGetString(mnemonic));
	size_t first = first_executed(code, found, nr);

	if (first == CODE_NONE)
		return error_new("%s() executes %s on different paths",
				 search_function(search),
				 ZydisMnemonicGetString(mnemonic));
	const struct module_symbol *helper = callee(info, &code->insn[first]);
	struct error *err = helper ?
		set_text(&search->note,
			 "behind the call of %s()", helper->name) : NULL;

	if (!err)
		err = add_anchor(search, 0, first);
	return err ? err : place_behind(search, place);
}

