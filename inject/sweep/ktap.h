/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_KTAP_H
#define INJECT_SWEEP_KTAP_H

/* A sweep as KTAP, what the kernel's own tests say theirs in: a line a crash. */

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

void ktap_begin(FILE *file, size_t nr_tests);
/* @nr: from 1. @result: an element of "results" in results.json. */
void ktap_result(FILE *file, size_t nr, const json_t *result);
/* @text: of any number of lines. */
void ktap_diagnostic(FILE *file, const char *text);

#endif
