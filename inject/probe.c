// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/probe.h"

#include <string.h>

static const char *function_problem(const struct code *code,
				    const struct module_symbol *function)
{
	static const struct {
		const char *section, *problem;
	} sections[] = {
		{ ".noinstr.text", "noinstr code, which kprobes stay out of" },
		{ ".kprobes.text", "code of kprobes itself" },
		{ ".entry.text", "entry code, which kprobes stay out of" },
		{ ".init.text", "init code, gone once the module is loaded" },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!strcmp(function->section->name, sections[i].section))
			return sections[i].problem;
	}
	if (module_info_site(code->info, SITE_NOKPROBE, function->addr))
		return "marked NOKPROBE_SYMBOL()";
	if (!strncmp(function->name, "__cfi_", strlen("__cfi_")) ||
	    !strncmp(function->name, "__pfx_", strlen("__pfx_")))
		return "padding before a function, which kprobes stay out of";
	return NULL;
}

/* Kprobes are placed relative to the first function of a name. */
static const char *name_problem(const struct code *code,
				const struct module_symbol *function)
{
	const struct module_symbol *first =
		module_info_symbol(code->info, function->name);

	return first && first->section != function->section ?
		"the kernel takes its name for another function, of another section" :
		NULL;
}

static const char *site_problem(const struct code *code, uint64_t addr)
{
	for (size_t i = 0; i < code->info->nr_sites; i++) {
		const struct module_site *site = &code->info->site[i];

		if (site->kind == SITE_PATCHED && addr > site->addr &&
		    addr - site->addr < site->length)
			return "inside code that the kernel replaces at load (alternative)";
		if (addr != site->addr)
			continue;
		switch (site->kind) {
		case SITE_JUMP_LABEL:
			return "a jump label, which the kernel patches itself";
		case SITE_STATIC_CALL:
			return "a static call, which the kernel patches itself";
		case SITE_BUG:
			return "the trap of BUG() or WARN()";
		default:
			break;
		}
	}
	return NULL;
}

/* FF /2 to /5: call and jump through a pointer, near or far. */
static bool is_indirect(const ZydisDecodedInstruction *insn)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       insn->opcode == 0xff && insn->raw.modrm.reg >= 2 &&
	       insn->raw.modrm.reg <= 5;
}

static const char *insn_problem(const struct code_insn *insn)
{
	const ZydisDecodedInstruction *decoded = &insn->decoded;

	/* 0F 01 /0 with a register: VMCALL, VMLAUNCH, VMRESUME, VMXOFF, ... */
	if (decoded->opcode_map == ZYDIS_OPCODE_MAP_0F &&
	    decoded->opcode == 0x01 && decoded->raw.modrm.mod == 3 &&
	    decoded->raw.modrm.reg == 0)
		return "kprobes do not support VMCALL, VMLAUNCH, VMRESUME and VMXOFF";
	if (is_indirect(decoded) && decoded->raw.modrm.mod != 3)
		return "a call or jump through memory, which kprobes do not support";
	switch (decoded->mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
		return "a breakpoint already";
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
		return "kprobes do not support IRET";
	case ZYDIS_MNEMONIC_MOV:
		/* It masks exceptions until behind the next instruction. */
		if (insn->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    insn->operand[0].reg.value == ZYDIS_REGISTER_SS)
			return "kprobes do not support loading SS";
		return NULL;
	default:
		return NULL;
	}
}

const char *probe_problem(const struct code *code, size_t nr)
{
	const struct code_insn *insn = &code->insn[nr];
	const char *problem = name_problem(code, insn->function);

	if (!problem)
		problem = function_problem(code, insn->function);
	if (!problem)
		problem = site_problem(code, insn->addr);
	/* What is replaced at load is not what the file has. */
	if (!problem && !module_info_site(code->info, SITE_PATCHED, insn->addr))
		problem = insn_problem(insn);
	return problem;
}
