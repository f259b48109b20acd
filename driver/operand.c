// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands of the dry table: REGISTER+0xN, REGISTER-0xN, or rip+0xN,LENGTH, which
 * counts from the end of an instruction of that many bytes.
 */
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/string.h>

#include "dry.h"

/* The longest instruction there is */
#define KDT_MAX_LENGTH	15

static const struct {
	const char *name;
	u16 offset;
} kdt_registers[] = {
	{ "rax", offsetof(struct pt_regs, ax) },  { "rbx", offsetof(struct pt_regs, bx) },
	{ "rcx", offsetof(struct pt_regs, cx) },  { "rdx", offsetof(struct pt_regs, dx) },
	{ "rsi", offsetof(struct pt_regs, si) },  { "rdi", offsetof(struct pt_regs, di) },
	{ "rbp", offsetof(struct pt_regs, bp) },  { "rsp", offsetof(struct pt_regs, sp) },
	{ "r8", offsetof(struct pt_regs, r8) },	  { "r9", offsetof(struct pt_regs, r9) },
	{ "r10", offsetof(struct pt_regs, r10) }, { "r11", offsetof(struct pt_regs, r11) },
	{ "r12", offsetof(struct pt_regs, r12) }, { "r13", offsetof(struct pt_regs, r13) },
	{ "r14", offsetof(struct pt_regs, r14) }, { "r15", offsetof(struct pt_regs, r15) },
};

static bool kdt_register_parse(const char *name, size_t length, u16 *ret)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kdt_registers); i++) {
		if (strlen(kdt_registers[i].name) == length &&
		    !memcmp(kdt_registers[i].name, name, length)) {
			*ret = kdt_registers[i].offset;
			return true;
		}
	}
	return false;
}

bool kdt_operand_parse(const char *text, struct kdt_operand *ret)
{
	size_t base = strcspn(text, "+-");
	unsigned int displacement, length;
	char sign, more;
	int nr;

	memset(ret, 0, sizeof(*ret));
	nr = sscanf(text + base, "%c0x%x,%u%c", &sign, &displacement, &length, &more);
	if (nr < 2 || displacement > INT_MAX)
		return false;
	ret->displacement = sign == '-' ? -(int)displacement : displacement;
	if (nr == 2)
		return kdt_register_parse(text, base, &ret->base);
	if (nr != 3 || base != strlen("rip") || strncmp(text, "rip", base) || !length ||
	    length > KDT_MAX_LENGTH)
		return false;
	ret->length = length;
	return true;
}

/* @ip: of the instruction; a kprobe's regs->ip is not. */
unsigned long kdt_operand_address(const struct kdt_operand *operand,
				  const struct pt_regs *regs, unsigned long ip)
{
	unsigned long base = ip + operand->length;

	if (!operand->length)
		base = *(const unsigned long *)((const char *)regs + operand->base);
	return base + operand->displacement;
}
