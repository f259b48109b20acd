// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's side of a snapshot: doorbells of the emulator, and what they carry. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inject/snapshot/protocol.h"

#define PAGE SNAPSHOT_PAGE_SIZE

/* Bits 0 to 54 of an entry: Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_NUMBER 0x7fffffffffffffULL

static void ring(enum snapshot_doorbell doorbell, uint64_t argument)
{
	unsigned char bytes[SNAPSHOT_MAGIC_LENGTH + 1 + SNAPSHOT_ARGUMENT_LENGTH];
	int port = open("/dev/port", O_WRONLY | O_CLOEXEC);

	memcpy(bytes, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_LENGTH);
	bytes[SNAPSHOT_MAGIC_LENGTH] = doorbell;
	memcpy(bytes + SNAPSHOT_MAGIC_LENGTH + 1, &argument, SNAPSHOT_ARGUMENT_LENGTH);
	for (size_t i = 0; i < sizeof(bytes); i++)
		if (port < 0 || pwrite(port, &bytes[i], 1, SNAPSHOT_PORT) != 1)
			die("setup-failed", "/dev/port: %s; a snapshot needs CONFIG_DEVPORT",
			    strerror(errno));
	close(port);
}

/* Numbers of the @nr pages of physical memory behind @start, which must be locked. */
static void find_pages(const void *start, size_t nr, uint64_t *ret)
{
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t offset = (uintptr_t)start / PAGE * sizeof(*ret);
	ssize_t size = nr * sizeof(*ret);

	if (map < 0 || pread(map, ret, size, offset) != size)
		die("setup-failed", "/proc/self/pagemap: %s; a snapshot needs "
		    "CONFIG_PROC_PAGE_MONITOR", strerror(errno));
	close(map);
	for (size_t i = 0; i < nr; i++)
		ret[i] &= PAGEMAP_NUMBER;
}

static void *locked_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED || mlock(page, PAGE))
		die("setup-failed", "memory for a snapshot: %s", strerror(errno));
	return page;
}

char *snapshot_wait(void)
{
	struct snapshot_page *page = locked_page();
	uint64_t number;

	page->magic = SNAPSHOT_PAGE_MAGIC;
	find_pages(page, 1, &number);
	report("phase snapshot");
	ring(SNAPSHOT_ARMED, number * PAGE);
	if (!page->job[0])
		die("setup-failed", "snapshot: the emulator did not answer the doorbell");
	return page->job;
}

static void ring_chunk(struct snapshot_chunk *chunk, uint64_t chunk_page, int file,
		       uint64_t size)
{
	uint64_t room = (uint64_t)SNAPSHOT_CHUNK_PAGES * PAGE;

	chunk->length = size - chunk->offset < room ? size - chunk->offset : room;
	chunk->nr_pages = (chunk->length + PAGE - 1) / PAGE;
	void *data = mmap(NULL, chunk->length, PROT_READ, MAP_SHARED | MAP_POPULATE, file,
			  chunk->offset);

	/* Not locked: where there is no swap, tmpfs keeps its pages where they are. */
	if (data == MAP_FAILED)
		die("dump-incomplete", "snapshot: cannot map the dump: %s", strerror(errno));
	find_pages(data, chunk->nr_pages, chunk->page);
	ring(SNAPSHOT_DUMP, chunk_page * PAGE);
	munmap(data, chunk->length);
}

void snapshot_hand_over(const char *path)
{
	struct snapshot_chunk *chunk = locked_page();
	int file = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t number;
	struct stat st;

	if (file < 0 || fstat(file, &st))
		die("dump-incomplete", "%s: %s", path, strerror(errno));
	find_pages(chunk, 1, &number);
	chunk->magic = SNAPSHOT_CHUNK_MAGIC;
	for (uint64_t size = st.st_size; chunk->offset < size; chunk->offset += chunk->length)
		ring_chunk(chunk, number, file, size);
	close(file);
}
