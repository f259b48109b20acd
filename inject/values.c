// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/values.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

/* The 64-bit registers, in Zydis's order. */
#define NR_REGISTERS	16
#define REGISTER_RDI	(ZYDIS_REGISTER_RDI - ZYDIS_REGISTER_RAX)
#define REGISTER_RSP	(ZYDIS_REGISTER_RSP - ZYDIS_REGISTER_RAX)
/* 8-byte slots of the frame that are followed; spilled values, not arrays. */
#define NR_SLOTS	64
/*
 * Passes over the code until nothing changes any more; a handful in practice,
 * more only with deep loops.
 */
#define MAX_PASSES	1000

enum node_kind {
	NODE_CONSTANT,
	NODE_ENTRY,	/* a: register, as the caller left it */
	NODE_WRITTEN,	/* a: instruction, b: register; nothing is known of it */
	NODE_JOINED,	/* a: instruction where paths join, b: register */
	NODE_LOADED,	/* a: instruction that loads it, from .from */
	NODE_SECTION,	/* a: the address of a section of the module */
	NODE_EXTERNAL,	/* a: the address of a symbol of another module */
	NODE_SUM,	/* a, b: nodes */
	NODE_SCALED,	/* a: node, b: factor */
	NODE_SEGMENT,	/* the base of GS or FS */
};

struct node {
	enum node_kind kind;
	uint32_t a, b;		/* b of NODE_WRITTEN: NR_REGISTERS for memory */
	struct value from;
};

struct slot {
	int64_t offset;		/* from the stack pointer at the entry */
	struct value value;
};

/* What is known before an instruction. */
struct state {
	bool reached;
	unsigned int nr_slots;
	struct value reg[NR_REGISTERS];
	struct slot slot[NR_SLOTS];
};

struct values {
	const struct code *code;
	struct node *node;
	uint32_t nr_nodes;
	struct state *in;	/* one an instruction */
	struct store *store;
	size_t nr_stores;
	bool no_memory;		/* checked once, at the end */
};

static uint32_t find_node(struct values *values, enum node_kind kind,
			  uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < values->nr_nodes; i++) {
		const struct node *node = &values->node[i];

		if (node->kind == kind && node->a == a && node->b == b)
			return i;
	}
	struct node *grown = reallocarray(values->node, values->nr_nodes + 1,
					  sizeof(*grown));

	if (!grown) {
		values->no_memory = true;
		return VALUE_CONSTANT;
	}
	values->node = grown;
	values->node[values->nr_nodes] = (struct node){
		.kind = kind, .a = a, .b = b,
	};
	return values->nr_nodes++;
}

static struct value node_value(struct values *values, enum node_kind kind,
			       uint32_t a, uint32_t b)
{
	return (struct value){ .node = find_node(values, kind, a, b) };
}

/* What the instruction writes somewhere, when nothing is known of it. */
static struct value unknown(struct values *values, size_t nr)
{
	return node_value(values, NODE_WRITTEN, nr, NR_REGISTERS);
}

static struct value constant(int64_t number)
{
	return (struct value){ .node = VALUE_CONSTANT, .offset = number };
}

