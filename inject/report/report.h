/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_REPORT_H
#define INJECT_REPORT_REPORT_H

/* One page of HTML, which needs nothing else, about the results of a sweep. */

struct error;

struct report_options {
	const char *results;	/* results.json, or the directory that it is in */
	const char *baseline;	/* earlier ones to compare with; NULL: none */
	const char *source;	/* tree of the kernel's source; NULL: none */
	const char *out;	/* NULL: report.html beside the results */
};

/* @ret: path of the page, owned by the caller. All of it is written, or nothing. */
struct error *report_write(const struct report_options *options, char **ret);

#endif
