// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/list_svg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/report/html.h"
#include "inject/report/model.h"

/* Entries shown of a long list: the first, the last, and some that are not in order. */
#define MAX_FIRST	6
#define MAX_LAST	3
#define MAX_ODD		6

#define MAX_BESIDE	4

/* Pixels. The lanes are where pointers run that lead further than to a neighbour. */
#define LEFT		150
#define WIDTH		280
#define LANE		110
#define RIGHT		(LEFT + WIDTH)
#define BESIDE		(RIGHT + LANE)
#define BESIDE_RIGHT	(BESIDE + WIDTH)
#define LABEL		150
#define LINE		17
#define GAP		34
#define INDENT		60	/* of the arrows between neighbours, from the edge of the box */

struct node {
	const char *address, *next, *prev;
	const char *pa;			/* of the VMCS; empty: none */
	const json_t *vmcs;		/* NULL: nothing is known of it */
	unsigned int y, height;
	bool drawn;
};

/* An entry that the forward walk does not meet. */
struct beside {
	const json_t *operation;	/* NULL: none was under way on it */
	struct node node;
};

struct drawing {
	FILE *out;
	const json_t *result, *cpu;
	struct node *node;		/* the head, then the entries */
	size_t nr;
	struct beside beside[MAX_BESIDE];
	size_t nr_beside, nr_not_drawn;
	unsigned int height;
};

static const struct {
	const char *name, *sign;
} states[] = {
	{ "cleared", "✓" },
	{ "not-cleared", "✕" },
	{ "never-loaded", "○" },
	{ "unknown", "?" },
};

/* Index into states; unknown for what is none. */
static size_t state_of(const json_t *vmcs)
{
	size_t i = 0;

	while (i < 3 && strcmp(states[i].name, json_text(vmcs, "state")))
		i++;
	return i;
}

static const json_t *find_vmcs(const json_t *result, const char *pa)
{
	const json_t *vmcs;
	size_t i;

	json_array_foreach(json_object_get(result, "vmcs"), i, vmcs) {
		if (*pa && !strcmp(json_text(vmcs, "pa"), pa))
			return vmcs;
	}
	return NULL;
}

static const struct node *find_node(const struct drawing *drawing, const char *address)
{
	for (size_t i = 0; i < drawing->nr; i++) {
		if (!strcmp(drawing->node[i].address, address))
			return &drawing->node[i];
	}
	for (size_t i = 0; i < drawing->nr_beside; i++) {
		const struct node *node = &drawing->beside[i].node;

		if (*node->address && !strcmp(node->address, address))
			return node;
	}
	return NULL;
}

static bool is_on_list(const struct drawing *drawing, const char *pa)
{
	for (size_t i = 0; i < drawing->nr; i++) {
		if (*pa && !strcmp(drawing->node[i].pa, pa))
			return true;
	}
	return false;
}

/* What a pointer holds, in words; what nobody knows is told as it is. */
static const char *pointer_name(const struct drawing *drawing, const char *address)
{
	const struct node *node = find_node(drawing, address);

	if (!strcmp(address, "0"))
		return "NULL";
	if (!strcmp(address, "0xdead000000000100"))
		return "LIST_POISON1";
	if (!strcmp(address, "0xdead000000000122"))
		return "LIST_POISON2";
	if (!node)
		return address;
	return node == drawing->node ? "head" : *node->pa ? node->pa : address;
}

/* What ->prev of node @i is where no operation is under way. */
static const struct node *before(const struct drawing *drawing, size_t i)
{
	return &drawing->node[i ? i - 1 : drawing->nr - 1];
}

static bool is_complete(const struct drawing *drawing)
{
	return !strcmp(json_text(drawing->cpu, "list_end"), "complete");
}

/* Where the walk did not come back to the head, that one's ->prev says nothing. */
static bool is_prev_odd(const struct drawing *drawing, size_t i)
{
	return (i || is_complete(drawing)) &&
	       strcmp(drawing->node[i].prev, before(drawing, i)->address);
}

static struct node node_of(const json_t *result, const json_t *json)
{
	const char *pa = json_text(json, "vmcs");

	return (struct node){
		.address = json_text(json, "address"), .next = json_text(json, "next"),
		.prev = json_text(json, "prev"), .pa = pa, .vmcs = find_vmcs(result, pa),
	};
}

static void fill_nodes(struct drawing *drawing)
{
	const json_t *nodes = json_object_get(drawing->cpu, "nodes"), *node;
	size_t i;

	drawing->node = calloc(json_array_size(nodes) + 1, sizeof(*drawing->node));
	json_array_foreach(nodes, i, node) {
		if (drawing->node)
			drawing->node[drawing->nr++] = node_of(drawing->result, node);
	}
}