static int64_t add_wrapping(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static struct value plus(struct value value, int64_t number)
{
	value.offset = add_wrapping(value.offset, number);
	return value;
}

static struct value sum(struct values *values, struct value a, struct value b)
{
	if (a.node == VALUE_CONSTANT)
		return plus(b, a.offset);
	if (b.node == VALUE_CONSTANT)
		return plus(a, b.offset);
	uint32_t low = a.node < b.node ? a.node : b.node;
	uint32_t high = a.node < b.node ? b.node : a.node;

	return plus(node_value(values, NODE_SUM, low, high),
		    add_wrapping(a.offset, b.offset));
}

static struct value scaled(struct values *values, struct value value,
			   uint32_t factor)
{
	if (factor == 1)
		return value;
	int64_t offset = (int64_t)((uint64_t)value.offset * factor);

	if (value.node == VALUE_CONSTANT)
		return constant(offset);
	return plus(node_value(values, NODE_SCALED, value.node, factor), offset);
}

/* The address that a relocation refers to. */
static struct value reloc_value(struct values *values,
				const struct code_insn *insn,
				const struct module_reloc *reloc)
{
	const struct module_info *info = values->code->info;
	const struct module_symbol *symbol = reloc->symbol;
	int64_t addend = reloc->addend;

	if (reloc->pc_relative)
		addend += insn->addr + insn->decoded.length - reloc->addr;
	if (!symbol->section)
		return plus(node_value(values, NODE_EXTERNAL,
				       symbol - info->symbol, 0), addend);
	return plus(node_value(values, NODE_SECTION,
			       symbol->section - info->section, 0),
		    symbol->addr - symbol->section->addr + addend);
}

/* Index of a register of 64 bits or of the one it is a part of; or -1. */
static int register_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(
		ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return -1;
	return whole - ZYDIS_REGISTER_RAX;
}

static struct value register_value(const struct state *state, ZydisRegister reg)
{
	int number = register_number(reg);

	return number < 0 ? constant(0) : state->reg[number];
}

static struct value memory_address(struct values *values,
				   const struct state *state,
				   const struct code_insn *insn,
				   const ZydisDecodedOperand *operand)
{
	struct value address = constant(0);

	if (operand->mem.base == ZYDIS_REGISTER_RIP && !insn->disp_reloc)
		address = constant(insn->addr + insn->decoded.length);
	else if (operand->mem.base != ZYDIS_REGISTER_RIP)
		address = register_value(state, operand->mem.base);
	if (operand->mem.index != ZYDIS_REGISTER_NONE)
		address = sum(values, address,
			      scaled(values,
				     register_value(state, operand->mem.index),
				     operand->mem.scale));
	if (insn->disp_reloc)
		address = sum(values, address,
			      reloc_value(values, insn, insn->disp_reloc));
	else if (operand->mem.disp.has_displacement)
		address = plus(address, operand->mem.disp.value);
	if (operand->mem.segment == ZYDIS_REGISTER_GS ||
	    operand->mem.segment == ZYDIS_REGISTER_FS)
		address = sum(values, address,
			      node_value(values, NODE_SEGMENT,
					 operand->mem.segment, 0));
	return address;
}

/* The frame is what is addressed from the stack pointer of the entry. */
static bool is_stack(const struct values *values, struct value address)
{
	const struct node *node = &values->node[address.node];

	return node->kind == NODE_ENTRY && node->a == REGISTER_RSP;
}

static struct slot *find_slot(struct state *state, int64_t offset)
{
	for (unsigned int i = 0; i < state->nr_slots; i++) {
		if (state->slot[i].offset == offset)
			return &state->slot[i];
	}
	return NULL;
}

static void write_slot(struct state *state, int64_t offset, unsigned int size,
		       struct value value)
{
	for (unsigned int i = 0; i < state->nr_slots;) {
		int64_t distance = state->slot[i].offset - offset;

		if (distance > -8 && distance < (int64_t)size)
			state->slot[i] = state->slot[--state->nr_slots];
		else
			i++;
	}
	if (size == 8 && state->nr_slots < NR_SLOTS)
		state->slot[state->nr_slots++] = (struct slot){ offset, value };
}

static struct value load(struct values *values, struct state *state,
			 size_t nr, struct value address, unsigned int size)
{
	struct slot *slot = is_stack(values, address) && size == 8 ?
				    find_slot(state, address.offset) : NULL;

	if (slot)
		return slot->value;
	struct value value = node_value(values, NODE_LOADED, nr, 0);

	values->node[value.node].from = address;
	return value;
}

/* What an operand of 64 bits is worth before the instruction. */
static struct value operand_value(struct values *values, struct state *state,
				  size_t nr, const ZydisDecodedOperand *operand)
{
	const struct code_insn *insn = &values->code->insn[nr];

	switch (operand->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		if (register_number(operand->reg.value) < 0)
			return unknown(values, nr);
		return register_value(state, operand->reg.value);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		if (insn->imm_reloc)
			return reloc_value(values, insn, insn->imm_reloc);
		return constant(operand->imm.value.s);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return load(values, state, nr,
			    memory_address(values, state, insn, operand),
			    operand->size / 8);
	default:
		return unknown(values, nr);
	}
}

/*
 * The value that the instruction gives the register that is its first operand,
 * unknown if it is none of those that pointers are passed on by.
 */
static struct value result_value(struct values *values, struct state *state,
				 size_t nr)
{
	const struct code_insn *insn = &values->code->insn[nr];
	const ZydisDecodedOperand *to = &insn->operand[0];
	const ZydisDecodedOperand *from = &insn->operand[1];
	bool whole = to->size == 64;

	switch (insn->decoded.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		/* Writing 32 bits clears the upper half. */
		if (!whole && to->size == 32 && !insn->imm_reloc &&
		    from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return constant((uint32_t)from->imm.value.u);
		if (whole)
			return operand_value(values, state, nr, from);
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (whole)
			return memory_address(values, state, insn, from);
		break;
	case ZYDIS_MNEMONIC_ADD:
		if (whole)
			return sum(values,
				   register_value(state, to->reg.value),
				   operand_value(values, state, nr, from));
		break;
	case ZYDIS_MNEMONIC_SUB:
		if (whole && from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		    !insn->imm_reloc)
			return plus(register_value(state, to->reg.value),
				    -from->imm.value.s);
		break;
	case ZYDIS_MNEMONIC_OR: {
		struct value old = register_value(state, to->reg.value);

		if (whole && from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		    old.node == VALUE_CONSTANT)
			return constant(old.offset | from->imm.value.s);
		break;
	}
	case ZYDIS_MNEMONIC_XOR:
		if (from->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    from->reg.value == to->reg.value && to->size >= 32)
			return constant(0);
		break;
	case ZYDIS_MNEMONIC_POP:
		if (whole)
			return load(values, state, nr,
				    state->reg[REGISTER_RSP], 8);
		break;
	default:
		break;
	}
	return unknown(values, nr);
}

/* What a function may change by the calling convention. */
static void clobber_call(struct values *values, struct state *state, size_t nr)
{
	static const ZydisRegister clobbered[] = {
		ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_RDX,
		ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_R8,
		ZYDIS_REGISTER_R9, ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11,
	};

	for (size_t i = 0; i < sizeof(clobbered) / sizeof(clobbered[0]); i++) {
		int number = register_number(clobbered[i]);

		state->reg[number] = node_value(values, NODE_WRITTEN, nr, number);
	}
}

static bool is_write(const ZydisDecodedOperand *operand)
{
	return operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static void write_registers(struct values *values, struct state *state,
			    size_t nr, struct value result)
{
	const struct code_insn *insn = &values->code->insn[nr];

	for (unsigned int i = 0; i < insn->decoded.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operand[i];

		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !is_write(operand))
			continue;
		int number = register_number(operand->reg.value);

		if (number < 0)
			continue;
		state->reg[number] = i == 0 ? result :
			node_value(values, NODE_WRITTEN, nr, number);
	}
}

static void write_memory(struct values *values, struct state *state, size_t nr)
{
	const struct code_insn *insn = &values->code->insn[nr];

	for (unsigned int i = 0; i < insn->decoded.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operand[i];

		if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    !is_write(operand))
			continue;
		struct value address =
			memory_address(values, state, insn, operand);
		struct value source =
			insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV ?
				operand_value(values, state, nr,
					      &insn->operand[1]) :
				unknown(values, nr);

		if (is_stack(values, address))
			write_slot(state, address.offset, operand->size / 8,
				   source);
	}
}

/* From what is known before instruction @nr to what is known behind it. */
static void step(struct values *values, struct state *state, size_t nr)
{
	const struct code_insn *insn = &values->code->insn[nr];
	struct value stack = state->reg[REGISTER_RSP];

	if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_CALL) {
		/* The return address is popped again by the time it is over. */
		clobber_call(values, state, nr);
		return;
	}
	if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_PUSH) {
		struct value pushed = operand_value(values, state, nr,
						    &insn->operand[0]);

		state->reg[REGISTER_RSP] = plus(stack, -8);
		if (is_stack(values, stack))
			write_slot(state, stack.offset - 8, 8, pushed);
		return;
	}
	struct value result = result_value(values, state, nr);

	write_memory(values, state, nr);
	write_registers(values, state, nr, result);
	switch (insn->decoded.mnemonic) {
	case ZYDIS_MNEMONIC_PUSHFQ:
		state->reg[REGISTER_RSP] = plus(stack, -8);
		break;
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_POPFQ:
		state->reg[REGISTER_RSP] = plus(stack, 8);
		break;
	default:
		break;
	}
}

