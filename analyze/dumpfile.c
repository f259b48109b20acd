// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/dumpfile.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "analyze/cleanup.h"

/* Bits of disk_dump_header.status (makedumpfile diskdump_mod.h). */
#define DUMP_DH_COMPRESSED_ZLIB		0x1
#define DUMP_DH_COMPRESSED_LZO		0x2
#define DUMP_DH_COMPRESSED_SNAPPY	0x4
#define DUMP_DH_COMPRESSED_INCOMPLETE	0x8
#define DUMP_DH_COMPRESSED_ZSTD		0x20

/* makedumpfile marks an ELF dump that ran out of space in e_flags. */
#define DUMP_ELF_INCOMPLETE		0x1

/* The first block of a kdump-compressed dump, as an x86-64 makedumpfile writes it. */
struct disk_dump_header {
	char signature[8];
	int32_t header_version;
	struct utsname utsname;
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size;
	int32_t sub_hdr_size;	/* in blocks */
	uint32_t bitmap_blocks;	/* of both bitmaps */
	uint32_t max_mapnr;	/* wraps at 16 TiB; header_version 6 has it in 64 bits */
};

/* The second block, from header_version 4 on. */
struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level;
	int32_t split;
	uint64_t start_pfn, end_pfn;
	uint64_t offset_vmcoreinfo, size_vmcoreinfo;
	uint64_t offset_note, size_note;
};

/* One for each page that the dump has, right behind the bitmaps. */
struct page_desc {
	int64_t offset;
	uint32_t size;
	uint32_t flags;
	uint64_t page_flags;
};

__attribute__((format(printf, 2, 3)))
static void mark_incomplete(struct dumpfile *file, const char *format, ...)
{
	if (file->incomplete)
		return;
	file->incomplete = true;
	va_list ap;

	va_start(ap, format);
	vsnprintf(file->why, sizeof(file->why), format, ap);
	va_end(ap);
}

/* Return: whether all @size bytes at @offset were there to read. */
static bool read_at(int fd, uint64_t offset, void *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)ret + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static void cut_short(struct dumpfile *file, uint64_t size, uint64_t needed)
{
	mark_incomplete(file, "the file ends at %" PRIu64 " of at least %" PRIu64
			" bytes: the copy was cut short", size, needed);
}

/*
 * Nothing can be said about a dump without its notes, and libkdumpfile 0.5.1
 * allocates as many bytes as a damaged header asks for.
 */
static struct error *check_notes(const char *path, uint64_t size, uint64_t offset, uint64_t length)
{
	uint64_t end;

	if (!__builtin_add_overflow(offset, length, &end) && end <= size)
		return NULL;
	return error_new("%s: the file ends at %" PRIu64 " bytes, its notes lie at %" PRIu64
			 " and are of %" PRIu64 " bytes: it is damaged or was cut short; collect it again",
			 path, size, offset, length);
}

static struct error *examine_elf(int fd, const char *path, uint64_t size,
				 struct dumpfile *ret)
{
	Elf64_Ehdr ehdr;

