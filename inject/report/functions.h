/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_FUNCTIONS_H
#define INJECT_REPORT_FUNCTIONS_H

#include <stdio.h>

#include "inject/report/model.h"

struct source;

/*
 * The functions of each kernel, instruction by instruction, with what came of the crashes
 * before it. @source: of the kernel, for the lines themselves; NULL: there is none.
 */
void functions(FILE *out, const struct model *model, struct source *source);

#endif
