// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/crosscheck.h"
#include "analyze/dump.h"
#include "analyze/printk.h"

#define PANIC_MARK	"Kernel panic - not syncing"

static void cleanup_kernel(struct kernel **kernel)
{
	kernel_destroy(*kernel);
}

static void cleanup_analysis(struct analysis **analysis)
{
	analysis_destroy(*analysis);
}

static void read_identity(const struct vmcoreinfo *info, struct analysis *analysis)
{
	char crash_time[32];

	if (!vmcoreinfo_string(info, "OSRELEASE", analysis->release, sizeof(analysis->release)))
		strcpy(analysis->release, "unknown");
	/* Added to vmcoreinfo by crash_save_vmcoreinfo(), so only in the crash path. */
	analysis->crashed = vmcoreinfo_string(info, "CRASHTIME", crash_time, sizeof(crash_time));
	if (analysis->crashed)
		analysis->crash_time = strtoull(crash_time, NULL, 10);
}

/* The last @lines lines of the kernel log; *@ret is the caller's. */
static struct error *read_log(const struct dump *dump, size_t lines, char **ret)
{
	_cleanup_free_ char *log = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&log, &size);

	if (!out)
		return &error_no_memory;
	struct error *err = printk_write_log(&dump->memory, &dump->info, lines, out);
	bool full = ferror(out);

	full |= fclose(out) == EOF;
	if (err)
		return err;
	if (full)
		return &error_no_memory;
	/* In a damaged log; as a string it is to be whole. */
	for (size_t i = 0; i < size; i++)
		log[i] = log[i] ? log[i] : '?';
	*ret = no_cleanup_ptr(log);
	return NULL;
}

/* The message of the last panic; nothing depends on it. */
static void read_panic(const struct dump *dump, struct analysis *analysis)
{
	_cleanup_free_ char *log = NULL;
	struct error *err = read_log(dump, PRINTK_ALL_LINES, &log);

	if (err) {
		findings_add(&analysis->findings, FINDING_NOTE, "%s", err->message);
		error_free(err);
	}
	for (const char *line = log; line && (line = strstr(line, PANIC_MARK)); line++)
		snprintf(analysis->panic, sizeof(analysis->panic), "%.*s",
			 (int)strcspn(line, "\n"), line);
}

static void format_story(const struct kernel *kernel, struct analysis *analysis)
{
	const struct kdt_evidence *data = &analysis->evidence.data;

	if (!analysis->evidence.present)
		return;
	if (data->point_ip)
		kernel_format_address(kernel, data->point_ip, analysis->point_ip,
				      sizeof(analysis->point_ip));
	if (data->nmi_ip)
		kernel_format_address(kernel, data->nmi_ip, analysis->nmi_ip,
				      sizeof(analysis->nmi_ip));
}

static struct error *analyze_kernel(const struct dump *dump, struct analysis *analysis)
{
	struct kernel *kernel __attribute__((__cleanup__(cleanup_kernel))) = NULL;
	struct findings *findings = &analysis->findings;
	struct error *err = kernel_create(&dump->memory, &dump->info, &kernel);

	if (!err)
		err = evidence_read(kernel, findings, &analysis->evidence);
	if (!err)
		err = vmclear_log_read(kernel, findings, &analysis->log);
	if (!err)
		err = kvm_state_init(kernel, findings, &analysis->kvm);
	if (err)
		return err;
	struct witnesses witnesses = {
		.kvm = &analysis->kvm,
		.log = &analysis->log,
		.evidence = &analysis->evidence,
	};

	err = oracle_judge_all(&dump->memory, &witnesses, findings, &analysis->vmcs,
			       &analysis->nr_vmcs);
	if (err)
		return err;
	crosscheck_evidence(&analysis->evidence, analysis->vmcs, analysis->nr_vmcs, findings);
	format_story(kernel, analysis);
	return NULL;
}

struct error *analysis_create(const struct analysis_request *request, struct analysis **ret)
{
	const char *path = request->path[0];
	struct analysis *analysis __attribute__((__cleanup__(cleanup_analysis))) =
		calloc(1, sizeof(*analysis));
	_cleanup_dump_ struct dump *dump = NULL;

	if (!analysis)
		return &error_no_memory;
	analysis->path = strdup(path);
	if (!analysis->path)
		return &error_no_memory;
	struct error *err = dump_open(request->path, request->nr_paths, &dump);

	if (err)
		return err;
	analysis->file = dump->file;
	if (dump->info_found)
		findings_add(&analysis->findings, FINDING_NOTE,
			     "vmcoreinfo was not among the dump's notes but found in its memory");
	read_identity(&dump->info, analysis);
	err = analyze_kernel(dump, analysis);
	if (err && dump->file.incomplete)
		return error_context(err, "%s is not all there (%s)", path, dump->file.why);
	if (err)
		return error_context(err, "%s (kernel %s)", path, analysis->release);
	read_panic(dump, analysis);
	struct verdict_input input = {
		.crashed = analysis->crashed,
		.incomplete = analysis->file.incomplete ? analysis->file.why : NULL,
		.vmcs = analysis->vmcs,
		.nr = analysis->nr_vmcs,
		.evidence = &analysis->evidence,
		.findings = &analysis->findings,
	};

	verdict_decide(&input, &analysis->result);
	*ret = no_cleanup_ptr(analysis);
	return NULL;
}

void analysis_destroy(struct analysis *analysis)
{
	if (!analysis)
		return;
	free(analysis->path);
	free(analysis->vmcs);
	vmclear_log_deinit(&analysis->log);
	kvm_state_deinit(&analysis->kvm);
	findings_deinit(&analysis->findings);
	free(analysis);
}

enum verdict analysis_verdict(const struct analysis *analysis)
{
	return analysis->result.verdict;
}

const char *analysis_summary(const struct analysis *analysis)
{
	return analysis->result.summary;
}

/* All lines or none: what went wrong half way is an error, not half a log. */
struct error *analysis_write_log(const struct analysis_request *request, FILE *out)
{
	_cleanup_dump_ struct dump *dump = NULL;
	_cleanup_free_ char *log = NULL;
	struct error *err = dump_open(request->path, request->nr_paths, &dump);

	if (err)
		return err;
	err = read_log(dump, PRINTK_ALL_LINES, &log);
	if (err)
		return error_context(err, "%s", request->path[0]);
	if (fputs(log, out) == EOF || fflush(out))
		return error_errno(errno, "%s: cannot write its kernel log", request->path[0]);
	return NULL;
}