/* An entry that list_add() is putting behind the head is known by a ->prev to it. */
static const char *address_of_new(const struct drawing *drawing)
{
	const struct node *behind = drawing->nr > 1 ? &drawing->node[1] : &drawing->node[0];

	return find_node(drawing, behind->prev) ? "" : behind->prev;
}

static void add_beside(struct drawing *drawing, const json_t *operation, const char *pa)
{
	bool adding = !strcmp(json_text(operation, "operation"), "list_add");

	if (drawing->nr_beside == MAX_BESIDE) {
		drawing->nr_not_drawn++;
		return;
	}
	drawing->beside[drawing->nr_beside] = (struct beside){
		.operation = operation,
		.node = {
			.address = adding ? address_of_new(drawing) : "", .pa = pa,
			.next = json_text(operation, "next"), .prev = json_text(operation, "prev"),
			.vmcs = find_vmcs(drawing->result, pa),
		},
	};
	drawing->nr_beside++;
}

static bool is_of_cpu(const struct drawing *drawing, const json_t *object)
{
	return json_equal(json_object_get(object, "cpu"), json_object_get(drawing->cpu, "cpu"));
}

static const json_t *find_operation(const struct drawing *drawing, const char *pa)
{
	const json_t *operation;
	size_t i;

	json_array_foreach(json_object_get(drawing->result, "operations"), i, operation) {
		if (is_of_cpu(drawing, operation) && !strcmp(json_text(operation, "vmcs"), pa))
			return operation;
	}
	return NULL;
}

static void fill_beside(struct drawing *drawing)
{
	const json_t *operation, *vmcs;
	size_t i;

	json_array_foreach(json_object_get(drawing->result, "operations"), i, operation) {
		const char *pa = json_text(operation, "vmcs");

		if (is_of_cpu(drawing, operation) && !is_on_list(drawing, pa))
			add_beside(drawing, operation, pa);
	}
	json_array_foreach(json_object_get(drawing->result, "vmcs"), i, vmcs) {
		const json_t *list = json_object_get(json_object_get(vmcs, "oracles"), "list");
		const char *pa = json_text(vmcs, "pa");

		if (is_of_cpu(drawing, vmcs) && !strcmp(json_text(list, "word"), "lost") &&
		    strcmp(json_text(vmcs, "kind"), "shadow") && !is_on_list(drawing, pa) &&
		    !find_operation(drawing, pa))
			add_beside(drawing, NULL, pa);
	}
}

static bool is_beside(const struct drawing *drawing, const struct node *node)
{
	return node < drawing->node || node >= drawing->node + drawing->nr;
}

/* Whether an entry beside the list is, or was, between @node and the one behind it. */
static bool is_behind(const struct drawing *drawing, const struct beside *beside,
		      const struct node *node)
{
	if (!strcmp(json_text(beside->operation, "operation"), "list_add"))
		return node == drawing->node;
	const struct node *prev = find_node(drawing, beside->node.prev);

	return prev && !is_beside(drawing, prev) ? node == prev :
						   node == &drawing->node[drawing->nr - 1];
}

static bool has_beside(const struct drawing *drawing, const struct node *node)
{
	for (size_t i = 0; i < drawing->nr_beside; i++) {
		if (is_behind(drawing, &drawing->beside[i], node))
			return true;
	}
	return false;
}

static void choose_drawn(struct drawing *drawing)
{
	size_t odd = 0;

	for (size_t i = 0; i < drawing->nr; i++) {
		struct node *node = &drawing->node[i];

		node->drawn = i <= MAX_FIRST || i + MAX_LAST >= drawing->nr ||
			      has_beside(drawing, node) ||
			      (is_prev_odd(drawing, i) && odd++ < MAX_ODD);
	}
}

/* Lines of text in the box of node @i. */
static unsigned int height_of(const struct drawing *drawing, size_t i)
{
	bool operation = *drawing->node[i].pa && find_operation(drawing, drawing->node[i].pa);

	return LINE * (2 + is_prev_odd(drawing, i) + operation) + 12;
}

