/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_WORDS_H
#define INJECT_WORDS_H

/* A list of words, written with commas or white space between. */

#include <stdbool.h>
#include <stddef.h>

struct error;

/* *@ret: the words, NULL behind the last; words_free() it. */
struct error *words_split(const char *text, char ***ret);
void words_free(char **words);

static inline void cleanup_words(char ***words)
{
	words_free(*words);
}

size_t words_count(char *const *words);
bool words_have(char *const *words, const char *word);

#endif
