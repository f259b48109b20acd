/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_VMCS_LAYOUT_H
#define ANALYZE_VMCS_LAYOUT_H

/*
 * Where the implementations keep what in a VMCS region, by VMCS revision
 * identifier: processors with different formats have different ones (SDM vol. 3,
 * 25.2).  The layouts are text files; those of analyze/vmcs-layouts are compiled
 * in, and kdump-torture-analyze(1) describes the format.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/error.h"

/* A region has at most a page (SDM vol. 3, appendix A.1). */
#define VMCS_REGION_SIZE	4096

enum vmcs_field {
	VMCS_LAUNCH_STATE,	/* no field of VMREAD: 0 clear, 1 launched */
	VMCS_LINK_POINTER,
	VMCS_EXIT_REASON,
	VMCS_GUEST_RIP,
	VMCS_HOST_CR3,
	VMCS_HOST_CR4,
	VMCS_HOST_GS_BASE,
	VMCS_HOST_RIP,
	NR_VMCS_FIELDS,
};

/* How far the region in memory can be behind the VMCS. */
enum vmcs_memory {
	VMCS_MEMORY_COHERENT,	/* never */
	VMCS_MEMORY_CURRENT,	/* only that of a CPU's current VMCS */
	VMCS_MEMORY_CACHED,	/* that of any VMCS since its last VMCLEAR */
};

struct vmcs_field_place {
	uint16_t offset;	/* bytes from the start of the region */
	uint8_t size;		/* 2, 4 or 8 bytes; 0: not known */
};

struct vmcs_layout {
	uint32_t revision_id;
	enum vmcs_memory memory;
	char name[32];
	char source[128];
	struct vmcs_field_place field[NR_VMCS_FIELDS];
};

struct vmcs_layouts {
	struct vmcs_layout *layout;
	size_t nr;
};

/* @path, NULL for none, is a layout file that counts before those compiled in. */
struct error *vmcs_layouts_init(const char *path, struct vmcs_layouts *ret);
void vmcs_layouts_deinit(struct vmcs_layouts *layouts);

/* NULL if none is known for @revision_id, which is without the shadow bit. */
const struct vmcs_layout *vmcs_layouts_find(const struct vmcs_layouts *layouts,
					    uint32_t revision_id);

/* @text is that of the file @path, which errors name. */
struct error *vmcs_layout_parse(const char *path, const char *text, struct vmcs_layout *ret);

/* The files of analyze/vmcs-layouts, by the Makefile; the last one has no path. */
struct vmcs_layout_file {
	const char *path;
	const char *text;
};

extern const struct vmcs_layout_file vmcs_layout_files[];

#endif
