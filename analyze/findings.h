/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_FINDINGS_H
#define ANALYZE_FINDINGS_H

/* What the analysis noticed on its way, in the order in which it did. */

#include <stddef.h>

enum finding_weight {
	FINDING_NOTE,	/* worth knowing */
	FINDING_DOUBT,	/* with this the dump cannot pass */
};

struct finding {
	enum finding_weight weight;
	char *text;	/* one sentence, no full stop, no newline */
};

struct findings {
	struct finding *finding;
	size_t nr;
};

void findings_deinit(struct findings *findings);

/* Running out of memory here ends the program: a lost doubt could turn into a pass. */
void findings_add(struct findings *findings, enum finding_weight weight,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The first doubt, or NULL. */
const struct finding *findings_first_doubt(const struct findings *findings);

#endif
