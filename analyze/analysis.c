// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/analysis.h"

#include <errno.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/crosscheck.h"
#include "analyze/dump.h"
#include "analyze/printk.h"
#include "analyze/scan.h"
#include "analyze/svm.h"

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
	char crash_time[32], *end;

	if (!vmcoreinfo_string(info, "OSRELEASE", analysis->release, sizeof(analysis->release))) {
		strcpy(analysis->release, "unknown");
		findings_add(&analysis->findings, FINDING_DOUBT,
			     "vmcoreinfo has no OSRELEASE: the dump is damaged");
	}
	/* Added to vmcoreinfo by crash_save_vmcoreinfo(), so only in the crash path. */
	analysis->crashed = vmcoreinfo_string(info, "CRASHTIME", crash_time, sizeof(crash_time));
	if (!analysis->crashed)
		return;
	analysis->crash_time = strtoull(crash_time, &end, 10);
	if (!isdigit((unsigned char)*crash_time) || *end)
		findings_add(&analysis->findings, FINDING_DOUBT,
			     "vmcoreinfo: CRASHTIME=%s is no time: the dump is damaged",
			     crash_time);
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

/* No verdict depends on the log: one that cannot be read is noted. */
static struct error *read_log_tail(const struct dump *dump, size_t lines,
				   struct findings *findings, char **ret)
{
	struct error *err = read_log(dump, lines, ret);

	if (!err || err == &error_no_memory)
		return err;
	findings_add(findings, FINDING_NOTE, "%s", err->message);
	error_free(err);
	*ret = strdup("");
	return *ret ? NULL : &error_no_memory;
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

/* Half-done operations show in a list's links or, as list_del() ends, only beside it. */
static struct error *find_odd_lists(struct analysis *analysis)
{
	const struct kvm_state *kvm = &analysis->kvm;

	analysis->odd_list = calloc(kvm->nr_cpus, sizeof(*analysis->odd_list));
	if (kvm->nr_cpus && !analysis->odd_list)
		return &error_no_memory;
	for (size_t i = 0; i < kvm->nr_cpus; i++)
		analysis->odd_list[i] = list_walk_is_odd(&kvm->cpu[i].list);
	for (size_t i = 0; i < kvm->nr_loaded; i++) {
		const struct loaded_vmcs *loaded = &kvm->loaded[i];
		bool lost = loaded->link_state == LINK_LOST;
		const struct cpu_state *cpu =
			lost || list_operation_of(loaded).name ?
			cpu_states_find(&analysis->cpus, lost ? loaded->cpu : loaded->list_cpu) :
			NULL;

		if (cpu)
			analysis->odd_list[cpu - analysis->cpus.cpu] = true;
	}
	return NULL;
}

const char *analysis_callback(const struct analysis *analysis, int nr)
{
	const struct cpu_state *cpu = cpu_states_find(&analysis->cpus, nr);
	const struct kvm_cpu *kvm_cpu = kvm_find_cpu(&analysis->kvm, nr);

	if (analysis->log.present) {
		if (vmclear_log_find(&analysis->log, nr, VMCLEAR_OP_SKIPPED))
			return "skipped";
		return vmclear_log_find(&analysis->log, nr, VMCLEAR_OP_WALK) ?
		       "walked" : "not-run";
	}
	if (!cpu || !cpu->vmxe_known || !kvm_cpu || !kvm_cpu->list.nr)
		return NULL;
	return cpu->vmxe ? "not-run" : "ran";
}

static struct error *tell_crash(const struct dump *dump, size_t log_lines,
				struct analysis *analysis)
{
	size_t lines = log_lines > CRASH_LOG_LINES ? log_lines : CRASH_LOG_LINES;
	struct error *err = read_log_tail(dump, lines, &analysis->findings, &analysis->printk);

	if (err)
		return err;
	const struct crash_witnesses witnesses = {
		.cpus = &analysis->cpus,
		.kvm = &analysis->kvm,
		.evidence = &analysis->evidence,
		.point_ip = analysis->point_ip,
		.log = analysis->printk,
	};

	crash_tell(&witnesses, &analysis->crash);
	const char *shown = printk_last_lines(analysis->printk, log_lines);

	memmove(analysis->printk, shown, strlen(shown) + 1);
	return NULL;
}

static struct error *analyze_kernel(const struct analysis_request *request,
				    const struct dump *dump, struct analysis *analysis)
{
	const struct kernel_files files = { request->vmlinux, request->modules };
	struct kernel *kernel __attribute__((__cleanup__(cleanup_kernel))) = NULL;
	struct findings *findings = &analysis->findings;
	struct error *err = kernel_create(&dump->memory, &dump->info, &files, &kernel);

	if (!err)
		err = cpu_states_init(kernel, findings, &analysis->cpus);
	if (!err && request->efer)
		err = svm_read_efer(request->efer, &analysis->cpus);
	if (!err)
		err = evidence_read(kernel, findings, &analysis->evidence);
	if (!err)
		err = vmclear_log_read(kernel, findings, &analysis->log);
	if (!err)
		err = kvm_state_init(kernel, findings, &analysis->kvm);
	if (err)
		return err;
	struct witnesses witnesses = {
		.cpus = &analysis->cpus,
		.kvm = &analysis->kvm,
		.log = &analysis->log,
		.evidence = &analysis->evidence,
		.layouts = &analysis->layouts,
	};

	err = oracle_judge_all(&dump->memory, &witnesses, findings, &analysis->vmcs,
			       &analysis->nr_vmcs);
	if (!err && request->scan)
		err = scan_add_orphans(kernel, &witnesses, findings, &analysis->vmcs,
				       &analysis->nr_vmcs);
	if (err)
		return err;
	err = crosscheck_evidence(&analysis->evidence, analysis->vmcs, analysis->nr_vmcs,
				  findings);
	if (err)
		return err;
	format_story(kernel, analysis);
	err = find_odd_lists(analysis);
	if (err)
		return err;
	return placement_find(&analysis->kvm, analysis->vmcs, analysis->nr_vmcs,
			      &analysis->placement, &analysis->nr_placements);
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
	struct error *err = vmcs_layouts_init(request->layout, &analysis->layouts);

	if (!err)
		err = dump_open(request->path, request->nr_paths, &dump);
	if (err)
		return err;
	analysis->file = dump->file;
	if (dump->info_found)
		findings_add(&analysis->findings, FINDING_NOTE,
			     "vmcoreinfo was not among the dump's notes but found in its memory");
	read_identity(&dump->info, analysis);
	err = analyze_kernel(request, dump, analysis);
	if (err && dump->file.incomplete)
		return error_context(err, "%s: it is not all there (%s)", path, dump->file.why);
	if (err)
		return error_context(err, "%s (kernel %s)", path, analysis->release);
	err = tell_crash(dump, request->log_lines, analysis);
	if (err)
		return err;
	struct verdict_input input = {
		.crashed = analysis->crashed,
		.intel = analysis->kvm.intel,
		.kvm = &analysis->kvm,
		.cpus = &analysis->cpus,
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
	free(analysis->printk);
	free(analysis->odd_list);
	free(analysis->placement);
	free(analysis->vmcs);
	cpu_states_deinit(&analysis->cpus);
	vmcs_layouts_deinit(&analysis->layouts);
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
