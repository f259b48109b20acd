// SPDX-License-Identifier: GPL-2.0-only
#include "errata.h"

#include <string.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"

static bool parameter(const char *module, const char *name, bool *ret)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	int value = fgetc(file);

	fclose(file);
	*ret = value == 'Y' || value == '1';
	return true;
}

/* Its CPUs do not tell; the tables of its firmware do. */
static bool is_bochs(void)
{
	char oem[16] = "";
	FILE *file = fopen("/sys/firmware/acpi/tables/DSDT", "r");

	if (!file)
		return false;
	size_t read = fread(oem, 1, sizeof(oem), file);

	fclose(file);
	return read == sizeof(oem) && !memcmp(oem + 10, "BXPC", 5);
}

/* Of QEMU that emulates. Where it uses KVM, the CPU is the machine's. */
static bool is_qemu(void)
{
	uint32_t eax, ebx, ecx, edx;

	cpuid(0x40000000, &eax, &ebx, &ecx, &edx);
	return !memcmp(&ebx, "TCGT", 4) && !memcmp(&ecx, "CGTC", 4);
}

void host_detect(struct host *ret)
{
	const char *module;
	uint32_t eax, ebx, ecx, edx;

	memset(ret, 0, sizeof(*ret));
	ret->amd = is_amd_cpu();
	ret->bochs = is_bochs();
	ret->qemu = is_qemu();
	module = ret->amd ? "kvm_amd" : "kvm_intel";
	__TEST_REQUIRE(parameter(module, ret->amd ? "npt" : "ept", &ret->tdp),
		       "%s is not loaded", module);
	ret->has_allow_smaller = parameter(module, "allow_smaller_maxphyaddr",
					   &ret->allow_smaller);
	cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
	ret->maxphyaddr = eax & 0xff;
}

bool as_expected(const struct expectation *expected, const struct observation *seen,
		 const uint64_t may_set[NR_LEVELS])
{
	static const struct walk_outcome none;
	const struct walk_outcome *walk = expected->pdpte_gp ? &none : &expected->walk;

	if (expected->pdpte_gp) {
		if (seen->vector != VECTOR_GP || seen->error_code)
			return false;
	} else if (walk->fault) {
		if (seen->vector != VECTOR_PF || seen->error_code != walk->error_code ||
		    seen->cr2 != walk->cr2)
			return false;
	} else if (seen->vector != NO_EXCEPTION) {
		return false;
	}
	for (int level = LEVEL_PTE; level < NR_LEVELS; level++) {
		uint64_t open = walk->may_set[level] | (may_set ? may_set[level] : 0);

		if ((seen->set[level] ^ walk->sets[level]) & ~open)
			return false;
	}
	return true;
}

/* A bit that the guest must not use and its CPU knows nothing of: KVM has to check. */
static bool is_for_kvm(const struct host *host, const struct errata_case *c)
{
	return host->tdp && c->bit >= c->state->maxphyaddr && c->bit < host->maxphyaddr &&
	       (c->entry[c->level] & ENTRY_P);
}

/* The guest's limit is lower than the CPU's, and KVM is to deal with it. */
static bool is_smaller(const struct host *host, const struct errata_case *c)
{
	return host->allow_smaller && c->state->maxphyaddr < host->maxphyaddr;
}

static bool is_pae_pdpte(const struct errata_case *c)
{
	return c->state->paging == PAGING_PAE && c->level == LEVEL_PDPTE;
}

/* KVM looks at the address, or there is no memory and it emulates, and finds out then. */
static bool kvm_looks(const struct host *host, const struct errata_case *c)
{
	return host->allow_smaller || !c->aliased;
}

static bool is_bochs_ept(const struct host *host)
{
	return host->bochs && host->tdp;
}

static bool is_amd_npt(const struct host *host)
{
	return host->amd && host->tdp;
}

