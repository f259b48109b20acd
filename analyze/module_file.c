// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/module_file.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

/* A directory may have the modules of several kernels, but no more than this. */
#define MAX_CANDIDATES	64

struct candidates {
	char *path[MAX_CANDIDATES];
	size_t nr;
};

static void cleanup_candidates(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->nr; i++)
		free(candidates->path[i]);
}

static void cleanup_fts(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

/* What libdwfl reads, and how debug files are named. */
static bool is_suffix(const char *text)
{
	static const char *const suffixes[] = {
		".ko", ".ko.debug", ".ko.gz", ".ko.bz2", ".ko.xz", ".ko.zst",
	};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!strcmp(text, suffixes[i]))
			return true;
	}
	return false;
}

static bool is_file_of(const char *file, const char *module)
{
	for (; *module; file++, module++) {
		if (*file != *module && !(*file == '-' && *module == '_'))
			return false;
	}
	return is_suffix(file);
}

static struct error *find_candidates(const char *dir, const char *name, struct candidates *ret)
{
	char *const roots[] = { (char *)dir, NULL };
	FTS *fts __attribute__((__cleanup__(cleanup_fts))) =
		fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);

	if (!fts)
		return error_errno(errno, "%s: cannot search it", dir);
	for (FTSENT *entry; (entry = fts_read(fts)) && ret->nr < MAX_CANDIDATES;) {
		if (entry->fts_level == 0 && entry->fts_info != FTS_D && entry->fts_info != FTS_DP)
			return error_errno(entry->fts_errno ? entry->fts_errno : ENOTDIR,
					   "%s: cannot search it for modules", dir);
		if ((entry->fts_info != FTS_F && entry->fts_info != FTS_SL) ||
		    !is_file_of(entry->fts_name, name))
			continue;
		ret->path[ret->nr] = strdup(entry->fts_path);
		if (!ret->path[ret->nr])
			return &error_no_memory;
		ret->nr++;
	}
	return NULL;
}

/* Open @path if it is the file of the dump. */
static struct error *open_candidate(const char *path, const char *name,
				    const struct module_sections *sections,
				    const struct build_id *id, struct debuginfo **ret)
{
	char what[80];
	struct error *err = debuginfo_open_module(path, name, sections, ret);

	if (err)
		return err;
	snprintf(what, sizeof(what), "module %s", name);
	err = debuginfo_check(*ret, what, id);
	if (err) {
		debuginfo_close(*ret);
		*ret = NULL;
	}
	return err;
}

struct error *module_file_open(const char *dir, const char *name,
			       const struct module_sections *sections,
			       const struct build_id *id, struct debuginfo **ret)
{
	struct candidates candidates __attribute__((__cleanup__(cleanup_candidates))) = {};
	struct debuginfo *best = NULL;
	_cleanup_error_ struct error *mismatch = NULL;
	struct error *err = find_candidates(dir, name, &candidates);

	if (err)
		return err;
	for (size_t i = 0; i < candidates.nr && !(best && debuginfo_dwarf(best)); i++) {
		struct debuginfo *file = NULL;

		err = open_candidate(candidates.path[i], name, sections, id, &file);
		if (err && !mismatch)
			mismatch = err;
		else
			error_free(err);
		if (!file)
			continue;
		if (best && !debuginfo_dwarf(file)) {
			debuginfo_close(file);
			continue;
		}
		debuginfo_close(best);
		best = file;
	}
	*ret = best;
	return best ? NULL : no_cleanup_ptr(mismatch);
}
