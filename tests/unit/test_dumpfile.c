// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that are no dumps, and dumps that are not all there. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/analyze.h"
#include "tests/unit/host.h"
#include "tests/unit/tap.h"
#include "tests/unit/writer.h"

static const char healthy[] =
	"vm a\n"
	"vcpu A of a cpu 1 launched\n"
	"vcpu B of a cpu 0 launched\n"
	"list 1 A\n"
	"list 0 B\n";

/* The directory where the test keeps its files, and one of them at a time. */
static char dir[] = "/tmp/kdump-torture-dumpfile-XXXXXX";
static char path[128];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *out = fopen(in_dir(name), "w");

	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		err(2, "%s", path);
}

static void write_healthy(const char *format, const char *name)
{
	struct host *host = host_create(healthy);

	writer_write(host_machine(host), format, 0, in_dir(name));
	host_destroy(host);
}

static off_t file_size(void)
{
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	return st.st_size;
}

/* Analyse @path. Return: what a user would see first, "VERDICT: SUMMARY" or "error: MESSAGE". */
static char *analyse(void)
{
	char *dump = path;
	const struct analysis_request request = { .path = &dump, .nr_paths = 1 };
	struct analysis *analysis;
	struct error *error = analysis_create(&request, &analysis);
	char *text;

	if (asprintf(&text, "%s: %s", error ? "error" : verdict_name(analysis_verdict(analysis)),
		     error ? error->message : analysis_summary(analysis)) < 0)
		err(2, "asprintf");
	if (!error)
		analysis_destroy(analysis);
	error_free(error);
	return text;
}

static void expect(const char *expected, const char *fact)
{
	char *text = analyse();
	const char *rest = strchr(expected, ' ');

	if (!tap_ok(!strncmp(text, expected, rest - expected) && strstr(text, rest + 1), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
	unlink(path);
}

static void test_no_dumps(void)
{
	const unsigned char gzip[] = { 0x1f, 0x8b, 8, 0 };
	unsigned char elf[64] = { 0x7f, 'E', 'L', 'F', 1, 1, 1 };

	in_dir("missing");
	expect("error: cannot open the dump: No such file", "a missing file is named");
	snprintf(path, sizeof(path), "%s", dir);
	expect("error: a directory", "a directory is named as one");
	write_file("empty", "", 0);
	expect("error: empty file", "so is an empty file");
	write_file("text", "hello\n", 6);
	expect("error: neither an ELF vmcore nor", "so is a file of another kind");
	write_file("vmcore.gz", gzip, sizeof(gzip));
	expect("error: gunzip", "a gzip file says how to unpack it");
	write_file("vmcore.flat", "makedumpfile\0\0\0\0", 16);
	expect("error: ends within the header of a flattened dump", "a flattened dump may be cut short there");
	write_file("elf32", elf, sizeof(elf));
	expect("error: another ELF file", "an ELF file of another kind is named as one");
	write_file("elf-short", elf, 20);
	expect("error: ends within the ELF header", "half an ELF header is cut short");
	write_file("kdump-short", "KDUMP   ", 8);
	expect("error: ends within the dump header", "so is half a kdump header");
}

static void test_incomplete(const char *format)
{
	char fact[128], incomplete[64];

	write_healthy(format, "vmcore");
	snprintf(fact, sizeof(fact), "%s: a whole dump passes", format);
	expect("pass: all 2 launched VMCSes cleared", fact);
	snprintf(incomplete, sizeof(incomplete), "%s incomplete", format);
	write_healthy(incomplete, "vmcore");
	snprintf(fact, sizeof(fact), "%s: one that makedumpfile marked as incomplete does not", format);
	expect("inconclusive: makedumpfile marked", fact);
	write_healthy(format, "vmcore-incomplete");
	snprintf(fact, sizeof(fact), "%s: nor does one named incomplete", format);
	expect("inconclusive: named it incomplete", fact);
}

/* A dump cut anywhere must not pass; some cuts leave enough to tell a verdict, none to pass. */
static void test_cuts(const char *format)
{
	bool passed = false, named = true;

	write_healthy(format, "vmcore");
	off_t size = file_size();

	for (off_t cut = size - 1; cut > 0; cut -= 1 + size / 97) {
		if (truncate(path, cut))
			err(2, "%s", path);
		char *text = analyse();

		passed |= !strncmp(text, "pass", 4);
		if (!strncmp(text, "inconclusive", 12))
			named &= !!strstr(text, "cut short");
		else
			named &= !!strstr(text, "vmcore");
		free(text);
	}
	tap_ok(!passed, "%s: cut at any of a hundred places it does not pass", format);
	tap_ok(named, "%s: and says why", format);
	unlink(path);
}

static void test_unwritten_page(void)
{
	const uint64_t nothing[3] = {};

	write_healthy("kdump raw", "vmcore");
	/* Descriptors follow header, sub-header, a block of notes, and the bitmaps. */
	int fd = open(path, O_WRONLY);
	off_t at = (3 + 2) * MACHINE_PAGE + 5 * sizeof(nothing);

	if (fd < 0 || pwrite(fd, nothing, sizeof(nothing), at) != sizeof(nothing))
		err(2, "%s", path);
	close(fd);
	char *text = analyse();

	if (!tap_ok(strncmp(text, "pass", 4) && strstr(text, "page 5 of"),
		    "a page that was never written makes a dump incomplete"))
		tap_diag("got \"%s\"", text);
	free(text);
	unlink(path);
}

int main(void)
{
	if (!mkdtemp(dir))
		err(2, "%s", dir);
	test_no_dumps();
	test_incomplete("elf");
	test_incomplete("kdump raw");
	test_cuts("elf");
	test_cuts("kdump raw");
	test_unwritten_page();
	rmdir(dir);
	return tap_done();
}
