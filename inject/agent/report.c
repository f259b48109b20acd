// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int port = -1;

void report_open(void)
{
	struct termios mode;

	port = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	if (port < 0)
		port = STDOUT_FILENO;
	if (tcgetattr(port, &mode))
		return;
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	tcsetattr(port, TCSANOW, &mode);
}

static void vreport(const char *first, const char *format, va_list ap)
{
	char line[512];
	int length = snprintf(line, sizeof(line) - 1, "%s", first);

	length += vsnprintf(line + length, sizeof(line) - 1 - length, format, ap);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	for (int i = 0; i < length; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[length++] = '\n';
	if (write(port, line, length) != length)
		perror("report");
	/* A line must be out before a crash can swallow it. */
	tcdrain(port);
}

void report(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vreport("", format, ap);
	va_end(ap);
}

void halt_here(void)
{
	sync();
	for (;;)
		pause();
}

void die(const char *outcome, const char *format, ...)
{
	char first[64];
	va_list ap;

	sync();
	snprintf(first, sizeof(first), "error %s ", outcome);
	va_start(ap, format);
	vreport(first, format, ap);
	va_end(ap);
	halt_here();
}
