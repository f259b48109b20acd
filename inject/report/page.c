// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/page.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "analyze/error.h"
#include "inject/report/assets.h"
#include "inject/report/functions.h"
#include "inject/report/html.h"
#include "inject/report/list_svg.h"
#include "inject/report/matrix.h"
#include "inject/report/story.h"
#include "inject/report/times.h"

/* Of the failures, so many are listed; the matrix has them all. */
#define MAX_LISTED	500

struct verdict {
	const char *word, *class;
};

static bool is_finished(const struct model *model)
{
	return json_is_string(json_object_get(model->root, "finished"));
}

/* What was broken off passes no more than what nothing is known of. */
static struct verdict verdict_of(const struct model *model)
{
	enum exit_status status = results_count_status(&model->count);

	if (status == STATUS_USAGE)
		return (struct verdict){ "error", "error" };
	if (status == STATUS_FAIL)
		return (struct verdict){ "fail", "fail" };
	if (status == STATUS_INCONCLUSIVE || !is_finished(model))
		return (struct verdict){ "inconclusive", "inconclusive" };
	return (struct verdict){ "pass", "pass" };
}

static const char *sign_of(const struct verdict *verdict)
{
	enum crash_status status = CRASH_PASS;

	while (strcmp(crash_status_name(status), verdict->class))
		status++;
	return crash_status_sign(status);
}

/* A script that is not this page's has another number, and does not run. */
static struct error *make_nonce(char *ret)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_errno(errno, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		sprintf(ret + 2 * i, "%02x", bytes[i]);
	return NULL;
}

static void put_head(FILE *out, const struct model *model, const char *nonce)
{
	const struct verdict verdict = verdict_of(model);

	html_print(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'; script-src 'nonce-%s'; img-src data:; base-uri 'none'; "
		   "form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, "
		   "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
		   "<meta name=\"generator\" content=\"kdump-torture report\">\n"
		   "<title>kdump-torture: %s, %zu crashes</title>\n<style>\n", nonce, verdict.word,
		   model->nr);
	fputs(report_style, out);
	fputs("</style>\n</head>\n<body>\n", out);
	list_svg_markers(out);
}

/* How the crashes divide, as long as there are any. */
static void put_bar(FILE *out, const struct model *model)
{
	size_t count[NR_CRASH_STATUSES] = { 0 };

	for (size_t i = 0; i < model->nr; i++)
		count[model->crash[i].status]++;
	fputs("<div class=\"bar\" aria-hidden=\"true\">", out);
	for (int status = NR_CRASH_STATUSES - 1; status >= 0; status--) {
		if (count[status])
			html_print(out, "<span class=\"%s\" style=\"flex-grow:%zu\"></span>",
				   crash_status_name(status), count[status]);
	}
	fputs("</div>\n<ul class=\"counts\">", out);
	for (int status = NR_CRASH_STATUSES - 1; status >= 0; status--) {
		if (count[status] || status == CRASH_FAIL || status == CRASH_PASS)
			html_print(out, "<li class=\"%s\" data-count=\"%s\"><i>%s</i> <b>%zu</b> %s</li>",
				   crash_status_name(status), crash_status_name(status),
				   crash_status_sign(status), count[status],
				   crash_status_name(status));
	}
	html_print(out, "<li data-count=\"total\"><b>%zu</b> in all</li></ul>\n", model->nr);
}

static void put_fact(FILE *out, const char *name, const char *value)
{
	if (*value)
		html_print(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, value);
}

static void put_kernels(FILE *out, const struct model *model)
{
	const char *name, *before = "";
	json_t *kernel;

	fputs("<div class=\"kernels\"><dt>kernels</dt><dd>", out);
	json_object_foreach(json_object_get(model->root, "kernels"), name, kernel) {
		html_print(out, "%s<b>%s</b> %s", before, name, json_text(kernel, "release"));
		before = ", ";
	}
	fputs("</dd></div>\n", out);
}

