// SPDX-License-Identifier: GPL-2.0-or-later
/* The page walk that the maxphyaddr kselftest takes for right: vectors from SDM 3A, chapter 4. */
#include "model.h"
#include "tap.h"

#include <string.h>

#define TABLE	(ENTRY_P | ENTRY_W | ENTRY_U)
#define P	FAULT_P
#define W	FAULT_W
#define U	FAULT_U
#define R	FAULT_RSVD
#define I	FAULT_FETCH

/* Flags of paging_state, and of the access */
enum {
	WP = 1, NXE = 2, SMEP = 4, SMAP = 8,
	READ = 0, WRITE = 16, FETCH = 32, USER = 64, AC = 128,
};

/* No fault, and the entry that maps the page; another value is the error code of a fault. */
#define PAGE(level)	(-(int)(level))

struct vector {
	const char *fact;
	enum paging paging;
	unsigned int maxphyaddr;
	unsigned int flags;
	/* In the place of the usual entry at that level, if the level is not 0 */
	enum level level;
	uint64_t entry;
	int expected;
};

static const struct vector vectors[] = {
	/* 4.5.4, table 4-14 to 4-20 */
	{ "4-level: a 4-KByte page", PAGING_4LEVEL, 36, NXE, 0, 0, PAGE(LEVEL_PTE) },
	{ "4-level: a 2-MByte page", PAGING_4LEVEL, 36, NXE, LEVEL_PDE, TABLE | ENTRY_PS,
	  PAGE(LEVEL_PDE) },
	{ "4-level: a 1-GByte page", PAGING_4LEVEL, 36, NXE, LEVEL_PDPTE, TABLE | ENTRY_PS,
	  PAGE(LEVEL_PDPTE) },
	{ "5-level: a 4-KByte page", PAGING_5LEVEL, 36, NXE, 0, 0, PAGE(LEVEL_PTE) },
	{ "4-level: PTE bit MAXPHYADDR is reserved", PAGING_4LEVEL, 36, NXE, LEVEL_PTE,
	  TABLE | 1ULL << 36, P | R },
	{ "4-level: PTE bit MAXPHYADDR-1 is not", PAGING_4LEVEL, 36, NXE, LEVEL_PTE,
	  TABLE | 1ULL << 35, PAGE(LEVEL_PTE) },
	{ "4-level: PTE bit 51 is reserved", PAGING_4LEVEL, 46, NXE, LEVEL_PTE,
	  TABLE | 1ULL << 51, P | R },
	{ "4-level: PTE bit 51 is an address of 52 bits", PAGING_4LEVEL, 52, NXE, LEVEL_PTE,
	  TABLE | 1ULL << 51, PAGE(LEVEL_PTE) },
	{ "4-level: PTE bits 52 to 62 are ignored", PAGING_4LEVEL, 36, NXE, LEVEL_PTE,
	  TABLE | 0x7ffULL << 52, PAGE(LEVEL_PTE) },
	{ "4-level: PDE bit 40 is reserved", PAGING_4LEVEL, 40, NXE | WRITE | USER, LEVEL_PDE,
	  TABLE | 1ULL << 40, P | W | U | R },
	{ "4-level: PDPTE bit 39 is reserved", PAGING_4LEVEL, 39, NXE | FETCH, LEVEL_PDPTE,
	  TABLE | 1ULL << 39, P | R | I },
	{ "4-level: PML4E bit 32 is reserved", PAGING_4LEVEL, 32, NXE | USER, LEVEL_PML4E,
	  TABLE | 1ULL << 32, P | U | R },
	{ "5-level: PML5E bit 51 is reserved", PAGING_5LEVEL, 51, NXE, LEVEL_PML5E,
	  TABLE | 1ULL << 51, P | R },
	{ "4-level: PS is reserved in a PML4E", PAGING_4LEVEL, 36, NXE, LEVEL_PML4E,
	  TABLE | ENTRY_PS, P | R },
	{ "5-level: PS is reserved in a PML5E", PAGING_5LEVEL, 36, NXE, LEVEL_PML5E,
	  TABLE | ENTRY_PS, P | R },
	{ "4-level: bit 13 of a 2-MByte PDE is reserved", PAGING_4LEVEL, 36, NXE, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 13, P | R },
	{ "4-level: bit 20 of a 2-MByte PDE is reserved", PAGING_4LEVEL, 36, NXE, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 20, P | R },
	{ "4-level: bit 12 of a 2-MByte PDE is PAT", PAGING_4LEVEL, 36, NXE, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 12, PAGE(LEVEL_PDE) },
	{ "4-level: bit 29 of a 1-GByte PDPTE is reserved", PAGING_4LEVEL, 36, NXE, LEVEL_PDPTE,
	  TABLE | ENTRY_PS | 1 << 29, P | R },
	{ "4-level: bit 30 of a 1-GByte PDPTE is not", PAGING_4LEVEL, 36, NXE, LEVEL_PDPTE,
	  TABLE | ENTRY_PS | 1 << 30, PAGE(LEVEL_PDPTE) },
	{ "4-level: XD is reserved without EFER.NXE", PAGING_4LEVEL, 36, 0, LEVEL_PDE,
	  TABLE | ENTRY_NX, P | R },
	{ "an entry that is not present has no reserved bits", PAGING_4LEVEL, 36, NXE | WRITE,
	  LEVEL_PTE, 1ULL << 36 | ENTRY_W, W },
	/* 4.4.2, tables 4-9 to 4-11 */
	{ "PAE: a 4-KByte page", PAGING_PAE, 36, 0, 0, 0, PAGE(LEVEL_PTE) },
	{ "PAE: a 2-MByte page", PAGING_PAE, 36, 0, LEVEL_PDE, TABLE | ENTRY_PS, PAGE(LEVEL_PDE) },
	{ "PAE: PTE bit 36 is reserved", PAGING_PAE, 36, 0, LEVEL_PTE, TABLE | 1ULL << 36, P | R },
	{ "PAE: PTE bit 62 is reserved", PAGING_PAE, 36, 0, LEVEL_PTE, TABLE | 1ULL << 62, P | R },
	{ "PAE: PDE bit 52 is reserved", PAGING_PAE, 52, 0, LEVEL_PDE, TABLE | 1ULL << 52, P | R },
	{ "PAE: a PDPTE gives all rights", PAGING_PAE, 36, WRITE | USER | WP, LEVEL_PDPTE, ENTRY_P,
	  PAGE(LEVEL_PTE) },
	/* 4.3, table 4-4: with PSE-36 */
	{ "32-bit: a 4-KByte page", PAGING_32BIT, 36, 0, 0, 0, PAGE(LEVEL_PTE) },
	{ "32-bit: no bit of a PTE is reserved", PAGING_32BIT, 36, 0, LEVEL_PTE,
	  TABLE | 0xfffff000, PAGE(LEVEL_PTE) },
	{ "32-bit: bits 13 to 16 of a 4-MByte PDE are 32 to 35 of the address", PAGING_32BIT, 36,
	  0, LEVEL_PDE, TABLE | ENTRY_PS | 0xf << 13, PAGE(LEVEL_PDE) },
	{ "32-bit: bit 17 is reserved for 36 bits", PAGING_32BIT, 36, 0, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 17, P | R },
	{ "32-bit: bit 13 is reserved for 32 bits", PAGING_32BIT, 32, 0, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 13, P | R },
	{ "32-bit: bit 20 is an address of 40 bits", PAGING_32BIT, 40, 0, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 20, PAGE(LEVEL_PDE) },
	{ "32-bit: bit 21 is reserved for 40 bits", PAGING_32BIT, 40, 0, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 21, P | R },
	{ "32-bit: and for more, which it cannot have", PAGING_32BIT, 46, 0, LEVEL_PDE,
	  TABLE | ENTRY_PS | 1 << 21, P | R },
	{ "32-bit: without PS they are the table's address", PAGING_32BIT, 32, 0, LEVEL_PDE,
	  TABLE | 0xff << 13, PAGE(LEVEL_PTE) },
	/* 4.6.1: access rights */
	{ "user, U/S of one entry clear", PAGING_4LEVEL, 36, NXE | USER, LEVEL_PML4E,
	  ENTRY_P | ENTRY_W, P | U },
	{ "user write, R/W of one entry clear", PAGING_4LEVEL, 36, NXE | USER | WRITE, LEVEL_PDPTE,
	  ENTRY_P | ENTRY_U, P | W | U },
	{ "user read of the same", PAGING_4LEVEL, 36, NXE | USER, LEVEL_PDPTE, ENTRY_P | ENTRY_U,
	  PAGE(LEVEL_PTE) },
	{ "supervisor write, R/W clear, CR0.WP clear", PAGING_4LEVEL, 36, NXE | WRITE, LEVEL_PTE,
	  ENTRY_P, PAGE(LEVEL_PTE) },
	{ "supervisor write, R/W clear, CR0.WP set", PAGING_4LEVEL, 36, NXE | WRITE | WP,
	  LEVEL_PTE, ENTRY_P, P | W },
	{ "fetch, XD of one entry set", PAGING_4LEVEL, 36, NXE | FETCH, LEVEL_PDE,
	  TABLE | ENTRY_NX, P | I },
	{ "read of the same", PAGING_4LEVEL, 36, NXE, LEVEL_PDE, TABLE | ENTRY_NX, PAGE(LEVEL_PTE) },
	{ "supervisor fetch of a user page with SMEP", PAGING_4LEVEL, 36, NXE | FETCH | SMEP, 0, 0,
	  P | I },
	{ "user fetch of it", PAGING_4LEVEL, 36, NXE | FETCH | SMEP | USER, 0, 0, PAGE(LEVEL_PTE) },
	{ "supervisor fetch of a supervisor page with SMEP", PAGING_4LEVEL, 36,
	  NXE | FETCH | SMEP, LEVEL_PTE, ENTRY_P, PAGE(LEVEL_PTE) },
	{ "supervisor read of a user page with SMAP", PAGING_4LEVEL, 36, NXE | SMAP, 0, 0, P },
	{ "supervisor write of it", PAGING_4LEVEL, 36, NXE | SMAP | WRITE, 0, 0, P | W },
	{ "the same with EFLAGS.AC", PAGING_4LEVEL, 36, NXE | SMAP | AC, 0, 0, PAGE(LEVEL_PTE) },
	{ "user read of it", PAGING_4LEVEL, 36, NXE | SMAP | USER, 0, 0, PAGE(LEVEL_PTE) },
	{ "supervisor fetch of it", PAGING_4LEVEL, 36, NXE | SMAP | FETCH, 0, 0, PAGE(LEVEL_PTE) },
	/* 4.7: error code */
	{ "RSVD goes before a right that is missing", PAGING_4LEVEL, 36, NXE | USER | WRITE,
	  LEVEL_PTE, ENTRY_P | 1ULL << 40, P | W | U | R },
	{ "I/D of a fetch is clear with neither NXE nor SMEP", PAGING_4LEVEL, 36, FETCH, LEVEL_PTE,
	  0, 0 },
	{ "and set with SMEP alone", PAGING_4LEVEL, 36, FETCH | SMEP, LEVEL_PTE, 0, I },
	{ "32-bit: NXE does not set I/D", PAGING_32BIT, 36, FETCH | NXE, LEVEL_PTE, 0, 0 },
	{ "32-bit: SMEP does", PAGING_32BIT, 36, FETCH | SMEP, LEVEL_PTE, 0, I },
};

