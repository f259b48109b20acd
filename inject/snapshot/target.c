// SPDX-License-Identifier: GPL-2.0-or-later
/* A target that is a fork of an armed snapshot. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/serial.h"
#include "inject/snapshot/snapshot.h"

static const char emulator_log[] = "emulator.log";

struct target {
	struct target_config config;
	struct serial serial;
	int result;		/* socket: what becomes of the job */
	int core;		/* file in memory, for the dump */
	uint64_t memory;	/* as of the last event, KiB */
	uint64_t kexec_ticks;	/* 0: not got so far */
	char text[512];
};

static struct error *snapshot_target_create(const struct target_config *config,
					    struct target **ret)
{
	struct target *target = calloc(1, sizeof(*target));

	if (!target)
		return &error_no_memory;
	target->config = *config;
	target->result = target->core = -1;
	serial_init(&target->serial, config->directory);
	*ret = target;
	return NULL;
}

/* All was prepared when the snapshot was. */
static struct error *snapshot_target_prepare(struct target *target)
{
	target->core = memfd_create("vmcore", MFD_CLOEXEC);
	if (target->core < 0)
		return error_errno(errno, "dump: cannot make a file in memory");
	return NULL;
}

static struct error *log_path(const struct target *target, char **ret)
{
	return asprintf(ret, "%s/%s", target->config.directory, emulator_log) < 0 ?
		       &error_no_memory : NULL;
}

/* @ours and @theirs: of the sockets. */
static struct error *make_sockets(int type, int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair))
		return error_errno(errno, "snapshot: cannot make a socket");
	*ours = pair[0];
	*theirs = pair[1];
	return NULL;
}

static struct error *open_files(struct target *target, int fds[SNAPSHOT_NR_FDS])
{
	_cleanup_free_ char *log = NULL;
	struct error *err = make_sockets(SOCK_SEQPACKET, &target->result,
					 &fds[SNAPSHOT_FD_RESULT]);

	if (!err)
		err = make_sockets(SOCK_STREAM, &target->serial.port[SERIAL_CONSOLE],
				   &fds[SNAPSHOT_FD_CONSOLE]);
	if (!err)
		err = make_sockets(SOCK_STREAM, &target->serial.port[SERIAL_AGENT],
				   &fds[SNAPSHOT_FD_AGENT]);
	if (!err)
		err = log_path(target, &log);
	if (err)
		return err;
	fds[SNAPSHOT_FD_LOG] = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fds[SNAPSHOT_FD_CORE] = dup(target->core);
	return fds[SNAPSHOT_FD_LOG] < 0 || fds[SNAPSHOT_FD_CORE] < 0 ?
		       error_errno(errno, "%s: cannot write", log) : NULL;
}

static struct error *snapshot_target_boot(struct target *target)
{
	int fds[SNAPSHOT_NR_FDS] = { -1, -1, -1, -1, -1 };
	struct snapshot_job job = {
		.budget = target->config.budget,
		.path = target->config.path,
	};
	struct error *err = open_files(target, fds);

	if (!err && snprintf(job.text, sizeof(job.text), "%s", target->config.job) >=
			    (int)sizeof(job.text))
		err = error_new("snapshot: the job is too long");
	if (!err)
		err = snapshot_fork(target->config.snapshot, &job, fds);
	for (size_t i = 0; i < SNAPSHOT_NR_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return err;
}

static enum target_event explain_end(struct target *target, int status)
{
	static const struct emulator emulator = { .program = "bochs" };
	_cleanup_free_ char *path = NULL;

	error_free(log_path(target, &path));
	return emulator_explain_end(&emulator, status, path, target->text, sizeof(target->text)) ?
		       TARGET_RESET : TARGET_ENDED;
}

/* What the library tells of the fast path goes on as if the agent had said it. */
static enum target_event take_event(struct target *target, const struct snapshot_event *event)
{
	snprintf(target->text, sizeof(target->text), "%.*s", (int)sizeof(event->text),
		 event->text);
	/* Forked and ended are told by the server, of its own memory. */
	if (event->type != SNAPSHOT_EVENT_FORKED && event->type != SNAPSHOT_EVENT_ENDED)
		target->memory = event->private_kib;
	switch (event->type) {
	case SNAPSHOT_EVENT_KEXEC:
		target->kexec_ticks = event->ticks;
		snprintf(target->text, sizeof(target->text), "phase kexec");
		return TARGET_LINE;
	case SNAPSHOT_EVENT_CORE:
		snprintf(target->text, sizeof(target->text), "end captured");
		return TARGET_LINE;
	case SNAPSHOT_EVENT_BUDGET:
		snprintf(target->text, sizeof(target->text),
			 "%llu emulated instructions a CPU since the snapshot",
			 (unsigned long long)(event->ticks -
					      snapshot_ticks(target->config.snapshot)));
		return TARGET_SPENT;
	case SNAPSHOT_EVENT_FAILED:
		return TARGET_ENDED;
	case SNAPSHOT_EVENT_ENDED:
		return explain_end(target, event->status);
	default:
		return TARGET_ALIVE;
	}
}

static enum target_event read_event(struct target *target)
{
	struct snapshot_event event;
	ssize_t length = recv(target->result, &event, sizeof(event), 0);

