// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/kallsyms.h"
#include "analyze/module.h"
#include "analyze/vmlinux.h"

/* Far above what hosts have; these stop nonsense. */
#define MAX_CPUS		8192

static struct error *need_symbol(const struct kernel *kernel, const char *name, uint64_t *ret)
{
	if (symbol_table_find(&kernel->symbols, name, ret))
		return NULL;
	return error_new("no symbol %s: CONFIG_KALLSYMS_ALL is off, then give --vmlinux FILE; or the kernel is unlike any known",
			 name);
}

static struct error *read_symbols(struct kernel *kernel)
{
	if (kernel->vmlinux) {
		struct error *err = debuginfo_add_symbols(kernel->vmlinux, &kernel->symbols);

		if (err || kernel->symbols.nr)
			return err;
	}
	return kallsyms_read(kernel->memory, kernel->info, &kernel->symbols);
}

/* The BTF in the kernel's memory, from malloc(). */
static struct error *read_memory_btf(const struct kernel *kernel, void **ret, size_t *ret_size)
{
	uint64_t start, stop;

	if (!symbol_table_find(&kernel->symbols, "__start_BTF", &start) ||
	    !symbol_table_find(&kernel->symbols, "__stop_BTF", &stop))
		return error_new("no symbol __start_BTF: the kernel was built without CONFIG_DEBUG_INFO_BTF; give --vmlinux FILE and --modules DIR with debug information");
	if (stop <= start || stop - start > MAX_BTF_SIZE)
		return error_new("BTF of the kernel: from %#" PRIx64 " to %#" PRIx64
				 " is impossible: the dump is damaged", start, stop);
	_cleanup_free_ void *data = malloc(stop - start);

	if (!data)
		return &error_no_memory;
	struct error *err = memory_read(kernel->memory, start, data, stop - start);

	if (err)
		return error_context(err, "BTF of the kernel");
	*ret = no_cleanup_ptr(data);
	*ret_size = stop - start;
	return NULL;
}

static struct error *read_btf(struct kernel *kernel)
{
	struct error *err = NULL;
	void *data = NULL;
	size_t size;

	if (kernel->vmlinux)
		err = debuginfo_section(kernel->vmlinux, ".BTF", &data, &size);
	if (!err && !data)
		err = read_memory_btf(kernel, &data, &size);
	return err ? err : types_add_btf(kernel->types, NULL, data, size);
}

static struct error *read_types(struct kernel *kernel)
{
	struct error *err = types_create(&kernel->types);

	if (!err)
		err = read_btf(kernel);
	Dwarf *dwarf = err && kernel->vmlinux ? debuginfo_dwarf(kernel->vmlinux) : NULL;

	if (!dwarf)
		return err;
	error_free(err);
	return types_add_dwarf(kernel->types, false, dwarf);
}

static struct error *read_mask(const struct kernel *kernel, const char *symbol, size_t nr,
			       bool *ret)
{
	uint64_t addr;
	struct error *err = need_symbol(kernel, symbol, &addr);

	for (size_t i = 0; i < nr && !err; i += 64) {
		uint64_t word;

		err = memory_read_u64(kernel->memory, addr + i / 8, &word);
		for (size_t bit = 0; bit < 64 && i + bit < nr && !err; bit++)
			ret[i + bit] = word >> bit & 1;
	}
	return err ? error_context(err, "CPU mask %s", symbol) : NULL;
}

static struct error *read_cpus(struct kernel *kernel)
{
	uint64_t offsets;
	bool smp = symbol_table_find(&kernel->symbols, "__per_cpu_offset", &offsets);
	size_t nr = smp ? types_size(kernel->types, "cpumask") * 8 : 1;

