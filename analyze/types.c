// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/types.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/types_btf.h"
#include "analyze/types_dwarf.h"

struct types {
	struct type_source *kernel;
	struct btf_source *kernel_btf;	/* the same, if it is BTF */
	struct type_source **module;
	size_t nr_modules;
};

struct error *types_create(struct types **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : &error_no_memory;
}

void types_destroy(struct types *types)
{
	if (!types)
		return;
	/* Those of modules build on that of the kernel. */
	for (size_t i = 0; i < types->nr_modules; i++)
		types->module[i]->destroy(types->module[i]);
	free(types->module);
	if (types->kernel)
		types->kernel->destroy(types->kernel);
	free(types);
}

static struct error *add_module(struct types *types, struct type_source *source)
{
	struct type_source **module = reallocarray(types->module, types->nr_modules + 1,
						   sizeof(*module));

	if (!module) {
		source->destroy(source);
		return &error_no_memory;
	}
	types->module = module;
	module[types->nr_modules++] = source;
	return NULL;
}

struct error *types_add_btf(struct types *types, const char *module, void *data, size_t size)
{
	struct btf_source *btf;
	char name[80] = "the kernel";

	if (module)
		snprintf(name, sizeof(name), "module %s", module);
	struct error *err = btf_source_create(name, data, size,
					      module ? types->kernel_btf : NULL, &btf);

	free(data);
	if (err)
		return err;
	if (module)
		return add_module(types, btf_source_types(btf));
	types->kernel_btf = btf;
	types->kernel = btf_source_types(btf);
	return NULL;
}

bool types_has_btf(const struct types *types)
{
	return types->kernel_btf;
}

struct error *types_add_dwarf(struct types *types, bool module, Dwarf *dwarf)
{
	struct type_source *source;
	struct error *err = dwarf_source_create(dwarf, &source);

	if (err)
		return err;
	if (module)
		return add_module(types, source);
	types->kernel = source;
	return NULL;
}

bool types_find(const struct types *types, const char *structure, const char *path,
		struct member *ret)
{
	for (size_t i = 0; i < types->nr_modules; i++) {
		if (types->module[i]->find(types->module[i], structure, path, ret))
			return true;
	}
	return types->kernel && types->kernel->find(types->kernel, structure, path, ret);
}

struct error *types_member(const struct types *types, const char *structure,
			   const char *path, struct member *ret)
{
	if (types_find(types, structure, path, ret))
		return NULL;
	if (!types_size(types, structure))
		return error_new("no struct %s is known: the module has no BTF (CONFIG_DEBUG_INFO_BTF_MODULES), then give --modules DIR; or the kernel's layout is unknown here",
				 structure);
	return error_new("struct %s has no member %s: the kernel's layout is unknown here",
			 structure, path);
}

uint64_t types_size(const struct types *types, const char *structure)
{
	uint64_t size = 0;

	for (size_t i = 0; i < types->nr_modules && !size; i++)
		size = types->module[i]->size(types->module[i], structure);
	if (!size && types->kernel)
		size = types->kernel->size(types->kernel, structure);
	return size;
}
