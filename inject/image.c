// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/process.h"

struct image {
	struct archive *archive;
	char *path;
	char **directories;	/* those written so far */
	size_t nr_directories;
};

static struct error *archive_failure(struct image *image, const char *what)
{
	return error_new("%s: %s: %s", image->path, what, archive_error_string(image->archive));
}

struct error *image_create(const char *path, enum image_format format, struct image **ret)
{
	_cleanup_(cleanup_image) struct image *image = calloc(1, sizeof(*image));

	if (!image || !(image->path = strdup(path)) || !(image->archive = archive_write_new()))
		return &error_no_memory;
	int err;

	if (format == IMAGE_INITRAMFS) {
		err = archive_write_set_format_cpio_newc(image->archive);
	} else {
		err = archive_write_set_format_iso9660(image->archive);
		if (!err)
			err = archive_write_set_options(image->archive,
				"iso9660:boot=isolinux/isolinux.bin,"
				"iso9660:boot-catalog=isolinux/boot.cat,"
				"iso9660:boot-type=no-emulation,"
				"iso9660:boot-load-size=4,iso9660:boot-info-table,"
				"iso9660:!joliet,iso9660:!zisofs");
	}
	if (!err)
		err = archive_write_open_filename(image->archive, path);
	if (err)
		return archive_failure(image, "cannot create");
	*ret = no_cleanup_ptr(image);
	return NULL;
}

static struct error *write_header(struct image *image, const char *to, mode_t mode, off_t size)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return &error_no_memory;
	archive_entry_set_pathname(entry, to);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, size);
	archive_entry_set_nlink(entry, 1);
	int err = archive_write_header(image->archive, entry);

	archive_entry_free(entry);
	return err ? archive_failure(image, to) : NULL;
}

/* The kernel's initramfs reader makes no directories of its own accord. */
static struct error *add_directory_once(struct image *image, const char *path, size_t length)
{
	for (size_t i = 0; i < image->nr_directories; i++)
		if (strlen(image->directories[i]) == length &&
		    !strncmp(image->directories[i], path, length))
			return NULL;
	char **larger = reallocarray(image->directories, image->nr_directories + 1,
				     sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	image->directories = larger;
	char *directory = strndup(path, length);

	if (!directory)
		return &error_no_memory;
	image->directories[image->nr_directories++] = directory;
	return write_header(image, directory, S_IFDIR | 0755, 0);
}

static struct error *begin_file(struct image *image, const char *to, mode_t mode, off_t size)
{
	for (const char *slash = strchr(to, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct error *err = add_directory_once(image, to, slash - to);

		if (err)
			return err;
	}
	return write_header(image, to, S_IFREG | mode, size);
}

struct error *image_add_text(struct image *image, const char *to, const char *text)
{
	struct error *err = begin_file(image, to, 0644, strlen(text));

	if (!err && archive_write_data(image->archive, text, strlen(text)) < 0)
		err = archive_failure(image, to);
	return err;
}

struct error *image_add_file(struct image *image, const char *to, const char *from)
{
	_cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return error_errno(errno, "%s: cannot read", from);
	struct error *err = begin_file(image, to, st.st_mode & 0755, st.st_size);
	char block[65536];
	ssize_t length;

	while (!err && (length = read(fd, block, sizeof(block)))) {
		if (length < 0)
			return error_errno(errno, "%s: cannot read", from);
		if (archive_write_data(image->archive, block, length) < 0)
			err = archive_failure(image, to);
	}
	return err;
}

struct error *image_add_program(struct image *image, const char *to, const char *from)
{
	_cleanup_free_ char *libraries = NULL;
	struct error *err = image_add_file(image, to, from);

	if (!err)
		err = run_tool((const char *[]){ "ldd", from, NULL }, &libraries);
	if (err)
		return err;
	/* "libz.so.1 => /lib/.../libz.so.1 (0x...)" or "/lib64/ld-... (0x...)" */
	for (char *line = strtok(libraries, "\n"); line; line = strtok(NULL, "\n")) {
		char *path = strchr(line, '/');

		if (!path)
			continue;
		path[strcspn(path, " ")] = '\0';
		err = image_add_file(image, path + 1, path);
		if (err)
			return err;
	}
	return NULL;
}

struct error *image_add_module(struct image *image, const char *to, const char *from)
{
	_cleanup_free_ char *stripped = NULL;

	if (asprintf(&stripped, "%s.module", image->path) < 0)
		return &error_no_memory;
	struct error *err = run_tool(
		(const char *[]){ "strip", "--strip-debug", "-o", stripped, from, NULL }, NULL);

	if (!err)
		err = image_add_file(image, to, stripped);
	unlink(stripped);
	return err;
}

struct error *image_finish(struct image *image)
{
	if (archive_write_close(image->archive))
		return archive_failure(image, "cannot write");
	return NULL;
}

void image_destroy(struct image *image)
{
	if (!image)
		return;
	archive_write_free(image->archive);
	for (size_t i = 0; i < image->nr_directories; i++)
		free(image->directories[i]);
	free(image->directories);
	free(image->path);
	free(image);
}
