/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_MAXPHYADDR_TABLE_H
#define INJECT_MAXPHYADDR_TABLE_H

/* Results of cases.h, as tables for people: lines of KTAP diagnostics. */

#include <jansson.h>
#include <stdio.h>

/*
 * A table for each combination of parameters: mode and level down, checks across,
 * in each cell cases passed of cases run; then the causes of expected failures, and
 * what @kernel does otherwise than @against (NULL: nothing).
 */
void table_print(FILE *file, const json_t *results, const char *kernel, const char *against);

/* @mutants: objects with name, what, caught and by. */
void table_print_mutants(FILE *file, const json_t *mutants);

#endif
