// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"

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
			       const char *name, size_t len)
{
	struct symbol *symbol = reserve(table->symbol, sizeof(*symbol), &table->capacity,
					table->nr + 1);

	if (!symbol)
		return &error_no_memory;
	table->symbol = symbol;
	char *names = reserve(table->names, 1, &table->names_capacity,
			      table->names_size + len + 1);

	if (!names)
		return &error_no_memory;
	table->names = names;
	symbol[table->nr++] = (struct symbol){ addr, table->names_size, 0 };
	memcpy(names + table->names_size, name, len);
	names[table->names_size + len] = '\0';
	table->names_size += len + 1;
	return NULL;
}

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->addr != right->addr)
		return left->addr < right->addr ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

static uint32_t *bucket_of(const struct symbol_table *table, const char *name)
{
	return &table->bucket[hash_name(name, strlen(name)) & (table->nr_buckets - 1)];
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
	/* So few that they stay in the cache while all symbols are put into them. */
	table->nr_buckets = hash_buckets(table->nr / 32);
	free(table->bucket);
	table->bucket = calloc(table->nr_buckets, sizeof(*table->bucket));
	if (!table->bucket)
		return &error_no_memory;
	/* Backwards, so that of several of one name the first comes first. */
	for (size_t i = table->nr; i-- > 0;) {
		struct symbol *symbol = &table->symbol[i];
		uint32_t *bucket = bucket_of(table, table->names + symbol->name);

		symbol->next = *bucket;
		*bucket = i + 1;
	}
	return NULL;
}

bool symbol_table_find(const struct symbol_table *table, const char *name,
		       uint64_t *ret)
{
	if (!table->nr_buckets)
		return false;
	for (uint32_t i = *bucket_of(table, name); i; i = table->symbol[i - 1].next) {
		const struct symbol *symbol = &table->symbol[i - 1];

		if (!strcmp(table->names + symbol->name, name)) {
			*ret = symbol->addr;
			return true;
		}
	}
	return false;
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
