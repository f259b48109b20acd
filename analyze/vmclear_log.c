// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/vmclear_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VMCLEAR_LOG_MAGIC	"VMXCLOG"
#define VMCLEAR_LOG_VERSION	1
/* The patch has 1024; this stops nonsense. */
#define MAX_ENTRIES		(1024 * 1024)

struct log_header {
	char magic[8];
	uint32_t version;
	uint32_t nr_entries;	/* room */
	uint32_t next;		/* entries ever claimed */
	uint32_t pad;
};

/* Return: whether it can be believed. */
static bool check(const struct log_header *header, struct findings *findings)
{
	if (memcmp(header->magic, VMCLEAR_LOG_MAGIC, sizeof(header->magic))) {
		findings_add(findings, FINDING_DOUBT,
			     "the kernel's VMCLEAR log does not start with its magic number");
		return false;
	}
	if (header->version != VMCLEAR_LOG_VERSION || header->nr_entries > MAX_ENTRIES) {
		findings_add(findings, FINDING_DOUBT,
			     "the kernel's VMCLEAR log is of version %" PRIu32 " with %" PRIu32
			     " entries, this analyser knows version %u: use the analyser that came with the patch",
			     header->version, header->nr_entries, VMCLEAR_LOG_VERSION);
		return false;
	}
	return true;
}

static int compare_key(const struct vmclear_log_entry *left, const struct vmclear_log_entry *right)
{
	if (left->op != right->op)
		return left->op < right->op ? -1 : 1;
	if (left->cpu != right->cpu)
		return left->cpu < right->cpu ? -1 : 1;
	return left->pa < right->pa ? -1 : left->pa > right->pa;
}

/* Of one operation, CPU and address those that were done come first. */
static int compare(const void *a, const void *b)
{
	const struct vmclear_log_entry *left = *(const struct vmclear_log_entry *const *)a;
	const struct vmclear_log_entry *right = *(const struct vmclear_log_entry *const *)b;
	int order = compare_key(left, right);

	return order ? order : (right->status == VMCLEAR_DONE) - (left->status == VMCLEAR_DONE);
}

static struct error *sort(struct vmclear_log *log)
{
	log->sorted = calloc(log->nr + 1, sizeof(*log->sorted));
	if (!log->sorted)
		return &error_no_memory;
	for (size_t i = 0; i < log->nr; i++)
		log->sorted[i] = &log->entry[i];
	qsort(log->sorted, log->nr, sizeof(*log->sorted), compare);
	return NULL;
}

static struct error *read_log(const struct memory *mem, uint64_t addr,
			      struct findings *findings, struct vmclear_log *ret)
{
	struct log_header header;
	struct error *err = memory_read(mem, addr, &header, sizeof(header));

	if (err)
		return err;
	if (!check(&header, findings))
		return NULL;
	uint32_t nr = header.next;

	if (nr > header.nr_entries) {
		findings_add(findings, FINDING_DOUBT,
			     "the kernel's VMCLEAR log overflowed: %" PRIu32 " entries, room for %" PRIu32,
			     header.next, header.nr_entries);
		ret->overflowed = true;
		nr = header.nr_entries;
	}
	ret->entry = calloc(nr, sizeof(*ret->entry));
	if (nr && !ret->entry)
		return &error_no_memory;
	err = memory_read(mem, addr + sizeof(header), ret->entry, nr * sizeof(*ret->entry));
	if (err)
		return err;
	ret->nr = nr;
	ret->present = true;
	return sort(ret);
}

struct error *vmclear_log_read(const struct kernel *kernel, struct findings *findings,
			       struct vmclear_log *ret)
{
	uint64_t addr;

	*ret = (struct vmclear_log){};
	if (!kernel_find_symbol(kernel, "kvm_intel", "vmx_crash_log", &addr))
		return NULL;
	struct error *err = read_log(kernel->memory, addr, findings, ret);

	if (!err)
		return NULL;
	vmclear_log_deinit(ret);
	if (err == &error_no_memory)
		return err;
	findings_add(findings, FINDING_DOUBT, "the kernel's VMCLEAR log: %s", err->message);
	error_free(err);
	return NULL;
}

void vmclear_log_deinit(struct vmclear_log *log)
{
	free(log->entry);
	free(log->sorted);
	*log = (struct vmclear_log){};
}

/* The first of @log->sorted that does not come before @key. */
static const struct vmclear_log_entry *lower_bound(const struct vmclear_log *log,
						   const struct vmclear_log_entry *key)
{
	size_t low = 0, high = log->sorted ? log->nr : 0, end = high;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_key(log->sorted[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end ? log->sorted[low] : NULL;
}

const struct vmclear_log_entry *vmclear_log_find(const struct vmclear_log *log, int cpu,
						 enum vmclear_op op)
{
	const struct vmclear_log_entry key = { .cpu = cpu, .op = op };
	const struct vmclear_log_entry *found = lower_bound(log, &key);

	return found && found->op == op && (int)found->cpu == cpu ? found : NULL;
}

const struct vmclear_log_entry *vmclear_log_find_vmclear(const struct vmclear_log *log, int cpu,
							 uint64_t pa)
{
	const struct vmclear_log_entry key = { .cpu = cpu, .op = VMCLEAR_OP_VMCLEAR, .pa = pa };
	const struct vmclear_log_entry *found = lower_bound(log, &key);

	return found && !compare_key(found, &key) ? found : NULL;
}
