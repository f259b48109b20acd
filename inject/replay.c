// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/replay.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/emulator.h"
#include "inject/json.h"
#include "inject/kernel_build.h"
#include "inject/process.h"
#include "inject/run.h"

struct replay {
	char *directory;
	json_t *record;
	char *kernel;		/* path; NULL: its name will do */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Lines of sha256sum(1): the sum, two spaces, the path. */
static struct error *parse_sums(char *text, json_t *ret)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *space = strchr(line, ' ');

		if (!space || !strchr(space, '/'))
			return error_new("sha256sum: cannot understand \"%s\"", line);
		*space = '\0';
		json_object_set_new(ret, base_name(space + 1), json_string(line));
	}
	return NULL;
}

struct error *replay_inputs(const struct kernel_build *kernel, json_t **ret)
{
	_cleanup_free_ char *agent = NULL, *library = NULL, *text = NULL;

	if (asprintf(&agent, "%s/agent", data_directory()) < 0 ||
	    asprintf(&library, "%s/snapshot.so", data_directory()) < 0)
		return &error_no_memory;
	const char *command[] = {
		"sha256sum", kernel->bzimage, kernel->capture, kernel->irqbypass, kernel->kvm,
		kernel->kvm_intel, kernel->driver, agent, library, "/sbin/kexec",
		"/usr/bin/makedumpfile", NULL,
	};
	struct error *err = run_tool(command, &text);

	if (err)
		return err;
	json_t *sums = json_object();

	err = parse_sums(text, sums);
	if (err)
		json_decref(sums);
	else
		*ret = sums;
	return err;
}

static struct error *missing(const struct replay *replay, const char *key)
{
	return error_new("%s/run.json: no \"%s\"; was it written by another version?",
			 replay->directory, key);
}

/* A string of the record, or of an @object in it, that every record has. */
static struct error *get_text(const struct replay *replay, const json_t *object, const char *key,
			      const char **ret)
{
	*ret = json_string_value(json_object_get(object, key));
	return *ret ? NULL : missing(replay, key);
}

static struct error *take_numbers(const struct replay *replay, struct run_options *options)
{
	const struct json_number numbers[] = {
		{ "victim", &options->victim },
		{ "guests", &options->guests },
		{ "bystanders", &options->bystanders },
		{ "skip", &options->skip },
		{ "memory_mib", &options->memory },
		{ "disk_mib", &options->disk },
		{ "timeout", &options->timeout },
	};
	const json_t *budget = json_object_get(replay->record, "budget");
	const char *key = json_take_numbers(replay->record, numbers,
					    sizeof(numbers) / sizeof(numbers[0]));

	if (key)
		return missing(replay, key);
	if (budget)
		options->budget = json_integer_value(budget);
	return NULL;
}

static void take_flags(const struct replay *replay, struct run_options *options)
{
	const json_t *record = replay->record;
	const char *without = json_string_value(json_object_get(record, "without"));

	options->checks = json_is_true(json_object_get(record, "checks"));
	options->compress = json_is_true(json_object_get(record, "compress"));
	options->same_kernel = json_is_true(json_object_get(record, "same_kernel"));
	options->in_capture = json_is_true(json_object_get(record, "in_capture"));
	options->without_crash_kernel = without && !strcmp(without, "crash-kernel");
	options->without_arming = without && !strcmp(without, "arming");
	options->vary = json_string_value(json_object_get(record, "vary"));
}

/* What was a path may have been one from another directory. */
static struct error *take_kernel(struct replay *replay, struct run_options *options)
{
	static const char *const images[] = { "/arch/x86/boot/bzImage", "/bzImage" };
	const json_t *kernel = json_object_get(replay->record, "kernel");
	const char *bzimage;
	struct error *err = get_text(replay, kernel, "name", &options->kernel);

	if (!err)
		err = get_text(replay, kernel, "bzimage", &bzimage);
	if (err || (!strchr(options->kernel, '/') && strcmp(options->kernel, ".")))
		return err;
	size_t length = strlen(bzimage);

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		size_t end = strlen(images[i]);

		if (length < end || strcmp(bzimage + length - end, images[i]))
			continue;
		options->kernel = replay->kernel = strndup(bzimage, length - end);
		return replay->kernel ? NULL : &error_no_memory;
	}
	return NULL;
}

static struct error *take_texts(struct replay *replay, struct run_options *options)
{
	const json_t *point = json_object_get(replay->record, "point");
	const char *via = NULL, *path = NULL;
	struct error *err = get_text(replay, point, "name", &options->point);

	if (!err)
		err = get_text(replay, point, "via", &via);
	if (!err)
		err = get_text(replay, replay->record, "deliver", &options->deliver);
	if (!err)
		err = get_text(replay, replay->record, "trigger", &options->trigger);
	if (!err)
		err = get_text(replay, replay->record, "situation", &options->situation);
	if (!err)
		err = get_text(replay, replay->record, "path", &path);
	if (!err)
		err = run_path_parse(path, &options->path);
	if (err)
		return err;
	options->via = strcmp(via, "hook") ? VIA_KPROBE : VIA_HOOK;
	return NULL;
}

/* Another emulator lets the CPUs take turns of another length. */
static struct error *find_emulator(const struct replay *replay, struct run_options *options)
{
	static const enum emulator_choice choices[] = { EMULATOR_FAST, EMULATOR_PACKAGED };
	const char *version;
	struct error *err = get_text(replay, replay->record, "target_version", &version);