/* Boxes below each other; where nodes are left out there is room for a line instead. */
static void lay_out(struct drawing *drawing)
{
	unsigned int y = 8, y_beside = 8;

	for (size_t i = 0; i < drawing->nr; i++) {
		struct node *node = &drawing->node[i];

		if (!node->drawn) {
			y += i && drawing->node[i - 1].drawn ? LINE + GAP : 0;
			continue;
		}
		node->y = y;
		node->height = height_of(drawing, i);
		y += node->height + GAP;
		for (size_t k = 0; k < drawing->nr_beside; k++) {
			struct node *beside = &drawing->beside[k].node;

			if (!is_behind(drawing, &drawing->beside[k], node))
				continue;
			beside->height = LINE * (drawing->beside[k].operation ? 5 : 3) + 12;
			beside->y = y - GAP / 2 - node->height / 2;
			if (beside->y < y_beside)
				beside->y = y_beside;
			y_beside = beside->y + beside->height + GAP / 2;
			beside->drawn = true;
		}
	}
	drawing->height = (y - GAP > y_beside ? y - GAP : y_beside) + 8;
}

static void put_line(const struct drawing *drawing, unsigned int x, unsigned int *y,
		     const char *class)
{
	html_print(drawing->out, "<text class=\"%s\" x=\"%u\" y=\"%u\">", class, x, *y);
	*y += LINE;
}

/* "VM 1 vCPU 0, guest-2". */
static void put_owner(const struct drawing *drawing, const struct node *node)
{
	const json_t *vmcs = node->vmcs, *vm = json_object_get(vmcs, "vm");

	if (!vmcs)
		fputs("no VMCS that is known", drawing->out);
	else if (!json_is_integer(vm))
		html_print(drawing->out, "%s", json_text(vmcs, "kind"));
	else
		html_print(drawing->out, "VM %lld vCPU %lld, %s%s", json_integer_value(vm),
			   json_integer_value(json_object_get(vmcs, "vcpu")),
			   json_text(vmcs, "comm"),
			   !strcmp(json_text(vmcs, "kind"), "vmcs02") ? ", vmcs02" : "");
	if (*node->pa && !strcmp(node->pa, json_text(drawing->cpu, "current_vmcs")))
		fputs(", current", drawing->out);
}

static void put_operation(const struct drawing *drawing, const json_t *operation)
{
	html_print(drawing->out, "%s() after store %lld of 4", json_text(operation, "operation"),
		   json_integer_value(json_object_get(operation, "stores")));
}

static void put_box(const struct drawing *drawing, const struct node *node, unsigned int x,
		    const char *class)
{
	size_t state = state_of(node->vmcs);

	html_print(drawing->out, "<g class=\"node %s %s\"", class,
		   node == drawing->node ? "head" : states[state].name);
	if (*node->pa)
		html_print(drawing->out, " data-vmcs=\"%s\"", node->pa);
	html_print(drawing->out, "><rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%u\" rx=\"5\"/>"
		   "<path class=\"edge\" d=\"M%u %uv%u\"/>", x, node->y, WIDTH, node->height, x + 2,
		   node->y + 5, node->height - 10);
	if (node == drawing->node)
		return;
	html_print(drawing->out, "<text class=\"state\" x=\"%u\" y=\"%u\">%s %s</text>",
		   x + WIDTH - 10, node->y + LINE + 2, states[state].sign, states[state].name);
}

static void draw_head(const struct drawing *drawing)
{
	const struct node *head = drawing->node;
	unsigned int y = head->y + LINE + 2;

	put_box(drawing, head, LEFT, "");
	put_line(drawing, LEFT + 14, &y, "name");
	html_print(drawing->out, "head of the list of CPU %lld</text>",
		   json_integer_value(json_object_get(drawing->cpu, "cpu")));
	put_line(drawing, LEFT + 14, &y, "more");
	html_print(drawing->out, "%zu %s, %s</text>", drawing->nr - 1,
		   drawing->nr == 2 ? "entry" : "entries", json_text(drawing->cpu, "list_end"));
	if (is_prev_odd(drawing, 0)) {
		put_line(drawing, LEFT + 14, &y, "odd");
		html_print(drawing->out, "-&gt;prev %s, not %s</text>",
			   pointer_name(drawing, head->prev),
			   pointer_name(drawing, before(drawing, 0)->address));
	}
	fputs("</g>", drawing->out);
}

static void draw_entry(const struct drawing *drawing, size_t i)
{
	const struct node *node = &drawing->node[i];
	const json_t *operation = *node->pa ? find_operation(drawing, node->pa) : NULL;
	unsigned int y = node->y + LINE + 2;

	put_box(drawing, node, LEFT, operation ? "half" : "");
	put_line(drawing, LEFT + 14, &y, "name");
	html_print(drawing->out, "%s</text>", *node->pa ? node->pa : node->address);
	put_line(drawing, LEFT + 14, &y, "more");
	put_owner(drawing, node);
	fputs("</text>", drawing->out);
	if (is_prev_odd(drawing, i)) {
		put_line(drawing, LEFT + 14, &y, "odd");
		html_print(drawing->out, "-&gt;prev %s, not %s</text>",
			   pointer_name(drawing, node->prev),
			   pointer_name(drawing, before(drawing, i)->address));
	}
	if (operation) {
		put_line(drawing, LEFT + 14, &y, "odd");
		put_operation(drawing, operation);
		fputs("</text>", drawing->out);
	}
	fputs("</g>", drawing->out);
}

