// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/list_drawing.h"

#include <inttypes.h>

/* Entries shown of a long list: the first, the last, and some that are not in order. */
#define MAX_FIRST	6
#define MAX_LAST	3
#define MAX_ODD		6

#define MAX_BESIDE	4

struct glyphs {
	const char *start, *rail, *gap, *end;	/* of the rail */
	const char *down, *beside, *more;
};

static const struct glyphs glyphs[] = {
	[CHARSET_ASCII] = { "+-> ", "|   ", "    ", "+----+", "v", ":", ":" },
	[CHARSET_UTF8] = { "┌─▶ ", "│   ", "    ", "└────┘", "▼", "┆", "⋮" },
};

struct drawing {
	const struct analysis *analysis;
	const struct kvm_cpu *cpu;
	const struct glyphs *glyphs;
	FILE *out;
	uint64_t target;	/* where the last ->next leads back to, 0: nowhere */
	bool on_rail;		/* below the target */
	const struct loaded_vmcs *beside[MAX_BESIDE];
	size_t nr_beside;	/* of all; the array has the first */
};

/* What a ->next or ->prev names. */
static const char *name_node(const struct drawing *drawing, uint64_t addr, char *ret, size_t size)
{
	const struct loaded_vmcs *loaded = kvm_find_link(&drawing->analysis->kvm, addr);

	if (addr == drawing->cpu->list.head.addr)
		return "head";
	if (!addr)
		return "NULL";
	if (addr == LIST_POISON1)
		return "LIST_POISON1";
	if (addr == LIST_POISON2)
		return "LIST_POISON2";
	if (loaded && loaded->vmcs != NO_PA)
		snprintf(ret, size, "%#" PRIx64, loaded->vmcs);
	else
		snprintf(ret, size, "%#" PRIx64, addr);
	return ret;
}

static const char *state_of(const struct drawing *drawing, const struct loaded_vmcs *loaded)
{
	for (size_t i = 0; i < drawing->analysis->nr_vmcs; i++) {
		const struct vmcs *vmcs = &drawing->analysis->vmcs[i];

		if (vmcs->loaded == loaded && vmcs->kind != VMCS_SHADOW)
			return vmcs_state_name(vmcs->state);
	}
	return "no VMCS region";
}

/* "0x17886000  VM 2 vCPU 0 guest-2  cleared, current". */
static void draw_entry(const struct drawing *drawing, uint64_t link)
{
	const struct loaded_vmcs *loaded = kvm_find_link(&drawing->analysis->kvm, link);
	char name[40];

	fputs(name_node(drawing, link, name, sizeof(name)), drawing->out);
	if (!loaded)
		return;
	fputs("  ", drawing->out);
	if (loaded->vcpu >= 0) {
		const struct kvm_vcpu *vcpu = &drawing->analysis->kvm.vcpu[loaded->vcpu];

		fprintf(drawing->out, "VM %zu vCPU %u %s%s  ", vcpu->vm, vcpu->id,
			drawing->analysis->kvm.vm[vcpu->vm].comm,
			loaded->nested ? " vmcs02" : "");
	}
	fputs(state_of(drawing, loaded), drawing->out);
	if (loaded->current_cpu == (int)drawing->cpu->nr)
		fputs(", current", drawing->out);
}

static void draw_rail(const struct drawing *drawing)
{
	fprintf(drawing->out, "  %s",
		drawing->on_rail ? drawing->glyphs->rail : drawing->glyphs->gap);
}

static void draw_operation(const struct drawing *drawing, const struct loaded_vmcs *loaded)
{
	const struct list_operation operation = list_operation_of(loaded);

	if (operation.name && operation.stores == 4 && loaded->link_state == LINK_LISTED)
		fprintf(drawing->out, "list_add() done, loaded_vmcs->cpu not yet written");
	else if (operation.name)
		fprintf(drawing->out, "%s() after store %u of 4", operation.name,
			operation.stores);
	else
		fprintf(drawing->out, "says CPU %d, and its list does not reach it", loaded->cpu);
}

/* An entry that the forward walk does not meet, with its own two links. */
static void draw_beside(const struct drawing *drawing, const struct loaded_vmcs *loaded)
{
	char sign = loaded->link_state == LINK_ADDING ? '+' :
		    loaded->link_state == LINK_REMOVED ? '-' : '?';
	char next[40], prev[40];

	draw_rail(drawing);
	fprintf(drawing->out, " %s   %c ", drawing->glyphs->beside, sign);
	draw_entry(drawing, loaded->link.addr);
	fputc('\n', drawing->out);
	draw_rail(drawing);
	fprintf(drawing->out, " %s     ", drawing->glyphs->beside);
	draw_operation(drawing, loaded);
	fprintf(drawing->out, ": ->next %s, ->prev %s\n",
		name_node(drawing, loaded->link.next, next, sizeof(next)),
		name_node(drawing, loaded->link.prev, prev, sizeof(prev)));
}

/* Whether @loaded is, or was, between @node and the one behind it. */
static bool is_behind(const struct drawing *drawing, const struct loaded_vmcs *loaded,
		      uint64_t node)
{
	if (loaded->link_state == LINK_ADDING)
		return node == drawing->cpu->list.head.addr;
	return loaded->link_state == LINK_REMOVED && loaded->link.prev == node;
}

/* Those of the array only. */
static size_t nr_drawn_beside(const struct drawing *drawing)
{
	return drawing->nr_beside < MAX_BESIDE ? drawing->nr_beside : MAX_BESIDE;
}

