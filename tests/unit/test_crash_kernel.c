// SPDX-License-Identifier: GPL-2.0-or-later
/* The doorbell that is put into a kernel image, by executing it. */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/error.h"
#include "inject/snapshot/crash_kernel.h"
#include "inject/snapshot/protocol.h"
#include "tests/unit/tap.h"

#define SETUP_SIZE	(5 * 512)	/* setup_sects 4 */
#define ENTRY		(SETUP_SIZE + 0x200)
#define IMAGE_SIZE	(SETUP_SIZE + 0x405)

/* cld; cli; xor %eax,%eax; mov %eax,%ds; mov %eax,%es, as the kernel begins */
static const uint8_t entry_code[] = { 0xfc, 0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0 };

/* Whole instructions of it that a jump of 5 bytes overwrites */
#define DISPLACED 6

static char dir[] = "/tmp/kdump-torture-crash-kernel-XXXXXX";
static char from[64], to[64];
static uint8_t image[2 * IMAGE_SIZE];

static void make_image(void)
{
	uint16_t flags = 1;	/* XLF_KERNEL_64 */

	memset(image, 0, sizeof(image));
	image[0x1f1] = 4;
	memcpy(image + 0x202, "HdrS", 4);
	memcpy(image + 0x236, &flags, sizeof(flags));
	memcpy(image + ENTRY, entry_code, sizeof(entry_code));
}

static void write_image(size_t size)
{
	int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, image, size) != (ssize_t)size || close(fd))
		err(2, "%s", from);
}

/* Return: the size of the new image. */
static size_t read_result(void)
{
	int fd = open(to, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, image, sizeof(image));

	if (size < 0 || close(fd))
		err(2, "%s", to);
	return size;
}

/* Where the jump at @at leads to; 0: there is none. */
static size_t follow_jump(size_t at)
{
	int32_t distance;

	if (image[at] != 0xe9)
		return 0;
	memcpy(&distance, image + at + 1, sizeof(distance));
	return at + 5 + distance;
}

/*
 * What the doorbell at @at writes to the port with @rsi in %rsi. It uses these
 * instructions only; anything else ends it. @end: where it ends.
 */
static size_t execute(size_t at, uint64_t rsi, uint8_t *written, size_t *end)
{
	uint64_t rax = 0;
	uint32_t ecx = 0;
	size_t nr = 0;

	for (int steps = 0; steps < 1000; steps++) {
		const uint8_t *code = image + at;

		if (code[0] == 0xb0) {				/* mov $imm,%al */
			rax = (rax & ~0xffULL) | code[1];
			at += 2;
		} else if (code[0] == 0xe6 && code[1] == SNAPSHOT_PORT) {
			written[nr++] = rax;
			at += 2;
		} else if (!memcmp(code, "\x48\x89\xf0", 3)) {	/* mov %rsi,%rax */
			rax = rsi;
			at += 3;
		} else if (code[0] == 0xb9) {			/* mov $imm,%ecx */
			memcpy(&ecx, code + 1, sizeof(ecx));
			at += 5;
		} else if (!memcmp(code, "\x48\xc1\xe8\x08", 4)) { /* shr $8,%rax */
			rax >>= 8;
			at += 4;
		} else if (code[0] == 0xe2) {			/* loop */
			at += 2;
			if (--ecx)
				at += (int8_t)code[1];
		} else {
			break;
		}
	}
	*end = at;
	return nr;
}

static void test_doorbell(void)
{
	static const uint64_t boot_params = 0x123456789abcdef0;
	uint8_t written[64];
	uint32_t syssize;
	size_t end;

	make_image();
	write_image(IMAGE_SIZE);
	tap_ok(!crash_kernel_write(from, to), "a doorbell is put into an image");
	size_t size = read_result(), at = follow_jump(ENTRY);

	tap_ok(at >= IMAGE_SIZE && at < size, "the entry jumps behind what was there");
	size_t nr = execute(at, boot_params, written, &end);

	tap_ok(nr == 13 && !memcmp(written, SNAPSHOT_MAGIC, 4) && written[4] == SNAPSHOT_KEXEC &&
	       !memcmp(written + 5, &boot_params, 8),
	       "it rings with the address of the boot parameters");
	tap_ok(!memcmp(image + end, entry_code, DISPLACED), "then does what the entry did");
	tap_ok(follow_jump(end + DISPLACED) == ENTRY + DISPLACED, "and goes on behind it");
	memcpy(&syssize, image + 0x1f4, sizeof(syssize));
	tap_ok(SETUP_SIZE + 16 * syssize == size, "the header knows the new size");
}

static void expect_failure(const char *what, size_t size, const char *word)
{
	write_image(size);
	struct error *error = crash_kernel_write(from, to);

	if (!tap_ok(error && strstr(error->message, word) && strstr(error->message, from),
		    "%s: an error that names the file", what))
		tap_diag("%s", error ? error->message : "no error");
	error_free(error);
}

static void test_failures(void)
{
	make_image();
	expect_failure("an image that was cut", 0x100, "no kernel image");
	expect_failure("an image that ends before its entry", ENTRY, "no 64-bit entry");
	image[0x202] = 0;
	expect_failure("no image", IMAGE_SIZE, "no kernel image");
	make_image();
	image[0x236] = 0;
	expect_failure("a 32-bit kernel", IMAGE_SIZE, "no 64-bit entry");
	make_image();
	memcpy(image + ENTRY, "\xe8\0\0\0\0", 5);	/* call */
	expect_failure("an entry that cannot be moved", IMAGE_SIZE, "cannot be moved");
}

int main(void)
{
	if (!mkdtemp(dir))
		err(2, "%s", dir);
	snprintf(from, sizeof(from), "%s/from", dir);
	snprintf(to, sizeof(to), "%s/to", dir);
	test_doorbell();
	test_failures();
	unlink(from);
	unlink(to);
	rmdir(dir);
	return tap_done();
}
