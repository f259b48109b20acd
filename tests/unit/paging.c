// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/paging.h"

#define TABLE		0x63	/* present, writable, accessed, dirty */
#define LARGE_PAGE	0xe3	/* and PS */
#define ADDRESS		0x000ffffffffff000ULL

/* The table that @entry points to, which is made if it points to none. */
static uint64_t next_table(struct machine *machine, uint64_t entry)
{
	uint64_t value = machine_peek_u64(machine, entry);

	if (!value) {
		value = machine_alloc_table(machine) | TABLE;
		machine_poke_u64(machine, entry, value);
	}
	return machine->direct + (value & ADDRESS);
}

void paging_map(struct machine *machine, uint64_t va, uint64_t pa, unsigned int shift)
{
	if (!machine->pgd)
		return;
	uint64_t table = machine->direct + machine->pgd;

	for (unsigned int at = machine->levels == 5 ? 48 : 39;; at -= 9) {
		uint64_t entry = table + (va >> at & 511) * 8;

		if (at == shift) {
			machine_poke_u64(machine, entry,
					 pa | (shift == PAGING_SHIFT_4K ? TABLE : LARGE_PAGE));
			return;
		}
		table = next_table(machine, entry);
	}
}
