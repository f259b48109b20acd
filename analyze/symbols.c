// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/symbols.h"

#include <stdlib.h>
#include <string.h>

void symbol_table_deinit(struct symbol_table *table)
{
	free(table->symbol);
	free(table->names);
	free(table->bucket);
	*table = (struct symbol_table){};
}

/*
 * Return: @array with room for @needed elements of @size bytes, or NULL; it has
 * room for *@capacity.
 */
static void *reserve(void *array, size_t size, size_t *capacity, size_t needed)
{
	if (needed <= *capacity)
		return array;
	size_t more = *capacity ? *capacity : 256;

	while (more < needed)
		more *= 2;
	void *grown = reallocarray(array, more, size);

	if (grown)
		*capacity = more;
	return grown;
}

struct error *symbol_table_add(struct symbol_table *table, uint64_t addr,
			       const char *name)
{
	size_t len = strlen(name) + 1;
	struct symbol *symbol = reserve(table->symbol, sizeof(*symbol), &table->capacity,
					table->nr + 1);

	if (!symbol)
		return &error_no_memory;
	table->symbol = symbol;
	char *names = reserve(table->names, 1, &table->names_capacity,
			      table->names_size + len);

	if (!names)
		return &error_no_memory;
	table->names = names;
	symbol[table->nr++] = (struct symbol){ addr, table->names_size };
	memcpy(names + table->names_size, name, len);
	table->names_size += len;
	return NULL;
}

/* FNV-1a */
static uint32_t hash(const char *name)
{
	uint32_t value = 2166136261U;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 16777619U;
	return value;
}

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->addr != right->addr)
		return left->addr < right->addr ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

/* kallsyms of the kernel are in order already. */
static bool in_order(const struct symbol_table *table)
{
	for (size_t i = 1; i < table->nr; i++) {
		if (table->symbol[i - 1].addr > table->symbol[i].addr)
			return false;
	}
	return true;
}

struct error *symbol_table_index(struct symbol_table *table)
{
	if (!in_order(table))
		qsort(table->symbol, table->nr, sizeof(*table->symbol), compare_addr);
	table->nr_buckets = 16;
	while (table->nr_buckets < table->nr * 2)
		table->nr_buckets *= 2;
	free(table->bucket);
	table->bucket = calloc(table->nr_buckets, sizeof(*table->bucket));
	if (!table->bucket)
		return &error_no_memory;
	for (size_t i = 0; i < table->nr; i++) {
		size_t b = hash(table->names + table->symbol[i].name);

		while (table->bucket[b & (table->nr_buckets - 1)])
			b++;
		table->bucket[b & (table->nr_buckets - 1)] = i + 1;
	}
	return NULL;
}

bool symbol_table_find(const struct symbol_table *table, const char *name,
		       uint64_t *ret)
{
	if (!table->nr_buckets)
		return false;
	for (size_t b = hash(name);; b++) {
		uint32_t i = table->bucket[b & (table->nr_buckets - 1)];

		if (!i)
			return false;
		const struct symbol *symbol = &table->symbol[i - 1];

		if (!strcmp(table->names + symbol->name, name)) {
			*ret = symbol->addr;
			return true;
		}
	}
}

const char *symbol_table_lookup(const struct symbol_table *table, uint64_t addr,
				uint64_t *ret_offset)
{
	size_t low = 0, high = table->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbol[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	const struct symbol *symbol = &table->symbol[low - 1];

	/* Of symbols at one address the first is the one the kernel itself prints. */
	while (symbol > table->symbol && symbol[-1].addr == symbol->addr)
		symbol--;
	*ret_offset = addr - symbol->addr;
	return table->names + symbol->name;
}
