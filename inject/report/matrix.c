// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/matrix.h"

#include <string.h>

#include "inject/report/html.h"

/* With more than this only scenarios that somebody must look at are open at first. */
#define MAX_OPEN	3000

static void begin_select(FILE *out, const char *name, const char *all)
{
	html_print(out, "<label>%s <select name=\"%s\"><option value=\"\">%s</option>", name, name,
		   all);
}

static void put_choice(FILE *out, const char *name)
{
	html_print(out, "<option>%s</option>", name);
}

static void put_kernels(FILE *out, const struct model *model)
{
	const char *name;
	json_t *kernel;

	json_object_foreach(json_object_get(model->root, "kernels"), name, kernel)
		put_choice(out, name);
}

/* Of no use without the script, which shows it. */
static void put_filter(FILE *out, const struct model *model)
{
	fputs("<form class=\"filter\" id=\"filter\" role=\"search\" hidden>\n", out);
	begin_select(out, "scenario", "all");
	for (size_t i = 0; i < model->nr_tables; i++)
		put_choice(out, model->table[i].name);
	fputs("</select></label>\n", out);
	begin_select(out, "kernel", "all");
	put_kernels(out, model);
	fputs("</select></label>\n", out);
	begin_select(out, "delivery", "all");
	for (size_t i = 0; i < NR_DELIVERIES; i++)
		put_choice(out, deliveries[i]);
	fputs("</select></label>\n", out);
	begin_select(out, "status", "all");
	fputs("<option value=\"bad\">not as expected</option>", out);
	for (size_t i = 0; i < NR_CRASH_STATUSES; i++)
		put_choice(out, crash_status_name(i));
	fputs("</select></label>\n<label>text <input type=\"search\" name=\"text\" size=\"18\" "
	      "placeholder=\"point, step, message\"></label>\n<button type=\"reset\">clear</button> "
	      "<output id=\"shown\" aria-live=\"polite\"></output></form>\n", out);
}

/* What the dump said, or why there is none, where that is not simply a pass. */
static void put_word(FILE *out, const struct crash *crash)
{
	const char *verdict = json_text(crash->json, "verdict");
	const char *word = strcmp(verdict, "none") ? verdict : json_text(crash->json, "outcome");

	if (crash->status == CRASH_PASS && !strcmp(word, "pass"))
		fputs("pass", out);
	else if (crash->status == CRASH_PASS)
		html_print(out, "%s <small>expected</small>", word);
	else if (crash->status == CRASH_SKIP)
		fputs("skip", out);
	else if (!strcmp(word, crash_status_name(crash->status)))
		html_print(out, "%s", word);
	else
		html_print(out, "%s <small>%s</small>", crash_status_name(crash->status), word);
}

static void put_cell(FILE *out, const struct column *column, const struct cell *cell)
{
	const struct crash *crash = cell->worst;

	if (!crash) {
		fputs("<td class=\"none\"></td>", out);
		return;
	}
	const char *status = crash_status_name(crash->status);

	html_print(out, "<td class=\"%s\" data-k=\"%s\" data-d=\"%s\" data-s=\"%s\" data-n=\"%zu\">"
		   "<a id=\"c%zu\" href=\"#r%zu\"", status, column->kernel, column->deliver, status,
		   cell->nr, crash->nr, crash->nr);
	if (crash->status != CRASH_PASS)
		html_print(out, " title=\"%s\"", json_text(crash->json, "text"));
	html_print(out, "><i>%s</i> ", crash_status_sign(crash->status));
	put_word(out, crash);
	if (cell->nr > 1)
		html_print(out, " <small>%zu of %zu</small>",
			   cell->nr_bad ?: cell->nr, cell->nr);
	if (crash->change == CHANGE_NEW_FAILURE)
		fputs(" <b class=\"new\">new</b>", out);
	fputs("</a></td>", out);
}

/* The step that a place between two instructions lies behind. */
static void put_step(FILE *out, const struct place *place, size_t nr_columns)
{
	for (size_t i = 0; i < nr_columns; i++) {
		const struct crash *crash = place->cell[i].first;
		const char *op = crash ? json_text(crash->json, "op") : "";
		const char *step = crash ? json_text(crash->json, "step") : "";

		if (!*op)
			continue;
		if (strstr(place->point, "+0x"))
			html_print(out, "%s%s%s", op, *step ? "/" : "", step);
		else
			html_print(out, "%s+%#x", place->function, place->offset);
		return;
	}
}

