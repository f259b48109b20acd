// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linked into the fast emulator. A crash leaves the CPUs that did not panic
 * halted for good, but Bochs goes on to ask each of them, after every few
 * instructions of the others, whether it has something to do.
 */
#include "bochs.h"
#include "cpu/cpu.h"
#include "pc_system.h"

#include <unistd.h>

/* With interrupts disabled: what is left is NMI, SMI and INIT, which nobody sends. */
static bool is_halted_for_good(BX_CPU_C *cpu)
{
	return cpu->activity_state != BX_CPU_C::BX_ACTIVITY_STATE_ACTIVE && !cpu->get_IF();
}

/*
 * Go on as a machine with one CPU, that which runs, if all others are halted for
 * good; then this does not return. It may be called while an instruction of that
 * CPU is executed, which is done with then.
 */
extern "C" void run_alone(void)
{
	BX_CPU_C *running = NULL;

	for (unsigned i = 0; i < BX_SMP_PROCESSORS; i++) {
		if (is_halted_for_good(BX_CPU(i)))
			continue;
		if (running)
			return;
		running = BX_CPU(i);
	}
	if (!running)
		return;
	BX_CPU(0) = running;
	bx_cpu_count = 1;
	while (!bx_pc_system.kill_bochs_request)
		running->cpu_loop();
	_exit(0);
}