static void draw_beside(const struct drawing *drawing, const struct beside *beside)
{
	const struct node *node = &beside->node;
	unsigned int y = node->y + LINE + 2, x = BESIDE + 14;

	put_box(drawing, node, BESIDE, "half beside");
	put_line(drawing, x, &y, "name");
	html_print(drawing->out, "%s</text>", *node->pa ? node->pa : "no VMCS region");
	put_line(drawing, x, &y, "more");
	put_owner(drawing, node);
	fputs("</text>", drawing->out);
	put_line(drawing, x, &y, "odd");
	if (!beside->operation) {
		fputs("the list does not reach it</text></g>", drawing->out);
		return;
	}
	put_operation(drawing, beside->operation);
	fputs("</text>", drawing->out);
	put_line(drawing, x, &y, "odd");
	html_print(drawing->out, "-&gt;next %s</text>", pointer_name(drawing, node->next));
	put_line(drawing, x, &y, "odd");
	html_print(drawing->out, "-&gt;prev %s</text></g>", pointer_name(drawing, node->prev));
}

static void begin_arrow(const struct drawing *drawing, const char *kind, bool odd)
{
	html_print(drawing->out, "<path class=\"arrow %s%s\" marker-end=\"url(#%s)\" d=\"", kind,
		   odd ? " odd" : "", odd ? "arrow-odd" : "arrow");
}

/* From the right or left edge of a box round to that of another one. */
static void arrow_round(const struct drawing *drawing, unsigned int x, int reach,
			unsigned int from, unsigned int to)
{
	html_print(drawing->out, "M%u %uC%d %u %d %u %u %u\"/>", x, from, (int)x + reach, from,
		   (int)x + reach, to, x, to);
}

/* Further round the further it goes, within its lane. */
static int reach_of(unsigned int from, unsigned int to)
{
	unsigned int distance = from > to ? from - to : to - from;

	return distance > 400 ? 120 : 40 + distance / 5;
}

/* A pointer to what is not drawn: NULL, poison, or an address. */
static void arrow_to_name(const struct drawing *drawing, const char *kind, unsigned int x,
			  int direction, unsigned int y, const char *address)
{
	begin_arrow(drawing, kind, true);
	html_print(drawing->out, "M%u %uh%d\"/><text class=\"target%s\" x=\"%d\" y=\"%u\">%s</text>",
		   x, y, direction * 18, direction < 0 ? " left" : "", (int)x + direction * 30,
		   y + 4, pointer_name(drawing, address));
}

/* To the entry beside the list, or from it. */
static void arrow_across(const struct drawing *drawing, const char *kind, unsigned int x,
			 unsigned int y, unsigned int to_x, unsigned int to_y)
{
	unsigned int middle = (x + to_x) / 2;

	begin_arrow(drawing, kind, true);
	html_print(drawing->out, "M%u %uC%u %u %u %u %u %u\"/>", x, y, middle, y, middle, to_y,
		   to_x, to_y);
}

/* Where pointers meet the side of a box, so that none crosses another one. */
static unsigned int next_y(const struct node *node)
{
	return node->y + node->height / 3;
}

static unsigned int prev_y(const struct node *node)
{
	return node->y + node->height * 2 / 3;
}

/* The same for an entry beside the list: what leads there is above its own two. */
static unsigned int beside_y(const struct node *node)
{
	return node->y + LINE;
}

static void draw_next(const struct drawing *drawing, size_t i)
{
	const struct node *node = &drawing->node[i], *target = find_node(drawing, node->next);
	bool last = i + 1 == drawing->nr;

	if (!last && target == node + 1) {
		begin_arrow(drawing, "next", false);
		html_print(drawing->out, "M%u %uv%d\"/>", RIGHT - INDENT, node->y + node->height,
			   GAP - 2);
	} else if (!target || !target->drawn) {
		arrow_to_name(drawing, "next", RIGHT, 1, prev_y(node), node->next);
	} else if (is_beside(drawing, target)) {
		arrow_across(drawing, "next", RIGHT, prev_y(node), BESIDE, beside_y(target));
	} else {
		begin_arrow(drawing, "next", !last || target != drawing->node);
		arrow_round(drawing, RIGHT, reach_of(prev_y(node), next_y(target)), prev_y(node),
			    next_y(target));
	}
}