	for (size_t i = 0; !err && i < sizeof(choices) / sizeof(choices[0]); i++) {
		_cleanup_(emulator_deinit) struct emulator emulator = {};
		_cleanup_error_ struct error *absent = emulator_find(choices[i], &emulator);

		if (absent || strcmp(emulator.version, version))
			continue;
		options->emulator = choices[i];
		return NULL;
	}
	return err ? err : error_new("%s: that run was on %s, which is not here; on another "
				     "emulator it would not repeat", replay->directory, version);
}

static struct error *take_options(struct replay *replay, struct run_options *options)
{
	const char *outcome, *target = "";
	struct error *err = get_text(replay, replay->record, "outcome", &outcome);

	if (!err)
		err = get_text(replay, replay->record, "target", &target);
	if (!err && !strcmp(target, "qemu"))
		err = error_new("%s: that run was on target qemu, whose runs are not alike to the "
				"instruction", replay->directory);
	if (!err && !strcmp(outcome, "interrupted"))
		err = error_new("%s: that run was interrupted: it has no end to be repeated",
				replay->directory);
	if (!err)
		err = take_kernel(replay, options);
	if (!err)
		err = take_texts(replay, options);
	if (!err)
		err = take_numbers(replay, options);
	if (!err)
		err = find_emulator(replay, options);
	if (!err)
		take_flags(replay, options);
	return err;
}

struct error *replay_create(const char *directory, struct run_options *options,
			    struct replay **ret)
{
	_cleanup_(cleanup_replay) struct replay *replay = calloc(1, sizeof(*replay));
	_cleanup_free_ char *path = NULL;
	json_error_t problem;

	if (!replay)
		return &error_no_memory;
	replay->directory = realpath(directory, NULL);
	if (!replay->directory)
		return error_errno(errno, "--replay %s", directory);
	if (asprintf(&path, "%s/run.json", replay->directory) < 0)
		return &error_no_memory;
	replay->record = json_load_file(path, 0, &problem);
	if (!replay->record)
		return error_new("--replay %s: no record of a run: %s", directory, problem.text);
	struct error *err = take_options(replay, options);

	if (err)
		return error_context(err, "--replay");
	*ret = no_cleanup_ptr(replay);
	return NULL;
}

void replay_destroy(struct replay *replay)
{
	if (!replay)
		return;
	json_decref(replay->record);
	free(replay->directory);
	free(replay->kernel);
	free(replay);
}

const char *replay_directory(const struct replay *replay)
{
	return replay->directory;
}

struct error *replay_check_inputs(const struct replay *replay, const json_t *inputs)
{
	json_t *recorded = json_object_get(replay->record, "inputs"), *sum;
	char others[512] = "";
	const char *name;

	if (!json_is_object(recorded))
		return error_new("--replay: %s/run.json does not say what the run was made of: "
				 "an older version wrote it", replay->directory);
	json_object_foreach(recorded, name, sum)
		if (!json_equal(sum, json_object_get(inputs, name)))
			snprintf(others + strlen(others), sizeof(others) - strlen(others), "%s%s",
				 others[0] ? ", " : "", name);
	if (!others[0])
		return NULL;
	return error_new("--replay: %s: that run was made of another %s than what is here now "
			 "(by SHA-256); it would not repeat", replay->directory, others);
}

/* A count of instructions; @recorded may be NULL: there was none. */
static struct error *compare_count(const char *what, const json_t *recorded, uint64_t now)
{
	unsigned long long then = json_integer_value(recorded);

	if (then == now)
		return NULL;
	return error_new("--replay: not repeated: %s after %llu emulated instructions a CPU, in "
			 "the recorded run after %llu", what, (unsigned long long)now, then);
}

static struct error *compare_outcome(const json_t *record, const struct run_result *result)
{
	const char *outcome = json_string_value(json_object_get(record, "outcome"));
	int status = json_integer_value(json_object_get(record, "exit_status"));

	if (!strcmp(outcome, result->outcome) && status == (int)result->status)
		return NULL;
	return error_new("--replay: not repeated: outcome %s with exit status %d, in the recorded "
			 "run %s with %d", result->outcome, result->status, outcome, status);
}

/* @ret: there were two. */
static struct error *compare_dumps(const struct replay *replay, const struct run_result *result,
				   bool *ret)
{
	_cleanup_free_ char *then = NULL, *now = NULL;

	if (asprintf(&then, "%s/vmcore", replay->directory) < 0 ||
	    asprintf(&now, "%s/vmcore", result->directory) < 0)
		return &error_no_memory;
	*ret = !access(then, F_OK) && !access(now, F_OK);
	if (!*ret)
		return NULL;
	struct error *err = run_tool((const char *[]){ "cmp", then, now, NULL }, NULL);

	return err ? error_context(err, "--replay: not repeated: another dump") : NULL;
}

struct error *replay_compare(const struct replay *replay, const struct run_result *result,
			     FILE *out)
{
	const json_t *record = replay->record;
	bool dumps = false;
	struct error *err = compare_count("the host was armed",
					  json_object_get(record, "armed_ticks"),
					  result->armed_ticks);

	if (!err)
		err = compare_count("the crash kernel was entered",
				    json_object_get(record, "ticks"), result->ticks);
	if (!err)
		err = compare_outcome(record, result);
	if (!err)
		err = compare_dumps(replay, result, &dumps);
	if (err)
		return err;
	unsigned long long ticks = result->ticks ? result->ticks : result->armed_ticks;

	if (!ticks && !dumps)
		return error_new("--replay: the same outcome, but the run left neither a count of "
				 "instructions nor a dump to show that it was repeated");
	fprintf(out, "repeated exactly:");
	if (ticks)
		fprintf(out, " %llu instructions a CPU until %s%s", ticks, result->ticks ?
			"the crash kernel was entered" : "the host was armed", dumps ? "," : "");
	fprintf(out, "%s\n", dumps ? " the same dump" : "");
	return NULL;
}
