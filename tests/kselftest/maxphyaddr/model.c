// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#include <string.h>

/* Bits @from to @to, both included; none if @from is above @to */
static uint64_t bits(unsigned int from, unsigned int to)
{
	return from > to ? 0 : (~0ULL << from) & (~0ULL >> (63 - to));
}

enum level walk_top(enum paging paging)
{
	switch (paging) {
	case PAGING_32BIT:
		return LEVEL_PDE;
	case PAGING_PAE:
		return LEVEL_PDPTE;
	case PAGING_4LEVEL:
		return LEVEL_PML4E;
	default:
		return LEVEL_PML5E;
	}
}

/* SDM 4.3 to 4.5: bit 7 is PS where an entry may map a page. */
static bool maps_page(enum paging paging, enum level level, uint64_t entry)
{
	if (level == LEVEL_PTE)
		return true;
	if (!(entry & ENTRY_PS))
		return false;
	return level == LEVEL_PDE || (level == LEVEL_PDPTE && paging >= PAGING_4LEVEL);
}

/*
 * SDM 4.3, table 4-4: of a PDE that maps a 4-MByte page, bits (M-20):13 are bits
 * (M-1):32 of the address, and bits 21:(M-19) are reserved. M is MAXPHYADDR, at most 40.
 */
static uint64_t reserved_32bit(unsigned int maxphyaddr, enum level level, uint64_t entry)
{
	unsigned int m = maxphyaddr > 40 ? 40 : maxphyaddr;

	if (level != LEVEL_PDE || !(entry & ENTRY_PS))
		return 0;
	return bits(m - 19, 21);
}

/* SDM 4.4.1, table 4-8: a PDPTE of PAE paging has neither rights nor XD. */
static uint64_t reserved_pae_pdpte(unsigned int maxphyaddr)
{
	return bits(1, 2) | bits(5, 8) | bits(maxphyaddr, 63);
}

uint64_t reserved_bits(const struct paging_state *state, enum level level, uint64_t entry)
{
	unsigned int m = state->maxphyaddr;

	if (state->paging == PAGING_32BIT)
		return reserved_32bit(m, level, entry);
	if (state->paging == PAGING_PAE && level == LEVEL_PDPTE)
		return reserved_pae_pdpte(m);

	/*
	 * SDM 4.4.2 and 4.5.4: up to bit 62 in PAE paging, whose software has no
	 * use for ignored bits there; up to 51 in the others.
	 */
	uint64_t reserved = bits(m, state->paging == PAGING_PAE ? 62 : 51);

	if (!state->nxe)
		reserved |= ENTRY_NX;
	if (level >= LEVEL_PML4E)
		reserved |= ENTRY_PS;
	else if (level != LEVEL_PTE && maps_page(state->paging, level, entry))
		reserved |= bits(13, level == LEVEL_PDPTE ? 29 : 20);
	return reserved;
}

bool pdpte_loads(const struct paging_state *state, uint64_t pdpte)
{
	return !(pdpte & ENTRY_P) || !(pdpte & reserved_bits(state, LEVEL_PDPTE, pdpte));
}

/* What the entries of a translation allow together */
struct rights {
	bool write, user, no_execute;
};

/* SDM 4.6.1 */
static bool allowed(const struct paging_state *state, const struct access *access,
		    const struct rights *rights)
{
	if (access->user && !rights->user)
		return false;
	if (access->type == ACCESS_FETCH) {
		if (state->nxe && rights->no_execute)
			return false;
		return access->user || !rights->user || !state->smep;
	}
	if (!access->user && rights->user && state->smap && !access->ac)
		return false;
	if (access->type == ACCESS_READ || rights->write)
		return true;
	return !access->user && !state->wp;
}

/* SDM 4.7: the error code apart from P and RSVD, and CR2 */
static void fault(const struct paging_state *state, const struct access *access, uint32_t why,
		  struct walk_outcome *ret)
{
	bool has_nx = state->paging != PAGING_32BIT && state->nxe;

	ret->fault = true;
	ret->cr2 = access->address;
	ret->error_code = why;
	if (access->type == ACCESS_WRITE)
		ret->error_code |= FAULT_W;
	if (access->user)
		ret->error_code |= FAULT_U;
	if (access->type == ACCESS_FETCH && (has_nx || state->smep))
		ret->error_code |= FAULT_FETCH;
}

/*
 * SDM 4.8: the accessed flag is set in every entry that a translation uses, and dirty
 * in the one that maps the page. When there is no translation, the text leaves open
 * whether those above the entry that is to blame count as used.
 */
static void accessed_dirty(const struct paging_state *state, const struct access *access,
			   struct walk_outcome *ret)
{
	uint64_t *flags = ret->fault ? ret->may_set : ret->sets;

	for (enum level level = walk_top(state->paging); level > ret->last; level--) {
		if (state->paging != PAGING_PAE || level != LEVEL_PDPTE)
			flags[level] = ENTRY_A;
	}
	if (!ret->fault)
		flags[ret->last] = ENTRY_A | (access->type == ACCESS_WRITE ? ENTRY_D : 0);
}

void page_walk(const struct paging_state *state, const struct access *access,
	       const uint64_t entry[NR_LEVELS], struct walk_outcome *ret)
{
	struct rights rights = { .write = true, .user = true };
	enum level level = walk_top(state->paging);

	memset(ret, 0, sizeof(*ret));
	for (;; level--) {
		uint64_t e = entry[level];

		ret->last = level;
		if (!(e & ENTRY_P)) {
			fault(state, access, 0, ret);
			break;
		}
		if (e & reserved_bits(state, level, e)) {
			fault(state, access, FAULT_P | FAULT_RSVD, ret);
			break;
		}
		if (state->paging != PAGING_PAE || level != LEVEL_PDPTE) {
			rights.write &= !!(e & ENTRY_W);
			rights.user &= !!(e & ENTRY_U);
			rights.no_execute |= state->paging != PAGING_32BIT && (e & ENTRY_NX);
		}
		if (maps_page(state->paging, level, e)) {
			if (!allowed(state, access, &rights))
				fault(state, access, FAULT_P, ret);
			break;
		}
	}
	accessed_dirty(state, access, ret);
}
