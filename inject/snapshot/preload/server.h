/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PRELOAD_SERVER_H
#define PRELOAD_SERVER_H

/* Jobs: each in a fork of the emulator, which itself stays where it is. */

#include <stdbool.h>
#include <stdint.h>

#include "inject/snapshot/protocol.h"

/* Read the setup from the socket @fd. Ends the process if there is none. */
void server_init(int fd);

/*
 * Take jobs until the host command is gone; then the process ends. Returns in
 * each child, with its job in the page at @pa.
 */
void server_run(uint64_t pa);

/* In a child; false in the server, and before. */
bool job_is_running(void);
enum snapshot_path job_path(void);
/* The file for the dump. */
int job_core(void);

/* Tell the host command. @text may be NULL. */
void job_report(enum snapshot_event_type type, const char *text);
/* End this child. */
void job_end(void) __attribute__((noreturn));

#endif
