// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every physical-address bit that a guest's MAXPHYADDR forbids, in the entry of every
 * level of every paging mode, under every access for which the answer may differ. The
 * answer is the model's; KTAP has a line for each mode, level and access.
 */
#include "errata.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest.h"

#define MAX_FAILURES	5	/* told of a group */

/* An entry that a bit is put into */
struct kind {
	const char *name;
	enum level level;
	bool leaf;		/* maps a page */
};

struct mode {
	const char *name;
	enum paging paging;
	const struct kind *kinds;
	size_t nr_kinds;
};

static const struct kind long_kinds[] = {
	{ "PTE", LEVEL_PTE, true },
	{ "PDE", LEVEL_PDE, false },
	{ "PDE-2M", LEVEL_PDE, true },
	{ "PDPTE", LEVEL_PDPTE, false },
	{ "PDPTE-1G", LEVEL_PDPTE, true },
	{ "PML4E", LEVEL_PML4E, false },
	{ "PML5E", LEVEL_PML5E, false },
};

static const struct kind pae_kinds[] = {
	{ "PTE", LEVEL_PTE, true },
	{ "PDE", LEVEL_PDE, false },
	{ "PDE-2M", LEVEL_PDE, true },
	{ "PDPTE", LEVEL_PDPTE, false },
};

static const struct kind pse_kinds[] = {
	{ "PDE-4M", LEVEL_PDE, true },
};

static const struct mode modes[] = {
	{ "4-level", PAGING_4LEVEL, long_kinds, 6 },
	{ "5-level", PAGING_5LEVEL, long_kinds, 7 },
	{ "PAE", PAGING_PAE, pae_kinds, 4 },
	{ "PSE", PAGING_32BIT, pse_kinds, 1 },
};

static const char *const access_names[] = { "read", "write", "fetch" };

/* What a case was made from */
struct test_case {
	const struct kind *kind;
	struct paging_state state;
	struct access access;
	unsigned int bit;	/* 0: none */
	bool aliased;
	uint64_t taken;		/* of P, W and U: those that the entry has not; NX if it has */
	uint64_t entry[NR_LEVELS];
};

struct cases {
	struct test_case *cases;
	size_t nr, room;
};

struct group {
	unsigned int pass, fail, xfail, skip;
	struct erratum_count *errata;
	char failures[MAX_FAILURES][200];
};

struct options {
	unsigned int maxphyaddr;
	bool brief;
};

static struct host host;
static bool has_smep, has_smap, has_1g, has_la57;

/* Of entry 1 of the top table: entry 0 maps the guest itself. */
static uint64_t top_of_address(enum paging paging)
{
	switch (paging) {
	case PAGING_5LEVEL:
		return 1ULL << 48;
	case PAGING_4LEVEL:
		return 1ULL << 39;
	default:
		return 1ULL << 30;
	}
}

static unsigned int shift_of(enum paging paging, enum level level)
{
	return 12 + (level - 1) * (paging == PAGING_32BIT ? 10 : 9);
}

/* SDM 4.3: bits 39:32 of the address of a 4-MByte page are bits 20:13 of its PDE. */
static uint64_t address_bit(enum paging paging, unsigned int bit)
{
	if (!bit)
		return 0;
	return 1ULL << (paging == PAGING_32BIT && bit >= 32 ? bit - 19 : bit);
}

static uint64_t page_of(enum paging paging, enum level level, bool aliased)
{
	return TARGET(aliased) & ~((1ULL << shift_of(paging, level)) - 1);
}

/* The walk to the target, with the bit and the rights of the case in the entry of its level */
static void make_entries(struct test_case *c)
{
	enum paging paging = c->state.paging;
	enum level leaf = c->kind->leaf ? c->kind->level : LEVEL_PTE;

	for (enum level level = walk_top(paging); level >= leaf; level--) {
		bool pdpte = paging == PAGING_PAE && level == LEVEL_PDPTE;
		uint64_t entry = ENTRY_P | (pdpte ? 0 : ENTRY_W | ENTRY_U);

		if (level > leaf)
			entry |= TABLES(c->aliased, level - 1);
		else
			entry |= page_of(paging, level, c->aliased) |
				 (level > LEVEL_PTE ? ENTRY_PS : 0);
		if (level == c->kind->level)
			entry = (entry ^ c->taken) | address_bit(paging, c->bit);
		c->entry[level] = entry;
	}
}

