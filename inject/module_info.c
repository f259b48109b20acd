// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/module_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

struct module_dwarf {
	int fd;
	Elf *elf;		/* unrelocated, for the relocations themselves */
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf_Addr bias;	/* of addresses in the DWARF against the layout */
	/* What was found last: who asks for one address asks for its neighbours. */
	bool found;
	Dwarf_Die unit, function;
};

static struct error *error_elf(const struct module_info *info, const char *what)
{
	return error_new("%s: %s: %s", info->path, what, elf_errmsg(-1));
}

static struct error *open_elf(struct module_info *info)
{
	struct module_dwarf *dwarf = info->dwarf;

	dwarf->fd = open(info->path, O_RDONLY | O_CLOEXEC);
	if (dwarf->fd < 0)
		return error_errno(errno, "%s", info->path);
	elf_version(EV_CURRENT);
	dwarf->elf = elf_begin(dwarf->fd, ELF_C_READ_MMAP, NULL);
	if (!dwarf->elf)
		return error_elf(info, "reading ELF");

	GElf_Ehdr ehdr;

	if (elf_kind(dwarf->elf) != ELF_K_ELF)
		return error_new("%s: not an ELF file; a compressed module must be unpacked first",
				 info->path);
	if (!gelf_getehdr(dwarf->elf, &ehdr))
		return error_elf(info, "reading ELF header");
	if (ehdr.e_machine != EM_X86_64 ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64)
		return error_new("%s: not for x86-64 (ELF machine %u, class %u)",
				 info->path, ehdr.e_machine,
				 ehdr.e_ident[EI_CLASS]);
	if (ehdr.e_type != ET_REL)
		return error_new("%s: not a kernel module: ELF type %u, not relocatable",
				 info->path, ehdr.e_type);
	return NULL;
}

static struct error *open_dwfl(struct module_info *info)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	struct module_dwarf *dwarf = info->dwarf;

	dwarf->dwfl = dwfl_begin(&callbacks);
	if (dwarf->dwfl)
		dwarf->module = dwfl_report_offline(dwarf->dwfl, "module",
						    info->path, -1);
	if (!dwarf->module ||
	    dwfl_report_end(dwarf->dwfl, NULL, NULL))
		return error_new("%s: reading module: %s", info->path,
				 dwfl_errmsg(-1));
	return NULL;
}

/* Sections of our own handle, at the addresses of libdwfl's layout. */
static struct error *read_sections(struct module_info *info)
{
	struct module_dwarf *dwarf = info->dwarf;
	GElf_Addr bias;
	Elf *laid_out = dwfl_module_getelf(dwarf->module, &bias);
	size_t strings;

	if (!laid_out)
		return error_new("%s: laying out sections: %s", info->path,
				 dwfl_errmsg(-1));
	if (elf_getshdrnum(dwarf->elf, &info->nr_sections) ||
	    elf_getshdrstrndx(dwarf->elf, &strings))
		return error_elf(info, "reading section headers");
	if (!info->nr_sections)
		return error_new("%s: has no section headers: the file is cut short or damaged",
				 info->path);
	info->section = calloc(info->nr_sections, sizeof(*info->section));
	if (!info->section)
		return &error_no_memory;
	for (size_t i = 1; i < info->nr_sections; i++) {
		struct module_section *section = &info->section[i];
		Elf_Scn *scn = elf_getscn(dwarf->elf, i);
		GElf_Shdr shdr, laid_out_shdr;

		if (!gelf_getshdr(scn, &shdr) ||
		    !gelf_getshdr(elf_getscn(laid_out, i), &laid_out_shdr))
			return error_elf(info, "reading section header");
		section->name = elf_strptr(dwarf->elf, strings, shdr.sh_name);
		if (!section->name)
			return error_elf(info, "reading section name");
		section->size = shdr.sh_size;
		section->text = shdr.sh_flags & SHF_EXECINSTR;
		if (!(shdr.sh_flags & SHF_ALLOC))
			continue;
		section->addr = bias + laid_out_shdr.sh_addr;
		if (shdr.sh_type == SHT_NOBITS || !shdr.sh_size)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);

