// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/module.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/list.h"
#include "analyze/module_file.h"
#include "analyze/module_sections.h"

/* Far above what hosts have; these stop nonsense. */
#define MAX_MODULES		4096
#define MAX_MODULE_SYMBOLS	(1024 * 1024)
#define MAX_MODULE_STRINGS	(64 * 1024 * 1024)

#define MAX_SYMBOL_NAME		512

/* Modules whose symbols are read, and of some types that must be known. */
static const struct our_module {
	const char *name;
	bool needs_types;
} our_modules[] = {
	{ "kvm_intel", true }, { "kvm", true }, { "kvm_amd", false }, { "kdump_torture", false },
};

static const struct our_module *find_our_module(const char *name)
{
	for (size_t i = 0; i < sizeof(our_modules) / sizeof(our_modules[0]); i++) {
		if (!strcmp(our_modules[i].name, name))
			return &our_modules[i];
	}
	return NULL;
}

/* Room for a name of the kernel's type @name in a buffer of @size bytes. */
static size_t name_size(const struct member *name, size_t size)
{
	return name->size && name->size < size ? name->size : size;
}

/* Where struct module keeps what is wanted of it. */
struct module_layout {
	struct member list, name;
	bool has_kallsyms;	/* CONFIG_KALLSYMS */
	struct member kallsyms, symtab, num_symtab, strtab;
	struct member text, text_size;
};

static struct error *find_kallsyms(const struct types *types, struct module_layout *ret)
{
	ret->has_kallsyms = types_find(types, "module", "kallsyms", &ret->kallsyms);
	if (!ret->has_kallsyms)
		return NULL;
	struct error *err = types_member(types, "mod_kallsyms", "symtab", &ret->symtab);

	if (!err)
		err = types_member(types, "mod_kallsyms", "num_symtab", &ret->num_symtab);
	if (!err)
		err = types_member(types, "mod_kallsyms", "strtab", &ret->strtab);
	return err;
}

static struct error *find_text(const struct types *types, struct module_layout *ret)
{
	/* mem[] has the code in its first element, MOD_TEXT. */
	if (types_find(types, "module", "mem", &ret->text)) {
		struct member mem = ret->text;
		struct error *err = types_member(types, "module_memory", "base", &ret->text);

		if (!err)
			err = types_member(types, "module_memory", "size", &ret->text_size);
		ret->text.offset += mem.offset;
		ret->text_size.offset += mem.offset;
		return err;
	}
	/* Linux kernel commit ac3b43283923 ("module: replace module_layout with module_memory") (in v6.4) */
	struct error *err = types_member(types, "module", "core_layout.base", &ret->text);

	if (!err)
		err = types_member(types, "module", "core_layout.size", &ret->text_size);
	return err;
}

static struct error *module_layout_find(const struct types *types, struct module_layout *ret)
{
	struct error *err = types_member(types, "module", "list", &ret->list);

	if (!err)
		err = types_member(types, "module", "name", &ret->name);
	if (!err)
		err = find_kallsyms(types, ret);
	if (!err)
		err = find_text(types, ret);
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
	return NULL;
}

/* The file of @module, if there is one below @dir. */
static struct error *open_module_file(const struct kernel *kernel, const char *dir,
				      struct module *module)
{
	struct module_sections sections = {};
	struct build_id id = {};
	struct error *err = module_sections_read(kernel, module->addr, &sections);

	if (!err) {
		id = module_build_id(kernel, module->addr, &sections);
		err = module_file_open(dir, module->name, &sections, &id, &module->debuginfo);
	}
	module_sections_deinit(&sections);
	return err;
}

/* From the dump first: it has those of the module as it was loaded. */
static struct error *read_symbols(const struct kernel *kernel, const struct module_layout *layout,
				  const char *dir, struct module *module)
{
	struct error *err = dir ? open_module_file(kernel, dir, module) : NULL;

	if (!err && layout->has_kallsyms) {
		err = read_module_symbols(kernel->memory, layout, module);
		if (err)
			err = error_context(err, "symbols of module %s", module->name);
	}
	if (!err && module->debuginfo)
		err = debuginfo_add_symbols(module->debuginfo, &module->symbols);
	return err;
}

/* A list that is cut off may lack just the modules that matter. */
static struct error *check_end(const struct list_walk *walk, const char *what)
{
	char end[128];

	if (walk->end == LIST_COMPLETE)
		return NULL;
	list_walk_describe_end(walk, end, sizeof(end));
	return error_new("%s: ends in %s: the dump is damaged", what, end);
}

struct error *modules_read(struct kernel *kernel, const char *dir)
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
		struct module *module = &kernel->module[i];

		err = read_module(kernel, &layout, walk.node[i].addr - layout.list.offset,
				  module);
		if (!err && find_our_module(module->name))
			err = kernel_find_module(kernel, module->name) == module ?
			      read_symbols(kernel, &layout, dir, module) :
			      error_new("list of modules: two of the name %s: the dump is damaged",
					module->name);
	}
	if (!err)
		err = check_end(&walk, "list of modules");
	list_walk_deinit(&walk);
	return err;
}

static struct module *find_ours(const struct kernel *kernel, const char *name)
{
	for (size_t i = 0; i < kernel->nr_modules && find_our_module(name); i++) {
		if (!strcmp(kernel->module[i].name, name))
			return &kernel->module[i];
	}
	return NULL;
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
	struct module *module = err ? NULL : find_ours(kernel, name);

	if (!module)
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
	module->has_types = true;
	return types_add_btf(kernel->types, name, no_cleanup_ptr(data), size);
}

static struct error *read_all_btf(struct kernel *kernel)
{
	uint64_t head;

	/* Without CONFIG_DEBUG_INFO_BTF_MODULES; that of a module builds on the kernel's. */
	if (!symbol_table_find(&kernel->symbols, "btf_modules", &head) ||
	    !types_has_btf(kernel->types))
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
	if (!err)
		err = check_end(&walk, "list of module BTF");
	list_walk_deinit(&walk);
	return err;
}

/* The types of @module from its file, as the dump has none. */
static struct error *read_dwarf(struct kernel *kernel, const char *dir, struct module *module)
{
	if (!module->debuginfo)
		return error_new("%s: no file of module %s is below it, and the dump has no types of that module: give the directory with the debug files of this kernel",
				 dir, module->name);
	Dwarf *dwarf = debuginfo_dwarf(module->debuginfo);

	if (!dwarf)
		return error_new("%s: has no debug information (DWARF), and the dump has no types of module %s: give the directory with the debug files of this kernel",
				 debuginfo_path(module->debuginfo), module->name);
	module->has_types = true;
	return types_add_dwarf(kernel->types, true, dwarf);
}

struct error *modules_read_types(struct kernel *kernel, const char *dir)
{
	struct error *err = read_all_btf(kernel);

	for (size_t i = 0; i < kernel->nr_modules && dir && !err; i++) {
		struct module *module = &kernel->module[i];
		const struct our_module *ours = find_our_module(module->name);

		if (ours && ours->needs_types && !module->has_types)
			err = read_dwarf(kernel, dir, module);
	}
	return err;
}

void modules_deinit(struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->nr_modules; i++) {
		symbol_table_deinit(&kernel->module[i].symbols);
		debuginfo_close(kernel->module[i].debuginfo);
	}
	free(kernel->module);
}
