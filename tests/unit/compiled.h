/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_COMPILED_H
#define TESTS_UNIT_COMPILED_H

/* Modules compiled from the sources in points/, and what binutils say of them. */

#include <stdbool.h>
#include <stdio.h>

/* Return: the shell command ended with status 0. */
bool run(const char *command);
/* Its output; end it with pclose(). Exits if it cannot be started. */
FILE *run_read(const char *command);

/*
 * Compile the @sources, separated by spaces, as the kernel does as far as that
 * changes the code, into the relocatable object @path. Exits if that fails.
 */
void compile_module(const char *path, const char *cc, const char *flags, const char *sources);

#endif