		if (!data || data->d_size != shdr.sh_size)
			return error_new("%s: section %s cannot be read: the file is cut short or damaged",
					 info->path, section->name);
		section->data = data->d_buf;
	}
	return NULL;
}

static void read_symbol(struct module_info *info, const GElf_Sym *sym,
			const char *name, struct module_symbol *ret)
{
	int type = GELF_ST_TYPE(sym->st_info);

	ret->name = name;
	ret->size = sym->st_size;
	ret->function = type == STT_FUNC;
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= info->nr_sections)
		return;
	ret->section = &info->section[sym->st_shndx];
	ret->addr = ret->section->addr + sym->st_value;
	if (type == STT_SECTION)
		ret->name = ret->section->name;
}

static struct error *read_symbols(struct module_info *info)
{
	Elf *elf = info->dwarf->elf;

	for (size_t i = 1; i < info->nr_sections; i++) {
		Elf_Scn *scn = elf_getscn(elf, i);
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_SYMTAB ||
		    !shdr.sh_entsize)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);

		if (!data)
			return error_elf(info, "reading symbols");
		info->nr_symbols = data->d_size / shdr.sh_entsize;
		info->symbol = calloc(info->nr_symbols, sizeof(*info->symbol));
		if (!info->symbol)
			return &error_no_memory;
		for (size_t nr = 0; nr < info->nr_symbols; nr++) {
			GElf_Sym sym;

			if (!gelf_getsym(data, nr, &sym))
				return error_elf(info, "reading symbol");
			const char *name = elf_strptr(elf, shdr.sh_link,
						      sym.st_name);

			if (!name)
				return error_elf(info, "reading symbol name");
			read_symbol(info, &sym, name, &info->symbol[nr]);
		}
		return NULL;
	}
	return error_new("%s: has no symbol table: it was stripped", info->path);
}

static struct error *read_reloc_section(struct module_info *info,
					Elf_Scn *scn, const GElf_Shdr *shdr)
{
	const struct module_section *section = &info->section[shdr->sh_info];
	Elf_Data *data = elf_getdata(scn, NULL);

	if (!data)
		return error_elf(info, "reading relocations");
	size_t nr = data->d_size / shdr->sh_entsize;
	struct module_reloc *grown =
		reallocarray(info->reloc, info->nr_relocs + nr, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	info->reloc = grown;
	for (size_t i = 0; i < nr; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(data, i, &rela) ||
		    GELF_R_SYM(rela.r_info) >= info->nr_symbols)
			return error_new("%s: a relocation of %s cannot be read",
					 info->path, section->name);
		unsigned int type = GELF_R_TYPE(rela.r_info);

		info->reloc[info->nr_relocs++] = (struct module_reloc){
			.addr = section->addr + rela.r_offset,
			.symbol = &info->symbol[GELF_R_SYM(rela.r_info)],
			.addend = rela.r_addend,
			.pc_relative = type == R_X86_64_PC32 ||
				       type == R_X86_64_PLT32 ||
				       type == R_X86_64_PC64,
		};
	}
	return NULL;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct module_reloc *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static struct error *read_relocs(struct module_info *info)
{
	for (size_t i = 1; i < info->nr_sections; i++) {
		Elf_Scn *scn = elf_getscn(info->dwarf->elf, i);
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA ||
		    !shdr.sh_entsize || shdr.sh_info >= info->nr_sections ||
		    !info->section[shdr.sh_info].data)
			continue;
		struct error *err = read_reloc_section(info, scn, &shdr);

		if (err)
			return err;
	}
	if (info->nr_relocs)
		qsort(info->reloc, info->nr_relocs, sizeof(*info->reloc),
		      compare_relocs);
	return NULL;
}

const struct module_section *
module_info_section(const struct module_info *info, const char *name)
{
	for (size_t i = 1; i < info->nr_sections; i++) {
		if (!strcmp(info->section[i].name, name))
			return &info->section[i];
	}
	return NULL;
}

