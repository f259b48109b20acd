// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/debuginfo.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct debuginfo {
	char *path;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Elf *elf;			/* of dwfl */
	uint64_t offset;		/* of addresses in the dump against the file */
	bool is_module;
	struct module_sections sections;	/* of a module */
};

static const struct module_section *find_section(const struct debuginfo *file, const char *name)
{
	for (size_t i = 0; i < file->sections.nr; i++) {
		if (!strcmp(file->sections.section[i].name, name))
			return &file->sections.section[i];
	}
	return NULL;
}

/*
 * Where libdwfl relocates a section to.  Its documentation has -1 for a section that
 * was not loaded.
 */
static int section_address(Dwfl_Module *module, void **userdata, const char *name,
			   Dwarf_Addr base, const char *section_name, GElf_Word index,
			   const GElf_Shdr *header, Dwarf_Addr *ret)
{
	const struct debuginfo *file = *userdata;
	const struct module_section *section = file ? find_section(file, section_name) : NULL;

	(void)module;
	(void)name;
	(void)base;
	(void)index;
	(void)header;
	*ret = section ? section->addr : (Dwarf_Addr)-1;
	return DWARF_CB_OK;
}

/* The file of a module that is reported by name. */
static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    char **ret_name, Elf **ret_elf)
{
	const struct debuginfo *file = *userdata;

	(void)module;
	(void)name;
	(void)base;
	(void)ret_elf;
	*ret_name = strdup(file->path);
	return *ret_name ? open(file->path, O_RDONLY | O_CLOEXEC) : -1;
}

/* No other file is looked for, here or on a server: the user says which one to take. */
static int find_no_debuginfo(Dwfl_Module *module, void **userdata, const char *name,
			     Dwarf_Addr base, const char *path, const char *link,
			     GElf_Word crc, char **ret)
{
	(void)module;
	(void)userdata;
	(void)name;
	(void)base;
	(void)path;
	(void)link;
	(void)crc;
	(void)ret;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_no_debuginfo,
	.section_address = section_address,
};

static struct error *create(const char *path, struct debuginfo **ret)
{
	struct debuginfo *file = calloc(1, sizeof(*file));

	if (!file)
		return &error_no_memory;
	*ret = file;
	file->path = strdup(path);
	file->dwfl = dwfl_begin(&callbacks);
	return file->path && file->dwfl ? NULL : &error_no_memory;
}

/* What every file must be. @type is ET_EXEC or ET_REL. */
static struct error *examine(struct debuginfo *file, int type, const char *what)
{
	GElf_Ehdr ehdr;
	Dwarf_Addr bias;

	if (file->module && !dwfl_report_end(file->dwfl, NULL, NULL))
		file->elf = dwfl_module_getelf(file->module, &bias);
	if (!file->elf)
		return error_new("%s: cannot read it as an ELF file: %s; give %s", file->path,
				 dwfl_errmsg(-1), what);
	if (!gelf_getehdr(file->elf, &ehdr) || ehdr.e_machine != EM_X86_64 ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64)
		return error_new("%s: not for x86-64; give %s", file->path, what);
	/* A relocatable kernel is linked as ET_DYN by some linkers. */
	if (ehdr.e_type != type && !(type == ET_EXEC && ehdr.e_type == ET_DYN))
		return error_new("%s: ELF, but not %s", file->path, what);
	return NULL;
}

static struct error *open_vmlinux(struct debuginfo *file)
{
	file->module = dwfl_report_elf(file->dwfl, "kernel", file->path, -1, 0, true);
	return examine(file, ET_EXEC, "the vmlinux of the kernel in the dump");
}

static struct error *copy_sections(struct debuginfo *file, const struct module_sections *sections)
{
	file->sections.section = calloc(sections->nr, sizeof(*sections->section));
	if (sections->nr && !file->sections.section)
		return &error_no_memory;
	file->sections.nr = sections->nr;
	for (size_t i = 0; i < sections->nr; i++)
		file->sections.section[i] = sections->section[i];
	return NULL;
}

