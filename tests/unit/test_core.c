// SPDX-License-Identifier: GPL-2.0-or-later
/* The dump that is made of an emulator's memory, from headers that the guest made. */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/error.h"
#include "inject/snapshot/preload/core.h"
#include "inject/snapshot/preload/emulator.h"
#include "inject/snapshot/protocol.h"
#include "tests/unit/tap.h"

#define PAGE	SNAPSHOT_PAGE_SIZE
#define PAGES	32

/* Where things are in the guest, as page numbers. */
enum { BOOT_PARAMS = 1, COMMAND_LINE, HEADER, NOTES, CHUNK, MEMORY = 8, BACKUP = 20 };

static _Alignas(PAGE) unsigned char guest[PAGES][PAGE];

unsigned char *guest_page(uint64_t pa)
{
	return pa < sizeof(guest) ? guest[pa / PAGE] : NULL;
}

struct error *guest_read(uint64_t pa, void *buffer, size_t length)
{
	if (pa > sizeof(guest) || length > sizeof(guest) - pa)
		return error_new("guest memory: nothing at 0x%llx", (unsigned long long)pa);
	memcpy(buffer, guest[0] + pa, length);
	return NULL;
}

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)guest[HEADER];
}

static Elf64_Phdr *segment(int nr)
{
	return (Elf64_Phdr *)(guest[HEADER] + sizeof(Elf64_Ehdr)) + nr;
}

static void set_command_line(const char *text)
{
	uint32_t addr = COMMAND_LINE * PAGE;

	memcpy(guest[BOOT_PARAMS] + 0x228, &addr, sizeof(addr));
	strcpy((char *)guest[COMMAND_LINE], text);
}

/* A note of 8 bytes that are all @value. */
static void set_note(int nr, unsigned char value)
{
	struct {
		Elf64_Nhdr header;
		char name[8];
		unsigned char data[8];
	} note = { { 5, 8, NT_PRSTATUS }, "CORE", {} };

	memset(note.data, value, sizeof(note.data));
	memcpy(guest[NOTES] + nr * sizeof(note), &note, sizeof(note));
}

/*
 * Four pages of memory, the second of them zero, and one that the kernel has
 * elsewhere: as kexec-tools keeps the first 640 KiB.
 */
static void make_guest(void)
{
	memset(guest, 0, sizeof(guest));
	set_command_line("quiet elfcorehdr=12K panic=-1");
	*header() = (Elf64_Ehdr){
		.e_ident = ELFMAG, .e_type = ET_CORE, .e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3,
	};
	*segment(0) = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTES * PAGE, .p_memsz = 1024 };
	*segment(1) = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = BACKUP * PAGE, .p_memsz = PAGE };
	*segment(2) = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = MEMORY * PAGE,
				    .p_paddr = MEMORY * PAGE, .p_memsz = 4 * PAGE };
	set_note(0, 0x11);
	set_note(1, 0x22);
	memset(guest[BACKUP], 0xbb, PAGE);
	for (int i = 0; i < 4; i++)
		memset(guest[MEMORY + i], i == 1 ? 0 : 0xa0 + i, PAGE);
}

static int core_file(void)
{
	int fd = memfd_create("core", MFD_ALLOW_SEALING);

	if (fd < 0)
		err(2, "memfd");
	return fd;
}

static void read_back(int fd, uint64_t offset, void *buffer, size_t size)
{
	memset(buffer, 0xee, size);
	if (pread(fd, buffer, size, offset) < 0)
		err(2, "core");
}

static void test_contents(void)
{
	int fd = core_file();
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[3];
	unsigned char page[4 * PAGE];

	make_guest();
	struct error *error = core_write(BOOT_PARAMS * PAGE, fd);

	if (!tap_ok(!error, "a dump is written"))
		tap_diag("%s", error->message);
	read_back(fd, 0, &ehdr, sizeof(ehdr));
	read_back(fd, ehdr.e_phoff, phdr, sizeof(phdr));
	tap_ok(!memcmp(ehdr.e_ident, ELFMAG, SELFMAG) && ehdr.e_type == ET_CORE &&
	       ehdr.e_phnum == 3,
	       "it is an ELF core of one note segment and two of memory");
	read_back(fd, phdr[0].p_offset, page, PAGE);
	tap_ok(phdr[0].p_type == PT_NOTE && phdr[0].p_filesz == 56 && page[20] == 0x11 &&
	       page[48] == 0x22, "both notes are in it, and what follows them is not");
	read_back(fd, phdr[1].p_offset, page, PAGE);
	tap_ok(phdr[1].p_paddr == 0 && page[0] == 0xbb && page[PAGE - 1] == 0xbb,
	       "memory comes from where the kernel says it was put");
	read_back(fd, phdr[2].p_offset, page, 4 * PAGE);
	tap_ok(phdr[2].p_paddr == MEMORY * PAGE && phdr[2].p_filesz == 4 * PAGE &&
	       !memcmp(page, guest[MEMORY], 4 * PAGE), "memory is as it was");
	off_t zero = phdr[2].p_offset + PAGE;

	tap_ok(lseek(fd, zero, SEEK_HOLE) == zero && lseek(fd, zero, SEEK_DATA) == zero + PAGE,
	       "a page of zeroes takes no room");
	close(fd);
}