	ret->format = DUMPFILE_ELF;
	snprintf(ret->name, sizeof(ret->name), "ELF");
	if (!read_at(fd, 0, &ehdr, sizeof(ehdr)))
		return error_new("%s: the file ends within the ELF header: collect it again",
				 path);
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_type != ET_CORE || ehdr.e_machine != EM_X86_64 ||
	    ehdr.e_phentsize != sizeof(Elf64_Phdr))
		return error_new("%s: not a dump of an x86-64 machine but another ELF file: give the vmcore",
				 path);
	if (ehdr.e_flags & DUMP_ELF_INCOMPLETE)
		mark_incomplete(ret, "makedumpfile marked the dump as incomplete (no space left where it was written)");
	/* libkdumpfile 0.5.1 follows a section table that is not there. */
	if (!ehdr.e_shoff != !ehdr.e_shnum || ehdr.e_shoff > size ||
	    ehdr.e_shnum * sizeof(Elf64_Shdr) > size - ehdr.e_shoff)
		return error_new("%s: ELF header: %u section headers at %" PRIu64
				 " are impossible: the file is damaged; collect it again", path,
				 ehdr.e_shnum, (uint64_t)ehdr.e_shoff);
	uint64_t nr = ehdr.e_phnum;

	if (nr == PN_XNUM) {
		Elf64_Shdr shdr;

		if (!read_at(fd, ehdr.e_shoff, &shdr, sizeof(shdr)))
			return error_new("%s: the file ends before section header 0: collect it again",
					 path);
		nr = shdr.sh_info;
	}
	for (uint64_t i = 0; i < nr; i++) {
		Elf64_Phdr phdr;
		uint64_t at = ehdr.e_phoff + i * sizeof(phdr);

		if (!read_at(fd, at, &phdr, sizeof(phdr))) {
			cut_short(ret, size, at + sizeof(phdr));
			break;
		}
		if (phdr.p_type == PT_NOTE) {
			struct error *err = check_notes(path, size, phdr.p_offset, phdr.p_filesz);

			if (err)
				return err;
		}
		uint64_t end;

		if (__builtin_add_overflow(phdr.p_offset, phdr.p_filesz, &end))
			mark_incomplete(ret, "program header %" PRIu64
					" claims an impossible size: the file is damaged", i);
		else if (end > size)
			cut_short(ret, size, end);
	}
	return NULL;
}

static void name_kdump(const struct disk_dump_header *header, struct dumpfile *ret)
{
	const char *compression = "not compressed";

	if (header->status & DUMP_DH_COMPRESSED_ZLIB)
		compression = "zlib";
	else if (header->status & DUMP_DH_COMPRESSED_LZO)
		compression = "lzo";
	else if (header->status & DUMP_DH_COMPRESSED_SNAPPY)
		compression = "snappy";
	else if (header->status & DUMP_DH_COMPRESSED_ZSTD)
		compression = "zstd";
	snprintf(ret->name, sizeof(ret->name), "kdump-compressed (%s)", compression);
}

/* Pages that the dump has: the set bits of the second bitmap, @size bytes at @offset. */
static bool count_pages(int fd, uint64_t offset, uint64_t size, uint64_t *ret)
{
	uint64_t nr = 0;
	uint64_t buf[8192];

	for (uint64_t done = 0; done < size;) {
		size_t chunk = size - done < sizeof(buf) ? size - done : sizeof(buf);

		memset(buf, 0, sizeof(buf));
		if (!read_at(fd, offset + done, buf, chunk))
			return false;
		for (size_t i = 0; i < sizeof(buf) / sizeof(buf[0]); i++)
			nr += __builtin_popcountll(buf[i]);
		done += chunk;
	}
	*ret = nr;
	return true;
}

/* Every page descriptor must have been written and point into the file. */
static void check_descriptors(int fd, uint64_t size, uint64_t offset, uint64_t nr,
			      struct dumpfile *ret)
{
	struct page_desc desc[2048];

	for (uint64_t done = 0; done < nr;) {
		uint64_t left = nr - done;
		size_t chunk = sizeof(desc) / sizeof(desc[0]);

		if (left < chunk)
			chunk = left;
		if (!read_at(fd, offset + done * sizeof(desc[0]), desc, chunk * sizeof(desc[0]))) {
			cut_short(ret, size, offset + nr * sizeof(desc[0]));
			return;
		}
		for (size_t i = 0; i < chunk; i++) {
			uint64_t end;

			if (desc[i].offset <= 0 ||
			    __builtin_add_overflow((uint64_t)desc[i].offset, desc[i].size, &end)) {
				mark_incomplete(ret, "page %" PRIu64 " of %" PRIu64
						" was never written: the dump was interrupted",
						done + i, nr);
				return;
			}
			if (end > size) {
				cut_short(ret, size, end);
				return;
			}
		}
		done += chunk;
	}
}

