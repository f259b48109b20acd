// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/snapshot/crash_kernel.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/snapshot/protocol.h"

/* Documentation/x86/boot.rst: the setup header, in bytes from the file's start. */
#define SETUP_SECTS	0x1f1
#define SYSSIZE		0x1f4	/* of the protected-mode code, 16 bytes */
#define HDRS_MAGIC	0x202
#define XLOADFLAGS	0x236
#define HEADER_END	0x268
#define XLF_KERNEL_64	1

/* "64-bit Boot Protocol": the entry, in the protected-mode code. */
#define ENTRY_64	0x200

#define JUMP_LENGTH	5
/* Enough for the jump, however the last instruction that it overwrites ends. */
#define MAX_DISPLACED	(JUMP_LENGTH + ZYDIS_MAX_INSTRUCTION_LENGTH)
#define MAX_CODE	128

struct code {
	uint8_t byte[MAX_CODE];
	size_t length;
};

static void emit(struct code *code, const void *bytes, size_t length)
{
	memcpy(code->byte + code->length, bytes, length);
	code->length += length;
}

/* mov $value,%al; out %al,$0xe9 */
static void emit_out(struct code *code, uint8_t value)
{
	emit(code, (uint8_t[]){ 0xb0, value, 0xe6, SNAPSHOT_PORT }, 4);
}

/* jmp to @to, from where it will stand: @at. Offsets in the image. */
static void emit_jump(struct code *code, size_t at, size_t to)
{
	int32_t distance = (int64_t)to - (int64_t)(at + JUMP_LENGTH);

	emit(code, (uint8_t[]){ 0xe9 }, 1);
	emit(code, &distance, sizeof(distance));
}

/* At the entry only %rsi counts: it points to the boot parameters. */
static void emit_doorbell(struct code *code)
{
	static const uint8_t argument[] = {
		0x48, 0x89, 0xf0,			/* mov %rsi,%rax */
		0xb9, SNAPSHOT_ARGUMENT_LENGTH, 0, 0, 0, /* mov $8,%ecx */
		0xe6, SNAPSHOT_PORT,			/* 1: out %al,$0xe9 */
		0x48, 0xc1, 0xe8, 0x08,			/* shr $8,%rax */
		0xe2, 0xf8,				/* loop 1b */
	};

	for (size_t i = 0; i < SNAPSHOT_MAGIC_LENGTH; i++)
		emit_out(code, SNAPSHOT_MAGIC[i]);
	emit_out(code, SNAPSHOT_KEXEC);
	emit(code, argument, sizeof(argument));
}

/* Whole instructions from @entry on that make room for a jump; 0: there are none. */
static size_t measure_displaced(const uint8_t *entry)
{
	ZydisDecoder decoder;
	size_t length = 0;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	while (length < JUMP_LENGTH) {
		ZydisDecodedInstruction insn;

		/* What counts from its own place cannot be moved. */
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, entry + length,
								ZYDIS_MAX_INSTRUCTION_LENGTH,
								&insn)) ||
		    insn.attributes & ZYDIS_ATTRIB_IS_RELATIVE)
			return 0;
		length += insn.length;
	}
	return length;
}

static struct error *read_image(const char *path, uint8_t **ret, size_t *ret_size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct stat st;

	if (!file || fstat(fileno(file), &st))
		return error_errno(errno, "%s: cannot read", path);
	/* Room for the doorbell behind it */
	_cleanup_free_ uint8_t *image = calloc(1, st.st_size + 2 * MAX_CODE);

	if (!image)
		return &error_no_memory;
	if (fread(image, 1, st.st_size, file) != (size_t)st.st_size)
		return error_new("%s: cannot read all of it", path);
	*ret = no_cleanup_ptr(image);
	*ret_size = st.st_size;
	return NULL;
}

static struct error *find_entry(const char *path, const uint8_t *image, size_t size, size_t *ret)
{
	uint16_t flags;

	if (size < HEADER_END || memcmp(image + HDRS_MAGIC, "HdrS", 4))
		return error_new("%s: no kernel image (bzImage)", path);
	memcpy(&flags, image + XLOADFLAGS, sizeof(flags));
	size_t setup_sects = image[SETUP_SECTS] ? image[SETUP_SECTS] : 4;

	*ret = (setup_sects + 1) * 512 + ENTRY_64;
	if (!(flags & XLF_KERNEL_64) || *ret + MAX_DISPLACED > size)
		return error_new("%s: this kernel image has no 64-bit entry", path);
	return NULL;
}

/* The doorbell goes behind the image, which must end on 16 bytes for its size. */
static size_t add_doorbell(uint8_t *image, size_t size, size_t entry, size_t displaced)
{
	struct code code = {}, jump = {};
	size_t protected_mode = entry - ENTRY_64;
	size_t at = protected_mode + (size - protected_mode + 15) / 16 * 16;

	emit_doorbell(&code);
	emit(&code, image + entry, displaced);
	emit_jump(&code, at + code.length, entry + displaced);
	emit_jump(&jump, entry, at);
	memcpy(image + at, code.byte, code.length);
	memcpy(image + entry, jump.byte, jump.length);
	size_t end = at + (code.length + 15) / 16 * 16;
	uint32_t syssize = (end - protected_mode) / 16;

	memcpy(image + SYSSIZE, &syssize, sizeof(syssize));
	return end;
}

struct error *crash_kernel_write(const char *bzimage, const char *path)
{
	_cleanup_free_ uint8_t *image = NULL;
	size_t size = 0, entry = 0;
	struct error *err = read_image(bzimage, &image, &size);

	if (!err)
		err = find_entry(bzimage, image, size, &entry);
	if (err)
		return err;
	size_t displaced = measure_displaced(image + entry);

	if (!displaced)
		return error_new("%s: the code at its 64-bit entry cannot be moved to make room "
				 "for a doorbell", bzimage);
	size = add_doorbell(image, size, entry, displaced);
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	if (!file || fwrite(image, 1, size, file) != size || fflush(file))
		return error_errno(errno, "%s: cannot write", path);
	return NULL;
}
