/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_MATRIX_H
#define INJECT_REPORT_MATRIX_H

#include <stdio.h>

#include "inject/report/model.h"

/* A table for each scenario: points by kernels and deliveries, and what filters them. */
void matrix(FILE *out, const struct model *model);

#endif
