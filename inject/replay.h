/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPLAY_H
#define INJECT_REPLAY_H

#include <jansson.h>
#include <stdio.h>

/*
 * A run done again from its record, run.json. What a host boots from is the same
 * to the byte and nothing of it depends on time, so it does the same, instruction
 * for instruction, if it is made of the same.
 */

struct error;
struct kernel_build;
struct replay;
struct run_options;
struct run_result;

/* Of each file that decides what a host of @kernel does, its name and SHA-256. */
struct error *replay_inputs(const struct kernel_build *kernel, json_t **ret);

/*
 * Take the options of the run in @directory into @options, where they are valid
 * as long as the replay. An error if it cannot be repeated here.
 */
struct error *replay_create(const char *directory, struct run_options *options,
			    struct replay **ret);
void replay_destroy(struct replay *replay);

static inline void cleanup_replay(struct replay **replay)
{
	replay_destroy(*replay);
}

/* The directory of the run, absolute. */
const char *replay_directory(const struct replay *replay);

/* An error unless @inputs are those of the run. */
struct error *replay_check_inputs(const struct replay *replay, const json_t *inputs);

/* Say on @out that @result is what the run came to; an error if it is not. */
struct error *replay_compare(const struct replay *replay, const struct run_result *result,
			     FILE *out);

#endif
