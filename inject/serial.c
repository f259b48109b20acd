// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/serial.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"

static const char *const log_names[] = {
	[SERIAL_CONSOLE] = "console.log",
	[SERIAL_AGENT] = "agent.log",
};

static int open_log(const char *directory, const char *file)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", directory, file) < 0)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

void serial_init(struct serial *serial, const char *directory)
{
	*serial = (struct serial){};
	for (int i = 0; i < SERIAL_PORTS; i++) {
		serial->port[i] = -1;
		serial->log[i] = open_log(directory, log_names[i]);
	}
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void serial_disconnect(struct serial *serial)
{
	for (int i = 0; i < SERIAL_PORTS; i++)
		close_fd(&serial->port[i]);
}

void serial_deinit(struct serial *serial)
{
	serial_disconnect(serial);
	for (int i = 0; i < SERIAL_PORTS; i++)
		close_fd(&serial->log[i]);
}

const char *serial_next_line(struct serial *serial)
{
	memmove(serial->buffer, serial->buffer + serial->consumed,
		serial->buffered - serial->consumed);
	serial->buffered -= serial->consumed;
	serial->consumed = 0;
	char *end = memchr(serial->buffer, '\n', serial->buffered);

	/* A line longer than the buffer is cut there. */
	if (!end && serial->buffered == sizeof(serial->buffer))
		end = serial->buffer + serial->buffered - 1;
	if (!end)
		return NULL;
	*end = '\0';
	serial->consumed = end + 1 - serial->buffer;
	end = strchr(serial->buffer, '\r');
	if (end)
		*end = '\0';
	return serial->buffer;
}

void serial_read(struct serial *serial, int i)
{
	char text[4096], *to = text;
	size_t room = sizeof(text);

	if (i == SERIAL_AGENT) {
		to = serial->buffer + serial->buffered;
		room = sizeof(serial->buffer) - serial->buffered;
	}
	ssize_t length = read(serial->port[i], to, room);

	if (length <= 0) {
		close_fd(&serial->port[i]);
		return;
	}
	if (i == SERIAL_AGENT)
		serial->buffered += length;
	if (write(serial->log[i], to, length) < 0)
		return; /* a full disk costs the log, not the run */
}
