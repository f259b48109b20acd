/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_JSON_H
#define INJECT_JSON_H

/* What several writers and readers of records do. */

#include <jansson.h>
#include <stddef.h>

/* A string, or null. The caller owns it. */
static inline json_t *json_optional(const char *text)
{
	return text ? json_string(text) : json_null();
}

struct json_number {
	const char *key;
	unsigned int *to;
};

/* Integers that @object must have. Return: NULL, or the first key that it has not. */
static inline const char *json_take_numbers(const json_t *object,
					    const struct json_number *numbers, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const json_t *number = json_object_get(object, numbers[i].key);

		if (!json_is_integer(number))
			return numbers[i].key;
		*numbers[i].to = json_integer_value(number);
	}
	return NULL;
}

#endif
