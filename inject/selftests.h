/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_SELFTESTS_H
#define INJECT_SELFTESTS_H

#include <stddef.h>

/* Selftests of KVM, built from a kernel's source: static programs for a target. */

struct error;

struct selftest {
	char *name;
	char *program;		/* NULL: it does not build */
};

struct selftests {
	char *log;		/* of the build */
	struct selftest *tests;
	size_t nr;
};

/*
 * Build the kernel's own KVM selftests from the source of kernel @name (as for
 * kernel_build_open()), which is not written to; what is up to date is left.
 * One that does not build is no error.
 */
struct error *selftests_build_kvm(const char *name, struct selftests *ret);

/*
 * The same with the project's own in kselftest/maxphyaddr, and beside them the
 * kernel's own test of the same thing.
 */
struct error *selftests_build_maxphyaddr(const char *name, struct selftests *ret);

/* NULL: there is no such. */
const struct selftest *selftests_find(const struct selftests *selftests, const char *name);

void selftests_deinit(struct selftests *selftests);

#endif
