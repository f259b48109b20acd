// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/code.h"

#include <Zycore/Format.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

static struct error *add_insn(struct code *code, const struct code_insn *insn)
{
	/* Grown by doubling at powers of two. */
	if (!(code->nr & (code->nr - 1))) {
		size_t capacity = code->nr ? 2 * code->nr : 1;
		struct code_insn *grown = reallocarray(code->insn, capacity,
						       sizeof(*grown));

		if (!grown)
			return &error_no_memory;
		code->insn = grown;
	}
	code->insn[code->nr++] = *insn;
	return NULL;
}

static void find_relocs(const struct module_info *info, struct code_insn *insn)
{
	uint64_t end = insn->addr + insn->decoded.length;
	const struct module_reloc *reloc =
		module_info_reloc(info, insn->addr, end);

	for (; reloc; reloc = module_info_reloc(info, reloc->addr + 1, end)) {
		uint64_t at = reloc->addr - insn->addr;

		if (insn->decoded.raw.disp.size &&
		    at == insn->decoded.raw.disp.offset)
			insn->disp_reloc = reloc;
		else
			insn->imm_reloc = reloc;
	}
}

static struct error *decode(struct code *code,
			    const struct module_symbol *function)
{
	const struct module_section *section = function->section;
	uint64_t end = function->addr + function->size;
	ZydisDecoder decoder;

	if (!section->data || end > section->addr + section->size)
		return error_new("%s: function %s() lies outside of its section %s",
				 code->info->path, function->name,
				 section->name);
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	for (uint64_t addr = function->addr; addr < end;) {
		struct code_insn insn = { .addr = addr, .function = function };
		const uint8_t *bytes = section->data + (addr - section->addr);

		if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes,
						       end - addr,
						       &insn.decoded,
						       insn.operand)))
			return error_new("%s: no valid instruction at %s+0x%" PRIx64,
					 code->info->path, function->name,
					 addr - function->addr);
		find_relocs(code->info, &insn);
		struct error *err = add_insn(code, &insn);

		if (err)
			return err;
		addr += insn.decoded.length;
	}
	return NULL;
}

/* The compiler puts unlikely code of NAME into NAME.cold, or NAME.cold.N. */
static struct error *decode_cold(struct code *code, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < code->info->nr_symbols; i++) {
		const struct module_symbol *symbol = &code->info->symbol[i];

		if (!symbol->function || !symbol->section || !symbol->size ||
		    strncmp(symbol->name, name, length) ||
		    strncmp(symbol->name + length, ".cold", strlen(".cold")))
			continue;
		struct error *err = decode(code, symbol);

		if (err)
			return err;
	}
	return NULL;
}

size_t code_find(const struct code *code, uint64_t addr)
{
	for (size_t i = 0; i < code->nr; i++) {
		if (code->insn[i].addr == addr)
			return i;
	}
	return CODE_NONE;
}