const struct module_reloc *
module_info_reloc(const struct module_info *info, uint64_t addr, uint64_t end)
{
	size_t low = 0, high = info->nr_relocs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (info->reloc[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == info->nr_relocs || info->reloc[low].addr >= end)
		return NULL;
	return &info->reloc[low];
}

/*
 * What a field of one of the kernel's tables refers to: the field holds the
 * distance to it or its address, so that either way it is S + A.  0: elsewhere.
 */
static uint64_t field_target(const struct module_info *info, uint64_t field)
{
	const struct module_reloc *reloc =
		module_info_reloc(info, field, field + 1);

	if (!reloc || !reloc->symbol->section)
		return 0;
	return reloc->symbol->addr + reloc->addend;
}

static struct error *add_site(struct module_info *info,
			      struct module_site site)
{
	struct module_site *grown = reallocarray(info->site, info->nr_sites + 1,
						 sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	info->site = grown;
	info->site[info->nr_sites++] = site;
	return NULL;
}

/*
 * Bytes of an entry of .altinstructions: a field for the code and one for its
 * replacement, both relocated, then flags whose size has changed over time
 * (12 bytes in all in 6.1, 14 since 6.3, 13 before 5.13).
 */
static size_t alternative_size(const struct module_info *info,
			       const struct module_section *section)
{
	size_t relocs = 0;

	for (uint64_t addr = section->addr;; relocs++) {
		const struct module_reloc *reloc =
			module_info_reloc(info, addr,
					  section->addr + section->size);

		if (!reloc)
			break;
		addr = reloc->addr + 1;
	}
	return relocs ? section->size * 2 / relocs : section->size;
}

static struct error *read_alternatives(struct module_info *info)
{
	const struct module_section *section =
		module_info_section(info, ".altinstructions");

	if (!section || !section->data)
		return NULL;
	size_t size = alternative_size(info, section);
	/* The lengths of both codes come last, before 5.13 that of padding too. */
	size_t length = size == 13 ? size - 3 : size - 2;

	for (size_t at = 0; at + size <= section->size; at += size) {
		struct error *err = add_site(info, (struct module_site){
			.kind = SITE_PATCHED,
			.addr = field_target(info, section->addr + at),
			.length = section->data[at + length],
		});

		if (err)
			return err;
	}
	return NULL;
}

/* Tables of fixed entries; a change of their size would be a change of ABI with objtool. */
static const struct site_table {
	const char *section;
	enum module_site_kind kind;
	size_t entry;		/* bytes */
	size_t target, key, length;	/* byte in the entry, 0: has none */
} site_tables[] = {
	{ "__jump_table", SITE_JUMP_LABEL, .entry = 16, .target = 4, .key = 8 },
	{ ".static_call_sites", SITE_STATIC_CALL, .entry = 8 },
	{ "__ex_table", SITE_FAULT, .entry = 12, .target = 4 },
	{ ".parainstructions", SITE_PATCHED, .entry = 16, .length = 9 },
	{ "_kprobe_blacklist", SITE_NOKPROBE, .entry = 8 },
	/* The size of an entry depends on options; the other fields do not
	 * point at code and are harmless.
	 */
	{ "__bug_table", SITE_BUG, .entry = 4 },
};

static struct error *read_site_table(struct module_info *info,
				     const struct site_table *table)
{
	const struct module_section *section =
		module_info_section(info, table->section);

	if (!section || !section->data)
		return NULL;
	for (size_t at = 0; at + table->entry <= section->size;
	     at += table->entry) {
		uint64_t entry = section->addr + at;
		struct module_site site = {
			.kind = table->kind,
			.addr = field_target(info, entry),
		};

		if (table->target)
			site.target = field_target(info, entry + table->target);
		if (table->key)
			site.key = field_target(info, entry + table->key);
		if (table->length)
			site.length = section->data[at + table->length];
		struct error *err = site.addr ? add_site(info, site) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

static struct error *read_sites(struct module_info *info)
{
	struct error *err = read_alternatives(info);

	for (size_t i = 0; !err && i < sizeof(site_tables) / sizeof(site_tables[0]); i++)
		err = read_site_table(info, &site_tables[i]);
	return err;
}

static struct error *read_release(struct module_info *info)
{
	const struct module_section *section =
		module_info_section(info, ".modinfo");
	static const char key[] = "vermagic=";

	if (!section || !section->data)
		return NULL;
	const char *text = (const char *)section->data;

	for (size_t at = 0; at < section->size;
	     at += strnlen(text + at, section->size - at) + 1) {
		size_t left = section->size - at;

		if (left <= sizeof(key) || memcmp(text + at, key, sizeof(key) - 1))
			continue;
		const char *value = text + at + sizeof(key) - 1;
		size_t length = strnlen(value, left - (sizeof(key) - 1));
		const char *space = memchr(value, ' ', length);

		info->release = strndup(value, space ? (size_t)(space - value) : length);
		return info->release ? NULL : &error_no_memory;
	}
	return NULL;
}

static struct error *open_dwarf(struct module_info *info)
{
	struct module_dwarf *dwarf = info->dwarf;

	if (dwfl_module_getdwarf(dwarf->module, &dwarf->bias))
		return NULL;
	return error_new("%s: has no debug information (DWARF), which crash points are found by: use a kernel built with CONFIG_DEBUG_INFO, or install the debug package of a distribution's (Debian: linux-image-%s-dbg)",
			 info->path, info->release ? info->release : "RELEASE");
}

struct error *module_info_create(const char *path, struct module_info **ret)
{
	_cleanup_module_info_ struct module_info *info = calloc(1, sizeof(*info));

	if (!info)
		return &error_no_memory;
	info->path = strdup(path);
	info->dwarf = calloc(1, sizeof(*info->dwarf));
	if (!info->path || !info->dwarf)
		return &error_no_memory;
	info->dwarf->fd = -1;

	static struct error *(*const steps[])(struct module_info *) = {
		open_elf, open_dwfl, read_sections, read_symbols, read_relocs,
		read_sites, read_release, open_dwarf,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct error *err = steps[i](info);

		if (err)
			return err;
	}
	*ret = no_cleanup_ptr(info);
	return NULL;
}

void module_info_destroy(struct module_info *info)
{
	if (!info)
		return;
	if (info->dwarf) {
		dwfl_end(info->dwarf->dwfl);
		elf_end(info->dwarf->elf);
		cleanup_close(&info->dwarf->fd);
		free(info->dwarf);
	}
	free(info->site);
	free(info->reloc);
	free(info->symbol);
	free(info->section);
	free(info->release);
	free(info->path);
	free(info);
}

struct error *module_info_function(const struct module_info *info,
				   const char *name,
				   const struct module_symbol **ret)
{
	const struct module_symbol *found = NULL;

	for (size_t i = 0; i < info->nr_symbols; i++) {
		const struct module_symbol *symbol = &info->symbol[i];

		if (!symbol->function || !symbol->section || !symbol->size ||
		    strcmp(symbol->name, name))
			continue;
		if (found && found->addr != symbol->addr)
			return error_new("%s: more than one function has the name %s",
					 info->path, name);
		found = symbol;
	}
	if (!found)
		return error_new("%s: has no function %s()", info->path, name);
	*ret = found;
	return NULL;
}

const struct module_symbol *
module_info_symbol(const struct module_info *info, const char *name)
{
	for (size_t i = 0; i < info->nr_symbols; i++) {
		if (info->symbol[i].section && !strcmp(info->symbol[i].name, name))
			return &info->symbol[i];
	}
	return NULL;
}

const struct module_symbol *
module_info_symbol_at(const struct module_info *info, uint64_t addr)
{
	for (size_t i = 0; i < info->nr_symbols; i++) {
		const struct module_symbol *symbol = &info->symbol[i];

		if (symbol->section && addr >= symbol->addr &&
		    addr - symbol->addr < symbol->size)
			return symbol;
	}
	return NULL;
}

const struct module_site *
module_info_site(const struct module_info *info, enum module_site_kind kind,
		 uint64_t addr)
{
	for (size_t i = 0; i < info->nr_sites; i++) {
		if (info->site[i].kind == kind && info->site[i].addr == addr)
			return &info->site[i];
	}
	return NULL;
}

static bool find_child_at(Dwarf_Die *parent, Dwarf_Addr pc, Dwarf_Die *ret)
{
	if (dwarf_child(parent, ret))
		return false;
	do {
		int tag = dwarf_tag(ret);

		if ((tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block ||
		     tag == DW_TAG_inlined_subroutine) && dwarf_haspc(ret, pc) == 1)
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

/* The compile unit and the function whose code @addr is. */
static bool find_function(const struct module_info *info, uint64_t addr)
{
	struct module_dwarf *dwarf = info->dwarf;
	Dwarf_Addr bias, pc = addr - dwarf->bias;
	Dwarf_Die *unit = NULL;

	if (dwarf->found && dwarf_haspc(&dwarf->function, pc) == 1)
		return true;
	dwarf->found = false;
	while ((unit = dwfl_module_nextcu(dwarf->module, unit, &bias))) {
		if (dwarf_haspc(unit, pc) != 1)
			continue;
		dwarf->unit = *unit;
		dwarf->found = find_child_at(unit, pc, &dwarf->function);
		/* Assembly has lines, but no functions. */
		if (!dwarf->found)
			dwarf->function = *unit;
		return true;
	}
	return false;
}

static bool is_named(Dwarf_Die *die, const char *const *names)
{
	const char *name = dwarf_diename(die);

	for (; name && *names; names++) {
		if (!strcmp(name, *names))
			return true;
	}
	return false;
}

bool module_info_inlined(const struct module_info *info, uint64_t addr,
			 const char *const *names)
{
	Dwarf_Addr pc = addr - info->dwarf->bias;

	if (!find_function(info, addr))
		return false;
	Dwarf_Die scope = info->dwarf->function, inner;

	for (; find_child_at(&scope, pc, &inner); scope = inner) {
		if (dwarf_tag(&inner) == DW_TAG_inlined_subroutine &&
		    is_named(&inner, names))
			return true;
	}
	return false;
}

struct range_search {
	const struct module_info *info;
	const char *const *names;
	struct module_range *range;
	size_t nr;
};

static struct error *add_range(struct range_search *search, struct module_range range)
{
	struct module_range *grown = reallocarray(search->range, search->nr + 1,
						  sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	search->range = grown;
	search->range[search->nr++] = range;
	return NULL;
}

static struct error *add_ranges(struct range_search *search, Dwarf_Die *die)
{
	Dwarf_Addr bias = search->info->dwarf->bias, base, start, end;
	struct error *err = NULL;

	for (ptrdiff_t at = 0; !err && (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;)
		err = add_range(search, (struct module_range){
			.name = dwarf_diename(die), .start = start + bias, .end = end + bias,
		});
	return err;
}

static struct error *search_ranges(struct range_search *search, Dwarf_Die *scope)
{
	struct error *err = NULL;
	Dwarf_Die die;

	if (dwarf_child(scope, &die))
		return NULL;
	do {
		int tag = dwarf_tag(&die);

		if (tag != DW_TAG_subprogram && tag != DW_TAG_lexical_block &&
		    tag != DW_TAG_inlined_subroutine)
			continue;
		if (tag == DW_TAG_inlined_subroutine && is_named(&die, search->names))
			err = add_ranges(search, &die);
		if (!err)
			err = search_ranges(search, &die);
	} while (!err && !dwarf_siblingof(&die, &die));
	return err;
}

struct error *module_info_inlined_ranges(const struct module_info *info,
					 const char *const *names,
					 struct module_range **ret, size_t *ret_nr)
{
	struct range_search search = { .info = info, .names = names };
	struct error *err = NULL;
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;

	while (!err && (unit = dwfl_module_nextcu(info->dwarf->module, unit, &bias)))
		err = search_ranges(&search, unit);
	if (err) {
		free(search.range);
		return err;
	}
	*ret = search.range;
	*ret_nr = search.nr;
	return NULL;
}

/*
 * Kernel sources are built by absolute path or relative to the build tree;
 * what is left is the path in the source tree.
 */
static const char *path_in_tree(const char *path)
{
	static const char *const tops[] = { "/arch/x86/", "/include/", "/virt/" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		const char *top = strstr(path, tops[i]);

		if (top)
			return top + 1;
	}
	return path;
}

/* The line that @scope, if it is an inlined function, is called from. */
static bool call_site(Dwarf_Die *scope, Dwarf_Die *unit, const char **ret_file,
		      int *ret_line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t nr_files;

	if (dwarf_tag(scope) != DW_TAG_inlined_subroutine ||
	    dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attr), &file) ||
	    dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attr), &line) ||
	    dwarf_getsrcfiles(unit, &files, &nr_files) || file >= nr_files)
		return false;
	*ret_file = path_in_tree(dwarf_filesrc(files, file, NULL, NULL));
	*ret_line = line;
	return true;
}

/*
 * A static branch, and the hook of the crash-points patches around it, are
 * inline functions, the same for all: what tells is where they are called.
 * Return: all that the code is of, from @scope on inwards, are such.
 */
static bool leave_static_branch(Dwarf_Die *scope, Dwarf_Die *unit, Dwarf_Addr pc,
				const char **ret_file, int *ret_line)
{
	static const char *const branches[] = {
		"arch_static_branch", "arch_static_branch_jump", "vmx_crash_point",
		NULL
	};
	Dwarf_Die inner;

	if (find_child_at(scope, pc, &inner) &&
	    !leave_static_branch(&inner, unit, pc, ret_file, ret_line))
		return false;
	if (is_named(scope, branches)) {
		call_site(scope, unit, ret_file, ret_line);
		return true;
	}
	return dwarf_tag(scope) == DW_TAG_lexical_block;
}

bool module_info_source(const struct module_info *info, uint64_t addr,
			const char **ret_file, int *ret_line)
{
	struct module_dwarf *dwarf = info->dwarf;
	Dwarf_Addr pc = addr - dwarf->bias;

	if (!find_function(info, addr))
		return false;
	Dwarf_Line *line = dwarf_getsrc_die(&dwarf->unit, pc);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;

	/* Line 0 is code that no line of source is behind. */
	if (!file || dwarf_lineno(line, ret_line) || !*ret_line)
		return false;
	*ret_file = path_in_tree(file);
	leave_static_branch(&dwarf->function, &dwarf->unit, pc, ret_file, ret_line);
	return true;
}

static bool find_child(Dwarf_Die *parent, int tag, const char *name,
		       Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (dwarf_child(parent, &die))
		return false;
	do {
		const char *child = dwarf_diename(&die);

		if (dwarf_tag(&die) == tag && child && !strcmp(child, name) &&
		    !dwarf_hasattr(&die, DW_AT_declaration)) {
			*ret = die;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static bool find_member(Dwarf_Die *structure, const char *name,
			uint64_t *ret_offset, uint64_t *ret_size)
{
	Dwarf_Die member, type;
	Dwarf_Attribute attr;
	Dwarf_Word offset, size;

	if (!find_child(structure, DW_TAG_member, name, &member) ||
	    dwarf_formudata(dwarf_attr(&member, DW_AT_data_member_location,
				       &attr), &offset) ||
	    !dwarf_formref_die(dwarf_attr(&member, DW_AT_type, &attr), &type) ||
	    dwarf_aggregate_size(&type, &size))
		return false;
	*ret_offset = offset;
	*ret_size = size;
	return true;
}

struct error *module_info_member(const struct module_info *info,
				 const char *structure, const char *member,
				 uint64_t *ret_offset, uint64_t *ret_size)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = NULL, die;

	while ((unit = dwfl_module_nextcu(info->dwarf->module, unit, &bias))) {
		if (!find_child(unit, DW_TAG_structure_type, structure, &die))
			continue;
		if (find_member(&die, member, ret_offset, ret_size))
			return NULL;
		return error_new("%s: struct %s has no member %s in this kernel",
				 info->path, structure, member);
	}
	return error_new("%s: its debug information has no struct %s",
			 info->path, structure);
}
