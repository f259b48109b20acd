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
	bool amd;
	bool bochs;
	bool tdp;			/* EPT or NPT is on */
	/* The module has the parameter allow_smaller_maxphyaddr, and its value */
	bool has_allow_smaller, allow_smaller;
};

/* Ends the program if the module's parameters cannot be read. */
void host_detect(struct host *ret);

/* What one case came to */
struct observation {
	int vector;			/* of the exception; -1: none; EXITED: a VM exit */
	uint32_t error_code;
	uint64_t cr2;
	uint64_t set[NR_LEVELS];	/* bits that changed in each entry */
};

#define EXITED	-2

struct errata_case {
	const struct paging_state *state;
	struct access access;
	enum level level;		/* of the entry with the illegal bit */
	bool leaf;			/* which maps a page */
	unsigned int bit;		/* of the physical address; 0: none */
	bool aliased;			/* there is memory at that address */
	/* As the SDM has it, for the guest's MAXPHYADDR and for the host's */
	const struct walk_outcome *guest, *host;
	bool pdpte_gp, pdpte_gp_host;	/* #GP on MOV to CR3 */
};

struct erratum {
	const char *name;
	const char *cause;
	bool (*applies)(const struct host *host);
	/* Whether the case should show it, */
	bool (*covers)(const struct host *host, const struct errata_case *c);
	/* and whether what was seen is it. */
	bool (*explains)(const struct host *host, const struct errata_case *c,
			 const struct observation *seen);
};

extern const struct erratum errata[];
extern const size_t nr_errata;

/*
 * Whether @seen is what the model says: @outcome, or #GP on MOV to CR3 if @pdpte_gp.
 * Bits in @ignored of the entry that ended the walk are not looked at.
 */
bool as_expected(const struct errata_case *c, const struct walk_outcome *outcome, bool pdpte_gp,
		 const struct observation *seen, uint64_t ignored);

#endif
