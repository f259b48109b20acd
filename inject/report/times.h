/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_TIMES_H
#define INJECT_REPORT_TIMES_H

#include <stdio.h>

#include "inject/report/model.h"

/* How long the crashes took, and which took longest. */
struct error *times(FILE *out, const struct model *model);

#endif
