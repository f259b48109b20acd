// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each case file describes a host (host.h) and what the analyser must say of
 * its dump.  Below the licence its first line is the fact that it states.
 *
 *   expect pass|fail|inconclusive
 *   expect NAME STATE             of the VMCS of vCPU NAME, or of "NAME.shadow"
 *   expect NAME ORACLE ANSWER     ANSWER as in the JSON, or a part of the reason
 *   expect NAME vm PID COMM
 *   expect summary|finding|error TEXT
 *   expect report TEXT            somewhere in the report
 *   formats all                   in every format, paging and place of the kernel
 */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "tests/unit/host.h"
#include "tests/unit/tap.h"
#include "tests/unit/textfile.h"
#include "tests/unit/writer.h"

#define MAX_PARTS	8

struct result {
	const struct host *host;
	const struct analysis *analysis;	/* NULL: there was an error */
	const char *error;
};

static const struct vmcs *find_vmcs(const struct result *result, const char *name)
{
	uint64_t pa = host_vmcs(result->host, name);

	for (size_t i = 0; i < result->analysis->nr_vmcs; i++) {
		if (result->analysis->vmcs[i].pa == pa)
			return &result->analysis->vmcs[i];
	}
	return NULL;
}

static bool has_finding(const struct analysis *analysis, const char *text)
{
	for (size_t i = 0; i < analysis->findings.nr; i++) {
		if (strstr(analysis->findings.finding[i].text, text))
			return true;
	}
	return false;
}

static bool vm_is(const struct analysis *analysis, const struct vmcs *vmcs, const char *rest)
{
	char text[64] = "none";

	if (vmcs->loaded->vcpu >= 0) {
		const struct kvm_vcpu *vcpu = &analysis->kvm.vcpu[vmcs->loaded->vcpu];
		const struct kvm_vm *vm = &analysis->kvm.vm[vcpu->vm];

		snprintf(text, sizeof(text), "%d %s", vm->pid, vm->comm);
	}
	return !strcmp(rest, text);
}

static bool vmcs_is(const struct analysis *analysis, const struct vmcs *vmcs, const char *rest)
{
	if (!vmcs)
		return !strcmp(rest, "missing");
	if (!strncmp(rest, "vm ", 3))
		return vm_is(analysis, vmcs, rest + 3);
	for (int i = 0; i < NR_ORACLES; i++) {
		size_t len = strlen(oracle_name(i));

		if (strncmp(rest, oracle_name(i), len) || rest[len] != ' ')
			continue;
		return !strcmp(rest + len + 1, answer_name(vmcs->oracle[i].answer)) ||
		       strstr(vmcs->oracle[i].why, rest + len + 1);
	}
	return !strcmp(rest, vmcs_state_name(vmcs->state)) ||
	       !strcmp(rest, vmcs_kind_name(vmcs->kind));
}

/* The report, as the caller's. */
static char *report(const struct analysis *analysis, enum charset charset)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	error_free(analysis_print(analysis, charset, out));
	fclose(out);
	return text;
}

static bool report_has(const struct analysis *analysis, const char *text)
{
	char *whole = report(analysis, CHARSET_ASCII);
	bool has = strstr(whole, text);

	free(whole);
	return has;
}

static bool is_met(const struct result *result, const char *expected)
{
	char first[32];
	int used = 0;

	if (sscanf(expected, "%31s %n", first, &used) != 1)
		errx(2, "expect what?");
	const char *rest = expected + used;

	if (!strcmp(first, "error"))
		return result->error && strstr(result->error, rest);
	if (!result->analysis)
		return false;
	if (!strcmp(first, "summary"))
		return strstr(analysis_summary(result->analysis), rest);
	if (!strcmp(first, "report"))
		return report_has(result->analysis, rest);
	if (!strcmp(first, "finding"))
		return has_finding(result->analysis, rest);
	if (!*rest)
		return !strcmp(first, verdict_name(analysis_verdict(result->analysis)));
	return vmcs_is(result->analysis, find_vmcs(result, first), rest);
}

/* What the analyser says to people must be writable, whatever it is; and so the JSON. */
static void print_all(const struct analysis *analysis, FILE *out)
{
	error_free(analysis_print(analysis, CHARSET_UTF8, out));
	json_t *json = analysis_json(analysis);

	if (json)
		json_dumpf(json, out, 0);
	else
		tap_ok(false, "the analysis can be written as JSON");
	json_decref(json);
}

static void explain(const struct result *result)
{
	if (result->error) {
		tap_diag("error: %s", result->error);
		return;
	}
	char *text = report(result->analysis, CHARSET_ASCII), *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		tap_diag("%s", line);
	free(text);
}

/* The file or files of a dump, and how it came about. */
struct dump {
	char how[96];
	char path[MAX_PARTS][64];
	unsigned int nr;
};

static struct error *analyse(const struct dump *dump, const struct host *host,
			     struct analysis **ret)
{
	char *path[MAX_PARTS];

