// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/results.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

/* In the name of what is not one place. */
#define WINDOW	" after "

static const char *const change_names[] = {
	[CHANGE_SAME] = "as before",
	[CHANGE_NEW_FAILURE] = "new failure",
	[CHANGE_FLAKY] = "flaky",
	[CHANGE_STILL_FAILING] = "still failing",
	[CHANGE_UNKNOWN] = "no longer known",
	[CHANGE_MISSING] = "missing",
	[CHANGE_FIXED] = "fixed",
	[CHANGE_NEW] = "new",
};

const char *results_change_name(enum results_change change)
{
	return change_names[change];
}

/* One crash of a sweep, by the name that it has in a comparison. */
struct entry {
	char *key;
	const json_t *result;
};

struct entries {
	struct entry *entry;
	size_t nr;
};

static void entries_deinit(struct entries *entries)
{
	for (size_t i = 0; i < entries->nr; i++)
		free(entries->entry[i].key);
	free(entries->entry);
}

static const char *get(const json_t *result, const char *key)
{
	return json_string_value(json_object_get(result, key)) ?: "";
}

static const json_t *boundaries_of(const json_t *root, const json_t *result)
{
	const json_t *kernel = json_object_get(json_object_get(root, "kernels"),
					       get(result, "kernel"));
	const json_t *function = json_object_get(json_object_get(kernel, "functions"),
						 get(result, "function"));

	return json_object_get(function, "boundaries");
}

/* Offsets and instructions, or nothing of the function is known in both. */
static bool same_code(const json_t *a, const json_t *b)
{
	size_t nr = json_array_size(a);

	if (nr != json_array_size(b))
		return false;
	for (size_t i = 0; i < nr; i++) {
		const json_t *one = json_array_get(a, i), *other = json_array_get(b, i);

		if (!json_equal(json_object_get(one, "offset"), json_object_get(other, "offset")) ||
		    strcmp(get(one, "instruction"), get(other, "instruction")))
			return false;
	}
	return true;
}

/* The boundaries of @result's function in the kernel of @root that it is not from. */
static const json_t *other_boundaries(const json_t *root, const json_t *result)
{
	const json_t *kernels = json_object_get(root, "kernels");
	const json_t *same = json_object_get(kernels, get(result, "kernel"));
	const char *name;
	json_t *kernel;

	json_object_foreach((json_t *)kernels, name, kernel) {
		if (same && kernel != same)
			continue;
		return json_object_get(json_object_get(json_object_get(kernel, "functions"),
						       get(result, "function")), "boundaries");
	}
	return NULL;
}

/* One sweep of a comparison. */
struct side {
	const json_t *root;
	json_t *kernel;		/* by scenario: that it has crashed; null: several */
	struct entries entries;
};

static void side_deinit(struct side *side)
{
	json_decref(side->kernel);
	entries_deinit(&side->entries);
}

static void note_kernel(struct side *side, const json_t *result)
{
	const char *scenario = get(result, "scenario");
	const json_t *known = json_object_get(side->kernel, scenario);

	if (!known)
		json_object_set(side->kernel, scenario, json_object_get(result, "kernel"));
	else if (!json_equal(known, json_object_get(result, "kernel")))
		json_object_set_new(side->kernel, scenario, json_null());
}

static struct side side_of(const struct results *results)
{
	struct side side = { .root = results_json(results), .kernel = json_object() };
	const json_t *result;
	size_t i;

	json_array_foreach(json_object_get(side.root, "results"), i, result)
		note_kernel(&side, result);
	return side;
}

/* One kernel that is compared with one other: their names do not matter. */
static bool is_of_one_kernel(const struct side *side, const struct side *other,
			     const char *scenario)
{
	return json_is_string(json_object_get(side->kernel, scenario)) &&
	       json_is_string(json_object_get(other->kernel, scenario));
}

/* Between which steps. */
static char *window_of(const json_t *result)
{
	const char *op = get(result, "op"), *step = get(result, "step");
	char *window;

	return asprintf(&window, "%s" WINDOW "%s%s%s", get(result, "function"), *op ? op : "-",
			*op ? "/" : "", *op && !*step ? "-" : step) < 0 ? NULL : window;
}

