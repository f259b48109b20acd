// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which crashes a scenario makes, from which boots. The module is compiled here,
 * from points/; run in tests/unit.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/points.h"
#include "inject/scenario.h"
#include "inject/sweep/plan.h"
#include "tests/unit/compiled.h"
#include "tests/unit/tap.h"

static char directory[256];
static struct points *points;

static void open_module(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/vmx.ko", directory);
	compile_module(path, "cc", "-O2 -g -gdwarf-4 -DNO_RULES ",
		       "points/vmx.c points/nested.c");
	struct error *error = points_create(path, &points);

	if (error)
		errx(1, "%s", error->message);
}

/* @keys: pairs of key and value, NULL behind them. */
static struct scenario make(const char *name, const char *const *keys)
{
	struct scenario scenario;
	struct error *error = scenario_init(name, &scenario);

	for (; !error && keys[0]; keys += 2)
		error = scenario_set(&scenario, keys[0], keys[1]);
	if (error)
		errx(1, "%s", error->message);
	return scenario;
}

#define MAKE(name, ...)	make(name, (const char *const[]){ __VA_ARGS__, NULL })

static size_t count(const struct plan *plan, bool skipped)
{
	size_t nr = 0;

	for (size_t i = 0; i < plan->nr_shots; i++)
		nr += !!plan->shot[i].skip == skipped;
	return nr;
}

static void test_boundaries(void)
{
	_cleanup_(scenario_deinit) struct scenario scenario =
		MAKE("all", "operation", "list_del", "points", "boundaries", "deliver",
		     "self,remote,shootdown");
	_cleanup_(plan_deinit) struct plan plan = { 0 };
	_cleanup_error_ struct error *error = plan_add(&plan, &scenario, 0, "k", points, 0);
	size_t probe = 0, all = 0;

	for (size_t i = 0; i < points_nr_boundaries(points); i++) {
		const struct boundary *boundary = points_boundary(points, i);

		if (!boundary_is_of(boundary, operation_find("list_del")))
			continue;
		all++;
		probe += boundary->probe;
	}
	tap_ok(!error && all && count(&plan, false) == 3 * probe &&
	       count(&plan, true) == 3 * (all - probe),
	       "boundaries: every one of the operation, by each delivery");
	const struct shot *shot = &plan.shot[0];

	tap_ok(strstr(shot->id, "all/k/") == shot->id && strstr(shot->id, "+0x") &&
	       strstr(shot->id, "/self"), "named by scenario, kernel, place, delivery: %s",
	       shot->id);
	tap_ok(shot->may_miss && shot->function && !strcmp(shot->trigger, "migrate"),
	       "which may be missed by the operation's trigger");
}

/* Of all operations, in one of which there are places that the kernel takes no probe at. */
static void test_skipped(void)
{
	_cleanup_(scenario_deinit) struct scenario scenario = MAKE("s", "points", "boundaries");
	_cleanup_(plan_deinit) struct plan plan = { 0 };
	_cleanup_error_ struct error *error = plan_add(&plan, &scenario, 0, "k", points, 0);
	bool reasons = true;

	for (size_t i = 0; i < plan.nr_shots; i++)
		reasons = reasons && (!plan.shot[i].skip || *plan.shot[i].skip);
	tap_ok(!error && reasons && count(&plan, true), "what cannot be probed has a reason");
}

static void test_steps(void)
{
	_cleanup_(scenario_deinit) struct scenario own =
		MAKE("own", "operation", "list_add");
	_cleanup_(scenario_deinit) struct scenario shared =
		MAKE("shared", "operation", "destroy", "trigger", "migrate");
	_cleanup_(plan_deinit) struct plan plan = { 0 };
	_cleanup_error_ struct error *error = plan_add(&plan, &own, 0, "k", points, 0);
	bool all = plan.nr_shots;

	for (size_t i = 0; i < plan.nr_shots; i++)
		all = all && !strncmp(plan.shot[i].point, "list_add/", 9) &&
		      !plan.shot[i].may_miss;
	tap_ok(!error && all, "steps: those of the operation, none of which may be missed");
	size_t before = plan.nr_shots;

	error = plan_add(&plan, &shared, 0, "k", points, 0);
	all = plan.nr_shots > before;
	for (size_t i = before; i < plan.nr_shots; i++)
		all = all && strncmp(plan.shot[i].point, "list_add/", 9) &&
		      !strcmp(plan.shot[i].trigger, "migrate");
	tap_ok(!error && all,
	       "an operation without steps of its own has its functions', with the trigger given");
}

