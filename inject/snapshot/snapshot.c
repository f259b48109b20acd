// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/snapshot/snapshot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/process.h"
#include "inject/progress.h"
#include "inject/run.h"
#include "inject/target_bochs.h"

/* Milliseconds between looks at signals, clocks and the terminal. */
#define TICK 200

struct snapshot {
	struct target *target;
	char *job;		/* that it was booted with */
	uint64_t ticks;
	uint64_t memory;
};

static struct error *fail(struct snapshot_failure *ret, enum outcome outcome,
			  const char *format, ...) __attribute__((format(printf, 3, 4)));

static struct error *fail(struct snapshot_failure *ret, enum outcome outcome,
			  const char *format, ...)
{
	va_list ap;

	ret->outcome = outcome;
	va_start(ap, format);
	vsnprintf(ret->text, sizeof(ret->text), format, ap);
	va_end(ap);
	return error_new("the host was not armed: %s: %s", outcome_name(outcome), ret->text);
}

/* @ret: jobs are taken. */
static struct error *check_ready(struct snapshot *snapshot, bool *ret)
{
	struct snapshot_event event;

	if (recv(target_bochs_snapshot(snapshot->target), &event, sizeof(event), MSG_DONTWAIT) !=
	    sizeof(event))
		return NULL;
	if (event.type != SNAPSHOT_EVENT_READY)
		return error_new("snapshot: %.*s", (int)sizeof(event.text), event.text);
	snapshot->ticks = event.ticks;
	snapshot->memory = event.private_kib;
	*ret = true;
	return NULL;
}

static struct error *take_line(struct progress *progress, const char *line,
			       struct snapshot_failure *failure)
{
	char word[32];
	int used = 0;

	if (sscanf(line, "error %31s %n", word, &used) == 1)
		return fail(failure, outcome_find(word), "%s", line + used);
	if (sscanf(line, "phase %31s %n", word, &used) == 1)
		progress_phase(progress, word, line + used);
	return NULL;
}

static struct error *wait_until_ready(struct snapshot *snapshot, struct progress *progress,
				      unsigned int timeout, struct snapshot_failure *failure)
{
	double last_sign = now_seconds();
	bool ready = false;

	for (;;) {
		const char *text;
		enum target_event event = target_bochs.next_event(snapshot->target, TICK, &text);
		struct error *err = check_ready(snapshot, &ready);

		if (err || ready)
			return err;
		if (signals_pending())
			return fail(failure, OUTCOME_INTERRUPTED, "by a signal");
		if (event == TARGET_ENDED)
			return fail(failure, OUTCOME_TARGET_DIED, "%s", text);
		if (event == TARGET_RESET)
			return fail(failure, OUTCOME_RESET, "%s", text);
		if (event == TARGET_LINE)
			err = take_line(progress, text, failure);
		if (err)
			return err;
		if (event != TARGET_QUIET)
			last_sign = now_seconds();
		double silence = now_seconds() - last_sign;

		if (silence > timeout)
			return fail(failure, OUTCOME_HUNG,
				    "no end of phase %s; last sign of life %.0f s ago",
				    progress_current(progress), silence);
		progress_tick(progress);
	}
}

static struct error *boot(struct snapshot *snapshot, const struct snapshot_config *config,
			  struct progress *progress, struct snapshot_failure *failure)
{
	struct target_config target = {
		.kernel = config->kernel,
		.same_kernel = config->same_kernel,
		.directory = config->directory,
		.job = snapshot->job,
		.memory = config->memory,
		.cpus = config->cpus,
		.emulator = config->emulator,
		.dry_table = config->dry_table,
		.serve_snapshots = true,
	};
	struct error *err = target_bochs.create(&target, &snapshot->target);

	if (err)
		return err;
	progress_phase(progress, "images", "");
	err = target_bochs.prepare(snapshot->target);
	if (err)
		return err;
	progress_phase(progress, "power-on", target_bochs.version(snapshot->target));
	snprintf(failure->version, sizeof(failure->version), "%s",
		 target_bochs.version(snapshot->target));
	err = target_bochs.boot(snapshot->target);
	return err ? err : wait_until_ready(snapshot, progress, config->timeout, failure);
}

struct error *snapshot_create(const struct snapshot_config *config, struct progress *progress,
			      struct snapshot_failure *failure, struct snapshot **ret)
{
	struct snapshot_failure unwanted;
	_cleanup_(cleanup_snapshot) struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot ||
	    asprintf(&snapshot->job, "role=host snapshot=yes victim=%u guests=%u bystanders=%u%s%s "
		     "append=" CAPTURE_COMMAND_LINE ",agent_dump=emulator", config->victim,
		     config->guests, config->bystanders, config->situation ? " situation=" : "",
		     config->situation ?: "") < 0)
		return &error_no_memory;
	if (!failure)
		failure = &unwanted;
	*failure = (struct snapshot_failure){ .outcome = OUTCOME_CAPTURED };
	struct error *err = boot(snapshot, config, progress, failure);

	if (err)
		return err;
	target_bochs_forget_images(snapshot->target);
	*ret = no_cleanup_ptr(snapshot);
	return NULL;
}

void snapshot_destroy(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	if (snapshot->target)
		target_bochs.destroy(snapshot->target);
	free(snapshot->job);
	free(snapshot);
}

const char *snapshot_version(const struct snapshot *snapshot)
{
	return target_bochs.version(snapshot->target);
}

uint64_t snapshot_ticks(const struct snapshot *snapshot)
{
	return snapshot->ticks;
}

uint64_t snapshot_memory(const struct snapshot *snapshot)
{
	return snapshot->memory;
}

struct error *snapshot_check(struct snapshot *snapshot)
{
	const char *text;
	enum target_event event = target_bochs.next_event(snapshot->target, 0, &text);

	if (event == TARGET_ENDED || event == TARGET_RESET)
		return error_new("snapshot: %s", text);
	return NULL;
}

struct error *snapshot_fork(const struct snapshot *snapshot, const struct snapshot_job *job,
			    const int fds[SNAPSHOT_NR_FDS])
{
	size_t size = SNAPSHOT_NR_FDS * sizeof(*fds);
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(SNAPSHOT_NR_FDS * sizeof(int))];
	} control = {};
	struct iovec data = { .iov_base = (void *)job, .iov_len = sizeof(*job) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *files = CMSG_FIRSTHDR(&message);

	files->cmsg_level = SOL_SOCKET;
	files->cmsg_type = SCM_RIGHTS;
	files->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(files), fds, size);
	if (sendmsg(target_bochs_snapshot(snapshot->target), &message, MSG_NOSIGNAL) < 0)
		return error_errno(errno, "snapshot: cannot hand over a job; did the emulator end?");
	return NULL;
}
