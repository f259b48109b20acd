/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_LIST_SVG_H
#define INJECT_REPORT_LIST_SVG_H

#include <jansson.h>
#include <stdio.h>

/*
 * A CPU's list of loaded VMCSes as it stood at the crash, as an SVG image: the head, the
 * entries that a forward walk met, and beside them those that are half way on or off it,
 * with all pointers. Nothing for a list that is empty and that nothing was under way on.
 * @result: element of "results"; @cpu: element of its "lists".
 */
void list_svg(FILE *out, const json_t *result, const json_t *cpu);

/* Once in a page: the heads of the arrows. */
void list_svg_markers(FILE *out);

#endif