static struct error *open_module(struct debuginfo *file, const char *name,
				 const struct module_sections *sections)
{
	struct error *err = copy_sections(file, sections);
	void **userdata;

	if (err)
		return err;
	file->is_module = true;
	/* Its range of addresses plays no part, as the module is never looked up by one. */
	file->module = dwfl_report_module(file->dwfl, name, 0, 1);
	if (!file->module)
		return &error_no_memory;
	dwfl_module_info(file->module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = file;
	return examine(file, ET_REL, "a kernel module (.ko), unpacked if it is compressed");
}

/* Both kinds, told by whether there are @sections. */
static struct error *open_file(const char *path, const char *name,
			       const struct module_sections *sections, struct debuginfo **ret)
{
	struct debuginfo *file = NULL;
	struct error *err = create(path, &file);

	if (!err && access(path, R_OK))
		err = error_errno(errno, "%s: cannot open it", path);
	if (!err)
		err = sections ? open_module(file, name, sections) : open_vmlinux(file);
	if (err) {
		debuginfo_close(file);
		return err;
	}
	*ret = file;
	return NULL;
}

struct error *debuginfo_open_vmlinux(const char *path, struct debuginfo **ret)
{
	return open_file(path, "kernel", NULL, ret);
}

struct error *debuginfo_open_module(const char *path, const char *name,
				    const struct module_sections *sections,
				    struct debuginfo **ret)
{
	return open_file(path, name, sections, ret);
}

void debuginfo_close(struct debuginfo *file)
{
	if (!file)
		return;
	dwfl_end(file->dwfl);
	free(file->sections.section);
	free(file->path);
	free(file);
}

const char *debuginfo_path(const struct debuginfo *file)
{
	return file->path;
}

void debuginfo_set_offset(struct debuginfo *file, uint64_t offset)
{
	file->offset = offset;
}

bool debuginfo_build_id(const struct debuginfo *file, struct build_id *ret)
{
	const unsigned char *bits;
	GElf_Addr addr;
	int size = dwfl_module_build_id(file->module, &bits, &addr);

	if (size <= 0)
		return false;
	*ret = build_id_of(bits, size);
	return true;
}

struct error *debuginfo_check(const struct debuginfo *file, const char *what,
			      const struct build_id *dump)
{
	struct build_id id;

	if (!build_id_is_known(dump))
		return error_new("%s: the dump has no build id of %s to check the file against: it cannot be used",
				 file->path, what);
	if (!debuginfo_build_id(file, &id))
		return error_new("%s: has no build id, %s in the dump has %s: the file was stripped or is of another kernel; give the one with that build id",
				 file->path, what, build_id_format(dump).text);
	if (!build_id_equal(&id, dump))
		return error_new("%s: its build id is %s, but that of %s in the dump %s: the file is of another build; give the one with the build id of the dump",
				 file->path, build_id_format(&id).text, what,
				 build_id_format(dump).text);
	return NULL;
}

struct symtab {
	Elf_Data *data;
	size_t nr;	/* 0: the file has none */
	size_t strings;	/* section of the names */
};

static struct error *open_symtab(const struct debuginfo *file, struct symtab *ret)
{
	GElf_Shdr header;

	*ret = (struct symtab){};
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(file->elf, scn));) {
		if (!gelf_getshdr(scn, &header) || header.sh_type != SHT_SYMTAB ||
		    !header.sh_entsize)
			continue;
		ret->data = elf_getdata(scn, NULL);
		if (!ret->data)
			return error_new("%s: cannot read its symbols: %s: the file is damaged",
					 file->path, elf_errmsg(-1));
		ret->nr = ret->data->d_size / header.sh_entsize;
		ret->strings = header.sh_link;
		return NULL;
	}
	return NULL;
}

/* Return: the name of symbol @i, or NULL. */
static const char *read_symbol(const struct debuginfo *file, const struct symtab *symtab, size_t i,
			       GElf_Sym *ret)
{
	if (!gelf_getsym(symtab->data, i, ret))
		return NULL;
	const char *name = elf_strptr(file->elf, symtab->strings, ret->st_name);

	return name && *name ? name : NULL;
}

static const char *section_name(const struct debuginfo *file, const GElf_Shdr *header)
{
	size_t strings;
	const char *name = elf_getshdrstrndx(file->elf, &strings) ? NULL :
			   elf_strptr(file->elf, strings, header->sh_name);

	return name ? name : "";
}

/* Address of @sym in the dump. Return: whether it has one. */
static bool symbol_address(const struct debuginfo *file, const GElf_Sym *sym, uint64_t *ret)
{
	GElf_Shdr header;

	if (sym->st_shndx == SHN_UNDEF || GELF_ST_TYPE(sym->st_info) == STT_SECTION ||
	    GELF_ST_TYPE(sym->st_info) == STT_FILE)
		return false;
	if (!file->is_module) {
		/* Offsets of per-CPU symbols are small, addresses are in the upper half. */
		*ret = sym->st_value + ((int64_t)sym->st_value < 0 ? file->offset : 0);
		return true;
	}
	if (!gelf_getshdr(elf_getscn(file->elf, sym->st_shndx), &header))
		return false;
	const struct module_section *section = find_section(file, section_name(file, &header));

	if (!section)
		return false;
	*ret = section->addr + sym->st_value;
	return true;
}