	for (unsigned int i = 0; i < dump->nr; i++)
		path[i] = (char *)dump->path[i];
	const char *efer = host_efer(host);
	int file = efer ? memfd_create("efer", 0) : -1;
	char efer_path[32];

	snprintf(efer_path, sizeof(efer_path), "/proc/self/fd/%d", file);
	if (efer && write(file, efer, strlen(efer)) < 0)
		err(2, "efer");
	const struct analysis_request request = {
		.path = path, .nr_paths = dump->nr, .scan = host_scan(host),
		.efer = efer ? efer_path : NULL,
	};
	struct error *error = analysis_create(&request, ret);

	if (efer)
		close(file);
	return error;
}

static void check(const char *fact, const struct host *host, const struct dump *dump,
		  const char *expectations)
{
	struct analysis *analysis = NULL;
	struct error *err = analyse(dump, host, &analysis);
	struct result result = { host, analysis, err ? err->message : NULL };
	char *copy = strdup(expectations), *save;
	FILE *null = fopen("/dev/null", "w");
	char unmet[1024] = "";

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!is_met(&result, line) && !*unmet)
			snprintf(unmet, sizeof(unmet), "%s", line);
	}
	if (!tap_ok(!*unmet, "%s (%s)", fact, dump->how)) {
		tap_diag("not met: expect %s", unmet);
		explain(&result);
	}
	if (analysis && null)
		print_all(analysis, null);
	fclose(null);
	free(copy);
	error_free(err);
	analysis_destroy(analysis);
}

struct test_case {
	char *fact, *host, *expectations;
	bool all_formats;
};

/* Split @text into the fact, the host and what is expected. */
static void split(char *text, struct test_case *ret)
{
	size_t size;
	FILE *host = open_memstream(&ret->host, &size);
	FILE *expectations = open_memstream(&ret->expectations, &size);
	char *save;

	strtok_r(text, "\n", &save);
	ret->fact = strtok_r(NULL, "\n", &save);
	if (!ret->fact || strncmp(ret->fact, "# ", 2))
		errx(2, "the second line of a case must be \"# FACT\"");
	ret->fact += 2;
	for (char *line; (line = strtok_r(NULL, "\n", &save));) {
		if (!strncmp(line, "expect ", 7))
			fprintf(expectations, "%s\n", line + 7);
		else if (!strcmp(line, "formats all"))
			ret->all_formats = true;
		else
			fprintf(host, "%s\n", line);
	}
	fclose(host);
	fclose(expectations);
}

/* Below the directory @dir, which is left empty. */
static void check_format(const char *dir, const struct test_case *test, const struct host *host,
			 const char *format, const char *shape)
{
	struct dump dump = { .nr = writer_parse(format).parts };

	snprintf(dump.how, sizeof(dump.how), "%s%s%.*s", format, *shape ? ", " : "",
		 (int)strcspn(shape, "\n"), shape);
	for (unsigned int i = 0; i < dump.nr; i++) {
		snprintf(dump.path[i], sizeof(dump.path[i]), "%s/vmcore%u", dir, i);
		writer_write(host_machine(host), format, i, dump.path[i]);
	}
	check(test->fact, host, &dump, test->expectations);
	for (unsigned int i = 0; i < dump.nr; i++)
		unlink(dump.path[i]);
}

/* A shape is statements (host.h) of which each case can do without. */
static void check_shape(const char *dir, const struct test_case *test, const char *shape,
			const char *const *formats)
{
	char *description;

	if (asprintf(&description, "%s%s", shape, test->host) < 0)
		err(2, "test_cases");
	struct host *host = host_create(description);

	for (; *formats; formats++)
		check_format(dir, test, host, *formats, shape);
	host_destroy(host);
	free(description);
}

static void run_case(const char *path, const char *dir)
{
	static const char *const some[] = { "elf", "kdump zlib", "kdump zstd flattened", NULL };
	static const char *const all[] = {
		"elf", "elf excluded", "elf compact", "elf qemu", "elf xnum",
		"elf flattened",
		"kdump raw", "kdump zlib", "kdump lzo", "kdump snappy", "kdump zstd",
		"kdump raw flattened", "kdump zstd flattened", "kdump lzo flattened",
		"kdump zlib split 3", "kdump zstd split 5 flattened", NULL
	};
	static const char *const shapes[] = {
		"levels 4\n", "levels 5\n", "kaslr 0x2a000000\n", "kaslr 0x3c000000 levels 5\n",
	};
	char *text = read_file(path);
	struct test_case test = {};

	split(text, &test);
	if (!test.all_formats)
		check_shape(dir, &test, "", some);
	for (size_t i = 0; test.all_formats && i < sizeof(shapes) / sizeof(shapes[0]); i++)
		check_shape(dir, &test, shapes[i], all);
	free(text);
	free(test.host);
	free(test.expectations);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/kdump-torture-cases-XXXXXX";

	if (!mkdtemp(dir))
		err(2, "%s", dir);
	for (int i = 1; i < argc; i++)
		run_case(argv[i], dir);
	rmdir(dir);
	return tap_done();
}
