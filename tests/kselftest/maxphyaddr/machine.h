/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAXPHYADDR_MACHINE_H
#define MAXPHYADDR_MACHINE_H

/* A VM with one vCPU, in one paging mode, that does the cases of guest.h. */

#include "guest.h"
#include "model.h"

#include <stddef.h>

/* Test tables and the page they lead to: of each two, the second without an alias. */
#define TABLES(aliased, level)	(((aliased) ? 0x200000U : 0x300000U) + (level) * 0x1000U)
#define TARGET(aliased)		((aliased) ? 0x208000U : 0x308000U)
/* What a machine shows again at each address bit from the guest's last one to the host's */
#define ALIAS_SIZE		0x300000U

struct machine;

/*
 * Create it; ends the program if KVM refuses. The guest's MAXPHYADDR is @maxphyaddr,
 * and the memory below ALIAS_SIZE is found again at 1 << BIT for each BIT from
 * @maxphyaddr - 1 to @host_maxphyaddr - 1.
 */
struct machine *machine_create(enum paging paging, unsigned int maxphyaddr,
			       unsigned int host_maxphyaddr);
void machine_destroy(struct machine *machine);

/* Where in the guest's memory the top table of its own paging structures is */
uint32_t machine_top_table(enum paging paging);

/*
 * Have the guest do @nr cases, and write back to them what came of it. exit_reason of
 * a case is that of a VM exit that the case should not have caused, or
 * EXIT_HUNG.
 */
void machine_run(struct machine *machine, struct guest_case *cases, size_t nr);

#define EXIT_HUNG	(~0U)

#endif
