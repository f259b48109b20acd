/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_NOTES_H
#define ANALYZE_NOTES_H

/* The ELF notes of a dump, which both formats carry. */

#include "analyze/rawfile.h"

#define NOTE_VMCOREINFO	"VMCOREINFO"

/*
 * vmcoreinfo among the @size bytes of notes at @offset, as a string of the
 * caller's; NULL if it is not there.
 */
struct error *notes_vmcoreinfo(const struct rawfile *file, uint64_t offset, size_t size,
			       char **ret);

#endif
