// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/report/html.h"

struct file {
	char *name;
	char **line;
	size_t nr;
	struct file *next;
};

struct source {
	char *tree;
	struct file *files;
};

struct error *source_create(const char *tree, struct source **ret)
{
	struct stat stat_buffer;

	if (stat(tree, &stat_buffer))
		return error_errno(errno, "%s", tree);
	if (!S_ISDIR(stat_buffer.st_mode))
		return error_new("%s: not a directory with the source of a kernel", tree);
	struct source *source = calloc(1, sizeof(*source));

	if (!source || !(source->tree = strdup(tree))) {
		free(source);
		return &error_no_memory;
	}
	*ret = source;
	return NULL;
}

void source_destroy(struct source *source)
{
	if (!source)
		return;
	for (struct file *file = source->files, *next; file; file = next) {
		next = file->next;
		for (size_t i = 0; i < file->nr; i++)
			free(file->line[i]);
		free(file->line);
		free(file->name);
		free(file);
	}
	free(source->tree);
	free(source);
}

static void read_lines(const char *path, struct file *file)
{
	_cleanup_fclose_ FILE *stream = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (stream && getline(&line, &size, stream) > 0) {
		char **larger = reallocarray(file->line, file->nr + 1, sizeof(*larger));

		if (!larger)
			break;
		file->line = larger;
		line[strcspn(line, "\n")] = '\0';
		file->line[file->nr] = line;
		file->nr++;
		line = NULL;
		size = 0;
	}
	free(line);
}

/* The results may come from anybody: nothing outside the tree is read for them. */
static bool is_inside(const char *name)
{
	return *name != '/' && strcmp(name, "..") && strncmp(name, "../", 3) &&
	       !strstr(name, "/../");
}

static struct file *find_file(struct source *source, const char *name)
{
	for (struct file *file = source->files; file; file = file->next) {
		if (!strcmp(file->name, name))
			return file;
	}
	struct file *file = calloc(1, sizeof(*file));
	_cleanup_free_ char *path = NULL;

	if (!file || !(file->name = strdup(name))) {
		free(file);
		return NULL;
	}
	file->next = source->files;
	source->files = file;
	if (is_inside(name) && asprintf(&path, "%s/%s", source->tree, name) >= 0)
		read_lines(path, file);
	return file;
}

void source_print(struct source *source, const char *name, long long line, FILE *out)
{
	const struct file *file = source ? find_file(source, name) : NULL;

	if (!file || line < 1 || (unsigned long long)line > file->nr)
		return;
	const char *text = file->line[line - 1];

	html_print(out, " <code>%s</code>", text + strspn(text, " \t"));
}
