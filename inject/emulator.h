/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_EMULATOR_H
#define INJECT_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bochs, of which there may be two: the one that Debian packages, which is
 * built with its debugger, and a fast one that 'make emulator' builds without.
 */

struct error;

enum emulator_choice {
	EMULATOR_ANY,		/* the fast one where it has been built */
	EMULATOR_PACKAGED,
	EMULATOR_FAST,
};

struct emulator {
	char *program;		/* path, or a name to be looked up in PATH */
	char *version;		/* for the record: "Bochs 3.0+dfsg (fast)" */
	bool debugger;		/* starts at a prompt, and draws on a terminal */
};

struct error *emulator_parse(const char *text, enum emulator_choice *ret);

/* An error if it is not there. */
struct error *emulator_find(enum emulator_choice choice, struct emulator *ret);
/* Exit status of a child that could not become the emulator; a shell's, too. */
#define EMULATOR_EXEC_FAILED 127

/*
 * Why the emulator ended, from its wait @status and its log at @log_path.
 * Return: its guest reset itself, by a triple fault.
 */
bool emulator_explain_end(const struct emulator *emulator, int status, const char *log_path,
			  char *ret, size_t size);

void emulator_deinit(struct emulator *emulator);

#endif
