// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/maxphyaddr/cases.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

/* Lines are kept until the result that they belong to. */
#define MAX_TEXT 2048

struct cases {
	const char *target, *kernel;
	json_t *results;
	char parameters[128], program[64];	/* of the subtest that runs; empty: none */
	size_t groups;				/* that it has reported */
	bool failed;				/* one of them has */
	unsigned int count[4];			/* pass, fail, xfail, skip */
	bool counted;
	char text[MAX_TEXT];
	json_t *notes;
};

struct cases *cases_new(const char *target, const char *kernel)
{
	struct cases *cases = calloc(1, sizeof(*cases));

	if (!cases)
		return NULL;
	cases->target = target;
	cases->kernel = kernel;
	cases->results = json_array();
	cases->notes = json_array();
	return cases;
}

static void forget_group(struct cases *cases)
{
	memset(cases->count, 0, sizeof(cases->count));
	cases->counted = false;
	cases->text[0] = '\0';
	json_array_clear(cases->notes);
}

/* Bytes of a target go into JSON and XML. */
static void add_text(struct cases *cases, const char *line)
{
	size_t used = strlen(cases->text);

	snprintf(cases->text + used, sizeof(cases->text) - used, "%s%s", used ? "\n" : "", line);
	for (char *p = cases->text + used; *p; p++)
		if ((unsigned char)*p > '~' || ((unsigned char)*p < ' ' && *p != '\n'))
			*p = '?';
}

static void add_result(struct cases *cases, const char *name, const char *status)
{
	json_t *result = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:O}",
				   "target", cases->target, "kernel", cases->kernel,
				   "parameters", cases->parameters, "program", cases->program,
				   "name", name, "pass", cases->count[0], "fail", cases->count[1],
				   "xfail", cases->count[2], "skip", cases->count[3],
				   "status", status, "text", cases->text,
				   "notes", json_deep_copy(cases->notes));
	char id[512], outcome[64] = "";

	if (!strcmp(status, "fail"))
		snprintf(outcome, sizeof(outcome), "%u of %u cases", cases->count[1],
			 cases->count[0] + cases->count[1] + cases->count[2]);
	snprintf(id, sizeof(id), "%s %s: %s%s%s", cases->kernel, cases->parameters, cases->program,
		 *name ? " " : "", name);
	json_object_set_new(result, "id", json_string(id));
	/* As the writers of KTAP and JUnit have it of crashes */
	json_object_set_new(result, "outcome", json_string(outcome));
	json_object_set_new(result, "seconds", json_real(0));
	char suite[256];

	snprintf(suite, sizeof(suite), "%s %s", cases->target, cases->parameters);
	json_object_set_new(result, "scenario", json_string(suite));
	json_array_append_new(cases->results, result);
	cases->failed = cases->failed || !strcmp(status, "fail");
	forget_group(cases);
}

/* @line: "ok 3 NAME # SKIP why" or "not ok 3 NAME". */
static bool parse_result(const char *line, bool *ret_good, char *name, size_t size,
			 const char **ret_skip)
{
	const char *rest = line;
	int used = 0;

	*ret_good = strncmp(line, "not ", 4) != 0;
	rest += *ret_good ? 0 : 4;
	if (sscanf(rest, "ok %*u %n", &used) != 0 || !used)
		return false;
	/* The kernel's harness puts the name of what is skipped behind the directive. */
	static const char skipped[] = "# SKIP ";
	bool behind = !strncmp(rest + used, skipped, strlen(skipped));
	const char *directive = behind ? NULL : strstr(rest, " # ");
	const char *end = directive ?: rest + strlen(rest);
	const char *skip = behind ? "" : directive ? strstr(directive, "SKIP") : NULL;

	used += behind ? strlen(skipped) : 0;
	snprintf(name, size, "%.*s", (int)(end - rest - used), rest + used);
	*ret_skip = skip ? skip + strspn(skip, "SKIP ") : NULL;
	return true;
}

/* Of a program: its name ends the name of the subtest. */
static void begin_subtest(struct cases *cases, const char *name)
{
	const char *space = strrchr(name, ' ');

	forget_group(cases);
	cases->groups = 0;
	cases->failed = false;
	snprintf(cases->program, sizeof(cases->program), "%s", space ? space + 1 : name);
	snprintf(cases->parameters, sizeof(cases->parameters), "%.*s",
		 space ? (int)(space - name) : 0, name);
}

/* A program without groups, or one that has failed without a group that did. */
static void end_subtest(struct cases *cases, bool good, const char *skip)
{
	bool told = cases->groups && (good || cases->failed);

	if (skip && *skip)
		add_text(cases, skip);
	if (!told) {
		cases->count[skip ? 3 : good ? 0 : 1]++;
		add_result(cases, "", skip ? "skip" : good ? "pass" : "fail");
	}
	cases->program[0] = '\0';
}

static void take_group_line(struct cases *cases, const char *line)
{
	unsigned int count[4];
	char name[256];
	const char *skip;
	bool good;

	if (sscanf(line, "# cases pass:%u fail:%u xfail:%u skip:%u", &count[0], &count[1],
		   &count[2], &count[3]) == 4) {
		memcpy(cases->count, count, sizeof(count));
		cases->counted = true;
	} else if (!strncmp(line, "# xfail ", 8) || !strncmp(line, "# xpass ", 8)) {
		json_array_append_new(cases->notes, json_string(line + 2));
		if (line[3] == 'p')
			add_text(cases, line + 2);
	} else if (parse_result(line, &good, name, sizeof(name), &skip)) {
		if (!cases->counted)
			cases->count[skip ? 3 : good ? 0 : 1] = 1;
		if (skip)
			add_text(cases, skip);
		cases->groups++;
		add_result(cases, name, skip ? "skip" : good ? "pass" : "fail");
	} else if (!strncmp(line, "1..0 # SKIP", 11)) {
		add_text(cases, line + 11 + strspn(line + 11, " -"));
	} else if (strncmp(line, "1..", 3) && strncmp(line, "TAP ", 4) &&
		   strncmp(line, "KTAP ", 5) && strncmp(line, "# Totals", 8)) {
		add_text(cases, line + (line[0] == '#' && line[1] == ' ' ? 2 : 0));
	}
}

void cases_take(struct cases *cases, const char *line)
{
	char name[256];
	const char *skip;
	bool good;

	if (!strncmp(line, "# Subtest: ", 11))
		begin_subtest(cases, line + 11);
	else if (!strncmp(line, "    ", 4) && cases->program[0])
		take_group_line(cases, line + 4);
	else if (cases->program[0] && parse_result(line, &good, name, sizeof(name), &skip))
		end_subtest(cases, good, skip);
	else if (!strncmp(line, "1..0 # SKIP", 11)) {
		snprintf(cases->program, sizeof(cases->program), "maxphyaddr.sh");
		end_subtest(cases, true, line + 11 + strspn(line + 11, " -"));
	}
}

void cases_end(struct cases *cases, const char *why)
{
	if (!why)
		return;
	if (!cases->program[0])
		snprintf(cases->program, sizeof(cases->program), "maxphyaddr.sh");
	add_text(cases, why);
	cases->groups = 0;
	end_subtest(cases, false, NULL);
}

json_t *cases_results(struct cases *cases)
{
	return cases->results;
}

void cases_free(struct cases *cases)
{
	if (!cases)
		return;
	json_decref(cases->results);
	json_decref(cases->notes);
	free(cases);
}
