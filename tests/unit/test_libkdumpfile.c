// SPDX-License-Identifier: GPL-2.0-or-later
/* libkdumpfile, which reads dumps too, finds the same bytes in them. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/dump.h"
#include "tests/unit/host.h"
#include "tests/unit/tap.h"
#include "tests/unit/writer.h"

#define MAX_PARTS	3

static const char description[] =
	"vm a\n"
	"vcpu A of a cpu 1 launched\n"
	"vcpu B of a cpu 0 launched dropped\n"
	"list 1 A\n"
	"list 0 B\n";

/* A dump, opened by both. */
struct pair {
	struct dump *dump;
	kdump_ctx_t *kdump;
	int fd[MAX_PARTS];
	unsigned int nr;
};

static void open_pair(char (*path)[64], unsigned int nr, struct pair *ret)
{
	char *paths[MAX_PARTS];

	for (unsigned int i = 0; i < nr; i++) {
		paths[i] = path[i];
		ret->fd[i] = open(path[i], O_RDONLY);
	}
	ret->nr = nr;
	struct error *error = dump_open(paths, nr, &ret->dump);

	ret->kdump = kdump_new();
	if (error || !ret->kdump)
		errx(2, "%s", error ? error->message : "kdump_new");
	if (kdump_open_fdset(ret->kdump, nr, ret->fd) != KDUMP_OK ||
	    kdump_set_string_attr(ret->kdump, KDUMP_ATTR_OSTYPE, "linux") != KDUMP_OK)
		errx(2, "libkdumpfile: %s", kdump_get_err(ret->kdump));
}

static void close_pair(struct pair *pair)
{
	dump_close(pair->dump);
	kdump_free(pair->kdump);
	for (unsigned int i = 0; i < pair->nr; i++)
		close(pair->fd[i]);
}

static bool is_zero(const uint8_t *page)
{
	return !*page && !memcmp(page, page + 1, MACHINE_PAGE - 1);
}

/*
 * Return: whether both read the same from the page at @addr, or neither anything;
 * libkdumpfile 0.5.1 takes the page before a segment for zeros, which are nothing.
 */
static bool agree(const struct pair *pair, enum memory_space space, uint64_t addr)
{
	uint8_t ours[MACHINE_PAGE], theirs[MACHINE_PAGE];
	size_t size = sizeof(theirs);
	struct error *error = pair->dump->memory.read(&pair->dump->memory, space, addr, ours,
						      sizeof(ours));
	bool read = !error;

	error_free(error);
	if (kdump_read(pair->kdump, space == MEMORY_VIRTUAL ? KDUMP_KVADDR : KDUMP_KPHYSADDR,
		       addr, theirs, &size) != KDUMP_OK) {
		kdump_clear_err(pair->kdump);
		return !read;
	}
	return read ? !memcmp(ours, theirs, sizeof(ours)) : is_zero(theirs);
}

static void check_pages(const struct pair *pair, enum memory_space space, uint64_t start,
			uint64_t nr, const char *fact, const char *format)
{
	uint64_t bad = 0, first = 0;

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t addr = start + i * MACHINE_PAGE;

		if (!agree(pair, space, addr) && !bad++)
			first = addr;
	}
	if (!tap_ok(!bad, "%s: %s", format, fact))
		tap_diag("not so for %" PRIu64 " pages, first at %#" PRIx64, bad, first);
}

static void test_format(const char *dir, const struct host *host, const char *format)
{
	const struct machine *machine = host_machine(host);
	unsigned int nr = writer_parse(format).parts;
	char path[MAX_PARTS][64];
	struct pair pair = {};

	for (unsigned int i = 0; i < nr; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/vmcore%u", dir, i);
		writer_write(machine, format, i, path[i]);
	}
	open_pair(path, nr, &pair);
	check_pages(&pair, MEMORY_PHYSICAL, 0, MACHINE_NR_PAGES, "the same memory", format);
	check_pages(&pair, MEMORY_VIRTUAL, machine->direct, MACHINE_NR_PAGES,
		    "the same in the direct map", format);
	check_pages(&pair, MEMORY_VIRTUAL, host_symbol(host, "init_top_pgt"), 16,
		    "the same in the kernel image", format);
	check_pages(&pair, MEMORY_VIRTUAL, machine_peek_u64(machine, host_symbol(host, "modules")) &
		    -MACHINE_PAGE, 16, "the same in modules", format);
	close_pair(&pair);
	for (unsigned int i = 0; i < nr; i++)
		unlink(path[i]);
}

int main(void)
{
	/* What libkdumpfile 0.5.1 cannot read is flattened. */
	static const char *const formats[] = {
		"elf", "elf qemu", "elf xnum", "kdump raw", "kdump zlib", "kdump lzo",
		"kdump snappy", "kdump zstd", "kdump zlib split 3",
	};
	static const char *const shapes[] = { "levels 4\n", "kaslr 0x2a000000 levels 5\n" };
	char dir[] = "/tmp/kdump-torture-libkdumpfile-XXXXXX";

	if (!mkdtemp(dir))
		err(2, "%s", dir);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s%s", shapes[i], description);
		struct host *host = host_create(text);

		for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++)
			test_format(dir, host, formats[f]);
		host_destroy(host);
	}
	rmdir(dir);
	return tap_done();
}
