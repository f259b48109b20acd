// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/error.h"

/* Nobody reads that many; damage can make millions. */
#define MAX_FINDINGS	4096

static void no_memory(void)
{
	error_report(&error_no_memory);
	exit(STATUS_USAGE);
}

void findings_deinit(struct findings *findings)
{
	for (size_t i = 0; i < findings->nr; i++)
		free(findings->finding[i].text);
	free(findings->finding);
	*findings = (struct findings){};
}

void findings_add(struct findings *findings, enum finding_weight weight,
		  const char *format, ...)
{
	if (findings->nr > MAX_FINDINGS)
		return;
	if (findings->nr == MAX_FINDINGS) {
		weight = FINDING_DOUBT;
		format = "there is more, which is left out";
	}
	struct finding *finding = realloc(findings->finding,
					  (findings->nr + 1) * sizeof(*finding));

	if (!finding)
		no_memory();
	findings->finding = finding;
	finding += findings->nr;
	finding->weight = weight;
	va_list ap;

	va_start(ap, format);
	int len = vasprintf(&finding->text, format, ap);
	va_end(ap);
	if (len < 0)
		no_memory();
	findings->nr++;
}

const struct finding *findings_first_doubt(const struct findings *findings)
{
	for (size_t i = 0; i < findings->nr; i++) {
		if (findings->finding[i].weight == FINDING_DOUBT)
			return &findings->finding[i];
	}
	return NULL;
}
