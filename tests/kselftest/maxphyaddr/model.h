/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAXPHYADDR_MODEL_H
#define MAXPHYADDR_MODEL_H

/*
 * What the SDM says of one linear-address translation: volume 3A, chapter 4, which
 * is meant wherever a comment says "SDM 4.x". Written from the text alone; it shares
 * nothing with the page walk of any kernel or emulator, and compiles anywhere.
 */

#include <stdbool.h>
#include <stdint.h>

enum paging { PAGING_32BIT, PAGING_PAE, PAGING_4LEVEL, PAGING_5LEVEL };

/* Index of an entry in an array that has one for each level */
enum level { LEVEL_PTE = 1, LEVEL_PDE, LEVEL_PDPTE, LEVEL_PML4E, LEVEL_PML5E, NR_LEVELS };

#define ENTRY_P		(1ULL << 0)
#define ENTRY_W		(1ULL << 1)
#define ENTRY_U		(1ULL << 2)
#define ENTRY_A		(1ULL << 5)
#define ENTRY_D		(1ULL << 6)
#define ENTRY_PS	(1ULL << 7)
#define ENTRY_NX	(1ULL << 63)

#define FAULT_P		(1U << 0)
#define FAULT_W		(1U << 1)
#define FAULT_U		(1U << 2)
#define FAULT_RSVD	(1U << 3)
#define FAULT_FETCH	(1U << 4)

enum { VECTOR_GP = 13, VECTOR_PF = 14 };

/* CR4.PSE is set in 32-bit paging, and CPUID has PSE-36 and 1-GByte pages. */
struct paging_state {
	enum paging paging;
	unsigned int maxphyaddr;	/* at least 32 */
	bool wp, nxe, smep, smap;
};

enum access_type { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

struct access {
	uint64_t address;
	enum access_type type;
	bool user;	/* CPL is 3 */
	bool ac;	/* EFLAGS.AC */
};

struct walk_outcome {
	bool fault;			/* #PF with: */
	uint32_t error_code;
	uint64_t cr2;
	enum level last;		/* the entry that ends the walk, by a fault or a page */
	uint64_t sets[NR_LEVELS];	/* bits that the walk sets in each entry */
	uint64_t may_set[NR_LEVELS];	/* bits that it may set or leave */
};

/* The level at which a walk begins. */
enum level walk_top(enum paging paging);

/*
 * Translate as SDM 4.3 to 4.8 say. @entry has the entries on the way, by level, as if
 * each pointed to where the next one is; those after the last that is used are not
 * read. PDPTEs of PAE paging are taken for loaded: see pdpte_loads().
 */
void page_walk(const struct paging_state *state, const struct access *access,
	       const uint64_t entry[NR_LEVELS], struct walk_outcome *ret);

/* Return: MOV to CR3 loads this PDPTE in PAE paging. If not, it causes #GP(0) (SDM 4.4.1). */
bool pdpte_loads(const struct paging_state *state, uint64_t pdpte);

/* Return: bits that have to be 0 in @entry of @level, if it is present. */
uint64_t reserved_bits(const struct paging_state *state, enum level level, uint64_t entry);

#endif
