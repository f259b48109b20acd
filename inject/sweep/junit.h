/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_JUNIT_H
#define INJECT_SWEEP_JUNIT_H

/* Results as JUnit XML, for what collects those of tests: a suite a scenario and kernel. */

#include <jansson.h>

struct error;

/* @all: as "results" in results.json. */
struct error *junit_write(const char *path, const json_t *all);

#endif
