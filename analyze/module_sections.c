// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/module_sections.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Modules have tens, with a section for each function hundreds; this stops nonsense. */
#define MAX_SECTIONS	8192

/* How struct module_sect_attrs keeps sections. */
struct attrs_layout {
	struct member sections;		/* the elements, or pointers to them */
	struct member nr;		/* if !pointers, which end with NULL */
	bool pointers;
	uint64_t size;			/* of an element */
	struct member name, address;	/* in an element */
};

static struct error *attrs_layout_find(const struct types *types, struct attrs_layout *ret)
{
	ret->size = types_size(types, "module_sect_attr");
	if (ret->size) {
		struct error *err = types_member(types, "module_sect_attr", "address",
						 &ret->address);

		if (!err)
			err = types_member(types, "module_sect_attrs", "attrs", &ret->sections);
		if (!err)
			err = types_member(types, "module_sect_attrs", "nsections", &ret->nr);
		/* Linux kernel commit ed66f991bb19 ("module: Refactor section attr into bin attribute") (in v5.8) */
		if (err || types_find(types, "module_sect_attr", "battr.attr.name", &ret->name))
			return err;
		return types_member(types, "module_sect_attr", "name", &ret->name);
	}
	/* Linux kernel commit 34f5ec0f8252 ("module: sysfs: Drop 'struct module_sect_attr'") (in v6.14) */
	ret->pointers = true;
	struct error *err = types_member(types, "bin_attribute", "attr.name", &ret->name);

	if (!err)
		err = types_member(types, "bin_attribute", "private", &ret->address);
	if (!err && !types_find(types, "module_sect_attrs", "grp.bin_attrs", &ret->sections))
		err = types_member(types, "module_sect_attrs", "grp.bin_attrs_new", &ret->sections);
	return err;
}

static struct error *add_section(struct module_sections *sections, const char *name,
				 uint64_t addr)
{
	struct module_section *section = reallocarray(sections->section, sections->nr + 1,
						      sizeof(*section));

	if (!section)
		return &error_no_memory;
	sections->section = section;
	section += sections->nr++;
	snprintf(section->name, sizeof(section->name), "%s", name);
	section->addr = addr;
	return NULL;
}

static struct error *read_section(const struct memory *mem, const struct attrs_layout *layout,
				  uint64_t attr, struct module_sections *ret)
{
	uint64_t name_addr, addr;
	char name[sizeof(ret->section->name)];
	struct error *err = memory_read_u64(mem, attr + layout->name.offset, &name_addr);

	if (!err)
		err = memory_read_string(mem, name_addr, name, sizeof(name));
	if (!err)
		err = memory_read_u64(mem, attr + layout->address.offset, &addr);
	return err ? err : add_section(ret, name, addr);
}

static struct error *read_array(const struct memory *mem, const struct attrs_layout *layout,
				uint64_t attrs, struct module_sections *ret)
{
	uint32_t nr;
	struct error *err = memory_read_u32(mem, attrs + layout->nr.offset, &nr);

	if (!err && nr > MAX_SECTIONS)
		return error_new("%" PRIu32 " of them is impossible: the dump is damaged", nr);
	for (uint32_t i = 0; i < nr && !err; i++)
		err = read_section(mem, layout,
				   attrs + layout->sections.offset + i * layout->size, ret);
	return err;
}

static struct error *read_pointers(const struct memory *mem, const struct attrs_layout *layout,
				   uint64_t attrs, struct module_sections *ret)
{
	uint64_t array, attr;
	struct error *err = memory_read_u64(mem, attrs + layout->sections.offset, &array);

	for (size_t i = 0; i < MAX_SECTIONS && !err; i++) {
		err = memory_read_u64(mem, array + i * 8, &attr);
		if (!err && !attr)
			return NULL;
		if (!err)
			err = read_section(mem, layout, attr, ret);
	}
	return err ? err : error_new("over %d of them is impossible: the dump is damaged",
				     MAX_SECTIONS);
}

static struct error *read_attrs(const struct kernel *kernel, uint64_t module,
				struct module_sections *ret)
{
	struct attrs_layout layout = {};
	struct member member;
	uint64_t attrs;

	if (!types_find(kernel->types, "module", "sect_attrs", &member))
		return NULL;
	struct error *err = memory_read_u64(kernel->memory, module + member.offset, &attrs);

	if (err || !attrs)
		return err;
	err = attrs_layout_find(kernel->types, &layout);
	if (err)
		return err;
	return layout.pointers ? read_pointers(kernel->memory, &layout, attrs, ret)
			       : read_array(kernel->memory, &layout, attrs, ret);
}

/* The kernel counts it out from the others, as it has no address of its own. */
static struct error *read_percpu(const struct kernel *kernel, uint64_t module,
				 struct module_sections *ret)
{
	struct member member;
	uint64_t percpu;

	if (!types_find(kernel->types, "module", "percpu", &member))
		return NULL;
	struct error *err = memory_read_u64(kernel->memory, module + member.offset, &percpu);

	if (err || !percpu)
		return err;
	return add_section(ret, ".data..percpu", percpu);
}

struct error *module_sections_read(const struct kernel *kernel, uint64_t module,
				   struct module_sections *ret)
{
	struct error *err = read_attrs(kernel, module, ret);

	if (!err)
		err = read_percpu(kernel, module, ret);
	return err ? error_context(err, "sections of the module at %#" PRIx64, module) : NULL;
}

void module_sections_deinit(struct module_sections *sections)
{
	free(sections->section);
	*sections = (struct module_sections){};
}

/* From the note that the module was loaded with. */
static struct build_id read_note(const struct kernel *kernel,
				 const struct module_sections *sections)
{
	uint8_t note[sizeof(Elf64_Nhdr) + sizeof("GNU") + BUILD_ID_SIZE];
	struct build_id id = {};

	for (size_t i = 0; i < sections->nr; i++) {
		if (strcmp(sections->section[i].name, ".note.gnu.build-id"))
			continue;
		struct error *err = memory_read(kernel->memory, sections->section[i].addr, note,
						sizeof(note));

		if (!err)
			build_id_find(note, sizeof(note), &id);
		error_free(err);
		break;
	}
	return id;
}

struct build_id module_build_id(const struct kernel *kernel, uint64_t module,
				const struct module_sections *sections)
{
	struct build_id id = {};
	struct member member;

	/*
	 * With CONFIG_STACKTRACE_BUILD_ID, since Linux kernel commit 9294523e3768 ("module:
	 * add printk formats to add module build ID to stacktraces") (in v5.14)
	 */
	if (types_find(kernel->types, "module", "build_id", &member)) {
		struct error *err = memory_read(kernel->memory, module + member.offset, id.byte,
						sizeof(id.byte));

		if (err)
			id = (struct build_id){};
		error_free(err);
	}
	return build_id_is_known(&id) ? id : read_note(kernel, sections);
}
