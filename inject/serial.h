/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SERIAL_H
#define INJECT_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The two serial ports of a target, as streams: the first is its kernels'
 * console, the second carries the agent's lines. Both are logged.
 */

enum { SERIAL_CONSOLE, SERIAL_AGENT, SERIAL_PORTS };

struct serial {
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

/* Take what has come in on port @i, which poll(2) said is readable or closed. */
void serial_read(struct serial *serial, int i);
/* The next whole line of the agent, valid until the next call; NULL: none yet. */
const char *serial_next_line(struct serial *serial);

#endif
