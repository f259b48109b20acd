// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/kernel.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/kallsyms.h"
#include "analyze/list.h"

/* Far above what hosts have; these stop nonsense. */
#define MAX_MODULES		4096
#define MAX_CPUS		8192
#define MAX_MODULE_SYMBOLS	(1024 * 1024)
#define MAX_MODULE_STRINGS	(64 * 1024 * 1024)
#define MAX_BTF_SIZE		(256 * 1024 * 1024)

#define MAX_SYMBOL_NAME		512

/* Modules whose symbols and types are read. */
static const char *const our_modules[] = { "kvm_intel", "kvm", "kvm_amd", "kdump_torture" };

static bool is_our_module(const char *name)
{
	for (size_t i = 0; i < sizeof(our_modules) / sizeof(our_modules[0]); i++) {
		if (!strcmp(our_modules[i], name))
			return true;
	}
	return false;
}

static struct error *need_symbol(const struct kernel *kernel, const char *name, uint64_t *ret)
{
	if (symbol_table_find(&kernel->symbols, name, ret))
		return NULL;
	return error_new("kallsyms: no symbol %s: CONFIG_KALLSYMS_ALL is off or the kernel is unlike any known",
			 name);
}

static struct error *read_kernel_types(struct kernel *kernel)
{
	uint64_t start, stop;

	if (!symbol_table_find(&kernel->symbols, "__start_BTF", &start) ||
	    !symbol_table_find(&kernel->symbols, "__stop_BTF", &stop))
		return error_new("kallsyms: no symbol __start_BTF: the kernel was built without CONFIG_DEBUG_INFO_BTF; its dumps cannot be analysed without debug files yet");
	if (stop <= start || stop - start > MAX_BTF_SIZE)
		return error_new("BTF of the kernel: from %#" PRIx64 " to %#" PRIx64
				 " is impossible: the dump is damaged", start, stop);
	_cleanup_free_ void *data = malloc(stop - start);

	if (!data)
		return &error_no_memory;
	struct error *err = memory_read(kernel->memory, start, data, stop - start);

	if (err)
		return error_context(err, "BTF of the kernel");
	return types_add_btf(kernel->types, NULL, no_cleanup_ptr(data), stop - start);
}

/* Room for a name of the kernel's type @name in a buffer of @size bytes. */
static size_t name_size(const struct member *name, size_t size)
{
	return name->size && name->size < size ? name->size : size;
}

/* Where struct module keeps what is wanted of it. */
struct module_layout {
	struct member list, name, kallsyms, symtab, num_symtab, strtab;
	struct member text, text_size;
};

static struct error *module_layout_find(const struct types *types, struct module_layout *ret)
{
	struct error *err = types_member(types, "module", "list", &ret->list);

	if (!err)
		err = types_member(types, "module", "name", &ret->name);
	if (!err)
		err = types_member(types, "module", "kallsyms", &ret->kallsyms);
	if (!err)
		err = types_member(types, "mod_kallsyms", "symtab", &ret->symtab);
	if (!err)
		err = types_member(types, "mod_kallsyms", "num_symtab", &ret->num_symtab);
	if (!err)
		err = types_member(types, "mod_kallsyms", "strtab", &ret->strtab);
	if (err)
		return err;
	/* mem[] has the code in its first element, MOD_TEXT. */
	if (types_find(types, "module", "mem", &ret->text)) {
		struct member mem = ret->text;

		err = types_member(types, "module_memory", "base", &ret->text);
		if (!err)
			err = types_member(types, "module_memory", "size", &ret->text_size);
		ret->text.offset += mem.offset;
		ret->text_size.offset += mem.offset;
		return err;
	}
	/* Linux kernel commit ac3b43283923 ("module: replace module_layout with module_memory") (in v6.4) */
	err = types_member(types, "module", "core_layout.base", &ret->text);
	if (!err)
		err = types_member(types, "module", "core_layout.size", &ret->text_size);
	return err;
}

/* Offset of the string that starts last in the string table. */
static uint32_t last_string(const Elf64_Sym *symtab, uint32_t nr)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < nr; i++) {
		if (symtab[i].st_name > last)
			last = symtab[i].st_name;
	}
	return last;
}

