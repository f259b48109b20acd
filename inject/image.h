/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_IMAGE_H
#define INJECT_IMAGE_H

/* Images for a target, written with libarchive. */

struct error;
struct image;

enum image_format {
	IMAGE_INITRAMFS,	/* uncompressed cpio, newc */
	IMAGE_ISOLINUX,		/* ISO 9660 that boots /isolinux/isolinux.bin */
};

/* Start writing the image file @path. */
struct error *image_create(const char *path, enum image_format format, struct image **ret);
/*
 * Add the host's file @from (symbolic links followed) as @to, with its mode and
 * the directories on the way to it.
 */
struct error *image_add_file(struct image *image, const char *to, const char *from);
/* Add a text file. */
struct error *image_add_text(struct image *image, const char *to, const char *text);
/* Add an ELF program as @to, and beside it every shared library that ldd(1) names. */
struct error *image_add_program(struct image *image, const char *to, const char *from);
/* Add a kernel module as @to, without its DWARF (ten times the rest of it). */
struct error *image_add_module(struct image *image, const char *to, const char *from);
/* Finish the file. */
struct error *image_finish(struct image *image);
/* Release @image, finished or not; NULL is fine. */
void image_destroy(struct image *image);

static inline void cleanup_image(struct image **image)
{
	image_destroy(*image);
}

#endif
