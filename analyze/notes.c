// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/notes.h"

#include <elf.h>
#include <string.h>

#include "analyze/cleanup.h"

/* A note of registers takes 356 bytes for each CPU; this stops nonsense. */
#define MAX_NOTES_SIZE	(16 * 1024 * 1024)

/* The description of the note VMCOREINFO in the @size bytes at @notes, or NULL. */
static const char *find_vmcoreinfo(const char *notes, size_t size, size_t *ret_size)
{
	for (size_t at = 0; size - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr nhdr;

		memcpy(&nhdr, notes + at, sizeof(nhdr));
		at += sizeof(nhdr);
		uint64_t name = (nhdr.n_namesz + 3ULL) & ~3ULL;
		uint64_t desc = (nhdr.n_descsz + 3ULL) & ~3ULL;

		if (name > size - at || nhdr.n_descsz > size - at - name)
			return NULL;
		if (nhdr.n_namesz == sizeof(NOTE_VMCOREINFO) &&
		    !memcmp(notes + at, NOTE_VMCOREINFO, sizeof(NOTE_VMCOREINFO))) {
			*ret_size = nhdr.n_descsz;
			return notes + at + name;
		}
		at += name;
		at += desc < size - at ? desc : size - at;
	}
	return NULL;
}

struct error *notes_vmcoreinfo(const struct rawfile *file, uint64_t offset, size_t size,
			       char **ret)
{
	*ret = NULL;
	if (size > MAX_NOTES_SIZE)
		return error_new("notes of %zu bytes are impossible: the file is damaged; collect it again",
				 size);
	_cleanup_free_ char *notes = malloc(size + 1);
	struct error *err = notes ? rawfile_read(file, offset, notes, size) : &error_no_memory;

	if (err)
		return error_context(err, "notes");
	size_t info_size;
	const char *info = find_vmcoreinfo(notes, size, &info_size);

	if (info && !(*ret = strndup(info, info_size)))
		return &error_no_memory;
	return NULL;
}
