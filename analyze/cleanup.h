/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_CLEANUP_H
#define ANALYZE_CLEANUP_H

/*
 * Scope guards.  A variable marked with one of these is released on every path
 * out of its scope; no_cleanup_ptr() hands it on instead.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(fn)	__attribute__((__cleanup__(fn)))
#define _cleanup_free_	_cleanup_(cleanup_free)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
#define _cleanup_close_	_cleanup_(cleanup_close)

/* The value of @p, which its scope guard then no longer releases. */
#define no_cleanup_ptr(p)                                                      \
	({                                                                     \
		__auto_type _ptr = (p);                                        \
		(p) = NULL;                                                    \
		_ptr;                                                          \
	})

#endif