static uint32_t entry_at(const struct test_case *c, enum level level)
{
	enum paging paging = c->state.paging;
	unsigned int size = paging == PAGING_32BIT ? 4 : 8;
	uint32_t table = level == walk_top(paging) ? machine_top_table(paging) :
						     TABLES(c->aliased, level);
	uint64_t index = c->access.address >> shift_of(paging, level);

	return table + (index & (4096 / size - 1)) * size;
}

/* The case as the guest does it */
static void to_guest(const struct test_case *c, struct guest_case *ret)
{
	const struct paging_state *state = &c->state;
	enum level leaf = c->kind->leaf ? c->kind->level : LEVEL_PTE;

	*ret = (struct guest_case){
		.address = c->access.address,
		.type = c->access.type, .user = c->access.user, .ac = c->access.ac,
		.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_PG |
		       (state->wp ? X86_CR0_WP : 0),
		.cr4 = (state->paging == PAGING_32BIT ? X86_CR4_PSE : X86_CR4_PAE) |
		       (state->paging == PAGING_5LEVEL ? X86_CR4_LA57 : 0) |
		       (state->smep ? X86_CR4_SMEP : 0) | (state->smap ? X86_CR4_SMAP : 0),
		.efer = (state->paging >= PAGING_4LEVEL ? EFER_LME | EFER_LMA : 0) |
			(state->nxe ? EFER_NX : 0),
	};
	for (enum level level = walk_top(state->paging); level >= leaf; level--) {
		ret->entry[ret->nr_entries] = c->entry[level];
		ret->entry_at[ret->nr_entries++] = entry_at(c, level);
	}
}

/* Whether a control, if it is not as usual, can change the answer */
static bool controls_matter(const struct test_case *c)
{
	const struct paging_state *state = &c->state;
	const struct access *access = &c->access;
	bool user_page = !(c->taken & ENTRY_U);

	if (!state->wp &&
	    (access->user || access->type != ACCESS_WRITE || !(c->taken & ENTRY_W)))
		return false;
	if (state->paging != PAGING_32BIT && !state->nxe &&
	    access->type != ACCESS_FETCH && !(c->taken & ENTRY_NX))
		return false;
	/* The error code tells of a fetch with SMEP, if not with NX. */
	if (state->smep && (access->type != ACCESS_FETCH ||
			    ((access->user || !user_page) && state->nxe)))
		return false;
	return !state->smap || (access->type != ACCESS_FETCH && !access->user && user_page);
}

static bool rights_matter(const struct test_case *c)
{
	if (c->state.paging == PAGING_PAE && c->kind->level == LEVEL_PDPTE)
		return !(c->taken & ~ENTRY_P);
	if (c->taken & ENTRY_P)
		return c->taken == ENTRY_P;
	if (c->state.paging == PAGING_32BIT && (c->taken & ENTRY_NX))
		return false;
	return !(c->taken & ENTRY_W) || c->access.type == ACCESS_WRITE;
}

static void add_case(struct cases *cases, const struct test_case *c)
{
	if (cases->nr == cases->room) {
		cases->room += 4096;
		cases->cases = realloc(cases->cases, cases->room * sizeof(*c));
		TEST_ASSERT(cases->cases, "out of memory");
	}
	cases->cases[cases->nr] = *c;
	make_entries(&cases->cases[cases->nr++]);
}

/* Each access and each set of rights, with the bit and the controls of @c */
static void add_accesses(struct cases *cases, struct test_case *c)
{
	for (int i = 0; i < 3 * 2 * 16; i++) {
		c->access.type = i % 3;
		c->access.user = i / 3 % 2;
		c->taken = (i / 6 & 1 ? ENTRY_P : 0) | (i / 12 & 1 ? ENTRY_W : 0) |
			   (i / 24 & 1 ? ENTRY_U : 0) | (i / 48 & 1 ? ENTRY_NX : 0);
		if (rights_matter(c) && controls_matter(c))
			add_case(cases, c);
	}
}

