/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_LIST_BOUNDARIES_H
#define INJECT_LIST_BOUNDARIES_H

/* What 'kdump-torture points --boundaries' prints. */

struct error;
struct operation;
struct points;

/* A table for each function. @operation: only those of this one; NULL: all. */
void list_boundaries(const struct points *points, const struct operation *operation);

/* The same as one object of JSON. @module: path of the .ko. */
struct error *list_boundaries_json(const struct points *points,
				   const struct operation *operation, const char *module);

#endif
