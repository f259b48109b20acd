// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

extern char **environ;

static struct error *read_all(int fd, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0, size = 0;

	for (;;) {
		if (size - used < 2) {
			size = size ? 2 * size : 4096;
			char *larger = realloc(text, size);

			if (!larger)
				return &error_no_memory;
			text = larger;
		}
		ssize_t length = read(fd, text + used, size - used - 1);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			break;
		used += length;
	}
	text[used] = '\0';
	*ret = no_cleanup_ptr(text);
	return NULL;
}

/* The last line of @text that is not empty; cuts @text behind it. */
static const char *last_line(char *text)
{
	for (;;) {
		char *line = strrchr(text, '\n');

		if (!line)
			return text;
		if (line[1])
			return line + 1;
		*line = '\0';
	}
}

struct error *run_tool(const char *const argv[], char **ret)
{
	_cleanup_fclose_ FILE *errors = tmpfile();
	int out[2];
	pid_t pid;
	int status;

	if (!errors)
		return error_errno(errno, "temporary file");
	if (pipe2(out, O_CLOEXEC))
		return error_errno(errno, "pipe");
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
	int err = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);

	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (err) {
		close(out[0]);
		return error_errno(err, "%s: cannot start; is its package installed (make deps)?",
				   argv[0]);
	}
	_cleanup_free_ char *output = NULL;
	struct error *error = read_all(out[0], &output);

	close(out[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error)
		return error;
	if (status) {
		_cleanup_free_ char *messages = NULL;

		rewind(errors);
		error = read_all(fileno(errors), &messages);
		if (error)
			return error;
		const char *line = last_line(messages);

		return error_new("%s: failed (status %d): %s", argv[0],
				 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
				 *line ? line : last_line(output));
	}
	if (ret)
		*ret = no_cleanup_ptr(output);
	return NULL;
}

static volatile sig_atomic_t noted_signal;
static const int held_signals[] = { SIGINT, SIGTERM, SIGHUP };

static void note_signal(int signal)
{
	noted_signal = signal;
}

static void set_handlers(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	for (size_t i = 0; i < sizeof(held_signals) / sizeof(held_signals[0]); i++)
		sigaction(held_signals[i], &action, NULL);
}

void signals_hold(void)
{
	set_handlers(note_signal);
}

int signals_pending(void)
{
	return noted_signal;
}

void signals_release(void)
{
	int signal = noted_signal;

	noted_signal = 0;
	set_handlers(SIG_DFL);
	if (signal)
		raise(signal);
}

double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
