// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/words.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"

#define BETWEEN	", \t\n"

struct error *words_split(const char *text, char ***ret)
{
	/* No more words than characters. */
	_cleanup_(cleanup_words) char **words = calloc(strlen(text) + 1, sizeof(*words));
	size_t nr = 0;

	if (!words)
		return &error_no_memory;
	for (const char *word = text + strspn(text, BETWEEN); *word;) {
		size_t length = strcspn(word, BETWEEN);

		words[nr] = strndup(word, length);
		if (!words[nr++])
			return &error_no_memory;
		word += length;
		word += strspn(word, BETWEEN);
	}
	*ret = no_cleanup_ptr(words);
	return NULL;
}

void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

size_t words_count(char *const *words)
{
	size_t nr = 0;

	while (words[nr])
		nr++;
	return nr;
}

bool words_have(char *const *words, const char *word)
{
	for (; *words; words++) {
		if (!strcmp(*words, word))
			return true;
	}
	return false;
}
