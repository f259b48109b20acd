/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_HEADER_H
#define INJECT_SWEEP_HEADER_H

/*
 * What a sweep is, as its journal and results.json begin: what is swept, how,
 * and on what.
 */

#include <jansson.h>
#include <stddef.h>

struct error;
struct scenario;
struct subject;
struct sweep_options;

/* A kernel of a sweep. */
struct sweep_kernel {
	char *name;		/* as the user gave it */
	const char *label;	/* in it: its name in results */
	struct subject *subject;
};

/* @ret: an object that belongs to the caller. */
struct error *header_create(const struct sweep_options *options,
			    const struct scenario *const *scenarios, size_t nr_scenarios,
			    const struct sweep_kernel *kernels, size_t nr_kernels, json_t **ret);

/* An error that names what is not as it was, and decides what comes of a crash. */
struct error *header_compare(const json_t *before, const json_t *now);

/*
 * The options that the sweep of @header had. They are valid as long as it is,
 * but for names, which the caller frees. What does not matter to results is left.
 */
struct error *header_options(const json_t *header, struct sweep_options *options);

json_t *scenario_json(const struct scenario *scenario);

#endif
