// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/functions.h"

#include <string.h>

#include "inject/report/html.h"
#include "inject/report/source.h"

/* One function of one kernel. */
struct listing {
	FILE *out;
	const struct model *model;
	struct source *source;
	const char *kernel, *function;
	const char *file;	/* of the row above ... */
	long long line;		/* ... and its line */
};

/* What came of all crashes at one place; NULL: there were none. */
static const struct crash *worst_of(struct crash *const *crash, size_t nr)
{
	const struct crash *worst = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (crash[i]->has_story && (!worst || crash[i]->status > worst->status))
			worst = crash[i];
	}
	return worst;
}

static void put_verdict(const struct listing *listing, unsigned int offset, const char *deliver)
{
	size_t nr;
	struct crash *const *crash = model_at(listing->model, listing->kernel, listing->function,
					      offset, deliver, &nr);
	const struct crash *worst = worst_of(crash, nr);

	if (!worst) {
		fputs("<td class=\"none\"></td>", listing->out);
		return;
	}
	html_print(listing->out, "<td class=\"%s\"><a href=\"#r%zu\" title=\"%s\">%s %s",
		   crash_status_name(worst->status), worst->nr, json_text(worst->json, "text"),
		   crash_status_sign(worst->status), crash_status_name(worst->status));
	if (nr > 1)
		html_print(listing->out, " <small>worst of %zu</small>", nr);
	fputs("</a></td>", listing->out);
}

/* The text of the line is told where another one begins. */
static void put_source(struct listing *listing, const json_t *boundary)
{
	const char *file = json_text(boundary, "file");
	const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	long long line = json_integer_value(json_object_get(boundary, "line"));
	bool is_new = line != listing->line || strcmp(file, listing->file);

	fputs("<td class=\"source\">", listing->out);
	if (*file)
		html_print(listing->out, "<span title=\"%s\">%s:%lld</span>", file, name, line);
	if (*file && is_new)
		source_print(listing->source, file, line, listing->out);
	fputs("</td>", listing->out);
	listing->file = file;
	listing->line = line;
}

static void put_boundary(struct listing *listing, const json_t *boundary)
{
	unsigned int offset = json_integer_value(json_object_get(boundary, "offset"));
	bool probe = json_is_true(json_object_get(boundary, "probe"));
	const char *op = json_text(boundary, "op"), *step = json_text(boundary, "step");

	html_print(listing->out, "<tr class=\"%s\"><th scope=\"row\"><code>+%#x</code></th>",
		   probe ? "probe" : "no-probe", offset);
	for (size_t i = 0; i < NR_DELIVERIES; i++)
		put_verdict(listing, offset, deliveries[i]);
	html_print(listing->out, "<td><code>%s</code>", json_text(boundary, "instruction"));
	if (!probe)
		html_print(listing->out, "<span class=\"problem\">no probe: %s</span>",
			   json_text(boundary, "problem"));
	html_print(listing->out, "</td><td class=\"last\">%s%s%s</td>", op, *step ? "/" : "", step);
	put_source(listing, boundary);
	fputs("</tr>\n", listing->out);
}

/* What a function has come to. */
struct coverage {
	size_t nr, nr_probe;	/* boundaries, and how many can be probed */
	size_t nr_crashed;	/* at how many of them a crash was made */
	size_t nr_bad;		/* and how many of those are not as expected */
	enum crash_status worst;
};

static struct coverage coverage_of(const struct model *model, const char *kernel,
				   const char *function, const json_t *boundaries)
{
	struct coverage coverage = { .nr = json_array_size(boundaries) };
	const json_t *boundary;
	size_t i;

	json_array_foreach(boundaries, i, boundary) {
		unsigned int offset = json_integer_value(json_object_get(boundary, "offset"));
		bool made = false, bad = false;

		for (size_t k = 0; k < NR_DELIVERIES; k++) {
			size_t nr;
			struct crash *const *crash = model_at(model, kernel, function, offset,
							      deliveries[k], &nr);

			for (size_t n = 0; n < nr; n++) {
				made |= crash[n]->status != CRASH_SKIP;
				bad |= !crash_is_fine(crash[n]);
				if (crash[n]->status > coverage.worst)
					coverage.worst = crash[n]->status;
			}
		}
		coverage.nr_probe += json_is_true(json_object_get(boundary, "probe"));
		coverage.nr_crashed += made;
		coverage.nr_bad += bad;
	}
	return coverage;
}

static void put_function(FILE *out, const struct model *model, struct source *source,
			 const char *kernel, const char *function, const json_t *boundaries)
{
	const struct coverage coverage = coverage_of(model, kernel, function, boundaries);
	struct listing listing = {
		.out = out, .model = model, .source = source, .kernel = kernel,
		.function = function, .file = "",
	};
	const json_t *boundary;
	size_t i;

	if (!coverage.nr_crashed)
		return;
	html_print(out, "<details class=\"function\"%s><summary><code>%s()</code> <span class=\"dim\">"
		   "crashed at %zu of the %zu places that can be probed, of %zu</span>",
		   coverage.nr_bad ? " open" : "", function, coverage.nr_crashed, coverage.nr_probe,
		   coverage.nr);
	if (coverage.nr_bad)
		html_print(out, " <span class=\"badge %s\">%s %zu not as expected</span>",
			   crash_status_name(coverage.worst), crash_status_sign(coverage.worst),
			   coverage.nr_bad);
	fputs("</summary>\n<div class=\"wide\"><table class=\"code\"><thead><tr><th scope=\"col\">"
	      "offset<th scope=\"col\">self<th scope=\"col\">remote<th scope=\"col\">shootdown"
	      "<th scope=\"col\">next instruction<th scope=\"col\">last step<th scope=\"col\">source"
	      "</tr></thead><tbody>\n", out);
	json_array_foreach(boundaries, i, boundary)
		put_boundary(&listing, boundary);
	fputs("</tbody></table></div></details>\n", out);
}

/* Those that no crash came into. */
static void put_others(FILE *out, const struct model *model, const char *kernel,
		       const json_t *functions_json)
{
	const char *name, *before = "<p class=\"dim\">Not crashed in: ";
	json_t *function;

	json_object_foreach((json_t *)functions_json, name, function) {
		const json_t *boundaries = json_object_get(function, "boundaries");

		if (coverage_of(model, kernel, name, boundaries).nr_crashed)
			continue;
		fputs(before, out);
		html_print(out, "<code>%s()</code> (%zu)", name, json_array_size(boundaries));
		before = ", ";
	}
	if (!strcmp(before, ", "))
		fputs("</p>\n", out);
}

void functions(FILE *out, const struct model *model, struct source *source)
{
	const char *kernel, *name;
	json_t *description, *function;

	fputs("<section id=\"functions\"><h2>Functions</h2>\n<p class=\"dim\">A crash comes before the "
	      "instruction of its row; the last step of the operation is what has been done then."
	      "</p>\n", out);
	json_object_foreach(json_object_get(model->root, "kernels"), kernel, description) {
		const json_t *all = json_object_get(description, "functions");

		html_print(out, "<h3>Kernel %s <span class=\"dim\">%s</span></h3>\n", kernel,
			   json_text(description, "release"));
		json_object_foreach((json_t *)all, name, function)
			put_function(out, model, source, kernel, name,
				     json_object_get(function, "boundaries"));
		put_others(out, model, kernel, all);
	}
	fputs("</section>\n", out);
}
