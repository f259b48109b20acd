/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_ORACLE_IMAGE_H
#define ANALYZE_ORACLE_IMAGE_H

/* The oracle that looks at the VMCS region; and what it shares with the others. */

#include "analyze/oracle.h"

/* Fill in @vmcs->image; that the region cannot be read is a doubt. */
void oracle_look_at_image(const struct memory *mem, const struct witnesses *witnesses,
			  struct findings *findings, struct vmcs *vmcs);

/* The image must have been looked at. */
void oracle_ask_image(const struct witnesses *witnesses, const struct vmcs *vmcs,
		      struct testimony *ret);

/* The driver looked at the CPU of @vmcs when its VMCSes were as the dump has them. */
bool oracle_driver_watched(const struct witnesses *witnesses, const struct vmcs *vmcs);

/* @word is for the table, @why a clause; too long ones are cut. */
void testify(struct testimony *ret, enum answer answer, const char *word, const char *why, ...)
	__attribute__((format(printf, 4, 5)));

#endif