static void add_bit(struct cases *cases, struct test_case *c, unsigned int bit, bool aliased)
{
	c->bit = bit;
	c->aliased = aliased;
	c->access.address = top_of_address(c->state.paging) | TARGET(aliased);
	add_accesses(cases, c);
}

/*
 * Each bit of @c's entry: none, the last legal one, and all above. A brief run has those
 * next to the limits.
 */
static void add_bits(struct cases *cases, struct test_case *c, const struct options *options)
{
	unsigned int last = c->state.paging == PAGING_32BIT ? 40 : 51;

	add_bit(cases, c, 0, true);
	if (options->maxphyaddr - 1 < last)
		add_bit(cases, c, options->maxphyaddr - 1, true);
	for (unsigned int bit = options->maxphyaddr; bit <= last; bit++) {
		if (options->brief && bit != options->maxphyaddr &&
		    bit != host.maxphyaddr - 1 && bit != host.maxphyaddr && bit != last)
			continue;
		add_bit(cases, c, bit, true);
		if (bit < host.maxphyaddr && !options->brief)
			add_bit(cases, c, bit, false);
	}
}

/* All cases of a mode, by controls, whose changes take the guest most of its time */
static void make_cases(const struct mode *mode, const struct options *options,
		       struct cases *ret)
{
	for (int controls = 0; controls < 32; controls++) {
		struct test_case c = {
			.state = {
				.paging = mode->paging, .maxphyaddr = options->maxphyaddr,
				.wp = !(controls & 8),
				.nxe = !(controls & 16) && mode->paging != PAGING_32BIT,
				.smep = controls & 4, .smap = controls & 2,
			},
			.access.ac = controls & 1,
		};

		if ((c.access.ac && !c.state.smap) ||
		    (mode->paging == PAGING_32BIT && (controls & 16)))
			continue;
		for (size_t i = 0; i < mode->nr_kinds; i++) {
			c.kind = &mode->kinds[i];
			add_bits(ret, &c, options);
		}
	}
}

static bool cpu_has(const struct test_case *c)
{
	return (!c->state.smep || has_smep) && (!c->state.smap || has_smap) &&
	       (c->kind->level != LEVEL_PDPTE || !c->kind->leaf || has_1g);
}

static void observe(const struct test_case *c, const struct guest_case *done,
		    struct observation *ret)
{
	*ret = (struct observation){
		.vector = done->exit_reason ? VM_EXIT :
			  done->vector == VECTOR_RETURNED ? NO_EXCEPTION : (int)done->vector,
		.error_code = done->exit_reason ? done->exit_reason : done->error_code,
		.cr2 = done->cr2,
	};
	for (int i = 0; !done->exit_reason && i < done->nr_entries; i++) {
		enum level level = walk_top(c->state.paging) - i;

		ret->set[level] = done->entry[i] ^ c->entry[level];
	}
}

static int append(char *text, size_t size, int at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	at += vsnprintf(text + at, at < (int)size ? size - at : 0, format, ap);
	va_end(ap);
	return at < (int)size ? at : (int)size - 1;
}

/* Accessed and dirty flags, as "A PTE.AD" */
static int append_flags(char *text, size_t size, int at, const uint64_t sets[NR_LEVELS],
			const uint64_t may_set[NR_LEVELS])
{
	static const char *const names[] = { "", "PTE", "PDE", "PDPTE", "PML4E", "PML5E" };

	for (int level = NR_LEVELS - 1; level >= LEVEL_PTE; level--) {
		uint64_t flags = sets[level] & ~(may_set ? may_set[level] : 0);

		if (!flags)
			continue;
		at = append(text, size, at, " %s.%s%s%s", names[level], flags & ENTRY_A ? "A" : "",
			    flags & ENTRY_D ? "D" : "",
			    flags & ~(ENTRY_A | ENTRY_D) ? "+other" : "");
	}
	return at;
}

