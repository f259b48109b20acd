/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_CODE_H
#define INJECT_CODE_H

/* The instructions of one function of a module, and where each can lead. */

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inject/module_info.h"

struct code_insn {
	uint64_t addr;
	const struct module_symbol *function;	/* that it lies in: NAME or NAME.cold */
	ZydisDecodedInstruction decoded;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	/* Relocations of its displacement and immediate, or NULL. */
	const struct module_reloc *disp_reloc, *imm_reloc;
};

struct code_edge {
	size_t from, to;
};

struct code {
	const struct module_info *info;
	struct code_insn *insn;	/* those of NAME first, by address; then NAME.cold */
	size_t nr;
	struct code_edge *edge;
	size_t nr_edges;
	/* Room for code_reaches(), one an instruction. */
	bool *seen;
	size_t *todo;
};

/* No instruction: an index that nothing has. */
#define CODE_NONE	SIZE_MAX

/* @info must outlive the result. */
struct error *code_create(const struct module_info *info,
			  const struct module_symbol *function,
			  struct code **ret);
void code_destroy(struct code *code);

/* The instructions alone, and no NAME.cold: for who only looks them through. */
struct error *code_decode(const struct module_info *info,
			  const struct module_symbol *function,
			  struct code **ret);

static inline void cleanup_code(struct code **code)
{
	code_destroy(*code);
}

#define _cleanup_code_	__attribute__((__cleanup__(cleanup_code)))

/* The instruction that starts at @addr, or CODE_NONE. */
size_t code_find(const struct code *code, uint64_t addr);

/* Where a direct call or jump goes to; 0: elsewhere, or not one. */
uint64_t code_target(const struct code_insn *insn);

/*
 * Whether execution can come from @from to @to without executing any of the
 * @nr_avoid instructions at @avoid on the way.  From an instruction to itself:
 * only by a loop.
 */
bool code_reaches(const struct code *code, size_t from, size_t to,
		  const size_t *avoid, size_t nr_avoid);

/* The only instruction that can come next, CODE_NONE if there is a choice. */
size_t code_next(const struct code *code, size_t nr);

/* In AT&T syntax, as objdump has it, with the symbols referred to; or NULL. */
char *code_format(const struct code *code, size_t nr);

#endif
