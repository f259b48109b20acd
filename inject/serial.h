/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SERIAL_H
#define INJECT_SERIAL_H

#include <stddef.h>

#include "inject/target.h"

/*
 * The two serial ports of a target, as streams: the first is its kernels'
 * console, the second carries the agent's lines. Both are logged.
 */

struct error;
struct pollfd;

enum { SERIAL_CONSOLE, SERIAL_AGENT, SERIAL_PORTS };

struct serial {
	int listener[SERIAL_PORTS]; /* -1: waits for no connection; owned */
	int port[SERIAL_PORTS];	/* -1: not connected (yet, or any more); owned */
	int log[SERIAL_PORTS];
	char buffer[1024];	/* of what the agent sends; a partial line at its start */
	size_t buffered;
	size_t consumed;	/* of buffer: the line handed out last */
};

/*
 * Open console.log and agent.log in @directory. A log that cannot be opened
 * costs the log, not the run.
 */
void serial_init(struct serial *serial, const char *directory);
void serial_deinit(struct serial *serial);
/* Close the ports; the logs stay open. */
void serial_disconnect(struct serial *serial);

/* Wait for port @i on loopback TCP. @ret: its number there. */
struct error *serial_listen(struct serial *serial, int i, int *ret);

/*
 * Wait at most @timeout milliseconds for a sign of life on either port, or for
 * @other (its fd may be -1), whose revents are then set. @line: valid until the
 * next call.
 * Return: TARGET_QUIET, TARGET_ALIVE or TARGET_LINE.
 */
enum target_event serial_next_event(struct serial *serial, struct pollfd *other, int timeout,
				    const char **line);

/* Take what has come in on port @i, which poll(2) said is readable or closed. */
void serial_read(struct serial *serial, int i);
/* The next whole line of the agent, valid until the next call; NULL: none yet. */
const char *serial_next_line(struct serial *serial);

#endif
