/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_INPUT_H
#define INJECT_SWEEP_INPUT_H

/* What a sweep is made of, by its options: scenarios, kernels, and the plan. */

#include <stddef.h>

#include "inject/mutants.h"
#include "inject/scenario.h"
#include "inject/sweep/header.h"
#include "inject/sweep/plan.h"

struct sweep_options;

struct sweep_input {
	const struct sweep_options *options;
	struct scenarios scenarios;
	const struct scenario **selected;
	size_t nr_selected;
	struct sweep_kernel *kernel;
	size_t nr_kernels;
	struct plan plan;
};

/* Deinit it in any case. @options must outlive it. */
struct error *sweep_input_init(const struct sweep_options *options, struct sweep_input *ret);
void sweep_input_deinit(struct sweep_input *input);

/* @path: NULL for those that come along, the mutants' among them. */
struct error *sweep_load_scenarios(const char *path, struct scenarios *ret);
struct error *sweep_load_mutants(struct mutants *ret);

#endif