static struct error *add_module_symbols(struct module *module, const Elf64_Sym *symtab,
					uint32_t nr, const char *strings)
{
	/* Element 0 of an ELF symbol table is empty. */
	for (uint32_t i = 1; i < nr; i++) {
		const char *name = strings + symtab[i].st_name;

		if (symtab[i].st_shndx == SHN_UNDEF || !*name)
			continue;
		struct error *err = symbol_table_add(&module->symbols, symtab[i].st_value,
						     name, strlen(name));

		if (err)
			return err;
	}
	module->has_symbols = true;
	return symbol_table_index(&module->symbols);
}

static struct error *read_module_symbols(const struct memory *mem,
					 const struct module_layout *layout,
					 struct module *module)
{
	uint64_t kallsyms, symtab_addr, strtab;
	uint32_t nr;
	struct error *err = memory_read_u64(mem, module->addr + layout->kallsyms.offset, &kallsyms);

	if (!err)
		err = memory_read_u64(mem, kallsyms + layout->symtab.offset, &symtab_addr);
	if (!err)
		err = memory_read_u32(mem, kallsyms + layout->num_symtab.offset, &nr);
	if (!err)
		err = memory_read_u64(mem, kallsyms + layout->strtab.offset, &strtab);
	if (err)
		return err;
	if (nr > MAX_MODULE_SYMBOLS)
		return error_new("%" PRIu32 " symbols is impossible: the dump is damaged", nr);
	_cleanup_free_ Elf64_Sym *symtab = calloc(nr, sizeof(*symtab));

	if (!symtab)
		return &error_no_memory;
	err = memory_read(mem, symtab_addr, symtab, nr * sizeof(*symtab));
	if (err)
		return err;
	uint32_t last = last_string(symtab, nr);

	if (last > MAX_MODULE_STRINGS)
		return error_new("a string table of over %" PRIu32 " bytes is impossible: the dump is damaged",
				 last);
	_cleanup_free_ char *strings = malloc(last + MAX_SYMBOL_NAME);

	if (!strings)
		return &error_no_memory;
	err = memory_read(mem, strtab, strings, last);
	if (!err)
		err = memory_read_string(mem, strtab + last, strings + last, MAX_SYMBOL_NAME);
	if (err)
		return err;
	return add_module_symbols(module, symtab, nr, strings);
}

static struct error *read_module(struct kernel *kernel, const struct module_layout *layout,
				 uint64_t addr, struct module *module)
{
	const struct memory *mem = kernel->memory;
	uint32_t text_size;

	module->addr = addr;
	struct error *err = memory_read_string(mem, addr + layout->name.offset, module->name,
					       name_size(&layout->name, sizeof(module->name)));

	if (!err)
		err = memory_read_u64(mem, addr + layout->text.offset, &module->text);
	if (!err)
		err = memory_read_u32(mem, addr + layout->text_size.offset, &text_size);
	if (err)
		return error_context(err, "struct module at %#" PRIx64, addr);
	module->text_size = text_size;
	if (!is_our_module(module->name))
		return NULL;
	err = read_module_symbols(mem, layout, module);
	return err ? error_context(err, "symbols of module %s", module->name) : NULL;
}

static struct error *read_modules(struct kernel *kernel)
{
	uint64_t head;

	if (!symbol_table_find(&kernel->symbols, "modules", &head))
		return NULL;	/* a kernel without CONFIG_MODULES */
	struct module_layout layout;
	struct error *err = module_layout_find(kernel->types, &layout);

	if (err)
		return err;
	struct list_walk walk;

	err = list_walk_init(kernel->memory, LIST_FORWARD, head, MAX_MODULES, &walk);
	if (err)
		return error_context(err, "list of modules");
	kernel->module = calloc(walk.nr, sizeof(*kernel->module));
	if (walk.nr && !kernel->module)
		err = &error_no_memory;
	for (size_t i = 0; i < walk.nr && !err; i++) {
		kernel->nr_modules++;
		err = read_module(kernel, &layout, walk.node[i].addr - layout.list.offset,
				  &kernel->module[i]);
	}
	if (!err && walk.end != LIST_COMPLETE) {
		char end[128];

		list_walk_describe_end(&walk, end, sizeof(end));
		err = error_new("list of modules: ends in %s: the dump is damaged", end);
	}
	list_walk_deinit(&walk);
	return err;
}

