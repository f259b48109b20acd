// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/commands.h"
#include "inject/option.h"
#include "inject/replay.h"
#include "inject/run.h"
#include "inject/target.h"
#include "inject/triggers.h"

static const char help[] =
"Usage: kdump-torture run [OPTION...]\n"
"Crash a KVM host at one chosen instruction, capture the dump, judge it.\n"
"\n"
"The host is a target that may be crashed, never the machine you type on.\n"
"\n"
"  -t, --target NAME      bochs: emulated Intel host (default); qemu: emulated AMD host,\n"
"                         or this machine's VMX or SVM where KVM nests it\n"
"  -k, --kernel KERNEL    fixed (default), a mutant (bitmap), or a built kernel tree\n"
"  -p, --point POINT      OP/STEP (default list_add/2) or FUNCTION+0xOFF of\n"
"                         kvm_intel; 'kdump-torture points' lists them. On an AMD\n"
"                         host: host/now (its default) or FUNCTION+0xOFF of kvm_amd\n"
"                         or kvm\n"
"  -d, --deliver HOW      self (default), remote or shootdown\n"
"  -c, --cpu N            victim CPU (default 1)\n"
"  -g, --guests N         guests launched on the victim CPU (default 3)\n"
"  -b, --bystanders N     guests launched on another CPU (default 1)\n"
"  -o, --out DIR          new directory for all that the run leaves\n"
"                         (default: runs/, named by date, kernel, point, delivery)\n"
"      --via HOW          auto (default), hook or kprobe\n"
"      --trigger LIST     what to do to reach the point, see below\n"
"                         (default: what its OP needs)\n"
"      --situation NAME   what the host has been through before, see below\n"
"                         (default: what its OP needs)\n"
"      --skip N           let N hits of the point pass first\n"
"      --memory MIB       memory of the target (default 384)\n"
"      --disk MIB         by disk: the size of the dump disk (default 256)\n"
"      --emulator WHICH   packaged or fast (default: fast where 'make emulator' has\n"
"                         built it)\n"
"      --timeout SECONDS  longest wait for a sign of life (default 120)\n"
"      --path PATH        full: the capture kernel hands the dump to the emulator; fast:\n"
"                         the memory is taken as the crash kernel is entered; disk:\n"
"                         the capture kernel writes the dump to a disk. Full and fast\n"
"                         crash a fork of an armed host (default: full, or disk where\n"
"                         another option needs it)\n"
"      --vary SEED        with full and fast: other timing, guests and memory\n"
"      --same-kernel      let the crashed kernel capture its dump itself, as distributions\n"
"                         do, not the smaller one that was built for it\n"
"      --checks           by disk: load the crash kernel with checksums, as kdump\n"
"                         scripts do\n"
"      --compress         by disk: compress the dump with zlib, as they do\n"
"      --without WHAT     crash-kernel: load none; arming: do not arm the driver.\n"
"                         Shows that nothing crashes then. svm-off: on an AMD host,\n"
"                         the crash path leaves SVM on; shows that this fails\n"
"      --in-capture       by disk: analyse /proc/vmcore in the capture kernel, too:\n"
"                         both verdicts must be one\n"
"      --replay RUN       repeat the run in the directory RUN exactly, with its options,\n"
"                         and compare; other options than --out, --json, --quiet\n"
"                         and --keep do not go with it\n"
"      --keep             by disk: keep the images the target booted from\n"
"  -j, --json             print run.json on stdout instead of the report\n"
"  -q, --quiet            no progress on stderr\n"
"  -h, --help             this text\n"
"\n";

static const char help_status[] =
"\n"
"Exit status: 0 pass, 1 fail, 2 usage or set-up error, 3 inconclusive.\n";

enum {
	OPT_VIA = 256,
	OPT_TRIGGER,
	OPT_SITUATION,
	OPT_SKIP,
	OPT_MEMORY,
	OPT_DISK,
	OPT_EMULATOR,
	OPT_PATH,
	OPT_SAME_KERNEL,
	OPT_CHECKS,
	OPT_COMPRESS,
	OPT_VARY,
	OPT_TIMEOUT,
	OPT_WITHOUT,
	OPT_IN_CAPTURE,
	OPT_KEEP,
	OPT_REPLAY,
};

static const struct option long_options[] = {
	{ "target", required_argument, NULL, 't' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "point", required_argument, NULL, 'p' },
	{ "deliver", required_argument, NULL, 'd' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "guests", required_argument, NULL, 'g' },
	{ "bystanders", required_argument, NULL, 'b' },
	{ "out", required_argument, NULL, 'o' },
	{ "via", required_argument, NULL, OPT_VIA },
	{ "trigger", required_argument, NULL, OPT_TRIGGER },
	{ "situation", required_argument, NULL, OPT_SITUATION },
	{ "skip", required_argument, NULL, OPT_SKIP },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "emulator", required_argument, NULL, OPT_EMULATOR },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "same-kernel", no_argument, NULL, OPT_SAME_KERNEL },
	{ "checks", no_argument, NULL, OPT_CHECKS },
	{ "compress", no_argument, NULL, OPT_COMPRESS },
	{ "vary", required_argument, NULL, OPT_VARY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "in-capture", no_argument, NULL, OPT_IN_CAPTURE },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct error *parse_via(const char *text, enum via *ret)
{
	static const char *const names[] = { "auto", "hook", "kprobe" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return NULL;
		}
	}
	return error_new("--via %s: use auto, hook or kprobe", text);
}

