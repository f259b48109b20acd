/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAXPHYADDR_ERRATA_H
#define MAXPHYADDR_ERRATA_H

/*
 * What is known to differ from the SDM, and no patch of ours can or is to mend: of
 * emulators, of hardware, of KVM by design. All of it is in errata.c.
 */

#include "model.h"

#include <stddef.h>

struct host {
	unsigned int maxphyaddr;	/* of the CPU that KVM runs on */
	bool amd, bochs, qemu;
	bool tdp;			/* EPT or NPT is on */
	/* The module has the parameter allow_smaller_maxphyaddr, and its value */
	bool has_allow_smaller, allow_smaller;
};

/* Of the machine and of the loaded module; ends the program if none is loaded. */
void host_detect(struct host *ret);

/* What the SDM has a case come to */
struct expectation {
	struct walk_outcome walk;
	bool pdpte_gp;			/* MOV to CR3 causes #GP(0), and there is no walk */
};

/* vector of a case that caused none, or a VM exit to user space instead */
#define NO_EXCEPTION	-1
#define VM_EXIT		-2

/* What one case came to */
struct observation {
	int vector;
	uint32_t error_code;		/* or the exit reason */
	uint64_t cr2;
	uint64_t set[NR_LEVELS];	/* bits that changed in each entry */
};

/* A case, as far as errata have to know it */
struct errata_case {
	const struct paging_state *state;
	struct access access;
	const uint64_t *entry;		/* by level */
	enum level level;		/* of the entry with the bit */
	bool leaf;			/* which maps a page */
	unsigned int bit;		/* of the physical address, legal or not; 0: none */
	bool aliased;			/* there is memory at that address */
	/* For the guest's MAXPHYADDR, and for the host's as if it were the guest's */
	struct expectation guest, host;
};

struct erratum {
	const char *name;
	const char *cause;
	bool (*applies)(const struct host *host);
	/* Whether the case should show it */
	bool (*covers)(const struct host *host, const struct errata_case *c);
	/*
	 * Accessed and dirty flags that are set though they should not be: of the entry
	 * with the illegal bit, and of the PDPTE
	 */
	uint64_t sets, sets_pdpte;
	/* Bits of the error code of a page fault with RSVD that are not there */
	uint32_t lacks;
	/* Whether the case came to something else, with @may_set of this and other errata */
	bool (*explains)(const struct errata_case *c, const struct observation *seen,
			 const uint64_t may_set[NR_LEVELS]);
};

extern const struct erratum errata[];
extern const size_t nr_errata;

/* Whether @seen is as @expected, but for bits in @may_set (or NULL). */
bool as_expected(const struct expectation *expected, const struct observation *seen,
		 const uint64_t may_set[NR_LEVELS]);

/* Cases of one erratum: that should show it, of those the ones that pass, and that show it */
struct erratum_count {
	unsigned int covered, passed, shown;
};

/* Whether errata explain what was seen, if it is not as expected. @counts is by erratum. */
bool errata_explain(const struct host *host, const struct errata_case *c,
		    const struct observation *seen, struct erratum_count *counts);

/* What corners.c may find, whose cases are not those of struct errata_case */
enum corner_erratum_id {
	NO_ERRATUM = -1,
	ERRATUM_UNCHECKED,
	ERRATUM_UNDECODABLE,
	ERRATUM_SHARED_MAPPINGS,
	ERRATUM_BEYOND_HOST,
	ERRATUM_SPLIT_WRITE,
	ERRATUM_AMD_PDPTE_IN_WALK,
	ERRATUM_QEMU_RSVD,
	ERRATUM_QEMU_CR3,
	ERRATUM_QEMU_XCHG,
	ERRATUM_QEMU_L2_RSVD,
	NR_CORNER_ERRATA
};

struct corner_erratum {
	const char *name;
	const char *cause;
	bool (*applies)(const struct host *host);
};

extern const struct corner_erratum corner_errata[NR_CORNER_ERRATA];

#endif
