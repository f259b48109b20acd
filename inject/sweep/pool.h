/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_POOL_H
#define INJECT_SWEEP_POOL_H

/* Processes, some at a time, of which each does one thing and says what came of it. */

#include <stdbool.h>
#include <stddef.h>

struct error;
struct pool;

struct pool_calls {
	/* In the new process: do @item and write to @out what is to be said. */
	void (*work)(void *arg, void *item, int out);
	/* Here, once it has ended; @length may be 0, if it came to a bad end. */
	struct error *(*take)(void *arg, void *item, const char *text, size_t length);
	void *arg;
};

/* @jobs: how many at a time; 0: one for each CPU. */
struct error *pool_create(unsigned int jobs, const struct pool_calls *calls, struct pool **ret);
/* Kills those that still work. NULL is fine. */
void pool_destroy(struct pool *pool);

unsigned int pool_jobs(const struct pool *pool);
bool pool_has_room(const struct pool *pool);
bool pool_is_idle(const struct pool *pool);

struct error *pool_start(struct pool *pool, void *item);
/* Take what has been said; wait for that at most @timeout milliseconds. */
struct error *pool_wait(struct pool *pool, int timeout);

#endif
