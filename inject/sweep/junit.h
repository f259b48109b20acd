/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SWEEP_JUNIT_H
#define INJECT_SWEEP_JUNIT_H

/* A sweep as JUnit XML, for what collects the results of tests: a suite a scenario and kernel. */

struct error;
struct results;

struct error *junit_write(const char *path, const struct results *results);

#endif