static bool has_beside(const struct drawing *drawing, uint64_t node)
{
	for (size_t i = 0; i < nr_drawn_beside(drawing); i++) {
		if (is_behind(drawing, drawing->beside[i], node))
			return true;
	}
	return false;
}

/* Entry @i, or with @i = the number of entries: the head. */
static void draw_node(struct drawing *drawing, size_t i)
{
	const struct list_walk *list = &drawing->cpu->list;
	const struct list_node *node = i < list->nr ? &list->node[i] : &list->head;
	const struct loaded_vmcs *loaded = kvm_find_link(&drawing->analysis->kvm, node->addr);
	uint64_t before = list_walk_before(list, i);
	char prev[40], expected[40];

	drawing->on_rail |= node->addr == drawing->target;
	if (node->addr == drawing->target)
		fprintf(drawing->out, "  %s", drawing->glyphs->start);
	else
		draw_rail(drawing);
	draw_entry(drawing, node->addr);
	if (loaded && list_operation_of(loaded).name) {
		fputs("  ", drawing->out);
		draw_operation(drawing, loaded);
	}
	/* Where the walk did not come back to the head, that one's ->prev says nothing. */
	if (node->prev != before && (i < list->nr || list->end == LIST_COMPLETE))
		fprintf(drawing->out, "  ->prev %s, not %s",
			name_node(drawing, node->prev, prev, sizeof(prev)),
			name_node(drawing, before, expected, sizeof(expected)));
	fputc('\n', drawing->out);
	for (size_t k = 0; k < nr_drawn_beside(drawing); k++) {
		if (is_behind(drawing, drawing->beside[k], node->addr))
			draw_beside(drawing, drawing->beside[k]);
	}
}

static void draw_arrow(const struct drawing *drawing, const char *glyph)
{
	draw_rail(drawing);
	fprintf(drawing->out, " %s", glyph);
}

static void draw_entries(struct drawing *drawing)
{
	const struct list_walk *list = &drawing->cpu->list;
	size_t left_out = 0, odd = 0;

	for (size_t i = 0; i < list->nr; i++) {
		uint64_t addr = list->node[i].addr;
		bool is_odd = list->node[i].prev != list_walk_before(list, i);

		if (i >= MAX_FIRST && i + MAX_LAST < list->nr && addr != drawing->target &&
		    !has_beside(drawing, addr) && !(is_odd && odd < MAX_ODD)) {
			left_out++;
			continue;
		}
		odd += is_odd;
		if (left_out) {
			draw_arrow(drawing, drawing->glyphs->more);
			fprintf(drawing->out, "   %zu more\n", left_out);
			left_out = 0;
		}
		draw_arrow(drawing, drawing->glyphs->down);
		fputc('\n', drawing->out);
		draw_node(drawing, i);
	}
}

/* Where the last ->next leads. */
static void draw_end(const struct drawing *drawing)
{
	const struct list_walk *list = &drawing->cpu->list;
	char name[40];

	if (drawing->target) {
		fprintf(drawing->out, "  %s\n", drawing->glyphs->end);
		return;
	}
	draw_arrow(drawing, drawing->glyphs->down);
	fputs("\n      ", drawing->out);
	if (list->end == LIST_TOO_LONG)
		fputs("no end of it\n", drawing->out);
	else
		fprintf(drawing->out, "%s%s\n", name_node(drawing, list->bad, name, sizeof(name)),
			list->end == LIST_WILD ? ": not in the dump" : "");
}

/* Those whose place in the list is not known. */
static void draw_strays(struct drawing *drawing)
{
	drawing->on_rail = false;
	for (size_t i = 0; i < nr_drawn_beside(drawing); i++) {
		const struct loaded_vmcs *loaded = drawing->beside[i];
		bool placed = loaded->link_state == LINK_ADDING ||
			      (loaded->link_state == LINK_REMOVED &&
			       list_walk_find(&drawing->cpu->list, loaded->link.prev));

		if (!placed)
			draw_beside(drawing, loaded);
	}
	if (drawing->nr_beside > MAX_BESIDE)
		fprintf(drawing->out, "  and %zu more that the list does not reach\n",
			drawing->nr_beside - MAX_BESIDE);
}

static void find_beside(struct drawing *drawing)
{
	const struct kvm_state *kvm = &drawing->analysis->kvm;

	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];
		bool off_list = loaded->link_state == LINK_ADDING ||
				loaded->link_state == LINK_REMOVED;

		if ((off_list && loaded->list_cpu == (int)drawing->cpu->nr) ||
		    (loaded->link_state == LINK_LOST && loaded->cpu == (int)drawing->cpu->nr)) {
			if (drawing->nr_beside < MAX_BESIDE)
				drawing->beside[drawing->nr_beside] = loaded;
			drawing->nr_beside++;
		}
	}
}

void list_draw(const struct analysis *analysis, const struct kvm_cpu *cpu, enum charset charset,
	       FILE *out)
{
	struct drawing drawing = {
		.analysis = analysis, .cpu = cpu, .glyphs = &glyphs[charset], .out = out,
		.target = cpu->list.end == LIST_COMPLETE ? cpu->list.head.addr :
			  cpu->list.end == LIST_LOOP ? cpu->list.bad : 0,
	};

	find_beside(&drawing);
	fprintf(out, "list of CPU %u: %zu entr%s, %s\n", cpu->nr, cpu->list.nr,
		cpu->list.nr == 1 ? "y" : "ies", list_end_name(cpu->list.end));
	draw_node(&drawing, cpu->list.nr);
	draw_entries(&drawing);
	draw_end(&drawing);
	draw_strays(&drawing);
}