	if (length == sizeof(event))
		return take_event(target, &event);
	snprintf(target->text, sizeof(target->text), "snapshot: the emulator that serves it is gone");
	return TARGET_ENDED;
}

static enum target_event snapshot_target_next_event(struct target *target, int timeout,
						    const char **text)
{
	struct pollfd fds[SERIAL_PORTS + 1];
	bool alive = false;

	*text = serial_next_line(&target->serial);
	if (*text)
		return TARGET_LINE;
	for (int i = 0; i < SERIAL_PORTS; i++)
		fds[i] = (struct pollfd){ .fd = target->serial.port[i], .events = POLLIN };
	fds[SERIAL_PORTS] = (struct pollfd){ .fd = target->result, .events = POLLIN };
	if (poll(fds, SERIAL_PORTS + 1, timeout) <= 0)
		return TARGET_QUIET;
	for (int i = 0; i < SERIAL_PORTS; i++) {
		if (!fds[i].revents)
			continue;
		serial_read(&target->serial, i);
		alive = true;
	}
	*text = serial_next_line(&target->serial);
	if (*text)
		return TARGET_LINE;
	/* What the agent said comes before what became of it. */
	if (alive)
		return TARGET_ALIVE;
	*text = target->text;
	return read_event(target);
}

/* A disk that fills up takes a part first, and says only then that it is full. */
static bool write_whole(int to, const char *block, size_t length, off_t at)
{
	while (length) {
		ssize_t written = pwrite(to, block, length, at);

		if (written <= 0)
			return false;
		block += written;
		length -= written;
		at += written;
	}
	return true;
}

static struct error *copy_file(int from, const char *path)
{
	_cleanup_close_ int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	off_t size = lseek(from, 0, SEEK_END);
	_cleanup_free_ char *block = malloc(1 << 20);

	if (!block)
		return &error_no_memory;
	if (to < 0 || ftruncate(to, size))
		return error_errno(errno, "%s: cannot write", path);
	/* The holes of the one become holes of the other. */
	for (off_t at = lseek(from, 0, SEEK_DATA); at >= 0; at = lseek(from, at, SEEK_DATA)) {
		off_t end = lseek(from, at, SEEK_HOLE);

		while (at < end) {
			size_t want = end - at < 1 << 20 ? end - at : 1 << 20;
			ssize_t length = pread(from, block, want, at);

			if (length <= 0 || !write_whole(to, block, length, at))
				return error_errno(errno, "%s: cannot write", path);
			at += length;
		}
	}
	return NULL;
}

/* Of the full path there is a dump once the agent has said so. */
static bool has_dump(const struct target *target)
{
	return lseek(target->core, 0, SEEK_END) > 0;
}

static uint64_t snapshot_target_ticks(const struct target *target)
{
	return target->kexec_ticks;
}

static uint64_t snapshot_target_memory(const struct target *target)
{
	return target->memory;
}

static int snapshot_target_dump_file(const struct target *target)
{
	return has_dump(target) ? target->core : -1;
}

static struct error *snapshot_target_collect(struct target *target, const char *name,
					     const char *path, bool *ret)
{
	(void)name;
	*ret = has_dump(target);
	return *ret ? copy_file(target->core, path) : NULL;
}

static const char *snapshot_target_version(const struct target *target)
{
	return snapshot_version(target->config.snapshot);
}

/* The job ends when nobody waits for its result. */
static void snapshot_target_reset(struct target *target)
{
	if (target->result >= 0)
		close(target->result);
	target->result = -1;
	serial_disconnect(&target->serial);
}

static void snapshot_target_destroy(struct target *target)
{
	snapshot_target_reset(target);
	serial_deinit(&target->serial);
	if (target->core >= 0)
		close(target->core);
	free(target);
}

const struct target_ops target_snapshot = {
	.name = "bochs",
	.create = snapshot_target_create,
	.prepare = snapshot_target_prepare,
	.boot = snapshot_target_boot,
	.next_event = snapshot_target_next_event,
	.ticks = snapshot_target_ticks,
	.memory = snapshot_target_memory,
	.dump_file = snapshot_target_dump_file,
	.collect = snapshot_target_collect,
	.version = snapshot_target_version,
	.reset = snapshot_target_reset,
	.destroy = snapshot_target_destroy,
};
