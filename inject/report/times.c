// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/times.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/report/html.h"

#define NR_SLOWEST	10

static int compare_numbers(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

static int slower_first(const void *a, const void *b)
{
	const struct crash *one = *(const struct crash *const *)a;
	const struct crash *other = *(const struct crash *const *)b;
	double x = json_number(one->json, "seconds"), y = json_number(other->json, "seconds");

	return x > y ? -1 : x < y ? 1 : one->nr < other->nr ? -1 : one->nr > other->nr;
}

static bool is_of(const struct crash *crash, const char *scenario, const struct column *column)
{
	return crash->status != CRASH_SKIP && !strcmp(crash->scenario, scenario) &&
	       !strcmp(crash->kernel, column->kernel) && !strcmp(crash->deliver, column->deliver);
}

/* The values of @key, sorted; without those that are 0, for they are not known. */
static size_t collect(const struct model *model, const char *scenario,
		      const struct column *column, const char *key, double *ret)
{
	size_t nr = 0;

	for (size_t i = 0; i < model->nr; i++) {
		double value = json_number(model->crash[i].json, key);

		if (value > 0 && is_of(&model->crash[i], scenario, column))
			ret[nr++] = value;
	}
	qsort(ret, nr, sizeof(*ret), compare_numbers);
	return nr;
}

static void put_number(FILE *out, const double *value, size_t nr, size_t position, double unit)
{
	if (nr)
		html_print(out, "<td class=\"number\">%.2f</td>", value[position] / unit);
	else
		fputs("<td class=\"number\">–</td>", out);
}

static void put_column(FILE *out, const struct model *model, const struct table *table,
		       const struct column *column, double *values)
{
	size_t nr = collect(model, table->name, column, "seconds", values);

	html_print(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td class=\"number\">%zu</td>",
		   table->name, column->kernel, column->deliver, nr);
	put_number(out, values, nr, nr / 2, 1);
	put_number(out, values, nr, nr * 95 / 100, 1);
	put_number(out, values, nr, nr - 1, 1);
	nr = collect(model, table->name, column, "ticks", values);
	put_number(out, values, nr, nr / 2, 1e6);
	put_number(out, values, nr, nr - 1, 1e6);
	fputs("</tr>\n", out);
}

static void put_slowest(FILE *out, const struct model *model, struct crash **sorted)
{
	for (size_t i = 0; i < model->nr; i++)
		sorted[i] = &model->crash[i];
	qsort(sorted, model->nr, sizeof(struct crash *), slower_first);
	fputs("<h3>The slowest</h3>\n<div class=\"wide\"><table class=\"facts\"><thead><tr>"
	      "<th scope=\"col\">seconds<th scope=\"col\">status<th scope=\"col\">crash</tr></thead>"
	      "<tbody>\n", out);
	for (size_t i = 0, nr = 0; i < model->nr && nr < NR_SLOWEST; i++) {
		const struct crash *crash = sorted[i];

		if (!crash->has_story)
			continue;
		html_print(out, "<tr><td class=\"number\">%.2f</td><td><span class=\"badge %s\">%s %s"
			   "</span></td><td><a href=\"#r%zu\">%s</a></td></tr>\n",
			   json_number(crash->json, "seconds"), crash_status_name(crash->status),
			   crash_status_sign(crash->status), crash_status_name(crash->status),
			   crash->nr, crash->id);
		nr++;
	}
	fputs("</tbody></table></div>\n", out);
}

struct error *times(FILE *out, const struct model *model)
{
	_cleanup_free_ double *values = calloc(model->nr + 1, sizeof(*values));
	_cleanup_free_ struct crash **sorted = calloc(model->nr + 1, sizeof(struct crash *));

	if (!values || !sorted)
		return &error_no_memory;
	html_print(out, "<section id=\"times\"><h2>Times</h2>\n<p>%.1f s in all, %.1f crashes a minute "
		   "without the boots, %lld at a time.</p>\n<div class=\"wide\"><table class=\"facts\">"
		   "<thead><tr><th scope=\"col\">scenario<th scope=\"col\">kernel<th scope=\"col\">delivery"
		   "<th scope=\"col\">crashes<th scope=\"col\">median s<th scope=\"col\">95 %% s"
		   "<th scope=\"col\">longest s<th scope=\"col\">median ticks, millions"
		   "<th scope=\"col\">most</tr></thead><tbody>\n", json_number(model->root, "seconds"),
		   json_number(model->root, "pace"),
		   json_integer_value(json_object_get(model->root, "jobs")));
	for (size_t i = 0; i < model->nr_tables; i++) {
		const struct table *table = &model->table[i];

		for (size_t k = 0; k < table->nr_columns; k++)
			put_column(out, model, table, &table->column[k], values);
	}
	fputs("</tbody></table></div>\n", out);
	put_slowest(out, model, sorted);
	fputs("</section>\n", out);
	return NULL;
}
