// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time of day stands still for the emulator, so that two boots are one,
 * instruction for instruction. Bochs would take from it the date of its machine
 * and the seed of RDRAND, and the period of a timer of its own, one that counts
 * in real time, as does the display's. It does nothing that the guest could see,
 * but cuts in two the string instruction that it falls into: other turns of the
 * CPUs, and from there on all is different.
 */
#include <sys/time.h>
#include <time.h>

#include "inject/snapshot/preload/emulator.h"
#include "inject/snapshot/protocol.h"

int clock_gettimeofday(struct timeval *ret, void *timezone) IN_FRONT_OF(gettimeofday);
time_t clock_time(time_t *ret) IN_FRONT_OF(time);

int clock_gettimeofday(struct timeval *ret, void *timezone)
{
	(void)timezone;
	*ret = (struct timeval){ .tv_sec = EMULATED_POWER_ON };
	return 0;
}

time_t clock_time(time_t *ret)
{
	if (ret)
		*ret = EMULATED_POWER_ON;
	return EMULATED_POWER_ON;
}