static bool is_qemu_npt(const struct host *host)
{
	return host->qemu && host->amd && host->tdp;
}

static bool is_unchecked(const struct host *host)
{
	return host->tdp && host->has_allow_smaller && !host->allow_smaller;
}

/* The CPU translates to the end, and only then comes to an address that is not mapped. */
static bool covers_leaf(const struct host *host, const struct errata_case *c)
{
	return is_for_kvm(host, c) && c->leaf && kvm_looks(host, c) && !c->host.walk.fault;
}

/* The same of tables: the CPU is done with an entry before it goes to the next. */
static bool covers_entry(const struct host *host, const struct errata_case *c)
{
	if (c->leaf)
		return covers_leaf(host, c);
	return is_for_kvm(host, c) && kvm_looks(host, c) && !is_pae_pdpte(c);
}

static bool covers_pae(const struct host *host, const struct errata_case *c)
{
	return c->state->paging == PAGING_PAE && !c->host.pdpte_gp &&
	       (c->entry[LEVEL_PDPTE] & ENTRY_P);
}

/* A fault for want of a right to a 1-GByte page */
static bool covers_1g_right(const struct host *host, const struct errata_case *c)
{
	return c->leaf && c->level == LEVEL_PDPTE && c->host.walk.fault &&
	       (c->host.walk.error_code & (FAULT_P | FAULT_RSVD)) == FAULT_P;
}

/* The CPU itself finds a bit reserved; of a PDPTE only if KVM has not done so at MOV to CR3. */
static bool covers_reserved(const struct host *host, const struct errata_case *c)
{
	return c->host.walk.fault && (c->host.walk.error_code & FAULT_RSVD) &&
	       !(c->guest.pdpte_gp && is_smaller(host, c));
}

/* In what KVM makes of PDPTEs then, they are not present: it knows the flag is reserved. */
static bool explains_pae(const struct errata_case *c, const struct observation *seen,
			 const uint64_t may_set[NR_LEVELS])
{
	struct expectation expected = c->guest;

	expected.pdpte_gp = false;
	expected.walk.error_code &= ~(FAULT_P | FAULT_RSVD);
	return expected.walk.fault && as_expected(&expected, seen, may_set);
}

/* Of bits that the CPU does check; unless KVM looks at CR3 before. */
static bool covers_pdpte_in_walk(const struct host *host, const struct errata_case *c)
{
	return is_pae_pdpte(c) && c->guest.pdpte_gp && c->host.pdpte_gp && !is_smaller(host, c);
}

static bool explains_in_walk(const struct errata_case *c, const struct observation *seen,
			     const uint64_t may_set[NR_LEVELS])
{
	struct expectation expected = { .walk = c->guest.walk };

	return as_expected(&expected, seen, may_set);
}

/*
 * Memory is read or written; where there is none, the program is to emulate a device. If
 * a PDPTE was loaded that must not be, it does not matter what comes of the access then.
 */
static bool explains_unchecked(const struct errata_case *c, const struct observation *seen,
			       const uint64_t may_set[NR_LEVELS])
{
	if (is_pae_pdpte(c))
		return seen->vector != VECTOR_GP;
	if (seen->vector == VM_EXIT)
		return !c->aliased;
	return as_expected(&c->host, seen, may_set);
}

static bool everywhere(const struct host *host)
{
	return true;
}

/* Bits of an address that KVM takes for reserved, where it walks and not the CPU */
static bool covers_pse36(const struct host *host, const struct errata_case *c)
{
	bool fixup = is_smaller(host, c) && c->guest.walk.fault;

	return c->state->paging == PAGING_32BIT && c->bit >= 36 &&
	       c->bit < c->state->maxphyaddr && (c->entry[c->level] & ENTRY_P) &&
	       (!host->tdp || fixup);
}

