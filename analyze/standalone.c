// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `kdump-torture analyze` as a program of its own, with few libraries: for the
 * initramfs of a capture kernel, where it reads /proc/vmcore.
 */
#include "analyze/analyze.h"

int main(int argc, char **argv)
{
	return cmd_analyze(argc, argv);
}
