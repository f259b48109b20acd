/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_HASH_H
#define ANALYZE_HASH_H

/* For tables of names: eight bytes at a time, as there are a hundred thousand of them. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t hash_name(const char *name, size_t len)
{
	uint64_t value = len, word;

	for (; len >= sizeof(word); name += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		value = (value ^ word) * 0x9e3779b97f4a7c15ULL;
		value ^= value >> 32;
	}
	word = 0;
	memcpy(&word, name, len);
	value = (value ^ word) * 0x9e3779b97f4a7c15ULL;
	return value >> 32;
}

/* Buckets for @nr names with open addressing: a power of two, at most half of them used. */
static inline size_t hash_buckets(size_t nr)
{
	size_t buckets = 16;

	while (buckets < nr * 2)
		buckets *= 2;
	return buckets;
}

#endif
