/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_WRITER_H
#define TESTS_UNIT_WRITER_H

/*
 * A machine as the dump of it that a tool would write.  The format is said in words:
 *
 *   elf      as /proc/vmcore and makedumpfile -E have it, with one of
 *     excluded      zero pages left out, as makedumpfile -E -d 1 does
 *     compact       each page only up to its last byte that is not 0
 *     qemu          as of QEMU's dump-guest-memory: all memory, no virtual addresses
 *     xnum          more program headers than e_phnum can count
 *   kdump    makedumpfile's kdump-compressed format, pages
 *     raw|zlib|lzo|snappy|zstd      compressed so, if that makes them smaller
 *     split N       in N files
 *
 * Of either: "incomplete", marked as such by makedumpfile; "flattened", as
 * makedumpfile -F writes it, or "sparse", the same without records for zeros.
 */

#include "tests/unit/machine.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

enum writer_compression {	/* flags of a page descriptor (makedumpfile diskdump_mod.h) */
	WRITER_RAW = 0,
	WRITER_ZLIB = 0x1,
	WRITER_LZO = 0x2,
	WRITER_SNAPPY = 0x4,
	WRITER_ZSTD = 0x20,
};

struct writer_format {
	bool kdump, excluded, compact, qemu, xnum, incomplete, flattened, sparse;
	enum writer_compression compression;
	unsigned int parts;	/* of a split dump, else 1 */
};

/* Ends the program with a message for words that make no sense. */
struct writer_format writer_parse(const char *words);

/* Return: the file, or file @part of a split dump; the caller frees its data. */
struct bytes writer_make(const struct machine *machine, const char *format, unsigned int part);

/* The same, written to @path. */
void writer_write(const struct machine *machine, const char *format, unsigned int part,
		  const char *path);

/* What writer_make() is made of. */
struct bytes writer_elf(const struct machine *machine, const struct writer_format *format);
struct bytes writer_kdump(const struct machine *machine, const struct writer_format *format,
			  unsigned int part);
struct bytes writer_flatten(const struct bytes *file, const struct writer_format *format);

/* Put @size bytes at @offset of @file, which grows with zeros to hold them. */
void writer_put(struct bytes *file, uint64_t offset, const void *data, size_t size);

/* The notes of the dump: registers of a CPU, and vmcoreinfo. */
struct bytes writer_notes(const struct machine *machine, const struct writer_format *format);

#endif