static void set_up(const struct vector *v, struct paging_state *state, struct access *access,
		   uint64_t entry[NR_LEVELS])
{
	*state = (struct paging_state){
		.paging = v->paging, .maxphyaddr = v->maxphyaddr, .wp = v->flags & WP,
		.nxe = v->flags & NXE, .smep = v->flags & SMEP, .smap = v->flags & SMAP,
	};
	*access = (struct access){
		.address = 0x40208000, .user = v->flags & USER, .ac = v->flags & AC,
		.type = v->flags & WRITE ? ACCESS_WRITE :
			v->flags & FETCH ? ACCESS_FETCH : ACCESS_READ,
	};
	for (int level = 0; level < NR_LEVELS; level++)
		entry[level] = TABLE;
	if (v->paging == PAGING_PAE)
		entry[LEVEL_PDPTE] = ENTRY_P;
	if (v->level)
		entry[v->level] = v->entry;
}

static void test_vector(const struct vector *v)
{
	struct paging_state state;
	struct access access;
	struct walk_outcome outcome;
	uint64_t entry[NR_LEVELS];
	bool good;

	set_up(v, &state, &access, entry);
	page_walk(&state, &access, entry, &outcome);
	if (v->expected < 0)
		good = !outcome.fault && PAGE(outcome.last) == v->expected;
	else
		good = outcome.fault && outcome.error_code == (uint32_t)v->expected &&
		       outcome.cr2 == access.address;
	if (!tap_ok(good, "%s", v->fact))
		tap_diag("%s %#x, ended at level %d", outcome.fault ? "#PF" : "no fault",
			 outcome.error_code, outcome.last);
}

