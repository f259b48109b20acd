/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_IN_CAPTURE_H
#define INJECT_IN_CAPTURE_H

/*
 * The capture kernel's own verdict, from /proc/vmcore, beside that of the dump
 * that makedumpfile made of it: it is the same memory, so it is the same verdict.
 */

#include <jansson.h>

#include "analyze/error.h"

/* Its file on the dump disk and in the run directory */
#define IN_CAPTURE_VERDICT	"verdict-in-capture.json"

/*
 * Compare the verdict in the file @path with @verdict, that of the dump.
 * Return: an error that says where they differ, or that there is none.
 */
struct error *in_capture_compare(const char *path, const json_t *verdict);

#endif
