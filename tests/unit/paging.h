/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_PAGING_H
#define TESTS_UNIT_PAGING_H

/* Page tables of an invented machine, as its processor would walk them (SDM vol. 3, 4.5). */

#include "tests/unit/machine.h"

#define PAGING_SHIFT_4K	12
#define PAGING_SHIFT_2M	21
#define PAGING_SHIFT_1G	30

/* Map the page of 1 << @shift bytes at @va to @pa; before machine_boot() there is nothing to do. */
void paging_map(struct machine *machine, uint64_t va, uint64_t pa, unsigned int shift);

#endif