static struct error *examine_kdump(int fd, const char *path, uint64_t size,
				   struct dumpfile *ret)
{
	struct disk_dump_header header;

	ret->format = DUMPFILE_KDUMP;
	if (!read_at(fd, 0, &header, sizeof(header)))
		return error_new("%s: the file ends within the dump header: collect it again",
				 path);
	name_kdump(&header, ret);
	if (header.block_size < 512 || header.block_size > 65536 ||
	    header.sub_hdr_size < 0)
		return error_new("%s: dump header: a block size of %" PRId32
				 " bytes is impossible: the file is damaged; collect it again",
				 path, header.block_size);
	if (header.status & DUMP_DH_COMPRESSED_INCOMPLETE)
		mark_incomplete(ret, "makedumpfile marked the dump as incomplete (no space left where it was written)");
	uint64_t block = header.block_size;
	struct kdump_sub_header sub;

	if (!read_at(fd, block, &sub, sizeof(sub)))
		return error_new("%s: the file ends within the dump's second header: collect it again",
				 path);
	struct error *err = check_notes(path, size, sub.offset_note, sub.size_note);

	if (!err)
		err = check_notes(path, size, sub.offset_vmcoreinfo, sub.size_vmcoreinfo);
	if (err)
		return err;
	uint64_t bitmaps = (1 + (uint64_t)header.sub_hdr_size) * block;
	uint64_t bitmap_size = header.bitmap_blocks * block;
	uint64_t descriptors = bitmaps + bitmap_size;

	uint64_t nr_pages;

	if (descriptors > size ||
	    !count_pages(fd, bitmaps + bitmap_size / 2, bitmap_size / 2, &nr_pages))
		return error_new("%s: the file ends at %" PRIu64 " bytes, its index alone is of %" PRIu64
				 ": it is damaged or was cut short; collect it again", path, size,
				 descriptors);
	if (!nr_pages)
		mark_incomplete(ret, "its page bitmap is empty: the dump was interrupted before its first page");
	check_descriptors(fd, size, descriptors, nr_pages, ret);
	return NULL;
}

struct error *dumpfile_examine(int fd, const char *path, struct dumpfile *ret)
{
	struct stat st;
	unsigned char magic[16] = {};
	struct dumpfile file = {};

	if (fstat(fd, &st))
		return error_errno(errno, "%s: fstat", path);
	if (S_ISDIR(st.st_mode))
		return error_new("%s: a directory, not a dump: give the vmcore file in it", path);
	if (!st.st_size)
		return error_new("%s: empty file: nothing was saved; look at the capture kernel's console",
				 path);
	const char *slash = strrchr(path, '/');

	if (strstr(slash ? slash + 1 : path, "incomplete"))
		mark_incomplete(&file, "the dump tool named it incomplete");
	read_at(fd, 0, magic,
		st.st_size < (off_t)sizeof(magic) ? (size_t)st.st_size : sizeof(magic));
	struct error *err = NULL;

	if (!memcmp(magic, ELFMAG, SELFMAG))
		err = examine_elf(fd, path, st.st_size, &file);
	else if (!memcmp(magic, "KDUMP   ", 8) || !memcmp(magic, "DISKDUMP", 8))
		err = examine_kdump(fd, path, st.st_size, &file);
	else if (!memcmp(magic, "makedumpfile", 12))
		err = error_new("%s: a flattened dump, which cannot be read in place: unpack it with makedumpfile -R VMCORE < %s",
				path, path);
	else if (magic[0] == 0x1f && magic[1] == 0x8b)
		err = error_new("%s: a gzip file, not a dump: unpack it first with gunzip", path);
	else
		err = error_new("%s: neither an ELF vmcore nor a kdump-compressed dump: give the file that makedumpfile or the capture kernel wrote",
				path);
	if (err)
		return err;
	*ret = file;
	return NULL;
}
