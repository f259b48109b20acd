/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_PAGE_H
#define INJECT_REPORT_PAGE_H

#include <stdio.h>

#include "inject/report/model.h"

struct source;

struct page {
	const struct model *model;
	const char *baseline;	/* path of what it is compared with; NULL: nothing */
	struct source *source;	/* of the kernel; NULL: there is none */
	const char *link;	/* see struct story_context */
};

/* The whole page. */
struct error *page_print(FILE *out, const struct page *page);

#endif
