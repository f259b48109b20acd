/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYZE_TYPES_DWARF_H
#define ANALYZE_TYPES_DWARF_H

/* Types from DWARF. */

#include <elfutils/libdw.h>

#include "analyze/type_source.h"

/* @dwarf must outlive the result. */
struct error *dwarf_source_create(Dwarf *dwarf, struct type_source **ret);

#endif