/* The message of what core_write() fails with, "" if it does not. */
static const char *failure(int fd)
{
	static char message[512];
	struct error *error = core_write(BOOT_PARAMS * PAGE, fd);

	snprintf(message, sizeof(message), "%s", error ? error->message : "");
	error_free(error);
	return message;
}

static void expect_failure(const char *what, const char *word)
{
	int fd = core_file();
	const char *message = failure(fd);
	Elf64_Ehdr ehdr;

	if (!tap_ok(strstr(message, word), "%s: an error", what))
		tap_diag("\"%s\" has no \"%s\"", message, word);
	read_back(fd, 0, &ehdr, sizeof(ehdr));
	tap_ok(memcmp(ehdr.e_ident, ELFMAG, SELFMAG), "%s: and what was written is no dump", what);
	close(fd);
}

static void test_hostile_headers(void)
{
	make_guest();
	set_command_line("quiet");
	expect_failure("no elfcorehdr", "elfcorehdr");
	make_guest();
	set_command_line("elfcorehdr=0xffffffffffff0000");
	expect_failure("headers beyond memory", "0xffffffffffff0000");
	make_guest();
	header()->e_ident[0] = 0;
	expect_failure("no ELF header", "no ELF core header");
	make_guest();
	header()->e_phnum = 0xffff;
	expect_failure("more segments than there can be", "no ELF core header");
	make_guest();
	((Elf64_Nhdr *)guest[NOTES])->n_descsz = 0xfffffffd;
	expect_failure("a note larger than anything", "does not fit");
	make_guest();
	segment(0)->p_memsz = 40;
	expect_failure("a note that reaches out of its segment", "does not fit");
	make_guest();
	segment(0)->p_offset = UINT64_MAX - 8;
	expect_failure("notes beyond memory", "crash notes");
	make_guest();
	segment(2)->p_memsz = UINT64_MAX;
	expect_failure("a segment beyond memory", "no page at 0x20000");
}

static void test_command_line(void)
{
	static const char *const lines[] = {
		"elfcorehdr=0x3000", "a=b elfcorehdr=12K", "elfcorehdr=1K@12K b", "elfcorehdr=12288",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int fd = core_file();

		make_guest();
		set_command_line(lines[i]);
		tap_ok(!*failure(fd), "%s is understood", lines[i]);
		close(fd);
	}
}

static void test_full_disk(void)
{
	int fd = core_file();

	make_guest();
	if (ftruncate(fd, 1 << 20) || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
		tap_diag("no seals here");
	tap_ok(strstr(failure(fd), "cannot write"), "a file that cannot be written: an error");
	close(fd);
}

static struct snapshot_chunk *chunk(void)
{
	return (struct snapshot_chunk *)guest[CHUNK];
}

static bool chunk_fails(uint64_t page)
{
	int fd = core_file();
	struct error *error = core_write_chunk(page * PAGE, fd);
	bool failed = error;

	error_free(error);
	close(fd);
	return failed;
}

static void test_chunks(void)
{
	int fd = core_file();
	unsigned char data[PAGE];

	make_guest();
	*chunk() = (struct snapshot_chunk){ SNAPSHOT_CHUNK_MAGIC, 100, PAGE + 10, 2,
					    { MEMORY + 3, MEMORY } };
	struct error *error = core_write_chunk(CHUNK * PAGE, fd);

	read_back(fd, 100 + PAGE, data, PAGE);
	tap_ok(!error && lseek(fd, 0, SEEK_END) == 100 + PAGE + 10 && data[9] == 0xa0,
	       "the pages that a chunk names go where it says");
	close(fd);
	chunk()->length = 2 * PAGE + 1;
	tap_ok(chunk_fails(CHUNK), "a chunk longer than its pages: an error");
	chunk()->length = PAGE;
	chunk()->page[0] = PAGES;
	tap_ok(chunk_fails(CHUNK), "a chunk with a page beyond memory: an error");
	chunk()->page[0] = MEMORY;
	chunk()->nr_pages = SNAPSHOT_CHUNK_PAGES + 1;
	tap_ok(chunk_fails(CHUNK), "a chunk of more pages than it holds: an error");
	tap_ok(chunk_fails(PAGES), "a chunk beyond memory: an error");
}

int main(void)
{
	test_contents();
	test_command_line();
	test_hostile_headers();
	test_full_disk();
	test_chunks();
	return tap_done();
}
