// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kallsyms.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/cleanup.h"

/* Debian's and Fedora's kernels have 100 to 250 thousand; this stops nonsense. */
#define MAX_SYMBOLS	(4 * 1024 * 1024)

/* KSYM_NAME_LEN is 512 since Linux kernel commit b8a94bfb3395 (in v6.1), 128 before. */
#define MAX_NAME	512

#define NR_TOKENS	256

/* Tokens are a few characters each; all of them together are about 1 KiB. */
#define TOKENS_SIZE	16384

/* The names are read in pieces of this size, as their end is known only by decoding them. */
#define WINDOW_SIZE	65536

/* Tokens up to this length are copied as so many bytes, whatever follows them. */
#define SHORT_TOKEN	16

struct tokens {
	char text[TOKENS_SIZE + SHORT_TOKEN];
	uint16_t index[NR_TOKENS];
	uint16_t len[NR_TOKENS];
};

/* A decoded name. The letter before it is its type. */
struct name {
	char text[MAX_NAME + SHORT_TOKEN];
	size_t len;
};

/* A piece of memory that moves forward with its reader. */
struct window {
	const struct memory *mem;
	uint64_t base;		/* address of data[0] */
	size_t pos;
	size_t valid;		/* bytes of data[] */
	uint8_t data[WINDOW_SIZE];
};

static struct error *symbol_address(const struct vmcoreinfo *info, const char *name,
				    uint64_t *ret)
{
	if (vmcoreinfo_symbol(info, name, ret))
		return NULL;
	return error_new("vmcoreinfo has no SYMBOL(%s): the kernel has CONFIG_KALLSYMS off or is older than 6.0; give --vmlinux FILE, one that is not stripped",
			 name);
}

/* Make at least @need bytes available at window->data + window->pos. */
static struct error *window_fill(struct window *window, size_t need)
{
	if (window->valid - window->pos >= need)
		return NULL;
	size_t left = window->valid - window->pos;

	memmove(window->data, window->data + window->pos, left);
	window->base += window->pos;
	window->pos = 0;
	window->valid = left;
	while (window->valid < need) {
		/* Up to a page border: what follows may not be in the dump. */
		size_t chunk = 4096 - (window->base + window->valid) % 4096;

		if (chunk > WINDOW_SIZE - window->valid)
			chunk = WINDOW_SIZE - window->valid;
		struct error *err = memory_read(window->mem, window->base + window->valid,
						window->data + window->valid, chunk);

		if (err)
			return err;
		window->valid += chunk;
	}
	return NULL;
}

static struct error *read_tokens(const struct memory *mem, const struct vmcoreinfo *info,
				 struct tokens *ret)
{
	uint64_t table, index;
	struct error *err = symbol_address(info, "kallsyms_token_table", &table);

	if (!err)
		err = symbol_address(info, "kallsyms_token_index", &index);
	if (!err)
		err = memory_read(mem, index, ret->index, sizeof(ret->index));
	if (err)
		return err;
	uint16_t last = ret->index[NR_TOKENS - 1];

	if (last >= TOKENS_SIZE - MAX_NAME)
		return error_new("kallsyms_token_index: token 255 at %u: the memory is damaged",
				 last);
	/* They follow each other: the last one's end is the end of all. */
	err = memory_read(mem, table, ret->text, last);
	if (!err)
		err = memory_read_string(mem, table + last, ret->text + last, MAX_NAME);
	if (err)
		return err;
	for (size_t i = 0; i < NR_TOKENS; i++) {
		if (ret->index[i] > last)
			return error_new("kallsyms_token_index: token %zu at %u lies behind the last: the memory is damaged",
					 i, ret->index[i]);
		ret->len[i] = strlen(ret->text + ret->index[i]);
	}
	return NULL;
}

/* Take the length of the next name, in bytes as compressed, from the window. */
static struct error *next_length(struct window *window, size_t *ret)
{
	struct error *err = window_fill(window, 1);

	if (err)
		return err;
	*ret = window->data[window->pos++];
	/*
	 * Long names since Linux kernel commit 73bbb94466fd ("kallsyms: support
	 * "big" kernel symbols") (in v6.1); before, no name was that long.
	 */
	if (*ret & 0x80) {
		err = window_fill(window, 1);
		if (err)
			return err;
		*ret = (*ret & 0x7f) | window->data[window->pos++] << 7;
	}
	return window_fill(window, *ret);
}

/* Decode the name at the window's position and step behind it. */
static struct error *next_name(struct window *window, const struct tokens *tokens,
			       struct name *ret)
{
	size_t len, out = 0;
	struct error *err = next_length(window, &len);

	if (err)
		return err;
	const uint8_t *byte = window->data + window->pos;

	window->pos += len;
	for (size_t i = 0; i < len && out < MAX_NAME; i++) {
		const char *token = tokens->text + tokens->index[byte[i]];
		size_t token_len = tokens->len[byte[i]];

		if (token_len <= SHORT_TOKEN)
			memcpy(ret->text + out, token, SHORT_TOKEN);
		else if (token_len < MAX_NAME - out)
			memcpy(ret->text + out, token, token_len);
		out += token_len;
	}
	if (!out || out >= MAX_NAME)
		return error_new("kallsyms_names: a name of %s at %#" PRIx64
				 ": the memory is damaged", out ? "over 511 bytes" : "no length",
				 window->base + window->pos);
	ret->len = out;
	return NULL;
}

