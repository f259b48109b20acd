/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PRELOAD_EMULATOR_H
#define PRELOAD_EMULATOR_H

/*
 * The Bochs that this library is loaded into: its guest's memory and its clock,
 * through the symbols that it exports.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* Let a function of this library be found before libc's @name, by all of the process. */
#define IN_FRONT_OF(name) __asm__(#name) __attribute__((visibility("default")))

/* This process is a Bochs that shows what is needed; else the library is inert. */
bool emulator_is_here(void);

/* To be called before the rest. @memory: bytes; @ips: instructions a second. */
void emulator_init(uint64_t memory, uint64_t ips);

/* Instructions a CPU since power-on. May be called from a signal handler. */
uint64_t emulator_ticks(void);

/*
 * To be called by a CPU that writes to a port: the other CPUs need not be looked
 * at any more, if they are halted for good. Where the emulator can do that, it
 * does not return.
 */
void emulator_run_alone(void);

/* The page of guest memory at @pa, NULL if there is none. */
unsigned char *guest_page(uint64_t pa);
struct error *guest_read(uint64_t pa, void *buffer, size_t length);

#endif