/* What was expected, and what came instead */
static int append_difference(char *text, size_t size, int at, const struct errata_case *e,
			     const struct observation *seen)
{
	const struct walk_outcome *walk = &e->guest.walk;

	if (e->guest.pdpte_gp)
		at = append(text, size, at, "expected #GP(0)");
	else if (walk->fault)
		at = append(text, size, at, "expected #PF(%#x)", walk->error_code);
	else
		at = append_flags(text, size, append(text, size, at, "expected no fault"),
				  walk->sets, NULL);
	if (seen->vector == VM_EXIT)
		return append(text, size, at, ", got VM exit %d", (int)seen->error_code);
	if (seen->vector == NO_EXCEPTION)
		at = append(text, size, at, ", got no fault");
	else if (seen->vector == VECTOR_PF)
		at = append(text, size, at, ", got #PF(%#x)%s", seen->error_code,
			    seen->cr2 == e->access.address ? "" : " with another CR2");
	else
		at = append(text, size, at, ", got vector %d(%#x)", seen->vector,
			    seen->error_code);
	return append_flags(text, size, at, seen->set, walk->may_set);
}

static void describe(const struct test_case *c, const struct errata_case *e,
		     const struct observation *seen, char *text, size_t size)
{
	const struct paging_state *state = &c->state;
	int at = append(text, size, 0, "%s", c->access.user ? "user" : "supervisor");

	if (c->bit)
		at = append(text, size, at, " bit=%u%s", c->bit, c->aliased ? "" : " no-memory");
	at = append(text, size, at, "%s%s%s%s%s%s%s%s%s: ", c->taken & ENTRY_P ? " P=0" : "",
		    c->taken & ENTRY_W ? " W=0" : "", c->taken & ENTRY_U ? " U=0" : "",
		    c->taken & ENTRY_NX ? " NX=1" : "", state->wp ? "" : " CR0.WP=0",
		    state->nxe || state->paging == PAGING_32BIT ? "" : " EFER.NX=0",
		    state->smep ? " CR4.SMEP=1" : "", state->smap ? " CR4.SMAP=1" : "",
		    c->access.ac ? " AC=1" : "");
	append_difference(text, size, at, e, seen);
}

static void expect(const struct paging_state *state, unsigned int maxphyaddr,
		   const struct test_case *c, struct expectation *ret)
{
	struct paging_state as = *state;

	as.maxphyaddr = maxphyaddr;
	page_walk(&as, &c->access, c->entry, &ret->walk);
	ret->pdpte_gp = state->paging == PAGING_PAE && !pdpte_loads(&as, c->entry[LEVEL_PDPTE]);
}

static void judge(const struct test_case *c, const struct guest_case *done, struct group *group)
{
	struct observation seen;
	struct errata_case e = {
		.state = &c->state, .access = c->access, .entry = c->entry,
		.level = c->kind->level, .leaf = c->kind->leaf, .bit = c->bit,
		.aliased = c->aliased,
	};

	expect(&c->state, c->state.maxphyaddr, c, &e.guest);
	expect(&c->state, host.maxphyaddr, c, &e.host);
	observe(c, done, &seen);

	bool explained = errata_explain(&host, &e, &seen, group->errata);

	if (as_expected(&e.guest, &seen, NULL)) {
		group->pass++;
	} else if (explained) {
		group->xfail++;
	} else {
		if (group->fail < MAX_FAILURES)
			describe(c, &e, &seen, group->failures[group->fail],
				 sizeof(group->failures[0]));
		group->fail++;
	}
}

/* An erratum that shows nowhere, of those that should, is one no more. */
static bool report_errata(const struct group *group)
{
	bool good = true;

	for (size_t i = 0; i < nr_errata; i++) {
		const struct erratum_count *count = &group->errata[i];

		if (count->shown) {
			printf("# xfail %s %u: %s\n", errata[i].name, count->shown,
			       errata[i].cause);
		} else if (count->covered && count->passed == count->covered) {
			printf("# xpass %s %u\n", errata[i].name, count->passed);
			good = false;
		}
	}
	return good;
}

