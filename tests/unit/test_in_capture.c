// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict of /proc/vmcore and that of the dump must be one. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject/in_capture.h"
#include "tests/unit/tap.h"

static void expect(const char *path, const char *there, const char *dump, const char *expected,
		   const char *fact)
{
	FILE *file = fopen(path, "w");
	json_t *verdict = json_loads(dump, 0, NULL);

	if (!file || fputs(there, file) == EOF || fclose(file) || !verdict)
		err(2, "%s", path);
	struct error *error = in_capture_compare(path, verdict);
	const char *message = error ? error->message : "same";

	if (!tap_ok(strstr(message, expected), "%s", fact))
		tap_diag("%s", message);
	error_free(error);
	json_decref(verdict);
}

int main(void)
{
	char path[] = "/tmp/kdump-torture-in-capture-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		err(2, "%s", path);
	close(fd);
	const char dump[] = "{\"dump\":{\"format\":\"kdump\"},\"verdict\":\"pass\",\"vmcs\":[1,2]}";

	expect(path, "{\"dump\":{\"format\":\"ELF\"},\"vmcs\":[1,2],\"verdict\":\"pass\"}", dump,
	       "same", "the file's format may differ");
	expect(path, "{\"dump\":{},\"vmcs\":[1,2],\"verdict\":\"fail\"}", dump,
	       "another \"verdict\"", "a verdict may not");
	expect(path, "{\"dump\":{},\"vmcs\":[1,3],\"verdict\":\"pass\"}", dump,
	       "another \"vmcs\"", "nor may a VMCS");
	expect(path, "{\"dump\":{},\"verdict\":\"pass\"}", dump, "another \"vmcs\"",
	       "what is missing differs");
	expect(path, "", dump, "left no verdict", "an empty file is no verdict");
	unlink(path);
	return tap_done();
}