static void join_slots(struct state *state, struct state *other)
{
	for (unsigned int i = 0; i < state->nr_slots;) {
		struct slot *slot = find_slot(other, state->slot[i].offset);

		if (slot && value_equal(slot->value, state->slot[i].value))
			i++;
		else
			state->slot[i] = state->slot[--state->nr_slots];
	}
}

/*
 * Join @other into @state, before instruction @nr.  A register that once got a
 * value of its own there keeps it, so that the passes come to an end.
 */
static void join(struct values *values, struct state *state,
		 struct state *other, size_t nr)
{
	const struct state *before = &values->in[nr];

	for (unsigned int i = 0; i < NR_REGISTERS; i++) {
		uint32_t own = find_node(values, NODE_JOINED, nr, i);

		if (!value_equal(state->reg[i], other->reg[i]) ||
		    (before->reached && before->reg[i].node == own))
			state->reg[i] = (struct value){ .node = own };
	}
	join_slots(state, other);
}

static void unknown_state(struct values *values, struct state *state, size_t nr)
{
	*state = (struct state){ .reached = true };
	for (unsigned int i = 0; i < NR_REGISTERS; i++)
		state->reg[i] = node_value(values, NODE_JOINED, nr, i);
}

/* What is known before instruction @nr, by all that can come before it. */
static void enter(struct values *values, size_t nr, struct state *ret)
{
	const struct code *code = values->code;
	bool has_predecessor = false;

	*ret = (struct state){ 0 };
	for (size_t i = 0; i < code->nr_edges; i++) {
		size_t from = code->edge[i].from;

		if (code->edge[i].to != nr)
			continue;
		has_predecessor = true;
		if (!values->in[from].reached)
			continue;
		struct state state = values->in[from];

		step(values, &state, from);
		if (ret->reached)
			join(values, ret, &state, nr);
		else
			*ret = state;
	}
	/*
	 * The target of a jump through a table, or of an unknown fix-up; but
	 * no-ops that nothing leads to are padding.
	 */
	if (!has_predecessor &&
	    code->insn[nr].decoded.mnemonic != ZYDIS_MNEMONIC_NOP)
		unknown_state(values, ret, nr);
}

