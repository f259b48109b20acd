/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MAXPHYADDR_GUEST_H
#define MAXPHYADDR_GUEST_H

/*
 * What the program and its guest agree upon. The guest's memory begins at 0 and is
 * mapped there, supervisor only but for GUEST_USER.
 */

#define GUEST_GDT	0x01000
#define GUEST_IDT	0x02000
#define GUEST_TSS	0x03000
#define GUEST_USER	0x04000		/* the instructions of an access, for CPL 3 */
#define GUEST_STUBS	0x05000		/* the same for CPL 0 */
#define GUEST_TRY	0x06000		/* struct guest_try */
#define GUEST_BATCH	0x07000		/* struct guest_batch */
#define GUEST_CODE	0x10000		/* guest64.bin or guest32.bin */
#define GUEST_STACK	0x30000		/* its end */
#define GUEST_TABLES	0x40000		/* the guest's own paging structures */
#define GUEST_CASES	0x80000		/* up to 0x200000 */
#define GUEST_SIZE	0x400000

/* The instructions of an access, at these offsets: one, and INT 0x80 */
#define STUB_READ	0
#define STUB_WRITE	16

#define GUEST_CS	0x08
#define GUEST_SS	0x10
#define GUEST_USER_CS	0x1b
#define GUEST_USER_SS	0x23		/* also DS and ES, at every CPL */
#define GUEST_TSS_SELECTOR 0x28

/* From GUEST_CODE on: the entry, then an entry for each vector, INT 0x80 the last. */
#define GUEST_VECTOR_SIZE	16
#define GUEST_VECTORS		33
#define VECTOR_RETURNED		0x80

/* OUT to these ports: the batch is done; an exception that is no case's came. */
#define GUEST_PORT		0x3f0
#define GUEST_PORT_LOST		0x3f1

/* Offsets in struct guest_try, for assembly */
#define TRY_CR3		0
#define TRY_IP		8
#define TRY_CS		16
#define TRY_FLAGS	24
#define TRY_SP		32
#define TRY_SS		40
#define TRY_ADDRESS	48
#define TRY_SAVED_SP	56
#define TRY_VECTOR	64
#define TRY_ERROR_CODE	72
#define TRY_CR2		80

#ifndef __ASSEMBLER__

#include <stdint.h>

/* The same alignment for a 32-bit compiler */
typedef uint64_t __attribute__((aligned(8))) guest_u64;

/* One access: CR3 is loaded, then it is gone to IP as by IRET. */
struct guest_try {
	guest_u64 cr3, ip, cs, flags, sp, ss;
	guest_u64 address;
	guest_u64 saved_sp;
	guest_u64 vector, error_code, cr2;
};

struct guest_case {
	guest_u64 address;
	uint32_t cr0, cr4, efer;
	uint8_t type;			/* enum access_type */
	uint8_t user, ac;
	uint8_t nr_entries;
	/* From the top down; what is there after the access takes their place. */
	guest_u64 entry[5];
	uint32_t entry_at[5];
	/* What happened; the program itself writes exit_reason. */
	uint32_t vector, error_code;
	uint32_t exit_reason;
	guest_u64 cr2;
};

struct guest_batch {
	uint32_t nr;
	volatile uint32_t current;	/* of the case that is being done */
	uint32_t entry_size;		/* 4 or 8 */
	uint32_t has_efer;
	/* The entry that maps the guest itself in its top table, and where it is */
	guest_u64 own_entry;
	uint32_t own_entry_at;
};

#endif
#endif
