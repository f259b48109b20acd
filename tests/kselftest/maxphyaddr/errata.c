// SPDX-License-Identifier: GPL-2.0-only
#include "errata.h"

#include <string.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"

bool as_expected(const struct errata_case *c, const struct walk_outcome *outcome, bool pdpte_gp,
		 const struct observation *seen, uint64_t ignored)
{
	struct walk_outcome nothing = { .last = LEVEL_PDPTE };

	if (pdpte_gp) {
		if (seen->vector != VECTOR_GP || seen->error_code)
			return false;
		outcome = &nothing;
	} else if (outcome->fault) {
		if (seen->vector != VECTOR_PF || seen->error_code != outcome->error_code ||
		    seen->cr2 != outcome->cr2)
			return false;
	} else if (seen->vector != -1) {
		return false;
	}
	for (int level = LEVEL_PTE; level < NR_LEVELS; level++) {
		uint64_t open = outcome->may_set[level] | (level == outcome->last ? ignored : 0);

		if ((seen->set[level] ^ outcome->sets[level]) & ~open)
			return false;
	}
	return true;
}

static bool parameter(const char *module, const char *name, bool *ret)
{
	char path[128], value;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	value = fgetc(file);
	fclose(file);
	*ret = value == 'Y' || value == '1';
	return true;
}

void host_detect(struct host *ret)
{
	const char *module;
	unsigned int eax, ebx, ecx, edx;

	memset(ret, 0, sizeof(*ret));
	ret->amd = is_amd_cpu();
	module = ret->amd ? "kvm_amd" : "kvm_intel";
	__TEST_REQUIRE(parameter(module, ret->amd ? "npt" : "ept", &ret->tdp),
		       "%s is not loaded", module);
	ret->has_allow_smaller = parameter(module, "allow_smaller_maxphyaddr",
					   &ret->allow_smaller);
	cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
	ret->maxphyaddr = eax & 0xff;
}

const struct erratum errata[] = {
	{ .name = NULL },
};
const size_t nr_errata = 0;