/* SCENARIO/[KERNEL/]PLACE/DELIVERY */
static char *key_of(const struct side *side, const struct side *other, const json_t *result)
{
	const char *scenario = get(result, "scenario");
	const char *point = get(result, "point");
	bool any = is_of_one_kernel(side, other, scenario);
	bool elsewhere = strstr(point, "+0x") &&
			 !same_code(boundaries_of(side->root, result),
				    other_boundaries(other->root, result));
	_cleanup_free_ char *window = elsewhere ? window_of(result) : NULL;
	char *key;

	if (elsewhere && !window)
		return NULL;
	return asprintf(&key, "%s/%s%s%s/%s", scenario, any ? "" : get(result, "kernel"),
			any ? "" : "/", window ?: point, get(result, "deliver")) < 0 ? NULL : key;
}

static int compare_keys(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	return strcmp(one->key, other->key);
}

/* What the other sweep was not to make is not missing there. */
static bool is_in_both(const struct side *side, const struct side *other, const json_t *result)
{
	const char *scenario = get(result, "scenario");
	const json_t *theirs = json_object_get(other->root, "scenarios");

	if (theirs && !json_object_get(theirs, scenario))
		return false;
	return is_of_one_kernel(side, other, scenario) ||
	       json_object_get(json_object_get(other->root, "kernels"), get(result, "kernel"));
}

static struct error *collect(struct side *side, const struct side *other)
{
	const json_t *results = json_object_get(side->root, "results");
	struct entries *ret = &side->entries;
	const json_t *result;
	size_t i;

	ret->entry = calloc(json_array_size(results) + 1, sizeof(*ret->entry));
	if (!ret->entry)
		return &error_no_memory;
	json_array_foreach(results, i, result) {
		struct entry *entry = &ret->entry[ret->nr];

		if (!is_in_both(side, other, result))
			continue;
		entry->key = key_of(side, other, result);
		if (!entry->key)
			return &error_no_memory;
		entry->result = result;
		ret->nr++;
	}
	qsort(ret->entry, ret->nr, sizeof(*ret->entry), compare_keys);
	return NULL;
}

/* What all crashes of one name came to. */
struct sum {
	struct results_count count;
	const json_t *first;	/* NULL: there are none */
	const json_t *worst;	/* that failed, else that nothing is known of; else the first */
};

static bool is_failure(const json_t *result)
{
	return !strcmp(get(result, "status"), "fail") || !strcmp(get(result, "status"), "error");
}

static void add(struct sum *sum, const json_t *result)
{
	const char *status = get(result, "status");
	bool failed_before = sum->count.fail || sum->count.error;

	if (!sum->first)
		sum->first = sum->worst = result;
	if (!failed_before && (is_failure(result) || !strcmp(status, "inconclusive")))
		sum->worst = result;
	results_count_add(&sum->count, status);
}

static bool fails(const struct sum *sum)
{
	return sum->count.fail || sum->count.error;
}

/* Some was made, and something is known of it. */
static bool passes(const struct sum *sum)
{
	return sum->count.pass && !fails(sum);
}

static bool is_made(const struct sum *sum)
{
	return results_count_total(&sum->count) > sum->count.skip;
}

/* The same crash, made more than once, came to different ends. In a window are many. */
static bool is_flaky(const struct sum *sum, bool window)
{
	return !window && fails(sum) && sum->count.pass;
}

static enum results_change change_of(const struct sum *before, const struct sum *after,
				     bool window)
{
	if (fails(after) && !fails(before))
		return CHANGE_NEW_FAILURE;
	if (fails(after))
		return is_flaky(after, window) ? CHANGE_FLAKY : CHANGE_STILL_FAILING;
	if (is_made(before) && !is_made(after))
		return CHANGE_MISSING;
	if (after->count.inconclusive)
		return passes(before) && !before->count.inconclusive ? CHANGE_UNKNOWN : CHANGE_SAME;
	if (fails(before))
		return is_flaky(before, window) ? CHANGE_FLAKY : CHANGE_FIXED;
	return is_made(after) && !is_made(before) ? CHANGE_NEW : CHANGE_SAME;
}

