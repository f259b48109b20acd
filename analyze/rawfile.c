// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/rawfile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/cleanup.h"

/* The header of a flattened dump, in big endian (makedumpfile.h). */
#define FLAT_SIGNATURE		"makedumpfile"
#define FLAT_HEADER_SIZE	4096	/* MAX_SIZE_MDF_HEADER */
#define FLAT_TYPE		1
#define FLAT_VERSION		1

/* Those of makedumpfile 1.7.2 have 30 KiB on average, and none less than 104 bytes. */
#define MIN_RECORD_SIZE		256
#define MIN_RECORDS		4096

struct flat_header {
	char signature[16];
	int64_t type;
	int64_t version;
};

/* Precedes @size bytes that belong at @offset; both are -1 behind the last ones. */
struct flat_record {
	int64_t offset;
	int64_t size;
};

static size_t read_some(int fd, uint64_t offset, void *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)ret + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

static size_t read_records(const struct rawfile *file, uint64_t offset, char *ret, size_t size)
{
	if (offset >= file->size)
		return 0;
	if (size > file->size - offset)
		size = file->size - offset;
	/* What no record covers is a hole of the file that would be restored. */
	memset(ret, 0, size);
	for (size_t done = 0; done < size;) {
		uint64_t at = offset + done;
		const struct extent *extent = extents_find(&file->records, at);

		if (!extent || extent->start >= offset + size)
			break;
		if (extent->start > at) {
			done = extent->start - offset;
			continue;
		}
		size_t chunk = extent->end - at < size - done ? extent->end - at : size - done;

		if (read_some(file->fd, extent->source + at - extent->start, ret + done,
			      chunk) != chunk)
			return done;
		done += chunk;
	}
	return size;
}

size_t rawfile_read_some(const struct rawfile *file, uint64_t offset, void *ret, size_t size)
{
	return file->flattened ? read_records(file, offset, ret, size)
			       : read_some(file->fd, offset, ret, size);
}

struct error *rawfile_read(const struct rawfile *file, uint64_t offset, void *ret, size_t size)
{
	if (offset <= INT64_MAX && rawfile_read_some(file, offset, ret, size) == size)
		return NULL;
	return error_new("cannot read %zu bytes at offset %" PRIu64 " of %" PRIu64, size, offset,
			 file->size);
}

bool rawfile_covers(const struct rawfile *file, uint64_t offset, uint64_t size)
{
	if (!file->flattened)
		return offset <= file->size && size <= file->size - offset;
	for (uint64_t end = offset + size; offset < end;) {
		const struct extent *extent = extents_find(&file->records, offset);

		if (!extent || extent->start > offset)
			return false;
		offset = extent->end;
	}
	return true;
}

uint64_t rawfile_next_data(const struct rawfile *file, uint64_t offset)
{
	if (!file->flattened) {
		off_t data = lseek(file->fd, offset, SEEK_DATA);

		if (data >= 0)
			return data;
		/* ENXIO: a hole up to the end. A file system may not know about holes. */
		return errno == ENXIO ? file->size : offset;
	}
	const struct extent *extent = extents_find(&file->records, offset);

	if (!extent)
		return file->size;
	return extent->start > offset ? extent->start : offset;
}

/* A record that is cut short, or none where one should be, makes the dump incomplete. */
static struct error *add_records(struct rawfile *file)
{
	uint64_t at = FLAT_HEADER_SIZE;

	for (;;) {
		struct flat_record record;

		if (read_some(file->fd, at, &record, sizeof(record)) != sizeof(record)) {
			snprintf(file->cut, sizeof(file->cut), "flattened dump ends at %" PRIu64
				 " bytes without its end marker: the copy was cut short",
				 file->file_size);
			return NULL;
		}
		int64_t offset = be64toh(record.offset), size = be64toh(record.size);

		if (offset == -1 && size == -1)
			break;
		at += sizeof(record);
		if (offset < 0 || size <= 0 || offset > INT64_MAX - size)
			return error_new("flattened dump: record at %" PRIu64 " claims %" PRId64
					 " bytes for offset %" PRId64
					 ": the file is damaged; collect it again",
					 at - sizeof(record), size, offset);
		uint64_t there = file->file_size > at ? file->file_size - at : 0;

		if ((uint64_t)size > there) {
			snprintf(file->cut, sizeof(file->cut), "flattened dump ends at %" PRIu64
				 " of at least %" PRIu64 " bytes: the copy was cut short",
				 file->file_size, at + size);
			size = there;
		}
		struct error *err = extents_add(&file->records, offset, size, at);

		if (err)
			return err;
		at += size;
		if (file->records.nr > MIN_RECORDS + at / MIN_RECORD_SIZE)
			return error_new("flattened dump: %zu records in its first %" PRIu64
					 " bytes: the file is damaged; collect it again",
					 file->records.nr, at);
	}
	return NULL;
}

static struct error *index_records(struct rawfile *file)
{
	struct flat_header header;

	if (read_some(file->fd, 0, &header, sizeof(header)) != sizeof(header))
		return error_new("the file ends within the header of a flattened dump: collect it again");
	if (be64toh(header.type) != FLAT_TYPE || be64toh(header.version) != FLAT_VERSION)
		return error_new("flattened dump of type %" PRId64 " and version %" PRId64
				 ": only type %d, version %d is known; unpack it with makedumpfile -R VMCORE < %s",
				 (int64_t)be64toh(header.type), (int64_t)be64toh(header.version),
				 FLAT_TYPE, FLAT_VERSION, file->path);
	file->flattened = true;
	file->size = 0;
	struct error *err = add_records(file);

	if (!err)
		err = extents_index(&file->records);
	if (!err && file->records.nr)
		file->size = file->records.extent[file->records.nr - 1].end;
	return err;
}

/* A FIFO would be waited for, and what is no file cannot be read again. */
static struct error *open_regular(struct rawfile *file)
{
	struct stat st;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &st))
		return error_errno(errno, "cannot open the dump");
	if (S_ISDIR(st.st_mode))
		return error_new("a directory, not a dump: give the vmcore file in it");
	if (!S_ISREG(st.st_mode))
		return error_new("not a regular file: copy the dump to a file first");
	if (!st.st_size)
		return error_new("empty file: nothing was saved; look at the capture kernel's console");
	file->size = file->file_size = st.st_size;
	return NULL;
}

struct error *rawfile_open(const char *path, struct rawfile *ret)
{
	struct rawfile file = { .path = strdup(path), .fd = -1 };
	char magic[sizeof(FLAT_SIGNATURE) - 1];
	struct error *err = file.path ? open_regular(&file) : &error_no_memory;

	if (!err && read_some(file.fd, 0, magic, sizeof(magic)) == sizeof(magic) &&
	    !memcmp(magic, FLAT_SIGNATURE, sizeof(magic)))
		err = index_records(&file);
	if (err) {
		rawfile_close(&file);
		return error_context(err, "%s", path);
	}
	*ret = file;
	return NULL;
}

void rawfile_close(struct rawfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	extents_deinit(&file->records);
	free(file->path);
	*file = (struct rawfile){ .fd = -1 };
}