static void put_facts(FILE *out, const struct model *model)
{
	const json_t *root = model->root;

	fputs("<dl class=\"summary\">\n", out);
	put_kernels(out, model);
	put_fact(out, "emulator", json_text(root, "emulator"));
	html_print(out, "<div><dt>began</dt><dd><time>%s</time></dd></div>\n",
		   json_text(root, "started"));
	put_fact(out, "ended", json_text(root, "finished"));
	html_print(out, "<div><dt>took</dt><dd>%.1f s, %lld at a time</dd></div>\n<div><dt>pace</dt>"
		   "<dd>%.1f crashes a minute, boots left out</dd></div>\n",
		   json_number(root, "seconds"), json_integer_value(json_object_get(root, "jobs")),
		   json_number(root, "pace"));
	fputs("</dl>\n", out);
	if (*json_text(root, "command"))
		html_print(out, "<pre class=\"command\">%s</pre>\n", json_text(root, "command"));
}

static size_t nr_bad(const struct model *model)
{
	return model->count.fail + model->count.error + model->count.inconclusive;
}

static void put_summary(FILE *out, const struct model *model)
{
	const struct verdict verdict = verdict_of(model);
	size_t bad = nr_bad(model);

	html_print(out, "<header class=\"top %s\">\n<p class=\"name\">kdump-torture</p>\n"
		   "<h1><span class=\"badge %s\" id=\"verdict\">%s %s</span> ", verdict.class,
		   verdict.class, sign_of(&verdict), verdict.word);
	if (!model->nr)
		fputs("there is no crash in it", out);
	else if (bad)
		html_print(out, "%zu of %zu crashes are not as expected", bad, model->nr);
	else
		html_print(out, "%zu crashes, all that were made as expected", model->nr);
	fputs("</h1>\n", out);
	if (!is_finished(model))
		fputs("<p class=\"wrong\">The sweep was broken off; <code>kdump-torture sweep --resume"
		      "</code> goes on with it.</p>\n", out);
	put_bar(out, model);
	put_facts(out, model);
	fputs("</header>\n", out);
}

static void put_navigation(FILE *out, const struct model *model)
{
	fputs("<nav aria-label=\"parts of the page\"><a href=\"#failures\">Not as expected</a> ", out);
	if (model->comparison)
		fputs("<a href=\"#changes\">Since the baseline</a> ", out);
	fputs("<a href=\"#matrix\">Matrix</a> <a href=\"#functions\">Functions</a> "
	      "<a href=\"#times\">Times</a></nav>\n", out);
}

static void put_failure(FILE *out, const struct crash *crash)
{
	const char *status = crash_status_name(crash->status);

	html_print(out, "<tr><td><span class=\"badge %s\">%s %s</span></td><td><a href=\"#r%zu\">"
		   "<code>%s</code></a></td><td>%s</td><td>%s</td><td>%s</td><td>", status,
		   crash_status_sign(crash->status), status, crash->nr, crash->point,
		   crash->deliver, crash->kernel, crash->scenario);
	story_text(out, crash);
	fputs("</td></tr>\n", out);
}

static void put_failures(FILE *out, const struct model *model)
{
	size_t nr = 0;

	html_print(out, "<section id=\"failures\"><h2>Not as expected <span class=\"dim\">%zu</span>"
		   "</h2>\n", nr_bad(model));
	for (int status = NR_CRASH_STATUSES - 1; status >= CRASH_INCONCLUSIVE; status--) {
		for (size_t i = 0; i < model->nr; i++) {
			if ((int)model->crash[i].status != status || nr++ >= MAX_LISTED)
				continue;
			if (nr == 1)
				fputs("<div class=\"wide tall\"><table class=\"facts stack failures\"><thead><tr>"
				      "<th scope=\"col\">status<th scope=\"col\">point"
				      "<th scope=\"col\">delivery<th scope=\"col\">kernel"
				      "<th scope=\"col\">scenario<th scope=\"col\">what</tr></thead>"
				      "<tbody>\n", out);
			put_failure(out, &model->crash[i]);
		}
	}
	fputs(nr ? "</tbody></table></div>\n" : "<p>Nothing.</p>\n", out);
	if (nr > MAX_LISTED)
		html_print(out, "<p>And %zu more: the matrix below has them all.</p>\n",
			   nr - MAX_LISTED);
	fputs("</section>\n", out);
}

/* The crash that @result is of. */
static const struct crash *find_crash(const struct model *model, const json_t *result)
{
	for (size_t i = 0; result && i < model->nr; i++) {
		if (model->crash[i].json == result)
			return &model->crash[i];
	}
	return NULL;
}

static void put_side(FILE *out, const json_t *result)
{
	if (!result)
		fputs("<td class=\"dim\">not made</td>", out);
	else
		html_print(out, "<td><span class=\"badge %s\">%s</span> %s</td>",
			   json_text(result, "status"), json_text(result, "status"),
			   json_text(result, "text"));
}

