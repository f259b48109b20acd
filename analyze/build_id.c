// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/build_id.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

bool build_id_is_known(const struct build_id *id)
{
	static const struct build_id none;

	return !build_id_equal(id, &none);
}

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return !memcmp(a, b, sizeof(*a));
}

struct build_id_text build_id_format(const struct build_id *id)
{
	struct build_id_text ret;

	for (size_t i = 0; i < BUILD_ID_SIZE; i++)
		snprintf(ret.text + 2 * i, 3, "%02x", id->byte[i]);
	return ret;
}

struct build_id build_id_of(const void *bytes, size_t size)
{
	struct build_id id = {};

	memcpy(id.byte, bytes, size < BUILD_ID_SIZE ? size : BUILD_ID_SIZE);
	return id;
}

bool build_id_parse(const char *hex, struct build_id *ret)
{
	struct build_id id = {};

	for (size_t i = 0; i < BUILD_ID_SIZE && hex[2 * i]; i++) {
		if (sscanf(hex + 2 * i, "%2hhx", &id.byte[i]) != 1)
			return false;
	}
	*ret = id;
	return build_id_is_known(&id);
}

bool build_id_find(const void *notes, size_t size, struct build_id *ret)
{
	static const char name[4] = "GNU";
	const char *note = notes;
	Elf64_Nhdr header;

	while (size >= sizeof(header)) {
		memcpy(&header, note, sizeof(header));
		note += sizeof(header);
		size -= sizeof(header);
		uint64_t name_size = (header.n_namesz + 3ULL) & ~3ULL;
		uint64_t desc_size = (header.n_descsz + 3ULL) & ~3ULL;

		if (name_size > size || header.n_descsz > size - name_size)
			return false;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof(name) &&
		    !memcmp(note, name, sizeof(name))) {
			*ret = build_id_of(note + name_size, header.n_descsz);
			return build_id_is_known(ret);
		}
		if (desc_size > size - name_size)
			return false;
		note += name_size + desc_size;
		size -= name_size + desc_size;
	}
	return false;
}
