/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ANALYZE_H
#define ANALYZE_ANALYZE_H

/*
 * Was every VMCS of the host that crashed VMCLEARed before the next kernel
 * started?  The answer from its dump alone.
 */

#include <jansson.h>
#include <stdio.h>

#include "analyze/charset.h"
#include "analyze/error.h"
#include "analyze/verdict.h"

struct analysis;

/* The command `kdump-torture analyze`. Return: enum exit_status. */
int cmd_analyze(int argc, char **argv);

/* What is to be analysed, and with what besides. The strings are the caller's. */
struct analysis_request {
	char *const *path;	/* the dump's file, or all files of a split dump */
	size_t nr_paths;
	const char *vmlinux;	/* symbols and types from this file, NULL: from the dump */
	const char *modules;	/* the same for modules, from below this directory */
	const char *layout;	/* file with the VMCS layout of one more CPU model, NULL: none */
	const char *efer;	/* file with EFER of CPUs after the crash, NULL: not known */
	bool scan;		/* search all memory for VMCS regions */
	size_t log_lines;	/* how much of the kernel log's end the report shows */
};

#define ANALYSIS_LOG_LINES	10	/* what it shows unless told otherwise */

/*
 * An error is a dump that cannot be read or a kernel that cannot be understood;
 * a bad or doubtful state of the host is a verdict.
 */
struct error *analysis_create(const struct analysis_request *request, struct analysis **ret);
void analysis_destroy(struct analysis *analysis);

enum verdict analysis_verdict(const struct analysis *analysis);

/* One sentence without the verdict: "all 4 launched VMCSes cleared (...)". */
const char *analysis_summary(const struct analysis *analysis);

/* For people; the first line is the verdict. */
struct error *analysis_print(const struct analysis *analysis, enum charset charset, FILE *out);

/* For programs. Return: a new reference, or NULL when memory ran out. */
json_t *analysis_json(const struct analysis *analysis);

/* The kernel log in the dump, as dmesg prints it. */
struct error *analysis_write_log(const struct analysis_request *request, FILE *out);

#endif
