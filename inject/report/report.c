// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/report/html.h"
#include "inject/report/model.h"
#include "inject/report/page.h"
#include "inject/report/source.h"
#include "inject/results.h"

static void cleanup_source(struct source **source)
{
	source_destroy(*source);
}

/* Of a directory itself, of a file the one that it is in. */
static char *directory_of(const char *path)
{
	struct stat stat_buffer;
	const char *slash = strrchr(path, '/');

	if (!stat(path, &stat_buffer) && S_ISDIR(stat_buffer.st_mode))
		return strdup(path);
	return slash ? strndup(path, slash - path + (slash == path)) : strdup(".");
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat one, other;

	return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Whether results that were given as @results, by file or directory, are in @path. */
static bool holds_results(const char *path, const char *results)
{
	_cleanup_free_ char *inside = NULL;

	if (!results)
		return false;
	return is_same_file(path, results) || (asprintf(&inside, "%s/" RESULTS_FILE, results) >= 0 &&
					       is_same_file(path, inside));
}

static struct error *choose_path(const struct report_options *options, const char *directory,
				 char **ret)
{
	if (!options->out)
		return asprintf(ret, "%s/report.html", directory) < 0 ? &error_no_memory : NULL;
	if (holds_results(options->out, options->results) ||
	    holds_results(options->out, options->baseline))
		return error_new("%s: holds results, and is not overwritten; choose another --output",
				 options->out);
	*ret = strdup(options->out);
	return *ret ? NULL : &error_no_memory;
}

/* From the page to the directory of the sweep; what is beside it may be moved along. */
static struct error *make_link(const char *page, const char *directory, char **ret)
{
	_cleanup_free_ char *here = directory_of(page), *there = realpath(directory, NULL);
	size_t size;

	if (!here || !there)
		return error_errno(errno, "%s", directory);
	if (is_same_file(here, there)) {
		*ret = strdup("");
		return *ret ? NULL : &error_no_memory;
	}
	FILE *link = open_memstream(ret, &size);

	if (!link)
		return &error_no_memory;
	fputs("file://", link);
	html_path(link, there);
	putc('/', link);
	return fclose(link) ? &error_no_memory : NULL;
}

static struct error *write_page(const char *path, const struct page *page)
{
	_cleanup_free_ char *new = NULL;

	if (asprintf(&new, "%s.new", path) < 0)
		return &error_no_memory;
	_cleanup_fclose_ FILE *file = fopen(new, "we");

	if (!file)
		return error_errno(errno, "%s: cannot write", path);
	struct error *err = page_print(file, page);

	if (!err && (ferror(file) || fflush(file)))
		err = error_errno(errno, "%s: cannot write", path);
	if (!err && rename(new, path))
		err = error_errno(errno, "%s: cannot write", path);
	if (err)
		unlink(new);
	return err;
}

static struct error *write_model(const struct report_options *options, const char *path,
				 const struct model *model, const char *directory)
{
	_cleanup_(cleanup_source) struct source *source = NULL;
	_cleanup_free_ char *link = NULL;
	struct error *err = make_link(path, directory, &link);

	if (!err && options->source)
		err = source_create(options->source, &source);
	if (err)
		return err;
	return write_page(path, &(struct page){ .model = model, .baseline = options->baseline,
						.source = source, .link = link });
}

static struct error *write_report(const struct report_options *options,
				  const struct results *results,
				  const struct results_comparison *comparison, char **ret)
{
	_cleanup_free_ char *directory = directory_of(options->results), *path = NULL;
	_cleanup_(model_deinit) struct model model = { 0 };

	if (!directory)
		return &error_no_memory;
	struct error *err = choose_path(options, directory, &path);

	if (err)
		return err;
	err = model_init(results, comparison, &model);
	if (err)
		return error_context(err, "%s", options->results);
	err = write_model(options, path, &model, directory);
	if (!err)
		*ret = no_cleanup_ptr(path);
	return err;
}

struct error *report_write(const struct report_options *options, char **ret)
{
	_cleanup_(cleanup_results) struct results *results = NULL, *baseline = NULL;
	_cleanup_(results_comparison_deinit) struct results_comparison comparison = { 0 };
	struct error *err = results_load(options->results, &results);

	if (!err && options->baseline)
		err = results_load(options->baseline, &baseline);
	if (!err && baseline)
		err = results_compare(baseline, results, &comparison);
	if (err)
		return err;
	return write_report(options, results, baseline ? &comparison : NULL, ret);
}
