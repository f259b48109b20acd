// SPDX-License-Identifier: GPL-2.0-or-later
/* Damaged dumps end in a verdict or an error, not in a crash; always the same ones. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analyze.h"
#include "tests/unit/host.h"
#include "tests/unit/tap.h"
#include "tests/unit/writer.h"

#define NR_DUMPS	300

static const char description[] =
	"vm a\n"
	"vcpu A of a cpu 1 launched shadow\n"
	"vcpu X of a cpu 1 launched\n"
	"vcpu B of a cpu 0 launched\n"
	"list 1 A X\n"
	"list 0 B\n"
	"del X 2\n"
	"log 1 walk\n"
	"log 1 vmclear A\n"
	"log 1 vmclear A shadow\n"
	"point list_del/2 cpu 1 vmptr A sees A\n";

static uint64_t seed = 1;

/* xorshift64: the same sequence everywhere */
static uint64_t next_random(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Flip a bit, set a byte, or copy eight bytes from elsewhere. */
static void damage(uint8_t *data, size_t size)
{
	size_t at = next_random(size - 8), from = next_random(size - 8);

	switch (next_random(3)) {
	case 0:
		data[at] ^= 1 << next_random(8);
		break;
	case 1:
		data[at] = next_random(2) ? 0xff : 0;
		break;
	case 2:
		memmove(data + at / 8 * 8, data + from / 8 * 8, 8);
		break;
	}
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "r");
	uint8_t *data = NULL;

	if (!in || fseek(in, 0, SEEK_END))
		err(2, "%s", path);
	*ret_size = ftell(in);
	rewind(in);
	data = malloc(*ret_size);
	if (!data || fread(data, 1, *ret_size, in) != *ret_size)
		err(2, "%s", path);
	fclose(in);
	return data;
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *out = fopen(path, "w");

	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		err(2, "%s", path);
}

static void test_format(char *path, const char *format)
{
	size_t size;
	uint8_t *data = read_file(path, &size), *copy = malloc(size);
	FILE *null = fopen("/dev/null", "w");
	const struct analysis_request request = { .path = &path, .nr_paths = 1 };

	if (!copy || !null)
		err(2, "test_damage");
	for (int i = 0; i < NR_DUMPS; i++) {
		struct analysis *analysis = NULL;

		memcpy(copy, data, size);
		for (uint64_t nr = 1 << next_random(8); nr; nr--)
			damage(copy, size);
		write_file(path, copy, size);
		struct error *error = analysis_create(&request, &analysis);

		if (analysis)
			error_free(analysis_print(analysis, CHARSET_UTF8, null));
		error_free(error);
		analysis_destroy(analysis);
	}
	fclose(null);
	free(copy);
	free(data);
	tap_ok(true, "%s: %d damaged dumps end in a verdict or an error", format, NR_DUMPS);
}

int main(void)
{
	char path[] = "/tmp/kdump-torture-damage-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		err(2, "%s", path);
	close(fd);
	struct host *host = host_create(description);

	writer_write(host_machine(host), "elf", 0, path);
	test_format(path, "ELF");
	writer_write(host_machine(host), "kdump raw", 0, path);
	test_format(path, "kdump");
	host_destroy(host);
	unlink(path);
	return tap_done();
}
