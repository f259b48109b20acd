/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_OPTION_H
#define INJECT_OPTION_H

struct error;

/* @text, the value of --@option, as a decimal number from @min to @max. */
struct error *option_number(const char *option, const char *text, unsigned int min,
			    unsigned int max, unsigned int *ret);

#endif