static void test_boots(void)
{
	_cleanup_(scenario_deinit) struct scenario one = MAKE("one", "points", "list_add/2"),
		two = MAKE("two", "points", "list_add/0,list_del/1"),
		lonely = MAKE("lonely", "points", "list_add/2", "guests", "1"),
		idle = MAKE("idle", "points", "list_add/2", "situation", "idle"),
		plain = MAKE("plain", "points", "list_add/1", "situation", "plain"),
		own = MAKE("own", "points", "list_add/2", "cpu", "1"),
		other = MAKE("other", "points", "list_add/2", "cpu", "0");
	_cleanup_(plan_deinit) struct plan plan = { .victim = 1 };
	const struct scenario *const all[] = { &one, &lonely, &two, &idle, &plain, &own, &other };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		error_free(plan_add(&plan, all[i], 0, "k", points, 0));
	error_free(plan_add(&plan, &one, 1, "other", points, 0));
	tap_ok(plan.nr_boots == 5 && plan.boot[0].victim == 1 && plan.boot[3].victim == 0,
	       "one boot for each of guests, situation, victim and kernel: %zu",
	       plan.nr_boots);
	size_t position = 0, nr = 0;

	for (struct shot *shot; (shot = plan_next(&plan, 0, &position)); nr++)
		shot->done = true;
	tap_ok(nr == 5, "which serves all scenarios that need it");
	position = 0;
	tap_ok(!plan_next(&plan, 0, &position), "nothing is made twice");
}

/* As kdump-torture run does it. */
static void test_own_situation(void)
{
	_cleanup_(scenario_deinit) struct scenario scenario =
		MAKE("s", "points", "list_add/2,nested-free/free,vmx_vcpu_load_vmcs+0x1");
	_cleanup_(plan_deinit) struct plan plan = { 0 };
	_cleanup_error_ struct error *error = plan_add(&plan, &scenario, 0, "k", points, 0);

	tap_ok(!error && plan.nr_boots == 2 &&
	       !strcmp(plan.boot[plan.shot[0].boot].situation, "plain") &&
	       !strcmp(plan.boot[plan.shot[1].boot].situation, "nested") &&
	       plan.shot[2].boot == plan.shot[0].boot,
	       "where nobody says it, the situation is that of the point's operation");
}

static void test_names(void)
{
	_cleanup_(scenario_deinit) struct scenario scenario =
		MAKE("s", "points", "list_add/2,vmx_vcpu_load_vmcs+0x1", "deliver", "self,remote");
	_cleanup_(plan_deinit) struct plan plan = { 0 };

	for (unsigned int repeat = 0; repeat < 2; repeat++)
		error_free(plan_add(&plan, &scenario, 0, "k", points, repeat));
	tap_ok(plan.nr_shots == 8 && !strcmp(plan.shot[0].id, "s/k/list_add/2/self") &&
	       !strcmp(plan.shot[5].id, "s/k/list_add/2/remote/2"), "a repeated one has its number");
	tap_ok(plan_get(&plan, 5, "s/k/list_add/2/remote/2") == &plan.shot[5] &&
	       !plan_get(&plan, 5, "s/k/list_add/2/self") && !plan_get(&plan, 8, "x"),
	       "found by number and name together");
	tap_ok(plan.shot[0].function && !plan.shot[2].function,
	       "a place that is none is planned: the run will say what is wrong");
}

static void test_nothing(void)
{
	_cleanup_(scenario_deinit) struct scenario scenario = MAKE("s", "operation", "host",
								   "points", "boundaries");
	_cleanup_(plan_deinit) struct plan plan = { 0 };
	_cleanup_error_ struct error *error = plan_add(&plan, &scenario, 0, "k", points, 0);

	tap_ok(error && strstr(error->message, "scenario s: no points in kernel k"),
	       "a scenario of nothing is an error");
}

int main(void)
{
	char command[512];
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_plan.XXXXXX", tmp ?: "/tmp");
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	open_module();
	test_boundaries();
	test_skipped();
	test_steps();
	test_boots();
	test_own_situation();
	test_names();
	test_nothing();
	points_destroy(points);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	run(command);
	return tap_done();
}