/*
 * How kallsyms_offsets are meant.  CONFIG_KALLSYMS_ABSOLUTE_PERCPU, which x86
 * had with SMP until per-CPU symbols became ordinary addresses (in v6.15), leaves
 * no trace but in the values.
 */
enum offset_kind {
	OFFSETS_ABSOLUTE_PERCPU,
	OFFSETS_UNSIGNED,
};

struct addresses {
	uint64_t base;		/* kallsyms_relative_base */
	int32_t *offset;	/* NULL: full holds addresses */
	uint64_t *full;
	enum offset_kind kind;
};

static void addresses_deinit(struct addresses *addresses)
{
	free(addresses->offset);
	free(addresses->full);
}

static uint64_t address_of(const struct addresses *addresses, size_t i)
{
	if (addresses->full)
		return addresses->full[i];
	int32_t offset = addresses->offset[i];

	if (addresses->kind == OFFSETS_UNSIGNED)
		return addresses->base + (uint32_t)offset;
	return offset >= 0 ? (uint64_t)offset : addresses->base - 1 - (int64_t)offset;
}

static struct error *read_addresses(const struct memory *mem, const struct vmcoreinfo *info,
				    size_t nr, struct addresses *ret)
{
	uint64_t offsets, base;

	if (vmcoreinfo_symbol(info, "kallsyms_offsets", &offsets) &&
	    vmcoreinfo_symbol(info, "kallsyms_relative_base", &base)) {
		ret->offset = calloc(nr, sizeof(*ret->offset));
		if (!ret->offset)
			return &error_no_memory;
		struct error *err = memory_read_u64(mem, base, &ret->base);

		if (!err)
			err = memory_read(mem, offsets, ret->offset, nr * sizeof(*ret->offset));
		return err;
	}
	/* CONFIG_KALLSYMS_BASE_RELATIVE off, possible until v6.10 */
	struct error *err = symbol_address(info, "kallsyms_addresses", &offsets);

	if (err)
		return err;
	ret->full = calloc(nr, sizeof(*ret->full));
	if (!ret->full)
		return &error_no_memory;
	return memory_read(mem, offsets, ret->full, nr * sizeof(*ret->full));
}

static struct error *read_names(const struct memory *mem, uint64_t at, size_t nr,
				const struct tokens *tokens, struct addresses *addresses,
				uint64_t stext, struct symbol_table *table)
{
	_cleanup_free_ struct window *window = calloc(1, sizeof(*window));
	struct name name;
	bool checked = false;

	if (!window)
		return &error_no_memory;
	window->mem = mem;
	window->base = at;
	for (size_t i = 0; i < nr; i++) {
		struct error *err = next_name(window, tokens, &name);

		if (err)
			return error_context(err, "kallsyms: name %zu of %zu", i, nr);
		if (name.len == sizeof("_stext") && !memcmp(name.text + 1, "_stext", name.len - 1)) {
			checked = true;
			if (address_of(addresses, i) != stext)
				addresses->kind = OFFSETS_UNSIGNED;
			if (address_of(addresses, i) != stext)
				return error_new("kallsyms: _stext decodes to %#" PRIx64
						 " but vmcoreinfo has %#" PRIx64
						 ": the dump is damaged or of an unknown kernel",
						 address_of(addresses, i), stext);
		}
		/* Its address follows when it is known how they are meant. */
		err = symbol_table_add(table, 0, name.text + 1, name.len - 1);
		if (err)
			return err;
	}
	if (!checked)
		return error_new("kallsyms: no symbol _stext among %zu: the dump is damaged", nr);
	return NULL;
}

static struct error *decode(const struct memory *mem, const struct vmcoreinfo *info,
			    struct addresses *addresses, struct symbol_table *table)
{
	uint64_t num_syms, names, stext;
	uint32_t nr;
	_cleanup_free_ struct tokens *tokens = malloc(sizeof(*tokens));

	if (!tokens)
		return &error_no_memory;
	struct error *err = symbol_address(info, "kallsyms_num_syms", &num_syms);

	if (!err)
		err = symbol_address(info, "kallsyms_names", &names);
	if (!err)
		err = symbol_address(info, "_stext", &stext);
	if (!err)
		err = memory_read_u32(mem, num_syms, &nr);
	if (err)
		return err;
	if (!nr || nr > MAX_SYMBOLS)
		return error_new("kallsyms_num_syms: %" PRIu32
				 " symbols is impossible: the dump is damaged", nr);
	err = read_tokens(mem, info, tokens);
	if (!err)
		err = read_addresses(mem, info, nr, addresses);
	if (!err)
		err = read_names(mem, names, nr, tokens, addresses, stext, table);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++)
		table->symbol[i].addr = address_of(addresses, i);
	return symbol_table_index(table);
}

struct error *kallsyms_read(const struct memory *mem, const struct vmcoreinfo *info,
			    struct symbol_table *ret)
{
	struct addresses addresses = {};
	struct symbol_table table = {};
	struct error *err = decode(mem, info, &addresses, &table);

	addresses_deinit(&addresses);
	if (err) {
		symbol_table_deinit(&table);
		return err;
	}
	*ret = table;
	return NULL;
}