static bool same_state(const struct state *a, const struct state *b)
{
	if (a->reached != b->reached || a->nr_slots != b->nr_slots)
		return false;
	for (unsigned int i = 0; i < NR_REGISTERS; i++) {
		if (!value_equal(a->reg[i], b->reg[i]))
			return false;
	}
	for (unsigned int i = 0; i < a->nr_slots; i++) {
		if (a->slot[i].offset != b->slot[i].offset ||
		    !value_equal(a->slot[i].value, b->slot[i].value))
			return false;
	}
	return true;
}

static struct error *settle(struct values *values)
{
	const struct code *code = values->code;
	bool changed = true;

	values->in[0].reached = true;
	for (unsigned int i = 0; i < NR_REGISTERS; i++)
		values->in[0].reg[i] = node_value(values, NODE_ENTRY, i, 0);
	for (unsigned int pass = 0; changed && pass < MAX_PASSES; pass++) {
		changed = false;
		for (size_t nr = 1; nr < code->nr; nr++) {
			struct state state;

			enter(values, nr, &state);
			if (same_state(&state, &values->in[nr]))
				continue;
			values->in[nr] = state;
			changed = true;
		}
	}
	if (changed)
		return error_new("%s: the values in %s() cannot be followed",
				 code->info->path, code->insn[0].function->name);
	return NULL;
}

