// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/vmlinux.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/cleanup.h"

/* Kernels have half a KiB of notes; this stops nonsense. */
#define MAX_NOTES	65536

static void cleanup_debuginfo(struct debuginfo **file)
{
	debuginfo_close(*file);
}

/* From the notes that the kernel has in its memory, where the file says that they are. */
static struct error *read_notes(const struct memory *mem, const struct debuginfo *file,
				struct build_id *ret)
{
	const char *path = debuginfo_path(file);
	uint64_t start, stop;

	if (!debuginfo_symbol(file, "__start_notes", &start) ||
	    !debuginfo_symbol(file, "__stop_notes", &stop))
		return error_new("%s: no symbol __start_notes, and the dump's vmcoreinfo has no build id to check the file against; give a vmlinux that was not stripped",
				 path);
	if (stop <= start || stop - start > MAX_NOTES)
		return error_new("%s: notes from %#" PRIx64 " to %#" PRIx64 " are impossible: the file is damaged",
				 path, start, stop);
	_cleanup_free_ void *notes = malloc(stop - start);

	if (!notes)
		return &error_no_memory;
	struct error *err = memory_read(mem, start, notes, stop - start);

	if (err)
		return error_context(err, "%s: the notes of the kernel in the dump", path);
	if (!build_id_find(notes, stop - start, ret))
		return error_new("%s: the dump has no build id at %#" PRIx64
				 ", where this file has it: the file is of another kernel; give the one of the dump",
				 path, start);
	return NULL;
}

/* In vmcoreinfo since Linux kernel commit 0935288c6e00 ("kdump: append kernel build-id string to VMCOREINFO") (in v5.9) */
static struct error *read_build_id(const struct memory *mem, const struct vmcoreinfo *info,
				   const struct debuginfo *file, struct build_id *ret)
{
	char text[2 * BUILD_ID_SIZE + 1];

	if (vmcoreinfo_string(info, "BUILD-ID", text, sizeof(text)) && build_id_parse(text, ret))
		return NULL;
	return read_notes(mem, file, ret);
}

struct error *vmlinux_open(const char *path, const struct memory *mem,
			   const struct vmcoreinfo *info, struct debuginfo **ret)
{
	struct debuginfo *file __attribute__((__cleanup__(cleanup_debuginfo))) = NULL;
	struct error *err = debuginfo_open_vmlinux(path, &file);
	uint64_t linked, loaded;
	struct build_id id;

	if (err)
		return err;
	if (!vmcoreinfo_symbol(info, "_stext", &loaded))
		return error_new("vmcoreinfo has no SYMBOL(_stext): where the kernel was loaded is unknown");
	/* A stripped one is good for its BTF still. */
	if (debuginfo_symbol(file, "_stext", &linked))
		debuginfo_set_offset(file, loaded - linked);
	err = read_build_id(mem, info, file, &id);
	if (!err)
		err = debuginfo_check(file, "the kernel", &id);
	if (!err)
		*ret = no_cleanup_ptr(file);
	return err;
}
