// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/serial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

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
		serial->listener[i] = serial->port[i] = -1;
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
	for (int i = 0; i < SERIAL_PORTS; i++) {
		close_fd(&serial->listener[i]);
		close_fd(&serial->port[i]);
	}
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

struct error *serial_listen(struct serial *serial, int i, int *ret)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int fd = serial->listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return error_errno(errno, "serial port %d: cannot listen on loopback", i + 1);
	*ret = ntohs(address.sin_port);
	return NULL;
}

enum target_event serial_next_event(struct serial *serial, struct pollfd *other, int timeout,
				    const char **line)
{
	struct pollfd fds[1 + 2 * SERIAL_PORTS] = { *other };
	bool alive = false;

	other->revents = 0;
	*line = serial_next_line(serial);
	if (*line)
		return TARGET_LINE;
	for (int i = 0; i < SERIAL_PORTS; i++) {
		fds[1 + i] = (struct pollfd){ .fd = serial->port[i], .events = POLLIN };
		fds[1 + SERIAL_PORTS + i] =
			(struct pollfd){ .fd = serial->listener[i], .events = POLLIN };
	}
	if (poll(fds, 1 + 2 * SERIAL_PORTS, timeout) <= 0)
		return TARGET_QUIET;
	other->revents = fds[0].revents;
	for (int i = 0; i < SERIAL_PORTS; i++) {
		if (fds[1 + i].revents) {
			serial_read(serial, i);
			alive = true;
		}
		if (fds[1 + SERIAL_PORTS + i].revents) {
			serial->port[i] = accept4(serial->listener[i], NULL, NULL, SOCK_CLOEXEC);
			close_fd(&serial->listener[i]);
		}
	}
	*line = serial_next_line(serial);
	if (*line)
		return TARGET_LINE;
	return alive ? TARGET_ALIVE : TARGET_QUIET;
}
