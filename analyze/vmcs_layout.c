// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/vmcs_layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/cleanup.h"

/* A layout has a dozen lines. */
#define MAX_FILE	65536

static const char *const field_names[] = {
	[VMCS_LAUNCH_STATE] = "launch_state",
	[VMCS_LINK_POINTER] = "vmcs_link_pointer",
	[VMCS_EXIT_REASON] = "exit_reason",
	[VMCS_GUEST_RIP] = "guest_rip",
	[VMCS_HOST_CR3] = "host_cr3",
	[VMCS_HOST_CR4] = "host_cr4",
	[VMCS_HOST_GS_BASE] = "host_gs_base",
	[VMCS_HOST_RIP] = "host_rip",
};

static const char *const memory_names[] = {
	[VMCS_MEMORY_COHERENT] = "coherent",
	[VMCS_MEMORY_CURRENT] = "current",
	[VMCS_MEMORY_CACHED] = "cached",
};

/* Return: the index of @name, @nr if it is none of @names. */
static size_t find_name(const char *const *names, size_t nr, const char *name)
{
	size_t i = 0;

	while (i < nr && (!name || strcmp(names[i], name)))
		i++;
	return i;
}

static bool parse_number(const char *word, unsigned long max, unsigned long *ret)
{
	char *end;

	if (!word || *word == '-')
		return false;
	errno = 0;
	*ret = strtoul(word, &end, 0);
	return !errno && end != word && !*end && *ret <= max;
}

static struct error *parse_field(char *rest, struct vmcs_layout *layout)
{
	char *save, *name = strtok_r(rest, " \t", &save);
	unsigned long offset, size;
	size_t field = find_name(field_names, NR_VMCS_FIELDS, name);

	if (field == NR_VMCS_FIELDS)
		return error_new("there is no field \"%s\"", name ? name : "");
	if (layout->field[field].size)
		return error_new("%s comes twice", name);
	if (!parse_number(strtok_r(NULL, " \t", &save), VMCS_REGION_SIZE, &offset) ||
	    !parse_number(strtok_r(NULL, " \t", &save), 8, &size) || strtok_r(NULL, " \t", &save))
		return error_new("write \"field %s OFFSET SIZE\", in bytes", name);
	if ((size != 2 && size != 4 && size != 8) || offset + size > VMCS_REGION_SIZE)
		return error_new("%s has 2, 4 or 8 bytes in the first %d", name, VMCS_REGION_SIZE);
	layout->field[field] = (struct vmcs_field_place){ offset, size };
	return NULL;
}

static struct error *parse_revision(const char *rest, struct vmcs_layout *layout)
{
	unsigned long number;

	/* Bit 31 of the region's first word is the shadow-VMCS indicator. */
	if (!parse_number(rest, 0x7fffffff, &number))
		return error_new("\"%s\" is no revision identifier of 31 bits", rest);
	layout->revision_id = number;
	return NULL;
}

static struct error *parse_memory(const char *rest, struct vmcs_layout *layout)
{
	size_t nr = sizeof(memory_names) / sizeof(memory_names[0]);
	size_t memory = find_name(memory_names, nr, rest);

	if (memory == nr)
		return error_new("memory is coherent, current or cached, not \"%s\"", rest);
	layout->memory = memory;
	return NULL;
}

enum key {
	KEY_NAME,
	KEY_REVISION,
	KEY_SOURCE,
	KEY_MEMORY,
	NR_NEEDED_KEYS,
	KEY_FIELD = NR_NEEDED_KEYS,
	NR_KEYS,
};

static const char *const key_names[] = {
	[KEY_NAME] = "name",
	[KEY_REVISION] = "revision",
	[KEY_SOURCE] = "source",
	[KEY_MEMORY] = "memory",
	[KEY_FIELD] = "field",
};

/* @seen: a bit for each key that the file has had. */
static struct error *parse_line(char *line, struct vmcs_layout *layout, unsigned int *seen)
{
	char *rest = line + strcspn(line, " \t");