	if (!nr || nr > MAX_CPUS)
		return error_new("struct cpumask: room for %zu CPUs is impossible: the dump is damaged",
				 nr);
	kernel->per_cpu = calloc(nr, sizeof(*kernel->per_cpu));
	kernel->online = calloc(nr, sizeof(*kernel->online));
	kernel->possible = calloc(nr, sizeof(*kernel->possible));
	if (!kernel->per_cpu || !kernel->online || !kernel->possible)
		return &error_no_memory;
	if (!smp) {
		kernel->possible[0] = kernel->online[0] = true;
		kernel->nr_cpus = 1;
		return NULL;
	}
	struct error *err = read_mask(kernel, "__cpu_possible_mask", nr, kernel->possible);

	if (!err)
		err = read_mask(kernel, "__cpu_online_mask", nr, kernel->online);
	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++) {
		if (!kernel->possible[i])
			continue;
		err = memory_read_u64(kernel->memory, offsets + i * 8, &kernel->per_cpu[i]);
		kernel->nr_cpus = i + 1;
	}
	if (!err && !kernel->nr_cpus)
		return error_new("__cpu_possible_mask: no CPU at all: the dump is damaged");
	return err ? error_context(err, "__per_cpu_offset") : NULL;
}

static struct error *read_kernel(struct kernel *kernel, const struct kernel_files *files)
{
	struct error *err = NULL;

	if (files->vmlinux)
		err = vmlinux_open(files->vmlinux, kernel->memory, kernel->info, &kernel->vmlinux);
	if (!err)
		err = read_symbols(kernel);
	if (!err)
		err = read_types(kernel);
	if (!err)
		err = modules_read(kernel, files->modules);
	if (!err)
		err = modules_read_types(kernel, files->modules);
	if (!err)
		err = read_cpus(kernel);
	return err;
}

struct error *kernel_create(const struct memory *mem, const struct vmcoreinfo *info,
			    const struct kernel_files *files, struct kernel **ret)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return &error_no_memory;
	kernel->memory = mem;
	kernel->info = info;
	struct error *err = read_kernel(kernel, files);

	if (err) {
		kernel_destroy(kernel);
		return err;
	}
	*ret = kernel;
	return NULL;
}

void kernel_destroy(struct kernel *kernel)
{
	if (!kernel)
		return;
	/* Types are in the files. */
	types_destroy(kernel->types);
	modules_deinit(kernel);
	symbol_table_deinit(&kernel->symbols);
	debuginfo_close(kernel->vmlinux);
	free(kernel->per_cpu);
	free(kernel->online);
	free(kernel->possible);
	free(kernel);
}

const struct module *kernel_find_module(const struct kernel *kernel, const char *name)
{
	for (size_t i = 0; i < kernel->nr_modules; i++) {
		if (!strcmp(kernel->module[i].name, name))
			return &kernel->module[i];
	}
	return NULL;
}

bool kernel_find_symbol(const struct kernel *kernel, const char *module,
			const char *name, uint64_t *ret)
{
	const struct module *found = kernel_find_module(kernel, module);

	return symbol_table_find(found ? &found->symbols : &kernel->symbols, name, ret);
}

static const struct module *find_module_at(const struct kernel *kernel, uint64_t addr)
{
	for (size_t i = 0; i < kernel->nr_modules; i++) {
		if (addr - kernel->module[i].text < kernel->module[i].text_size)
			return &kernel->module[i];
	}
	return NULL;
}

void kernel_format_address(const struct kernel *kernel, uint64_t addr, char *ret, size_t size)
{
	const struct module *module = find_module_at(kernel, addr);
	const struct debuginfo *file = module ? module->debuginfo : kernel->vmlinux;
	char module_name[sizeof(module->name) + 4] = "", source[64] = "", line[60];
	uint64_t offset;
	const char *name = symbol_table_lookup(module ? &module->symbols : &kernel->symbols, addr,
					       &offset);

	if (module)
		snprintf(module_name, sizeof(module_name), " [%s]", module->name);
	if (file && debuginfo_source_line(file, addr, line, sizeof(line)))
		snprintf(source, sizeof(source), " (%s)", line);
	if (name)
		snprintf(ret, size, "%s+%#" PRIx64 "%s%s", name, offset, module_name, source);
	else
		snprintf(ret, size, "%#" PRIx64 "%s%s", addr, module_name, source);
}
