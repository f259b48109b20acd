// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a forward walk finds on a list whose list_add() or list_del() was
 * interrupted after any of its stores: the ground that commit 31603d4fc2bb
 * ("KVM: VMX: Always VMCLEAR in-use VMCSes during crash with kexec support")
 * stands on. Its author simulated the five half-done states; here are also
 * those after the poison stores and at the ends of the list. All of it is on
 * a list of its own, nothing here can crash.
 */
#define pr_fmt(fmt) fmt	/* KTAP lines begin at the start of a line */

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/poison.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "kdt.h"

#define KDT_MAX_ENTRIES	3
#define KDT_MAX_STORES	4

/* e1, e2, ... as they were added: the list reads in reverse. */
struct kdt_scratch {
	struct list_head head;
	struct list_head e[KDT_MAX_ENTRIES];
};

/* What the walk finds after 0, 1, ... of the stores of adding or deleting e@nr. */
struct kdt_list_case {
	const char *what;
	bool add;
	unsigned int nr_entries;	/* on the list at first */
	unsigned int nr;
	const char *found[KDT_MAX_STORES + 1];
};

static const struct kdt_list_case kdt_list_cases[] = {
	{ "to an empty list", true, 0, 1, { "", "", "", "", "e1" } },
	{ "to e2 e1", true, 2, 3,
	  { "e2 e1", "e2 e1", "e2 e1", "e2 e1", "e3 e2 e1" } },
	{ "of e2 from e3 e2 e1", false, 3, 2,
	  { "e3 e2 e1", "e3 e2 e1", "e3 e1", "e3 e1", "e3 e1" } },
	{ "of the first of e3 e2 e1", false, 3, 3,
	  { "e3 e2 e1", "e3 e2 e1", "e2 e1", "e2 e1", "e2 e1" } },
	{ "of the last of e3 e2 e1", false, 3, 1,
	  { "e3 e2 e1", "e3 e2 e1", "e3 e2", "e3 e2", "e3 e2" } },
	{ "of the only entry", false, 1, 1, { "e1", "e1", "", "", "" } },
};

static void kdt_scratch_init(struct kdt_scratch *s, unsigned int nr_entries)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	INIT_LIST_HEAD(&s->head);
	for (i = 0; i < nr_entries; i++)
		list_add(&s->e[i], &s->head);
}

/* The first @stores stores of list_add(), in the order of <linux/list.h>. */
static void kdt_add_partly(struct list_head *new, struct list_head *prev,
			   unsigned int stores)
{
	struct list_head *next = prev->next;

	if (stores > 0)
		next->prev = new;
	if (stores > 1)
		new->next = next;
	if (stores > 2)
		new->prev = prev;
	if (stores > 3)
		prev->next = new;
}

/* The same of list_del(). */
static void kdt_del_partly(struct list_head *entry, unsigned int stores)
{
	struct list_head *prev = entry->prev, *next = entry->next;

	if (stores > 0)
		next->prev = prev;
	if (stores > 1)
		prev->next = next;
	if (stores > 2)
		entry->next = LIST_POISON1;
	if (stores > 3)
		entry->prev = LIST_POISON2;
}

/* Walks forward and writes what it finds, as "e3 e1", to @ret. */
static void kdt_walk(const struct kdt_scratch *s, char *ret, size_t size)
{
	const struct list_head *pos;
	size_t used = 0;

	ret[0] = '\0';
	for (pos = s->head.next; pos != &s->head; pos = pos->next) {
		/* A pointer out of the list, or a loop, must not be followed. */
		if (pos < s->e || pos >= s->e + KDT_MAX_ENTRIES || used >= size - 4) {
			strscpy(ret, "a bad pointer", size);
			return;
		}
		used += scnprintf(ret + used, size - used, "%se%td", used ? " " : "",
				  pos - s->e + 1);
	}
}

/* Both lists at the same address, so that all pointers compare. */
static bool kdt_same_as_kernel(const struct kdt_list_case *c,
			       struct kdt_scratch *s)
{
	struct kdt_scratch partly = *s;

	kdt_scratch_init(s, c->nr_entries);
	if (c->add)
		list_add(&s->e[c->nr - 1], &s->head);
	else
		list_del(&s->e[c->nr - 1]);
	return !memcmp(&partly, s, sizeof(partly));
}

static bool kdt_list_state(const struct kdt_list_case *c, unsigned int stores,
			   unsigned int test)
{
	const char *op = c->add ? "list_add" : "list_del";
	struct kdt_scratch s;
	char found[32];
	bool ok;

	kdt_scratch_init(&s, c->nr_entries);
	if (c->add)
		kdt_add_partly(&s.e[c->nr - 1], &s.head, stores);
	else
		kdt_del_partly(&s.e[c->nr - 1], stores);

	kdt_walk(&s, found, sizeof(found));
	ok = !strcmp(found, c->found[stores]);
	if (!ok)
		pr_info("# found \"%s\", not \"%s\"\n", found, c->found[stores]);
	if (stores == KDT_MAX_STORES && !kdt_same_as_kernel(c, &s)) {
		pr_info("# %s() of this kernel leaves another state\n", op);
		ok = false;
	}
	pr_info("%s %u %s/%u %s finds %s\n", ok ? "ok" : "not ok", test, op, stores,
		c->what, c->found[stores][0] ? c->found[stores] : "nothing");
	return ok;
}

/* KTAP to the kernel log. */
void kdt_list_state_test(void)
{
	unsigned int nr_tests = ARRAY_SIZE(kdt_list_cases) * (KDT_MAX_STORES + 1);
	unsigned int test, pass = 0;

	pr_info("KTAP version 1\n");
	pr_info("# kdump_torture list_state\n");
	pr_info("1..%u\n", nr_tests);
	for (test = 0; test < nr_tests; test++)
		pass += kdt_list_state(&kdt_list_cases[test / (KDT_MAX_STORES + 1)],
				       test % (KDT_MAX_STORES + 1), test + 1);
	pr_info("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:0 error:0\n", pass,
		nr_tests - pass);
}