struct error *debuginfo_add_symbols(const struct debuginfo *file, struct symbol_table *table)
{
	struct symtab symtab;
	struct error *err = open_symtab(file, &symtab);

	for (size_t i = 1; i < symtab.nr && !err; i++) {
		uint64_t addr, known;
		GElf_Sym sym;
		const char *name = read_symbol(file, &symtab, i, &sym);

		if (name && symbol_address(file, &sym, &addr) &&
		    !symbol_table_find(table, name, &known))
			err = symbol_table_add(table, addr, name, strlen(name));
	}
	return err ? err : symbol_table_index(table);
}

bool debuginfo_symbol(const struct debuginfo *file, const char *name, uint64_t *ret)
{
	struct symtab symtab;
	struct error *err = open_symtab(file, &symtab);
	bool found = false;

	error_free(err);
	for (size_t i = 1; i < symtab.nr && !found; i++) {
		GElf_Sym sym;
		const char *other = read_symbol(file, &symtab, i, &sym);

		found = other && !strcmp(other, name) && symbol_address(file, &sym, ret);
	}
	return found;
}

struct error *debuginfo_section(const struct debuginfo *file, const char *name, void **ret,
				size_t *ret_size)
{
	*ret = NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(file->elf, scn));) {
		GElf_Shdr header;

		if (!gelf_getshdr(scn, &header) || strcmp(section_name(file, &header), name) ||
		    header.sh_type == SHT_NOBITS)
			continue;
		Elf_Data *data = elf_rawdata(scn, NULL);

		if (!data || !data->d_size)
			return error_new("%s: cannot read section %s: the file is damaged",
					 file->path, name);
		*ret = malloc(data->d_size);
		if (!*ret)
			return &error_no_memory;
		memcpy(*ret, data->d_buf, data->d_size);
		*ret_size = data->d_size;
		return NULL;
	}
	return NULL;
}

Dwarf *debuginfo_dwarf(const struct debuginfo *file)
{
	Dwarf_Addr bias;

	return dwfl_module_getdwarf(file->module, &bias);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Where the function inlined at @scope is called. */
static bool call_site(Dwarf_Die *scope, Dwarf_Die *unit, const char **ret_file, int *ret_line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t nr;

	if (dwarf_tag(scope) != DW_TAG_inlined_subroutine ||
	    dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attr), &file) ||
	    dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attr), &line) ||
	    dwarf_getsrcfiles(unit, &files, &nr) || file >= nr)
		return false;
	*ret_file = dwarf_filesrc(files, file, NULL, NULL);
	*ret_line = line;
	return *ret_file;
}

/* The line of the function itself that the instruction at @pc, inlined, belongs to. */
static bool outermost_call(Dwarf_Die *unit, Dwarf_Addr pc, const char **ret_file, int *ret_line)
{
	Dwarf_Die *innermost = NULL, *scopes = NULL;
	bool found = false;

	if (dwarf_getscopes(unit, pc, &innermost) <= 0)
		return false;
	/* Around an inlined function the former names where it is defined. */
	int nr = dwarf_getscopes_die(&innermost[0], &scopes);

	for (int i = 0; i < nr; i++)
		found |= call_site(&scopes[i], unit, ret_file, ret_line);
	free(innermost);
	free(scopes);
	return found;
}

/* The compile unit whose code @addr is, and @addr as its DWARF has it, or NULL. */
static Dwarf_Die *find_unit(const struct debuginfo *file, uint64_t addr, Dwarf_Addr *ret_pc)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = dwfl_module_addrdie(file->module, addr, &bias);

	*ret_pc = addr - bias;
	if (unit)
		return unit;
	/* clang writes no table of them (.debug_aranges). */
	while ((unit = dwfl_module_nextcu(file->module, unit, &bias))) {
		*ret_pc = addr - bias;
		if (dwarf_haspc(unit, *ret_pc) == 1)
			return unit;
	}
	return NULL;
}

bool debuginfo_source_line(const struct debuginfo *file, uint64_t addr, char *ret, size_t size)
{
	Dwarf_Addr pc;
	Dwarf_Die *unit = find_unit(file, addr - file->offset, &pc);

	if (!unit)
		return false;
	Dwarf_Line *line = dwarf_getsrc_die(unit, pc);
	const char *path = line ? dwarf_linesrc(line, NULL, NULL) : NULL, *outer;
	int number, outer_number;

	/* Line 0 is code that no line of source is behind. */
	if (!path || dwarf_lineno(line, &number) || !number)
		return false;
	if (outermost_call(unit, pc, &outer, &outer_number))
		snprintf(ret, size, "%s:%d, %s:%d", file_name(outer), outer_number,
			 file_name(path), number);
	else
		snprintf(ret, size, "%s:%d", file_name(path), number);
	return true;
}
