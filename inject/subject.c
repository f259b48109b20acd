// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/subject.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "analyze/error.h"
#include "inject/kernel_build.h"
#include "inject/points.h"
#include "inject/replay.h"

struct error *subject_create(const char *kernel, struct subject **ret)
{
	_cleanup_(cleanup_subject) struct subject *subject = calloc(1, sizeof(*subject));

	if (!subject)
		return &error_no_memory;
	struct error *err = kernel_build_open(kernel, &subject->kernel);

	if (!err)
		err = replay_inputs(subject->kernel, &subject->inputs);
	if (!err)
		err = points_create(subject->kernel->kvm_intel, &subject->points);
	if (err)
		return err;
	/* Without it the driver's evidence says less. */
	_cleanup_error_ struct error *problem = points_layout(subject->kernel->kvm_intel,
							      &subject->layout);

	if (problem && !(subject->layout_problem = strdup(problem->message)))
		return &error_no_memory;
	*ret = no_cleanup_ptr(subject);
	return NULL;
}

void subject_destroy(struct subject *subject)
{
	if (!subject)
		return;
	points_destroy(subject->points);
	kernel_build_close(subject->kernel);
	json_decref(subject->inputs);
	free(subject->layout);
	free(subject->layout_problem);
	free(subject);
}
