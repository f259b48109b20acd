// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/assets.h"

/* The assembler looks where the compiler does for its headers. */
#define ASSET(name, file)                                                      \
	__asm__(".pushsection .rodata\n"                                       \
		".global " #name "\n"                                          \
		#name ":\n"                                                    \
		".incbin \"inject/report/" file "\"\n"                         \
		".byte 0\n"                                                    \
		".popsection\n")

ASSET(report_style, "style.css");
ASSET(report_script, "page.js");