static void put_row(FILE *out, const struct table *table, const struct place *place)
{
	html_print(out, "<tr><th scope=\"row\"><code>%s</code></th><td class=\"step\">", place->point);
	put_step(out, place, table->nr_columns);
	fputs("</td>", out);
	for (size_t i = 0; i < table->nr_columns; i++)
		put_cell(out, &table->column[i], &place->cell[i]);
	fputs("</tr>\n", out);
}

/* Two rows: the kernels, and below each its deliveries. */
static void put_head(FILE *out, const struct table *table)
{
	fputs("<thead><tr><th scope=\"col\" rowspan=\"2\">point</th>"
	      "<th scope=\"col\" rowspan=\"2\">where</th>", out);
	for (size_t i = 0, nr; i < table->nr_columns; i += nr) {
		for (nr = 1; i + nr < table->nr_columns; nr++) {
			if (strcmp(table->column[i].kernel, table->column[i + nr].kernel))
				break;
		}
		html_print(out, "<th scope=\"colgroup\" colspan=\"%zu\">%s</th>", nr,
			   table->column[i].kernel);
	}
	fputs("</tr><tr>", out);
	for (size_t i = 0; i < table->nr_columns; i++)
		html_print(out, "<th scope=\"col\">%s</th>", table->column[i].deliver);
	fputs("</tr></thead>\n", out);
}

static void put_counts(FILE *out, const struct results_count *count)
{
	const struct {
		enum crash_status status;
		size_t nr;
	} all[] = {
		{ CRASH_ERROR, count->error },
		{ CRASH_FAIL, count->fail },
		{ CRASH_INCONCLUSIVE, count->inconclusive },
		{ CRASH_PASS, count->pass },
		{ CRASH_SKIP, count->skip },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].nr)
			html_print(out, " <span class=\"badge %s\">%s %zu %s</span>",
				   crash_status_name(all[i].status),
				   crash_status_sign(all[i].status), all[i].nr,
				   crash_status_name(all[i].status));
	}
}

static bool is_open(const struct model *model, const struct table *table)
{
	return model->nr <= MAX_OPEN || table->count.fail || table->count.error ||
	       table->count.inconclusive;
}

static void put_table(FILE *out, const struct model *model, const struct table *table)
{
	const json_t *expect = json_object_get(table->scenario, "expect");

	html_print(out, "<details class=\"scenario\" data-scenario=\"%s\"%s><summary><b>%s</b>",
		   table->name, is_open(model, table) ? " open" : "", table->name);
	if (expect)
		html_print(out, " <span class=\"dim\">expects %s, %s; %lld + %lld guests; %s</span>",
			   json_text(expect, "verdict"), json_text(expect, "outcome"),
			   json_integer_value(json_object_get(table->scenario, "guests")),
			   json_integer_value(json_object_get(table->scenario, "bystanders")),
			   json_text(table->scenario, "situation"));
	put_counts(out, &table->count);
	fputs("</summary>\n<div class=\"wide\"><table class=\"matrix\">\n", out);
	put_head(out, table);
	fputs("<tbody>\n", out);
	for (size_t i = 0; i < table->nr; i++)
		put_row(out, table, &model->place[table->first + i]);
	fputs("</tbody></table></div></details>\n", out);
}

void matrix(FILE *out, const struct model *model)
{
	fputs("<section id=\"matrix\"><h2>Points, deliveries, kernels</h2>\n<p class=\"dim\">A cell "
	      "opens what is known of its crash. <span class=\"keys\" hidden>Arrow keys go from cell to "
	      "cell, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes; <kbd>n</kbd> and <kbd>p</kbd> go to "
	      "the next and the previous one that is not as expected.</span></p>\n", out);
	put_filter(out, model);
	for (size_t i = 0; i < model->nr_tables; i++)
		put_table(out, model, &model->table[i]);
	fputs("</section>\n", out);
}
