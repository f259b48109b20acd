/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_REPORT_H
#define ANALYZE_REPORT_H

/* Parts of analysis_print() that tell of the host rather than of its VMCSes. */

#include "analyze/analysis.h"
#include "analyze/charset.h"

/* A line for each CPU; those of a large host to which nothing happened in one. */
void report_cpus(const struct analysis *analysis, FILE *out);

/* The lists that are odd, and all of them where those are few. */
void report_lists(const struct analysis *analysis, enum charset charset, FILE *out);

/* A line for each VM, unless the table of VMCSes has that already. */
void report_vms(const struct analysis *analysis, FILE *out);

#endif