/* 4.8 */
static void test_flags(void)
{
	const struct vector write = { .paging = PAGING_4LEVEL, .maxphyaddr = 36, .flags = WRITE };
	const struct vector pae = { .paging = PAGING_PAE, .maxphyaddr = 36 };
	const struct vector fault = { .paging = PAGING_4LEVEL, .maxphyaddr = 36, .level = LEVEL_PDE,
				      .entry = TABLE | 1ULL << 36 };
	struct paging_state state;
	struct access access;
	struct walk_outcome outcome;
	uint64_t entry[NR_LEVELS];

	set_up(&write, &state, &access, entry);
	page_walk(&state, &access, entry, &outcome);
	tap_ok(outcome.sets[LEVEL_PTE] == (ENTRY_A | ENTRY_D), "a write sets A and D of the PTE");
	tap_ok(outcome.sets[LEVEL_PDE] == ENTRY_A && outcome.sets[LEVEL_PDPTE] == ENTRY_A &&
	       outcome.sets[LEVEL_PML4E] == ENTRY_A, "and A of all entries above");
	tap_ok(!outcome.sets[LEVEL_PML5E], "there is none above the top");
	set_up(&pae, &state, &access, entry);
	page_walk(&state, &access, entry, &outcome);
	tap_ok(outcome.sets[LEVEL_PTE] == ENTRY_A, "a read sets A of the PTE");
	tap_ok(!outcome.sets[LEVEL_PDPTE], "PAE: a PDPTE has no A");
	set_up(&fault, &state, &access, entry);
	page_walk(&state, &access, entry, &outcome);
	tap_ok(!outcome.sets[LEVEL_PML4E] && !outcome.sets[LEVEL_PDE] && !outcome.sets[LEVEL_PTE],
	       "a fault need not set any");
	tap_ok(outcome.may_set[LEVEL_PDPTE] == ENTRY_A && outcome.may_set[LEVEL_PML4E] == ENTRY_A,
	       "but may set A above the entry that is to blame");
	tap_ok(!outcome.may_set[LEVEL_PDE] && !outcome.may_set[LEVEL_PTE],
	       "and neither there nor below");
}

/* 4.4.1, table 4-8 */
static void test_pdptes(void)
{
	const struct paging_state state = { .paging = PAGING_PAE, .maxphyaddr = 36 };
	static const unsigned int reserved[] = { 1, 2, 5, 6, 7, 8, 36, 51, 52, 63 };
	static const unsigned int others[] = { 3, 4, 9, 10, 11, 12, 35 };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		tap_ok(!pdpte_loads(&state, ENTRY_P | 1ULL << reserved[i]),
		       "PAE: a PDPTE with bit %u is not loaded", reserved[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tap_ok(pdpte_loads(&state, ENTRY_P | 1ULL << others[i]),
		       "PAE: a PDPTE with bit %u is", others[i]);
	tap_ok(pdpte_loads(&state, ~ENTRY_P), "PAE: one that is not present may have all bits");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		test_vector(&vectors[i]);
	test_flags();
	test_pdptes();
	return tap_done();
}