/* Where the kernel keeps the BTF of modules: its list btf_modules. */
struct btf_layout {
	struct member list, btf, data, data_size, name;
};

static struct error *btf_layout_find(const struct types *types, struct btf_layout *ret)
{
	struct error *err = types_member(types, "btf_module", "list", &ret->list);

	if (!err)
		err = types_member(types, "btf_module", "btf", &ret->btf);
	if (!err)
		err = types_member(types, "btf", "data", &ret->data);
	if (!err)
		err = types_member(types, "btf", "data_size", &ret->data_size);
	if (!err)
		err = types_member(types, "btf", "name", &ret->name);
	return err;
}

static struct error *read_module_btf(struct kernel *kernel, const struct btf_layout *layout,
				     uint64_t btf_module)
{
	const struct memory *mem = kernel->memory;
	uint64_t btf, addr;
	uint32_t size;
	char name[64];
	struct error *err = memory_read_u64(mem, btf_module + layout->btf.offset, &btf);

	if (!err)
		err = memory_read_string(mem, btf + layout->name.offset, name,
					 name_size(&layout->name, sizeof(name)));
	if (err || !is_our_module(name))
		return err;
	err = memory_read_u64(mem, btf + layout->data.offset, &addr);
	if (!err)
		err = memory_read_u32(mem, btf + layout->data_size.offset, &size);
	if (err)
		return err;
	if (!size || size > MAX_BTF_SIZE)
		return error_new("BTF of module %s: %" PRIu32 " bytes is impossible: the dump is damaged",
				 name, size);
	_cleanup_free_ void *data = malloc(size);

	if (!data)
		return &error_no_memory;
	err = memory_read(mem, addr, data, size);
	if (err)
		return error_context(err, "BTF of module %s", name);
	return types_add_btf(kernel->types, name, no_cleanup_ptr(data), size);
}

static struct error *read_module_types(struct kernel *kernel)
{
	uint64_t head;

	/* Without CONFIG_DEBUG_INFO_BTF_MODULES; whoever misses a type will say so. */
	if (!symbol_table_find(&kernel->symbols, "btf_modules", &head))
		return NULL;
	struct btf_layout layout;
	struct error *err = btf_layout_find(kernel->types, &layout);

	if (err)
		return err;
	struct list_walk walk;

	err = list_walk_init(kernel->memory, LIST_FORWARD, head, MAX_MODULES, &walk);
	if (err)
		return error_context(err, "list of module BTF");
	for (size_t i = 0; i < walk.nr && !err; i++)
		err = read_module_btf(kernel, &layout, walk.node[i].addr - layout.list.offset);
	list_walk_deinit(&walk);
	return err;
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

struct error *kernel_create(const struct memory *mem, const struct vmcoreinfo *info,
			    struct kernel **ret)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return &error_no_memory;
	kernel->memory = mem;
	kernel->info = info;
	struct error *err = kallsyms_read(mem, info, &kernel->symbols);

	if (!err)
		err = types_create(&kernel->types);
	if (!err)
		err = read_kernel_types(kernel);
	if (!err)
		err = read_modules(kernel);
	if (!err)
		err = read_module_types(kernel);
	if (!err)
		err = read_cpus(kernel);
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
	for (size_t i = 0; i < kernel->nr_modules; i++)
		symbol_table_deinit(&kernel->module[i].symbols);
	free(kernel->module);
	symbol_table_deinit(&kernel->symbols);
	types_destroy(kernel->types);
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

void kernel_format_address(const struct kernel *kernel, uint64_t addr, char *ret, size_t size)
{
	uint64_t offset;

	for (size_t i = 0; i < kernel->nr_modules; i++) {
		const struct module *module = &kernel->module[i];

		if (addr - module->text >= module->text_size)
			continue;
		const char *name = symbol_table_lookup(&module->symbols, addr, &offset);

		if (name)
			snprintf(ret, size, "%s+%#" PRIx64 " [%s]", name, offset, module->name);
		else
			snprintf(ret, size, "%#" PRIx64 " [%s]", addr, module->name);
		return;
	}
	const char *name = symbol_table_lookup(&kernel->symbols, addr, &offset);

	if (name)
		snprintf(ret, size, "%s+%#" PRIx64, name, offset);
	else
		snprintf(ret, size, "%#" PRIx64, addr);
}