static struct error *add_store(struct values *values, const struct store *store)
{
	struct store *grown = reallocarray(values->store, values->nr_stores + 1,
					   sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	values->store = grown;
	values->store[values->nr_stores++] = *store;
	return NULL;
}

static struct error *collect_stores(struct values *values, size_t nr)
{
	const struct code_insn *insn = &values->code->insn[nr];
	struct state *state = &values->in[nr];

	if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_CALL ||
	    insn->decoded.mnemonic == ZYDIS_MNEMONIC_PUSH || !state->reached)
		return NULL;
	for (unsigned int i = 0; i < insn->decoded.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operand[i];

		if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    !is_write(operand))
			continue;
		struct store store = {
			.insn = nr,
			.address = memory_address(values, state, insn, operand),
			.source = unknown(values, nr),
			.size = operand->size / 8,
		};

		if (is_stack(values, store.address))
			continue;
		if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV)
			store.source = operand_value(values, state, nr,
						     &insn->operand[1]);
		struct error *err = add_store(values, &store);

		if (err)
			return err;
	}
	return NULL;
}

struct error *values_create(const struct code *code, struct values **ret)
{
	_cleanup_values_ struct values *values = calloc(1, sizeof(*values));

	if (!values)
		return &error_no_memory;
	values->code = code;
	values->in = calloc(code->nr, sizeof(*values->in));
	if (!values->in)
		return &error_no_memory;
	find_node(values, NODE_CONSTANT, 0, 0);
	struct error *err = settle(values);

	for (size_t nr = 0; !err && nr < code->nr; nr++)
		err = collect_stores(values, nr);
	if (!err && values->no_memory)
		err = &error_no_memory;
	if (err)
		return err;
	*ret = no_cleanup_ptr(values);
	return NULL;
}

void values_destroy(struct values *values)
{
	if (!values)
		return;
	free(values->store);
	free(values->in);
	free(values->node);
	free(values);
}

const struct store *values_stores(const struct values *values, size_t *ret_nr)
{
	*ret_nr = values->nr_stores;
	return values->store;
}

static bool contains(const struct values *values, uint32_t nr,
		     enum node_kind kind, uint32_t a)
{
	const struct node *node = &values->node[nr];

	if (node->kind == NODE_SUM)
		return contains(values, node->a, kind, a) ||
		       contains(values, node->b, kind, a);
	return node->kind == kind && node->a == a;
}

bool value_is_symbol(const struct values *values, struct value value,
		     const struct module_symbol *symbol)
{
	const struct module_section *section = symbol->section;

	return value.offset == (int64_t)(symbol->addr - section->addr) &&
	       contains(values, value.node, NODE_SECTION,
			section - values->code->info->section);
}

bool value_is_argument(const struct values *values, struct value value)
{
	return contains(values, value.node, NODE_ENTRY, REGISTER_RDI);
}

bool value_is_loaded(const struct values *values, struct value value,
		     int64_t offset)
{
	const struct node *node = &values->node[value.node];

	return node->kind == NODE_LOADED && node->from.offset == offset;
}
