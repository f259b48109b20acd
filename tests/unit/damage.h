/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_DAMAGE_H
#define TESTS_UNIT_DAMAGE_H

/*
 * Damage to a dump, said in words; "; " stands between several.
 *
 * Before the dump is written, in memory and vmcoreinfo:
 *
 *   u8|u16|u32|u64 ADDRESS = VALUE     overwrite a number
 *   drop ADDRESS                       leave its page out of the dump
 *   info KEY=TEXT                      replace what vmcoreinfo has for KEY, or add it
 *   no info KEY                        remove that line
 *
 * Then in the file, those of a flattened one last:
 *
 *   FIELD = VALUE                      see damage.c for the fields, as the formats name them;
 *   FIELD[I] = VALUE                   I: a number, or the ADDRESS of a page in the dump
 *   cut SIZE | cut FIELD               the file ends there; a negative SIZE counts from its end
 *   record OFFSET SIZE                 add one to a flattened dump, before its end marker
 *
 * ADDRESS is SYMBOL, vmcs:VCPU, type:NAME for that type of the kernel in its BTF,
 * or *SYMBOL for where the pointer there points, each with +OFFSET if it is
 * behind that; VALUE a number, @ADDRESS, or #NAME for the id of a type.
 */

#include "tests/unit/host.h"
#include "tests/unit/writer.h"

enum damage_stage {
	DAMAGE_MEMORY,	/* before the dump is written */
	DAMAGE_DUMP,	/* its file, before it is flattened */
	DAMAGE_FLAT,	/* a flattened file */
};

/*
 * Do what of @words belongs to @stage, in DAMAGE_MEMORY without @file.  A cut is
 * one of the last stage of a format.  Words that make no sense end the program.
 */
void damage_do(const struct host *host, const char *words, enum damage_stage stage,
	       struct bytes *file);

/* The dump of @host, which is damaged too, in @format; the caller frees its data. */
struct bytes damage_make(const struct host *host, const char *format, const char *words);

#endif
