/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_PROBE_H
#define INJECT_PROBE_H

#include <stddef.h>

#include "inject/code.h"

/*
 * Why the kernel would refuse a kprobe at an instruction of a loaded module, or
 * NULL if it takes it: the rules of check_kprobe_address_safe() and of x86's
 * prepare_emulation().
 */
const char *probe_problem(const struct code *code, size_t nr);

#endif