	if (*rest)
		*rest++ = '\0';
	rest += strspn(rest, " \t");
	size_t key = find_name(key_names, NR_KEYS, line);

	if (key == NR_KEYS)
		return error_new("what is \"%s\"?", line);
	if (!*rest)
		return error_new("%s of what?", line);
	*seen |= 1U << key;
	switch ((enum key)key) {
	case KEY_NAME:
		snprintf(layout->name, sizeof(layout->name), "%s", rest);
		return NULL;
	case KEY_SOURCE:
		snprintf(layout->source, sizeof(layout->source), "%s", rest);
		return NULL;
	case KEY_REVISION:
		return parse_revision(rest, layout);
	case KEY_MEMORY:
		return parse_memory(rest, layout);
	default:
		return parse_field(rest, layout);
	}
}

struct error *vmcs_layout_parse(const char *path, const char *text, struct vmcs_layout *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	struct vmcs_layout layout = {};
	unsigned int seen = 0, nr = 1;

	if (!copy)
		return &error_no_memory;
	for (char *line = copy, *next; line; line = next, nr++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		for (size_t len = strlen(line); len && strchr(" \t\r", line[len - 1]); len--)
			line[len - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		struct error *err = parse_line(line, &layout, &seen);

		if (err)
			return error_context(err, "%s:%u", path, nr);
	}
	for (size_t key = 0; key < NR_NEEDED_KEYS; key++) {
		if (!(seen & 1U << key))
			return error_new("%s: no line \"%s ...\": see VMCS LAYOUTS in kdump-torture-analyze(1)",
					 path, key_names[key]);
	}
	*ret = layout;
	return NULL;
}

/* *@ret is the caller's. */
static struct error *read_file(const char *path, char **ret)
{
	_cleanup_fclose_ FILE *in = fopen(path, "r");
	_cleanup_free_ char *text = calloc(1, MAX_FILE + 1);

	if (!in)
		return error_errno(errno, "%s: cannot open the VMCS layout", path);
	if (!text)
		return &error_no_memory;
	size_t size = fread(text, 1, MAX_FILE + 1, in);

	if (ferror(in))
		return error_errno(errno, "%s: cannot read the VMCS layout", path);
	if (size > MAX_FILE || strlen(text) < size)
		return error_new("%s: is no VMCS layout: it is too long or no text", path);
	*ret = no_cleanup_ptr(text);
	return NULL;
}

static struct error *add_file(const char *path, struct vmcs_layouts *layouts)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = read_file(path, &text);

	return err ? err : vmcs_layout_parse(path, text, &layouts->layout[layouts->nr++]);
}

struct error *vmcs_layouts_init(const char *path, struct vmcs_layouts *ret)
{
	struct vmcs_layouts layouts = {};
	struct error *err = NULL;
	size_t nr = 0;

	while (vmcs_layout_files[nr].path)
		nr++;
	layouts.layout = calloc(nr + 1, sizeof(*layouts.layout));
	if (!layouts.layout)
		return &error_no_memory;
	if (path)
		err = add_file(path, &layouts);
	for (size_t i = 0; i < nr && !err; i++)
		err = vmcs_layout_parse(vmcs_layout_files[i].path, vmcs_layout_files[i].text,
					&layouts.layout[layouts.nr++]);
	if (err)
		vmcs_layouts_deinit(&layouts);
	else
		*ret = layouts;
	return err;
}

void vmcs_layouts_deinit(struct vmcs_layouts *layouts)
{
	free(layouts->layout);
	*layouts = (struct vmcs_layouts){};
}

const struct vmcs_layout *vmcs_layouts_find(const struct vmcs_layouts *layouts,
					    uint32_t revision_id)
{
	for (size_t i = 0; i < layouts->nr; i++) {
		if (layouts->layout[i].revision_id == revision_id)
			return &layouts->layout[i];
	}
	return NULL;
}