static struct error *add_difference(struct results_comparison *ret, const char *key,
				    const struct sum *before, const struct sum *after)
{
	bool window = strstr(key, WINDOW);
	enum results_change change = change_of(before, after, window);

	ret->count[change]++;
	if (change == CHANGE_SAME)
		return NULL;
	struct results_difference *larger = reallocarray(ret->difference, ret->nr + 1,
							 sizeof(*larger));

	if (!larger)
		return &error_no_memory;
	ret->difference = larger;
	larger[ret->nr] = (struct results_difference){
		.change = change, .name = strdup(key),
		.before = before->worst, .after = after->worst,
	};
	return larger[ret->nr++].name ? NULL : &error_no_memory;
}

/* All entries of one name; @position goes behind them. */
static void take(const struct entries *entries, const char *key, size_t *position,
		 struct sum *ret)
{
	for (; *position < entries->nr && !strcmp(entries->entry[*position].key, key);
	     ++*position)
		add(ret, entries->entry[*position].result);
}

static struct error *merge(const struct entries *before, const struct entries *after,
			   struct results_comparison *ret)
{
	size_t old = 0, new = 0;
	struct error *err = NULL;

	while (!err && (old < before->nr || new < after->nr)) {
		const char *a = old < before->nr ? before->entry[old].key : NULL;
		const char *b = new < after->nr ? after->entry[new].key : NULL;
		const char *key = !b || (a && strcmp(a, b) < 0) ? a : b;
		struct sum was = { 0 }, is = { 0 };

		take(before, key, &old, &was);
		take(after, key, &new, &is);
		err = add_difference(ret, key, &was, &is);
	}
	return err;
}

static int compare_differences(const void *a, const void *b)
{
	const struct results_difference *one = a, *other = b;

	return one->change != other->change ? (int)one->change - (int)other->change :
					      strcmp(one->name, other->name);
}

struct error *results_compare(const struct results *before, const struct results *after,
			      struct results_comparison *ret)
{
	_cleanup_(side_deinit) struct side old = side_of(before);
	_cleanup_(side_deinit) struct side new = side_of(after);

	*ret = (struct results_comparison){ 0 };
	struct error *err = collect(&old, &new);

	if (!err)
		err = collect(&new, &old);
	if (!err)
		err = merge(&old.entries, &new.entries, ret);
	if (err) {
		results_comparison_deinit(ret);
		return err;
	}
	if (ret->nr)
		qsort(ret->difference, ret->nr, sizeof(*ret->difference), compare_differences);
	return NULL;
}

void results_comparison_deinit(struct results_comparison *comparison)
{
	for (size_t i = 0; i < comparison->nr; i++)
		free(comparison->difference[i].name);
	free(comparison->difference);
	*comparison = (struct results_comparison){ 0 };
}

enum exit_status results_comparison_status(const struct results_comparison *comparison)
{
	if (comparison->count[CHANGE_NEW_FAILURE])
		return STATUS_FAIL;
	return comparison->count[CHANGE_UNKNOWN] || comparison->count[CHANGE_MISSING] ?
	       STATUS_INCONCLUSIVE : STATUS_PASS;
}

static void print_result(FILE *file, const char *when, const json_t *result)
{
	if (!result)
		return;
	fprintf(file, "#     %s: %s", when, get(result, "status"));
	if (strcmp(get(result, "status"), "pass"))
		fprintf(file, ": %s: %.*s", get(result, "outcome"),
			(int)strcspn(get(result, "text"), "\n"), get(result, "text"));
	putc('\n', file);
}

void results_comparison_print(const struct results_comparison *comparison, FILE *file)
{
	for (size_t i = 0; i < comparison->nr; i++) {
		const struct results_difference *difference = &comparison->difference[i];

		fprintf(file, "# %s: %s\n", change_names[difference->change], difference->name);
		print_result(file, "before", difference->before);
		print_result(file, "now", difference->after);
	}
	fputs("# against the baseline:", file);
	for (size_t i = 0; i < NR_CHANGES; i++)
		fprintf(file, "%s %zu %s", i ? "," : "", comparison->count[i], change_names[i]);
	putc('\n', file);
}