static void draw_prev(const struct drawing *drawing, size_t i)
{
	const struct node *node = &drawing->node[i], *target = find_node(drawing, node->prev);

	if (i && target == node - 1) {
		begin_arrow(drawing, "prev", false);
		html_print(drawing->out, "M%u %uv-%d\"/>", LEFT + INDENT, node->y, GAP - 2);
	} else if (!target || !target->drawn) {
		arrow_to_name(drawing, "prev", LEFT, -1, next_y(node), node->prev);
	} else if (is_beside(drawing, target)) {
		arrow_across(drawing, "prev", RIGHT, next_y(node), BESIDE, beside_y(target));
	} else {
		begin_arrow(drawing, "prev", is_prev_odd(drawing, i));
		arrow_round(drawing, LEFT, -reach_of(next_y(node), prev_y(target)), next_y(node),
			    prev_y(target));
	}
}

static void draw_own_pointer(const struct drawing *drawing, const struct beside *beside,
			     const char *kind, const char *address, unsigned int y)
{
	const struct node *target = find_node(drawing, address);

	if (!beside->operation)
		return;
	if (target && target->drawn && !is_beside(drawing, target))
		arrow_across(drawing, kind, BESIDE, y, RIGHT, prev_y(target));
	else
		arrow_to_name(drawing, kind, BESIDE_RIGHT, 1, y, address);
}

static void draw_left_out(const struct drawing *drawing, size_t i)
{
	const struct node *before = &drawing->node[i - 1];
	size_t nr = 0;

	while (!drawing->node[i + nr].drawn)
		nr++;
	html_print(drawing->out, "<text class=\"left-out\" x=\"%u\" y=\"%u\">⋮ %zu more</text>",
		   LEFT + WIDTH / 2, before->y + before->height + GAP + LINE - 6, nr);
}

static void draw_all(const struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->nr; i++) {
		if (drawing->node[i].drawn) {
			draw_next(drawing, i);
			draw_prev(drawing, i);
		} else if (drawing->node[i - 1].drawn) {
			draw_left_out(drawing, i);
		}
	}
	for (size_t i = 0; i < drawing->nr_beside; i++) {
		const struct beside *beside = &drawing->beside[i];

		/* Each beside the line of text that tells it. */
		draw_own_pointer(drawing, beside, "next", beside->node.next,
				 beside_y(&beside->node) + 3 * LINE);
		draw_own_pointer(drawing, beside, "prev", beside->node.prev,
				 beside_y(&beside->node) + 4 * LINE);
		draw_beside(drawing, beside);
	}
	draw_head(drawing);
	for (size_t i = 1; i < drawing->nr; i++) {
		if (drawing->node[i].drawn)
			draw_entry(drawing, i);
	}
}

static void draw(struct drawing *drawing)
{
	unsigned int width = (drawing->nr_beside ? BESIDE_RIGHT + LABEL : RIGHT + LABEL) + 8;

	choose_drawn(drawing);
	lay_out(drawing);
	html_print(drawing->out, "<svg class=\"list\" role=\"img\" aria-label=\"list of CPU %lld: %zu "
		   "on it, %zu beside it\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\">",
		   json_integer_value(json_object_get(drawing->cpu, "cpu")), drawing->nr - 1,
		   drawing->nr_beside + drawing->nr_not_drawn, width, drawing->height, width,
		   drawing->height);
	draw_all(drawing);
	fputs("</svg>\n", drawing->out);
	if (drawing->nr_not_drawn)
		html_print(drawing->out, "<p>And %zu more that the list does not reach.</p>\n",
			   drawing->nr_not_drawn);
}

void list_svg(FILE *out, const json_t *result, const json_t *cpu)
{
	struct drawing drawing = { .out = out, .result = result, .cpu = cpu };

	fill_nodes(&drawing);
	if (drawing.nr) {
		fill_beside(&drawing);
		bool empty = drawing.nr == 1 && !drawing.nr_beside && is_complete(&drawing);

		if (!empty)
			draw(&drawing);
	}
	free(drawing.node);
}

void list_svg_markers(FILE *out)
{
	fputs("<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"markers\"><defs>", out);
	for (int odd = 0; odd < 2; odd++)
		html_print(out, "<marker id=\"arrow%s\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
			   "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\" "
			   "markerUnits=\"userSpaceOnUse\"><path class=\"arrow-head%s\" "
			   "d=\"M0 0L8 4L0 8z\"/></marker>", odd ? "-odd" : "", odd ? " odd" : "");
	fputs("</defs></svg>\n", out);
}
