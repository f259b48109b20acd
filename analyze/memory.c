// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/memory.h"

#include <string.h>

/* A page may be missing from the dump while the one before it is there. */
#define PAGE_BYTES	4096

struct error *memory_read(const struct memory *mem, uint64_t va, void *ret,
			  size_t size)
{
	return mem->read(mem, MEMORY_VIRTUAL, va, ret, size);
}

struct error *memory_read_u32(const struct memory *mem, uint64_t va,
			      uint32_t *ret)
{
	return memory_read(mem, va, ret, sizeof(*ret));
}

struct error *memory_read_u64(const struct memory *mem, uint64_t va,
			      uint64_t *ret)
{
	return memory_read(mem, va, ret, sizeof(*ret));
}

struct error *memory_read_string(const struct memory *mem, uint64_t va,
				 char *ret, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		size_t chunk = PAGE_BYTES - (va + len) % PAGE_BYTES;

		if (chunk > size - 1 - len)
			chunk = size - 1 - len;
		struct error *err = memory_read(mem, va + len, ret + len, chunk);

		if (err)
			return err;
		if (memchr(ret + len, '\0', chunk))
			return NULL;
		len += chunk;
	}
	ret[len] = '\0';
	return NULL;
}