static bool explains_pse36(const struct errata_case *c, const struct observation *seen,
			   const uint64_t may_set[NR_LEVELS])
{
	return seen->vector == VECTOR_PF && seen->cr2 == c->access.address &&
	       (seen->error_code & (FAULT_P | FAULT_RSVD)) == (FAULT_P | FAULT_RSVD);
}

/* The more particular first: the first that explains a case is the one that is told. */
const struct erratum errata[] = {
	{
		.name = "bochs-leaf-flags",
		.cause = "Bochs sets the flags of the last entry before the page's EPT violation",
		.applies = is_bochs_ept,
		.covers = covers_leaf,
		.sets = ENTRY_A | ENTRY_D,
	},
	{
		/* See the discussion of KVM's series of 2020, which left SVM out for it. */
		.name = "amd-entry-flags",
		.cause = "the CPU sets the flags of an entry before the nested page fault after it",
		.applies = is_amd_npt,
		.covers = covers_entry,
		.sets = ENTRY_A | ENTRY_D,
	},
	{
		.name = "qemu-pae-pdpte-accessed",
		.cause = "QEMU sets the accessed flag in PDPTEs of PAE paging, which have none",
		.applies = is_qemu_npt,
		.covers = covers_pae,
		.sets_pdpte = ENTRY_A,
		.explains = explains_pae,
	},
	{
		.name = "qemu-rsvd",
		.cause = "QEMU leaves P out of the error code where it finds a reserved bit",
		.applies = is_qemu_npt,
		.covers = covers_reserved,
		.lacks = FAULT_P,
	},
	{
		.name = "qemu-1g-accessed",
		.cause = "QEMU sets the accessed flag before it looks at a 1-GByte page's rights",
		.applies = is_qemu_npt,
		.covers = covers_1g_right,
		.sets_pdpte = ENTRY_A,
	},
	{
		/* APM volume 2, "Legacy PAE Mode" of nested paging */
		.name = "amd-pdpte-in-walk",
		.cause = "with NPT an AMD CPU reads PDPTEs in each walk, and MOV to CR3 takes any",
		.applies = is_amd_npt,
		.covers = covers_pdpte_in_walk,
		.explains = explains_in_walk,
	},
	{
		/* rsvd_bits(17, 21) in __reset_rsvds_bits_mask() */
		.name = "pse36",
		.cause = "KVM takes the address of a 4-MByte page to have 36 bits at most",
		.applies = everywhere,
		.covers = covers_pse36,
		.explains = explains_pse36,
	},
	{
		/* By design, since commit b96e6506c2ea */
		.name = "unchecked",
		.cause = "without allow_smaller_maxphyaddr only the CPU checks, for its own limit",
		.applies = is_unchecked,
		.covers = is_for_kvm,
		.explains = explains_unchecked,
	},
};

const size_t nr_errata = ARRAY_SIZE(errata);

static bool covers(size_t i, const struct host *host, const struct errata_case *c)
{
	return errata[i].applies(host) && errata[i].covers(host, c);
}

/* The flags that errata[@i] sets in the entries of @c, by level */
static void flags_of(size_t i, const struct errata_case *c, uint64_t ret[NR_LEVELS])
{
	memset(ret, 0, NR_LEVELS * sizeof(*ret));
	ret[c->level] |= errata[i].sets;
	ret[LEVEL_PDPTE] |= errata[i].sets_pdpte;
}

/* Count each erratum of which a flag is seen, or a bit of the error code is missed. */
static void count_parts(const struct host *host, const struct errata_case *c,
			const struct observation *seen, const struct observation *whole,
			struct erratum_count *counts)
{
	uint64_t flags[NR_LEVELS];

	for (size_t i = 0; i < nr_errata; i++) {
		bool any = errata[i].lacks & whole->error_code & ~seen->error_code;

		if (!covers(i, host, c))
			continue;
		flags_of(i, c, flags);
		for (int level = LEVEL_PTE; level < NR_LEVELS; level++)
			any |= seen->set[level] & ~c->guest.walk.sets[level] & flags[level];
		counts[i].shown += any;
	}
}

