/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_BUILD_ID_H
#define ANALYZE_BUILD_ID_H

/*
 * GNU build ids, which tell whether a file is that of the kernel or module in the
 * dump.  The kernel keeps 20 bytes (BUILD_ID_SIZE_MAX); shorter ones end in zeros.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_SIZE	20

struct build_id {
	uint8_t byte[BUILD_ID_SIZE];	/* all 0: there is none */
};

/* As "%s" shows it. */
struct build_id_text {
	char text[2 * BUILD_ID_SIZE + 1];
};

bool build_id_is_known(const struct build_id *id);
bool build_id_equal(const struct build_id *a, const struct build_id *b);
struct build_id_text build_id_format(const struct build_id *id);

/* The first BUILD_ID_SIZE of @size bytes. */
struct build_id build_id_of(const void *bytes, size_t size);

/* Each of these returns whether there is one. */
bool build_id_parse(const char *hex, struct build_id *ret);
/* @notes are ELF notes. */
bool build_id_find(const void *notes, size_t size, struct build_id *ret);

#endif