static void report(const struct mode *mode, const struct kind *kind, enum access_type type,
		   const struct group *group)
{
	const char *access = access_names[type];

	for (unsigned int i = 0; i < group->fail && i < MAX_FAILURES; i++)
		printf("# fail %s\n", group->failures[i]);

	bool good = report_errata(group) && !group->fail;

	printf("# cases pass:%u fail:%u xfail:%u skip:%u\n", group->pass, group->fail, group->xfail,
	       group->skip);
	if (good && !group->pass && !group->xfail)
		ksft_test_result_skip("%s %s %s\n", mode->name, kind->name, access);
	else
		ksft_test_result(good, "%s %s %s\n", mode->name, kind->name, access);
}

static void init_groups(struct group *groups, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		groups[i].errata = calloc(nr_errata, sizeof(*groups[i].errata));
		TEST_ASSERT(groups[i].errata, "out of memory");
	}
}

/* Run what the CPU has, in one go. */
static void run_cases(const struct mode *mode, const struct cases *cases,
		      const struct options *options, struct group *groups)
{
	struct guest_case *guest = calloc(cases->nr, sizeof(*guest));
	bool possible = mode->paging != PAGING_5LEVEL || has_la57;
	size_t nr = 0;

	TEST_ASSERT(guest, "out of memory");
	for (size_t i = 0; i < cases->nr; i++) {
		if (possible && cpu_has(&cases->cases[i]))
			to_guest(&cases->cases[i], &guest[nr++]);
	}
	if (nr) {
		struct machine *machine = machine_create(mode->paging, options->maxphyaddr,
							 host.maxphyaddr);

		machine_run(machine, guest, nr);
		machine_destroy(machine);
	}
	nr = 0;
	for (size_t i = 0; i < cases->nr; i++) {
		const struct test_case *c = &cases->cases[i];
		struct group *group = &groups[3 * (c->kind - mode->kinds) + c->access.type];

		if (possible && cpu_has(c))
			judge(c, &guest[nr++], group);
		else
			group->skip++;
	}
	free(guest);
}

static void run_mode(const struct mode *mode, const struct options *options)
{
	struct group groups[3 * 7] = {};
	struct cases cases = {};

	init_groups(groups, 3 * mode->nr_kinds);
	make_cases(mode, options, &cases);
	run_cases(mode, &cases, options, groups);
	for (size_t i = 0; i < 3 * mode->nr_kinds; i++) {
		report(mode, &mode->kinds[i / 3], i % 3, &groups[i]);
		free(groups[i].errata);
	}
	free(cases.cases);
}

static void usage(const char *name)
{
	printf("Usage: %s [-b] [-m BITS]\n"
	       "  -b       brief: only bits next to the guest's and the host's limit\n"
	       "  -m BITS  the guest's MAXPHYADDR: 32 to the host's (default 36)\n", name);
}

int main(int argc, char **argv)
{
	struct options options = { .maxphyaddr = 36 };
	unsigned int plan = 0;
	int option;

	while ((option = getopt(argc, argv, "bm:h")) != -1) {
		switch (option) {
		case 'b':
			options.brief = true;
			break;
		case 'm':
			options.maxphyaddr = atoi(optarg);
			break;
		default:
			usage(argv[0]);
			return option == 'h' ? KSFT_PASS : KSFT_FAIL;
		}
	}
	setbuf(stdout, NULL);
	host_detect(&host);
	if (options.maxphyaddr < 32 || options.maxphyaddr > host.maxphyaddr) {
		usage(argv[0]);
		return KSFT_FAIL;
	}
	has_smep = kvm_cpu_has(X86_FEATURE_SMEP);
	has_smap = kvm_cpu_has(X86_FEATURE_SMAP);
	has_1g = kvm_cpu_has(X86_FEATURE_GBPAGES);
	has_la57 = kvm_cpu_has(X86_FEATURE_LA57);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		plan += 3 * modes[i].nr_kinds;
	ksft_print_header();
	ksft_set_plan(plan);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		run_mode(&modes[i], &options);
	ksft_finished();
}
