// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyze/svm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"

static struct error *take_line(const char *path, char *line, struct cpu_states *cpus)
{
	unsigned long long value;
	unsigned int nr;
	int end = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "cpu %u efer %llx%n", &nr, &value, &end) != 2 || line[end])
		return error_new("%s: \"%.40s\" is no line of the form \"cpu N efer 0xVALUE\"", path,
				 line);
	for (size_t i = 0; i < cpus->nr; i++) {
		if (cpus->cpu[i].nr != nr)
			continue;
		cpus->cpu[i].svme_known = true;
		cpus->cpu[i].svme = value & EFER_SVME;
		return NULL;
	}
	return error_new("%s: it has a CPU %u, the dump has none", path, nr);
}

struct error *svm_read_efer(const char *path, struct cpu_states *cpus)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct error *err = NULL;
	size_t size = 0;

	if (!file)
		return error_errno(errno, "%s", path);
	while (!err && getline(&line, &size, file) > 0)
		err = take_line(path, line, cpus);
	return err;
}

bool svm_at_crash(const struct evidence *evidence, bool *ret)
{
	if (!evidence_fired(evidence) || evidence->data.efer == KDT_NO_MSR)
		return false;
	*ret = evidence->data.efer & EFER_SVME;
	return true;
}