static void put_difference(FILE *out, const struct model *model,
			   const struct results_difference *difference)
{
	const struct crash *crash = find_crash(model, difference->after);

	html_print(out, "<tr data-change=\"%s\"><td><b>%s</b></td><td>",
		   results_change_name(difference->change),
		   results_change_name(difference->change));
	if (crash && crash->has_story)
		html_print(out, "<a href=\"#r%zu\"><code>%s</code></a>", crash->nr,
			   difference->name);
	else
		html_print(out, "<code>%s</code>", difference->name);
	fputs("</td>", out);
	put_side(out, difference->before);
	put_side(out, difference->after);
	fputs("</tr>\n", out);
}

static void put_change_counts(FILE *out, const struct results_comparison *comparison)
{
	size_t total = 0;

	fputs("<ul class=\"counts\">", out);
	for (size_t i = 0; i < NR_CHANGES; i++) {
		if (comparison->count[i])
			html_print(out, "<li data-change-count=\"%s\"><b>%zu</b> %s</li>",
				   results_change_name(i), comparison->count[i],
				   results_change_name(i));
		total += comparison->count[i];
	}
	fputs("</ul>\n", out);
	if (!total)
		fputs("<p class=\"wrong\">Nothing can be compared: no scenario is in both.</p>\n", out);
}

static void put_changes(FILE *out, const struct model *model, const char *baseline)
{
	const struct results_comparison *comparison = model->comparison;

	if (!comparison)
		return;
	html_print(out, "<section id=\"changes\"><h2>Since the baseline <span class=\"dim\">%s</span>"
		   "</h2>\n", baseline);
	put_change_counts(out, comparison);
	if (comparison->nr) {
		fputs("<div class=\"wide tall\"><table class=\"facts stack\"><thead><tr><th scope=\"col\">change"
		      "<th scope=\"col\">crash, or window<th scope=\"col\">then<th scope=\"col\">now"
		      "</tr></thead><tbody>\n", out);
		for (size_t i = 0; i < comparison->nr; i++)
			put_difference(out, model, &comparison->difference[i]);
		fputs("</tbody></table></div>\n", out);
	}
	fputs("</section>\n", out);
}

static void put_legend(FILE *out)
{
	fputs("<aside class=\"legend\"><h3>How to read it</h3><ul>\n", out);
	for (size_t i = 0; i < NR_CRASH_STATUSES; i++) {
		static const char *const meanings[] = {
			[CRASH_PASS] = "as the scenario expects; of a known bug that it is seen",
			[CRASH_SKIP] = "not made: no probe can be there, or nothing comes there",
			[CRASH_INCONCLUSIVE] = "nothing can be said",
			[CRASH_FAIL] = "not as expected",
			[CRASH_ERROR] = "the suite itself, or the two paths differ",
		};

		html_print(out, "<li><span class=\"badge %s\">%s %s</span> %s</li>\n",
			   crash_status_name(i), crash_status_sign(i), crash_status_name(i),
			   meanings[i]);
	}
	fputs("<li>In a drawing, <code>-&gt;next</code> leads down on the right and "
	      "<code>-&gt;prev</code> up on the left. <span class=\"solid\">Solid</span> pointers are those of a list that "
	      "nothing is under way on; <span class=\"dashed\">dashed</span> ones belong to a half-linked "
	      "entry or lead where they should not.</li></ul></aside>\n", out);
}

struct error *page_print(FILE *out, const struct page *page)
{
	const struct story_context context = { page->model, page->link };
	char nonce[33];
	struct error *err = make_nonce(nonce);

	if (err)
		return err;
	put_head(out, page->model, nonce);
	put_summary(out, page->model);
	put_navigation(out, page->model);
	fputs("<main>\n", out);
	put_failures(out, page->model);
	put_changes(out, page->model, page->baseline);
	matrix(out, page->model);
	put_legend(out);
	functions(out, page->model, page->source);
	err = times(out, page->model);
	fputs("<div id=\"stories\">\n", out);
	stories(out, &context);
	html_print(out, "</div>\n</main>\n<script nonce=\"%s\">\n", nonce);
	fputs(report_script, out);
	fputs("</script>\n</body>\n</html>\n", out);
	return err;
}
