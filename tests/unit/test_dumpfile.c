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

/* Of the file at @path: "VERDICT: TEXT" or "error: TEXT", which names the file. */
static void expect_at(const char *expected, const char *fact)
{
	char *text = analyse();
	const char *rest = strchr(expected, ' ');
	bool named = strncmp(text, "error", 5) || strstr(text, path);

	if (!tap_ok(named && !strncmp(text, expected, rest - expected) && strstr(text, rest + 1),
		    "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static void expect(const char *expected, const char *fact)
{
	expect_at(expected, fact);
	unlink(path);
}

/* As the user nobody, if the test runs as one who may read everything. */
static void test_not_permitted(void)
{
	write_file("secret", "KDUMP   ", 8);
	if (chmod(path, 0) || (!geteuid() && seteuid(65534)))
		err(2, "%s", path);
	expect("error: Permission denied", "so is a file that may not be read");
	if (!getuid() && seteuid(0))
		err(2, "seteuid");
	unlink(in_dir("secret"));
}

static void test_no_files(void)
{
	if (mkfifo(in_dir("fifo"), 0600))
		err(2, "%s", path);
	expect("error: not a regular file", "a FIFO is named as no file, and not waited for");
	strcpy(path, "/dev/zero");
	expect_at("error: not a regular file", "so is a device");
	strcpy(path, "/proc/self/exe");
	expect_at("error: another ELF file", "a program, as a vmlinux is one, is no dump");
	test_not_permitted();
}

static void test_packed(void)
{
	static const struct {
		const char *name, *magic, *expected;
	} packed[] = {
		{ "vmcore.xz", "\xfd" "7zXZ\0\0\4", "error: unxz" },
		{ "vmcore.bz2", "BZh91AY&", "error: bunzip2" },
		{ "vmcore.zst", "\x28\xb5\x2f\xfd\4\0\0\0", "error: unzstd" },
		{ "vmcore.lz4", "\x04\x22\x4d\x18\0\0\0\0", "error: unlz4" },
		{ "vmcore.lzo", "\x89LZO\0\r\n\x1a", "error: lzop -d" },
	};

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		char fact[64];

		write_file(packed[i].name, packed[i].magic, 8);
		snprintf(fact, sizeof(fact), "a file like %s says how to unpack it",
			 packed[i].name);
		expect(packed[i].expected, fact);
	}
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
	static const char *const formats[] = {
		"elf", "kdump raw", "kdump zlib", "elf flattened", "kdump zstd flattened",
	};

	if (!mkdtemp(dir))
		err(2, "%s", dir);
	test_no_dumps();
	test_no_files();
	test_packed();
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		test_incomplete(formats[i]);
		test_cuts(formats[i]);
	}
	test_unwritten_page();
	rmdir(dir);
	return tap_done();
}
