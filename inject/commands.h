/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_COMMANDS_H
#define INJECT_COMMANDS_H

/*
 * The sub-commands that inject/ implements. Each takes its own argv (argv[0]
 * is its name), reports its errors on stderr, returns an enum exit_status.
 */
int cmd_run(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_regress(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_points(int argc, char **argv);
int cmd_maxphyaddr(int argc, char **argv);
int cmd_kselftest(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
