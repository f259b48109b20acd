// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/types_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"

struct structure {
	const char *name;	/* in the DWARF; NULL: free */
	Dwarf_Off offset;
};

/*
 * A kernel has a thousand units and more, and what is looked for is in the first
 * ones: they are read no further than to where a structure is found, and only once.
 */
struct dwarf_source {
	struct type_source source;
	Dwarf *dwarf;
	Dwarf_Off next_unit;
	bool all_read;
	struct structure *structure;	/* open addressing, by name */
	size_t nr_buckets;
	size_t nr;
};

static struct dwarf_source *dwarf_of(struct type_source *source)
{
	return (struct dwarf_source *)((char *)source - offsetof(struct dwarf_source, source));
}

/* Where @name is, or the place for it. */
static struct structure *find_place(const struct dwarf_source *dwarf, const char *name)
{
	for (size_t b = hash_name(name, strlen(name));; b++) {
		struct structure *structure = &dwarf->structure[b & (dwarf->nr_buckets - 1)];

		if (!structure->name || !strcmp(structure->name, name))
			return structure;
	}
}

/* Return: whether there was memory for it. */
static bool reserve(struct dwarf_source *dwarf)
{
	if (dwarf->nr * 2 < dwarf->nr_buckets)
		return true;
	struct dwarf_source old = *dwarf;

	dwarf->nr_buckets = hash_buckets(dwarf->nr * 2);
	dwarf->structure = calloc(dwarf->nr_buckets, sizeof(*dwarf->structure));
	if (!dwarf->structure) {
		*dwarf = old;
		return false;
	}
	for (size_t i = 0; i < old.nr_buckets; i++) {
		if (old.structure[i].name)
			*find_place(dwarf, old.structure[i].name) = old.structure[i];
	}
	free(old.structure);
	return true;
}

static bool is_defined_structure(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_structure_type && !dwarf_hasattr(die, DW_AT_declaration);
}

/* Of several structures of one name the first is kept. */
static bool add_structures(struct dwarf_source *dwarf, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return true;
	do {
		const char *name = is_defined_structure(&die) ? dwarf_diename(&die) : NULL;

		if (!name)
			continue;
		if (!reserve(dwarf))
			return false;
		struct structure *place = find_place(dwarf, name);

		if (place->name)
			continue;
		*place = (struct structure){ name, dwarf_dieoffset(&die) };
		dwarf->nr++;
	} while (!dwarf_siblingof(&die, &die));
	return true;
}

static void read_next_unit(struct dwarf_source *dwarf)
{
	Dwarf_Off at = dwarf->next_unit, next = at;
	size_t header;
	Dwarf_Die unit;

	dwarf->all_read = dwarf_nextcu(dwarf->dwarf, at, &next, &header, NULL, NULL, NULL) ||
			  !dwarf_offdie(dwarf->dwarf, at + header, &unit) ||
			  !add_structures(dwarf, &unit);
	dwarf->next_unit = next;
}

static bool find_structure(struct dwarf_source *dwarf, const char *name, Dwarf_Die *ret)
{
	for (;;) {
		const struct structure *found = find_place(dwarf, name);

		if (found->name)
			return dwarf_offdie(dwarf->dwarf, found->offset, ret);
		if (dwarf->all_read)
			return false;
		read_next_unit(dwarf);
	}
}

/* The type of @member, without typedefs and qualifiers. */
static bool member_type(Dwarf_Die *member, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;

	return dwarf_formref_die(dwarf_attr(member, DW_AT_type, &attr), &type) &&
	       !dwarf_peel_type(&type, ret);
}

/* Members of a union have no offset. Return: false for one that is a DWARF expression. */
static bool member_offset(Dwarf_Die *member, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word value = 0;

	if (dwarf_attr(member, DW_AT_data_bit_offset, &attr)) {
		if (dwarf_formudata(&attr, &value))
			return false;
		value /= 8;
	} else if (dwarf_attr(member, DW_AT_data_member_location, &attr) &&
		   dwarf_formudata(&attr, &value)) {
		return false;
	}
	*ret = value;
	return true;
}

/* 0 for an array without a length. */
static uint64_t type_size(Dwarf_Die *type)
{
	Dwarf_Word size;

	return dwarf_aggregate_size(type, &size) ? 0 : size;
}

struct search {
	unsigned int left;	/* members that may still be looked at */
	struct member *ret;
};

/* The member that @path names in @structure, its offset within that. */
static bool find_member(struct search *search, Dwarf_Die *structure, const char *path, int depth)
{
	size_t len = strcspn(path, ".");
	Dwarf_Die member, type;

	if (depth > TYPE_MAX_DEPTH ||
	    (dwarf_tag(structure) != DW_TAG_structure_type &&
	     dwarf_tag(structure) != DW_TAG_union_type) || dwarf_child(structure, &member))
		return false;
	do {
		const char *name = dwarf_diename(&member);
		const char *rest = path;
		uint64_t offset;

		if (!search->left)
			return false;
		search->left--;
		if (dwarf_tag(&member) != DW_TAG_member ||
		    (name && (strncmp(name, path, len) || name[len])))
			continue;
		if (!member_offset(&member, &offset) || !member_type(&member, &type))
			continue;
		if (name && !path[len]) {
			*search->ret = (struct member){ offset, type_size(&type) };
			return true;
		}
		if (name)
			rest += len + 1;
		if (find_member(search, &type, rest, depth + 1)) {
			search->ret->offset += offset;
			return true;
		}
	} while (!dwarf_siblingof(&member, &member));
	return false;
}

static bool dwarf_find(struct type_source *source, const char *structure, const char *path,
		       struct member *ret)
{
	struct member member;
	struct search search = { .left = TYPE_MAX_MEMBERS, .ret = &member };
	Dwarf_Die die;

	if (!find_structure(dwarf_of(source), structure, &die) ||
	    !find_member(&search, &die, path, 0))
		return false;
	*ret = member;
	return true;
}

static uint64_t dwarf_size(struct type_source *source, const char *structure)
{
	Dwarf_Die die;

	return find_structure(dwarf_of(source), structure, &die) ? type_size(&die) : 0;
}

static void dwarf_destroy(struct type_source *source)
{
	struct dwarf_source *dwarf = dwarf_of(source);

	free(dwarf->structure);
	free(dwarf);
}

struct error *dwarf_source_create(Dwarf *dwarf, struct type_source **ret)
{
	struct dwarf_source *source = calloc(1, sizeof(*source));

	if (!source)
		return &error_no_memory;
	source->source = (struct type_source){ dwarf_find, dwarf_size, dwarf_destroy };
	source->dwarf = dwarf;
	if (!reserve(source)) {
		free(source);
		return &error_no_memory;
	}
	*ret = &source->source;
	return NULL;
}