/* @seen with the bits of the error code that errata take from it */
static struct observation complete(const struct host *host, const struct errata_case *c,
				   const struct observation *seen)
{
	struct observation ret = *seen;

	for (size_t i = 0; i < nr_errata; i++) {
		if (errata[i].lacks && seen->vector == VECTOR_PF &&
		    (seen->error_code & FAULT_RSVD) && covers(i, host, c))
			ret.error_code |= errata[i].lacks;
	}
	return ret;
}

bool errata_explain(const struct host *host, const struct errata_case *c,
		    const struct observation *seen, struct erratum_count *counts)
{
	bool pass = as_expected(&c->guest, seen, NULL);
	uint64_t may_set[NR_LEVELS] = {}, flags[NR_LEVELS];
	struct observation whole = complete(host, c, seen);
	bool explained = false;

	for (size_t i = 0; i < nr_errata; i++) {
		if (!covers(i, host, c))
			continue;
		counts[i].covered++;
		counts[i].passed += pass;
		flags_of(i, c, flags);
		for (int level = LEVEL_PTE; level < NR_LEVELS; level++)
			may_set[level] |= flags[level];
	}
	if (pass)
		return false;
	explained = as_expected(&c->guest, &whole, may_set);
	for (size_t i = 0; i < nr_errata && !explained; i++) {
		explained = errata[i].explains && covers(i, host, c) &&
			    errata[i].explains(c, &whole, may_set);
		counts[i].shown += explained;
	}
	if (explained)
		count_parts(host, c, seen, &whole, counts);
	return explained;
}

static bool with_tdp(const struct host *host)
{
	return host->tdp;
}

static bool is_qemu_svm(const struct host *host)
{
	return host->qemu && host->amd;
}

/* Unless KVM looks at CR3 before */
static bool is_amd_cr3(const struct host *host)
{
	return is_amd_npt(host) && !host->allow_smaller;
}

static bool is_qemu_cr3(const struct host *host)
{
	return host->qemu && is_amd_cr3(host);
}

const struct corner_erratum corner_errata[NR_CORNER_ERRATA] = {
	[ERRATUM_UNCHECKED] = {
		"unchecked", "without allow_smaller_maxphyaddr only the CPU checks, for its own limit",
		is_unchecked },
	[ERRATUM_UNDECODABLE] = {
		"undecodable", "KVM has to emulate to find the fault, and cannot this instruction",
		with_tdp },
	[ERRATUM_SHARED_MAPPINGS] = {
		"shared-mappings", "what KVM maps for one vCPU the others reach without a check",
		everywhere },
	[ERRATUM_BEYOND_HOST] = {
		"beyond-host", "the CPU finds bits reserved that are beyond its own limit", with_tdp },
	[ERRATUM_SPLIT_WRITE] = {
		"split-write", "KVM emulates a write across pages as two, the first before the fault",
		with_tdp },
	[ERRATUM_AMD_PDPTE_IN_WALK] = {
		"amd-pdpte-in-walk", "with nested paging an AMD CPU does not check PDPTEs in MOV to CR3",
		is_amd_cr3 },
	[ERRATUM_QEMU_CR3] = {
		"qemu-cr3", "QEMU leaves the guest for such a CR3, as if VMRUN had refused it",
		is_qemu_cr3 },
	[ERRATUM_QEMU_XCHG] = {
		"qemu-xchg", "QEMU reads before it writes, where XCHG crosses pages", is_qemu_svm },
	[ERRATUM_QEMU_L2_RSVD] = {
		"qemu-l2-rsvd", "QEMU leaves P out of the error code where it finds a reserved bit, in L2",
		is_qemu_npt },
	[ERRATUM_QEMU_RSVD] = {
		"qemu-rsvd", "QEMU leaves P out of the error code where it finds a reserved bit",
		is_qemu_npt },
};
