/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_REPORT_ASSETS_H
#define INJECT_REPORT_ASSETS_H

/* style.css and page.js, which are part of every page. */
extern const char report_style[], report_script[];

#endif