uint64_t code_target(const struct code_insn *insn)
{
	uint64_t end = insn->addr + insn->decoded.length;

	if (insn->operand[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    !insn->operand[0].imm.is_relative)
		return 0;
	if (!insn->imm_reloc)
		return end + insn->operand[0].imm.value.s;
	if (!insn->imm_reloc->symbol->section)
		return 0;
	/* The field is relative to the end of the instruction. */
	return insn->imm_reloc->symbol->addr + insn->imm_reloc->addend +
	       (end - insn->imm_reloc->addr);
}

static struct error *add_edge(struct code *code, size_t from, size_t to)
{
	if (to == CODE_NONE)
		return NULL;
	struct code_edge *grown = reallocarray(code->edge, code->nr_edges + 1,
					       sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	code->edge = grown;
	code->edge[code->nr_edges++] = (struct code_edge){ from, to };
	return NULL;
}

static bool falls_through(const struct code *code, size_t nr)
{
	const struct code_insn *insn = &code->insn[nr];
	ZydisInstructionCategory category = insn->decoded.meta.category;

	if (category == ZYDIS_CATEGORY_RET)
		return false;
	/* A jump label that the file has as a jump can be a no-op in the kernel. */
	if (category == ZYDIS_CATEGORY_UNCOND_BR &&
	    !module_info_site(code->info, SITE_JUMP_LABEL, insn->addr))
		return false;
	return nr + 1 < code->nr && insn->function == code->insn[nr + 1].function;
}

static struct error *add_edges(struct code *code, size_t nr)
{
	const struct code_insn *insn = &code->insn[nr];
	ZydisInstructionCategory category = insn->decoded.meta.category;
	struct error *err = NULL;

	if (falls_through(code, nr))
		err = add_edge(code, nr, nr + 1);
	if (!err && (category == ZYDIS_CATEGORY_UNCOND_BR ||
		     category == ZYDIS_CATEGORY_COND_BR))
		err = add_edge(code, nr, code_find(code, code_target(insn)));
	for (size_t i = 0; !err && i < code->info->nr_sites; i++) {
		const struct module_site *site = &code->info->site[i];

		if (site->addr == insn->addr && site->target)
			err = add_edge(code, nr, code_find(code, site->target));
	}
	return err;
}

struct error *code_create(const struct module_info *info,
			  const struct module_symbol *function,
			  struct code **ret)
{
	_cleanup_code_ struct code *code = calloc(1, sizeof(*code));

	if (!code)
		return &error_no_memory;
	code->info = info;
	struct error *err = decode(code, function);

	if (!err)
		err = decode_cold(code, function->name);
	for (size_t i = 0; !err && i < code->nr; i++)
		err = add_edges(code, i);
	if (err)
		return err;
	code->seen = calloc(code->nr, sizeof(*code->seen));
	code->todo = calloc(code->nr + 1, sizeof(*code->todo));
	if (!code->seen || !code->todo)
		return &error_no_memory;
	*ret = no_cleanup_ptr(code);
	return NULL;
}

struct error *code_decode(const struct module_info *info,
			  const struct module_symbol *function,
			  struct code **ret)
{
	_cleanup_code_ struct code *code = calloc(1, sizeof(*code));

	if (!code)
		return &error_no_memory;
	code->info = info;
	struct error *err = decode(code, function);

	if (!err)
		*ret = no_cleanup_ptr(code);
	return err;
}

void code_destroy(struct code *code)
{
	if (!code)
		return;
	free(code->todo);
	free(code->seen);
	free(code->edge);
	free(code->insn);
	free(code);
}

bool code_reaches(const struct code *code, size_t from, size_t to,
		  const size_t *avoid, size_t nr_avoid)
{
	size_t nr = 0;

	memset(code->seen, 0, code->nr * sizeof(*code->seen));
	for (size_t i = 0; i < nr_avoid; i++)
		code->seen[avoid[i]] = true;
	code->todo[nr++] = from;
	while (nr) {
		size_t at = code->todo[--nr];

		for (size_t i = 0; i < code->nr_edges; i++) {
			size_t next = code->edge[i].to;

			if (code->edge[i].from != at || code->seen[next])
				continue;
			if (next == to)
				return true;
			code->seen[next] = true;
			code->todo[nr++] = next;
		}
	}
	return false;
}

size_t code_next(const struct code *code, size_t nr)
{
	size_t next = CODE_NONE;

	for (size_t i = 0; i < code->nr_edges; i++) {
		if (code->edge[i].from != nr)
			continue;
		if (next != CODE_NONE && next != code->edge[i].to)
			return CODE_NONE;
		next = code->edge[i].to;
	}
	return next;
}

/* What the formatter's callbacks need to know. */
struct formatting {
	const struct code *code;
	const struct code_insn *insn;
};

static ZydisFormatterFunc print_abs_default, print_disp_default,
	print_imm_default;

static ZyanStatus append_symbol(ZydisFormatterBuffer *buffer,
				const char *prefix, const char *name,
				int64_t offset, const char *suffix)
{
	ZyanString *string;

	ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
	ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &string));
	if (!offset)
		return ZyanStringAppendFormat(string, "%s%s%s", prefix, name,
					      suffix);
	return ZyanStringAppendFormat(string, "%s%s%c0x%" PRIx64 "%s", prefix,
				      name, offset < 0 ? '-' : '+',
				      offset < 0 ? -(uint64_t)offset :
						   (uint64_t)offset, suffix);
}

