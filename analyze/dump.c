// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>

#include "analyze/cleanup.h"

struct dump_reader {
	int fd;
	kdump_ctx_t *kdump;
	addrxlat_ctx_t *xlat;
	addrxlat_sys_t *xlat_sys;
	char *vmcoreinfo;
};

static const struct dump *dump_of(const struct memory *mem)
{
	return (const struct dump *)((const char *)mem - offsetof(struct dump, memory));
}

static struct error *dump_read(const struct memory *mem, enum memory_space space,
			       uint64_t addr, void *ret, size_t size)
{
	const struct dump_reader *reader = dump_of(mem)->reader;
	size_t len = size;

	if (kdump_read(reader->kdump, space == MEMORY_PHYSICAL ? KDUMP_KPHYSADDR : KDUMP_KVADDR,
		       addr, ret, &len) == KDUMP_OK)
		return NULL;
	struct error *err = error_new("cannot read %zu bytes at %s address %#" PRIx64 ": %s",
				      size, space == MEMORY_PHYSICAL ? "physical" : "virtual",
				      addr, kdump_get_err(reader->kdump));

	kdump_clear_err(reader->kdump);
	return err;
}

static struct error *dump_to_physical(const struct memory *mem, uint64_t va, uint64_t *ret)
{
	const struct dump_reader *reader = dump_of(mem)->reader;
	addrxlat_fulladdr_t addr = { .addr = va, .as = ADDRXLAT_KVADDR };

	if (addrxlat_fulladdr_conv(&addr, ADDRXLAT_KPHYSADDR, reader->xlat,
				   reader->xlat_sys) == ADDRXLAT_OK) {
		*ret = addr.addr;
		return NULL;
	}
	struct error *err = error_new("cannot translate virtual address %#" PRIx64 ": %s",
				      va, addrxlat_ctx_get_err(reader->xlat));

	addrxlat_ctx_clear_err(reader->xlat);
	return err;
}

/* The order matters to libkdumpfile: the file first, then the kind of system in it. */
static struct error *reader_open(struct dump_reader *reader, const char *path)
{
	reader->kdump = kdump_new();
	if (!reader->kdump)
		return &error_no_memory;
	/* With mmap, a file cut short, or while it is read, ends in SIGBUS; it is no faster. */
	if (kdump_set_number_attr(reader->kdump, KDUMP_ATTR_FILE_MMAP_POLICY,
				  KDUMP_MMAP_NEVER) != KDUMP_OK)
		return error_new("%s: cannot read it without mmap: %s", path,
				 kdump_get_err(reader->kdump));
	if (kdump_open_fd(reader->kdump, reader->fd) != KDUMP_OK)
		return error_new("%s: cannot open the dump: %s", path,
				 kdump_get_err(reader->kdump));
	if (kdump_set_string_attr(reader->kdump, KDUMP_ATTR_OSTYPE, "linux") != KDUMP_OK)
		return error_new("%s: cannot find the kernel's page tables: %s: the dump is damaged or was taken without vmcoreinfo; collect it again",
				 path, kdump_get_err(reader->kdump));
	if (kdump_vmcoreinfo_raw(reader->kdump, &reader->vmcoreinfo) != KDUMP_OK)
		return error_new("%s: no vmcoreinfo in the dump: %s: take it with kdump, or give QEMU -device vmcoreinfo",
				 path, kdump_get_err(reader->kdump));
	if (kdump_get_addrxlat(reader->kdump, &reader->xlat, &reader->xlat_sys) != KDUMP_OK)
		return error_new("%s: cannot set up address translation: %s", path,
				 kdump_get_err(reader->kdump));
	return NULL;
}

static struct error *open_file(const char *path, struct dump *dump)
{
	struct dump_reader *reader = dump->reader;

	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return error_errno(errno, "%s: cannot open the dump", path);
	struct error *err = dumpfile_examine(reader->fd, path, &dump->file);

	if (err)
		return err;
	err = reader_open(reader, path);
	if (err && dump->file.incomplete)
		return error_context(err, "%s is not all there (%s)", path, dump->file.why);
	return err;
}

struct error *dump_open(const char *path, struct dump **ret)
{
	_cleanup_dump_ struct dump *dump = calloc(1, sizeof(*dump));

	if (!dump)
		return &error_no_memory;
	dump->reader = calloc(1, sizeof(*dump->reader));
	if (!dump->reader)
		return &error_no_memory;
	dump->reader->fd = -1;
	struct error *err = open_file(path, dump);

	if (err)
		return err;
	dump->memory.read = dump_read;
	dump->memory.to_physical = dump_to_physical;
	dump->info.text = dump->reader->vmcoreinfo;
	*ret = no_cleanup_ptr(dump);
	return NULL;
}

void dump_close(struct dump *dump)
{
	if (!dump)
		return;
	struct dump_reader *reader = dump->reader;

	if (reader) {
		if (reader->xlat)
			addrxlat_ctx_decref(reader->xlat);
		if (reader->xlat_sys)
			addrxlat_sys_decref(reader->xlat_sys);
		if (reader->kdump)
			kdump_free(reader->kdump);
		if (reader->fd >= 0)
			close(reader->fd);
		free(reader->vmcoreinfo);
		free(reader);
	}
	free(dump);
}
