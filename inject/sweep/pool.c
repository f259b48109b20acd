// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/sweep/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/error.h"

#define MAX_JOBS	64

struct worker {
	pid_t pid;		/* 0: a free place */
	int pipe;
	void *item;
	char *text;
	size_t length, size;
};

struct pool {
	struct pool_calls calls;
	struct worker worker[MAX_JOBS];
	unsigned int jobs;
};

struct error *pool_create(unsigned int jobs, const struct pool_calls *calls, struct pool **ret)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return &error_no_memory;
	pool->calls = *calls;
	pool->jobs = jobs ?: sysconf(_SC_NPROCESSORS_ONLN);
	if (pool->jobs > MAX_JOBS)
		pool->jobs = MAX_JOBS;
	*ret = pool;
	return NULL;
}

/* The process has ended or does so. */
static void release(struct worker *worker)
{
	close(worker->pipe);
	waitpid(worker->pid, NULL, 0);
	free(worker->text);
	*worker = (struct worker){ 0 };
}

void pool_destroy(struct pool *pool)
{
	for (unsigned int i = 0; pool && i < pool->jobs; i++) {
		if (!pool->worker[i].pid)
			continue;
		kill(pool->worker[i].pid, SIGKILL);
		release(&pool->worker[i]);
	}
	free(pool);
}

unsigned int pool_jobs(const struct pool *pool)
{
	return pool->jobs;
}

bool pool_has_room(const struct pool *pool)
{
	for (unsigned int i = 0; i < pool->jobs; i++) {
		if (!pool->worker[i].pid)
			return true;
	}
	return false;
}

bool pool_is_idle(const struct pool *pool)
{
	for (unsigned int i = 0; i < pool->jobs; i++) {
		if (pool->worker[i].pid)
			return false;
	}
	return true;
}

struct error *pool_start(struct pool *pool, void *item)
{
	struct worker *worker = pool->worker;
	pid_t parent = getpid();
	int fds[2];

	while (worker->pid)
		worker++;
	if (pipe2(fds, O_CLOEXEC))
		return error_errno(errno, "pipe");
	fflush(NULL);
	pid_t pid = fork();

	if (pid < 0) {
		struct error *err = error_errno(errno, "sweep: cannot start a process");

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			pool->calls.work(pool->calls.arg, item, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*worker = (struct worker){ .pid = pid, .pipe = fds[0], .item = item };
	return NULL;
}

/* *@ret_end: it has said all. */
static struct error *read_some(struct worker *worker, bool *ret_end)
{
	if (worker->size - worker->length < 4096) {
		size_t size = 2 * worker->size + 16384;
		char *larger = realloc(worker->text, size);

		if (!larger)
			return &error_no_memory;
		worker->text = larger;
		worker->size = size;
	}
	ssize_t length = read(worker->pipe, worker->text + worker->length,
			      worker->size - worker->length);

	if (length < 0 && errno != EINTR)
		return error_errno(errno, "sweep: cannot read from a process");
	if (length > 0)
		worker->length += length;
	*ret_end = !length;
	return NULL;
}

static struct error *listen_to(struct pool *pool, struct worker *worker)
{
	bool end = false;
	struct error *err = read_some(worker, &end);

	if (err || !end)
		return err;
	err = pool->calls.take(pool->calls.arg, worker->item, worker->text, worker->length);
	release(worker);
	return err;
}

struct error *pool_wait(struct pool *pool, int timeout)
{
	struct pollfd fds[MAX_JOBS];

	for (unsigned int i = 0; i < pool->jobs; i++)
		fds[i] = (struct pollfd){
			.fd = pool->worker[i].pid ? pool->worker[i].pipe : -1, .events = POLLIN,
		};
	if (poll(fds, pool->jobs, timeout) <= 0)
		return NULL;
	for (unsigned int i = 0; i < pool->jobs; i++) {
		struct error *err = fds[i].revents ? listen_to(pool, &pool->worker[i]) : NULL;

		if (err)
			return err;
	}
	return NULL;
}