static ZyanStatus append_reloc(ZydisFormatterBuffer *buffer,
			       const struct formatting *formatting,
			       const struct module_reloc *reloc,
			       const char *prefix, const char *suffix)
{
	const struct module_symbol *symbol = reloc->symbol;
	int64_t offset = reloc->addend;

	if (reloc->pc_relative)
		offset += formatting->insn->addr +
			  formatting->insn->decoded.length - reloc->addr;
	if (symbol->section) {
		/* Often relative to the section, where a name is known. */
		uint64_t addr = symbol->addr + offset;
		const struct module_symbol *named =
			module_info_symbol_at(formatting->code->info, addr);

		if (named) {
			symbol = named;
			offset = addr - named->addr;
		}
	}
	return append_symbol(buffer, prefix, symbol->name, offset, suffix);
}

/* Targets of branches and operands relative to the instruction pointer. */
static ZyanStatus print_abs(const ZydisFormatter *formatter,
			    ZydisFormatterBuffer *buffer,
			    ZydisFormatterContext *context)
{
	const struct formatting *formatting = context->user_data;
	bool memory = context->operand->type == ZYDIS_OPERAND_TYPE_MEMORY;
	const struct module_reloc *reloc = memory ? formatting->insn->disp_reloc :
						    formatting->insn->imm_reloc;
	const char *suffix = memory ? "(%rip)" : "";
	uint64_t addr;

	if (reloc)
		return append_reloc(buffer, formatting, reloc, "", suffix);
	ZYAN_CHECK(ZydisCalcAbsoluteAddress(context->instruction,
					    context->operand,
					    context->runtime_address, &addr));
	const struct module_symbol *symbol =
		module_info_symbol_at(formatting->code->info, addr);

	if (symbol)
		return append_symbol(buffer, "", symbol->name,
				     addr - symbol->addr, suffix);
	return print_abs_default(formatter, buffer, context);
}

static ZyanStatus print_disp(const ZydisFormatter *formatter,
			     ZydisFormatterBuffer *buffer,
			     ZydisFormatterContext *context)
{
	const struct formatting *formatting = context->user_data;

	if (formatting->insn->disp_reloc)
		return append_reloc(buffer, formatting,
				    formatting->insn->disp_reloc, "", "");
	return print_disp_default(formatter, buffer, context);
}

static ZyanStatus print_imm(const ZydisFormatter *formatter,
			    ZydisFormatterBuffer *buffer,
			    ZydisFormatterContext *context)
{
	const struct formatting *formatting = context->user_data;

	if (formatting->insn->imm_reloc)
		return append_reloc(buffer, formatting,
				    formatting->insn->imm_reloc, "$", "");
	return print_imm_default(formatter, buffer, context);
}

static void set_hook(ZydisFormatter *formatter, ZydisFormatterFunction type,
		     ZydisFormatterFunc hook, ZydisFormatterFunc *ret_default)
{
	const void *callback = (const void *)hook;

	ZydisFormatterSetHook(formatter, type, &callback);
	*ret_default = (ZydisFormatterFunc)callback;
}

char *code_format(const struct code *code, size_t nr)
{
	const struct code_insn *insn = &code->insn[nr];
	struct formatting formatting = { .code = code, .insn = insn };
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	ZydisFormatter formatter;
	char text[256];

	/* A displacement that is yet to be relocated is 0, and left out then. */
	memcpy(operand, insn->operand, sizeof(operand));
	for (unsigned int i = 0; i < insn->decoded.operand_count; i++) {
		if (!insn->disp_reloc ||
		    operand[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		operand[i].mem.disp.has_displacement = ZYAN_TRUE;
		operand[i].mem.disp.value = 1;
	}

	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE,
				  ZYAN_FALSE);
	/* Numbers as short as objdump writes them. */
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_SIGNEDNESS,
				  ZYDIS_SIGNEDNESS_UNSIGNED);
	set_hook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, print_abs,
		 &print_abs_default);
	set_hook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_DISP, print_disp,
		 &print_disp_default);
	set_hook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_IMM, print_imm,
		 &print_imm_default);
	if (ZYAN_FAILED(ZydisFormatterFormatInstruction(
		    &formatter, &insn->decoded, operand,
		    insn->decoded.operand_count_visible, text, sizeof(text),
		    insn->addr, &formatting)))
		return NULL;
	return strdup(text);
}
