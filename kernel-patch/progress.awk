# SPDX-License-Identifier: GPL-2.0-or-later
# Turns a kernel build's output, a line a file, into a sign of life now and then.
/^  [A-Z]/ { files++; if (files % 200 == 0) { printf "  %-8s %d files built\n", "KERNEL", files; fflush() } }
