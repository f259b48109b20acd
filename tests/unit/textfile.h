/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TEXTFILE_H
#define TESTS_UNIT_TEXTFILE_H

/* The text in the file @path, the caller's. Ends the program if it cannot be read. */
char *read_file(const char *path);

#endif
