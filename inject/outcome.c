// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/outcome.h"

#include <string.h>

static const struct {
	const char *name;
	enum exit_status status;
} outcomes[] = {
	[OUTCOME_CAPTURED]	  = { "captured",	 STATUS_PASS },
	[OUTCOME_SETUP_FAILED]	  = { "setup-failed",	 STATUS_USAGE },
	[OUTCOME_REFUSED]	  = { "refused",	 STATUS_USAGE },
	[OUTCOME_NOT_FIRED]	  = { "not-fired",	 STATUS_INCONCLUSIVE },
	[OUTCOME_NMI_LOST]	  = { "nmi-lost",	 STATUS_INCONCLUSIVE },
	[OUTCOME_HUNG]		  = { "hung",		 STATUS_FAIL },
	[OUTCOME_RESET]		  = { "reset",		 STATUS_FAIL },
	[OUTCOME_TARGET_DIED]	  = { "target-died",	 STATUS_USAGE },
	[OUTCOME_CAPTURE_FAILED]  = { "capture-failed",	 STATUS_INCONCLUSIVE },
	[OUTCOME_DUMP_INCOMPLETE] = { "dump-incomplete", STATUS_INCONCLUSIVE },
	[OUTCOME_DUMP_UNREADABLE] = { "dump-unreadable", STATUS_INCONCLUSIVE },
	[OUTCOME_INTERRUPTED]	  = { "interrupted",	 STATUS_USAGE },
};

const char *outcome_name(enum outcome outcome)
{
	return outcomes[outcome].name;
}

enum outcome outcome_find(const char *name)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (!strcmp(outcomes[i].name, name))
			return i;
	return OUTCOME_SETUP_FAILED;
}

enum exit_status outcome_status(enum outcome outcome, bool fired)
{
	enum exit_status status = outcomes[outcome].status;

	return status == STATUS_FAIL && !fired ? STATUS_INCONCLUSIVE : status;
}