static struct error *parse_without(const char *text, struct run_options *ret)
{
	if (!strcmp(text, "crash-kernel"))
		ret->without_crash_kernel = true;
	else if (!strcmp(text, "arming"))
		ret->without_arming = true;
	else if (!strcmp(text, "svm-off"))
		ret->without_svm_off = true;
	else
		return error_new("--without %s: use crash-kernel or arming, or svm-off", text);
	return NULL;
}

static struct error *parse_option(int option, struct run_options *ret)
{
	unsigned int seed;

	switch (option) {
	case 't':
		return target_find(optarg, &ret->target);
	case 'k':
		ret->kernel = optarg;
		return NULL;
	case 'p':
		ret->point = optarg;
		return NULL;
	case 'd':
		ret->deliver = optarg;
		return NULL;
	case 'c':
		return option_number("cpu", optarg, 0, 63, &ret->victim);
	case 'g':
		return option_number("guests", optarg, 0, 64, &ret->guests);
	case 'b':
		return option_number("bystanders", optarg, 0, 64, &ret->bystanders);
	case 'o':
		ret->out = optarg;
		return NULL;
	case OPT_VIA:
		return parse_via(optarg, &ret->via);
	case OPT_TRIGGER:
		ret->trigger = optarg;
		return NULL;
	case OPT_SITUATION:
		ret->situation = optarg;
		return NULL;
	case OPT_SKIP:
		return option_number("skip", optarg, 0, 1000000, &ret->skip);
	case OPT_MEMORY:
		return option_number("memory", optarg, 256, 2048, &ret->memory);
	case OPT_DISK:
		return option_number("disk", optarg, 1, 4096, &ret->disk);
	case OPT_EMULATOR:
		return emulator_parse(optarg, &ret->emulator);
	case OPT_PATH:
		return run_path_parse(optarg, &ret->path);
	case OPT_VARY:
		ret->vary = optarg;
		return option_number("vary", optarg, 0, 4000000000, &seed);
	case OPT_SAME_KERNEL:
		ret->same_kernel = true;
		return NULL;
	case OPT_CHECKS:
		ret->checks = true;
		return NULL;
	case OPT_COMPRESS:
		ret->compress = true;
		return NULL;
	case OPT_TIMEOUT:
		return option_number("timeout", optarg, 1, 86400, &ret->timeout);
	case OPT_WITHOUT:
		return parse_without(optarg, ret);
	case OPT_IN_CAPTURE:
		ret->in_capture = true;
		return NULL;
	case OPT_KEEP:
		ret->keep_images = true;
		return NULL;
	case 'j':
		ret->json = true;
		return NULL;
	case 'q':
		ret->quiet = true;
		return NULL;
	}
	return error_new("see 'kdump-torture run --help'");
}

/* An option that goes with --replay, or is itself. */
static bool goes_with_replay(int option)
{
	return option == OPT_REPLAY || option == 'o' || option == OPT_KEEP || option == 'j' ||
	       option == 'q';
}

static const char *option_name(int option)
{
	const struct option *o = long_options;

	while (o->val != option)
		o++;
	return o->name;
}

static void append(char *list, size_t size, const char *option)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, " --%s", option);
}

static void print_help(void)
{
	fputs(help, stdout);
	puts("Triggers, of which one after the other is done until the point was reached:");
	triggers_print(triggers, stdout);
	puts("\nSituations:");
	triggers_print(situations, stdout);
	fputs(help_status, stdout);
}

/* The options of a command line. @replay: of which run; NULL: of a new one. */
static struct error *parse(int argc, char **argv, struct run_options *options,
			   const char **replay)
{
	char conflicts[256] = "";
	struct error *err = NULL;
	int option;

	while (!err && (option = getopt_long(argc, argv, "t:k:p:d:c:g:b:o:jqh", long_options,
					     NULL)) != -1) {
		if (option == 'h') {
			print_help();
			exit(STATUS_PASS);
		}
		if (option == OPT_REPLAY)
			*replay = optarg;
		else
			err = parse_option(option, options);
		if (!err && !goes_with_replay(option))
			append(conflicts, sizeof(conflicts), option_name(option));
	}
	if (err)
		return err;
	if (optind < argc)
		return error_new("%s: unexpected argument; see 'kdump-torture run --help'",
				 argv[optind]);
	if (*replay && conflicts[0])
		return error_new("--replay: the run that is repeated decides; leave out%s",
				 conflicts);
	return NULL;
}

int cmd_run(int argc, char **argv)
{
	_cleanup_(cleanup_replay) struct replay *replay = NULL;
	struct run_options options = run_defaults;
	_cleanup_(run_result_deinit) struct run_result result = { 0 };
	const char *again = NULL;

	/* It depends on the target. */
	options.point = NULL;
	struct error *err = parse(argc, argv, &options, &again);

	if (!err && again)
		err = replay_create(again, &options, &replay);
	options.replay = replay;
	if (!err)
		err = run_once(&options, &result);
	if (!err && replay)
		err = replay_compare(replay, &result, options.json ? stderr : stdout);
	if (err) {
		error_report(err);
		return STATUS_USAGE;
	}
	return result.status;
}
