// SPDX-License-Identifier: GPL-2.0-or-later
/* Decoding the kernel's own symbol table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/kallsyms.h"
#include "tests/unit/image.h"
#include "tests/unit/tap.h"

#define VM_LIST		(MACHINE_TEXT + 0x1800000)

static void make_image(struct image *image)
{
	char longest[512];

	memset(longest, 'x', sizeof(longest));
	longest[510] = '\0';
	image_add_symbol(image, "cpu_tlbstate", 0x2040);
	image_add_symbol(image, "vm_list", VM_LIST);
	image_add_symbol(image, "alias_of_vm_list", VM_LIST);
	image_add_symbol(image, "loaded_vmcss_on_cpu", VM_LIST + 0x100);
	image_add_symbol(image, "kallsyms_lookup_name", VM_LIST + 0x200);
	image_add_symbol(image, longest, VM_LIST + 0x300);
	image_add_symbol(image, "twice", VM_LIST + 0x500);
	image_add_symbol(image, "twice", VM_LIST + 0x400);
}

static bool found_at(const struct symbol_table *table, const char *name, uint64_t addr)
{
	uint64_t value;

	return symbol_table_find(table, name, &value) && value == addr;
}

static void test_encoding(const char *name, enum image_offsets offsets)
{
	struct image *image = calloc(1, sizeof(*image));
	struct machine *machine = machine_create();
	struct symbol_table table = {};
	uint64_t unused;

	make_image(image);
	/* A per-CPU symbol below the base cannot be told with unsigned offsets. */
	if (offsets == IMAGE_UNSIGNED)
		image->symbol[0].addr = MACHINE_TEXT + 0x2040;
	image_write_kallsyms(image, machine, offsets);
	struct error *err = kallsyms_read(&machine->memory, &machine->info, &table);

	if (!tap_ok(!err, "%s: the table is decoded", name))
		tap_diag("%s", err->message);
	tap_ok(found_at(&table, "vm_list", VM_LIST), "%s: a symbol is found by name", name);
	tap_ok(found_at(&table, "loaded_vmcss_on_cpu", VM_LIST + 0x100),
	       "%s: so is one compressed by tokens", name);
	tap_ok(found_at(&table, "cpu_tlbstate", image->symbol[0].addr),
	       "%s: so is a per-CPU symbol", name);
	char longest[511] = "";

	memset(longest, 'x', 510);
	tap_ok(found_at(&table, longest, VM_LIST + 0x300), "%s: so is a name of 510 bytes", name);
	tap_ok(found_at(&table, "twice", VM_LIST + 0x400),
	       "%s: of two of one name the lower is found", name);
	tap_ok(!symbol_table_find(&table, "vm_lis", &unused), "%s: a part of a name is not", name);
	symbol_table_deinit(&table);
	machine_destroy(machine);
	free(image);
	error_free(err);
}

static void test_lookup(void)
{
	struct image *image = calloc(1, sizeof(*image));
	struct machine *machine = machine_create();
	struct symbol_table table = {};
	uint64_t offset = 0;

	make_image(image);
	image_write_kallsyms(image, machine, IMAGE_ABSOLUTE_PERCPU);
	error_free(kallsyms_read(&machine->memory, &machine->info, &table));
	const char *name = symbol_table_lookup(&table, VM_LIST + 0x210, &offset);

	tap_ok(name && !strcmp(name, "kallsyms_lookup_name") && offset == 0x10,
	       "an address within a symbol is its name and an offset");
	name = symbol_table_lookup(&table, VM_LIST + 0x200, &offset);
	tap_ok(name && !strcmp(name, "kallsyms_lookup_name") && !offset,
	       "a symbol's own address has offset 0");
	name = symbol_table_lookup(&table, ~0ULL, &offset);
	tap_ok(name && !strcmp(name, "twice"), "above all is the last symbol");
	tap_ok(!symbol_table_lookup(&table, 0x10, &offset), "below all is none");
	symbol_table_deinit(&table);
	machine_destroy(machine);
	free(image);
}

/* Overwrite what @key names in vmcoreinfo with @value, or remove the key for NULL. */
static void test_damage(const char *fact, const char *key, const uint32_t *value,
			const char *expected)
{
	struct image *image = calloc(1, sizeof(*image));
	struct machine *machine = machine_create();
	struct symbol_table table = {};
	uint64_t addr;

	make_image(image);
	image_write_kallsyms(image, machine, IMAGE_ABSOLUTE_PERCPU);
	if (!vmcoreinfo_symbol(&machine->info, key, &addr))
		abort();
	if (value)
		machine_poke_u32(machine, addr, *value);
	else
		*strstr(machine->vmcoreinfo, key) = '?';
	struct error *err = kallsyms_read(&machine->memory, &machine->info, &table);

	if (!tap_ok(err && strstr(err->message, expected), "%s", fact))
		tap_diag("%s", err ? err->message : "no error");
	error_free(err);
	symbol_table_deinit(&table);
	machine_destroy(machine);
	free(image);
}

int main(void)
{
	const uint32_t zero = 0, many = 0xffffffff;

	test_encoding("absolute per-CPU", IMAGE_ABSOLUTE_PERCPU);
	test_encoding("unsigned offsets", IMAGE_UNSIGNED);
	test_encoding("addresses", IMAGE_ADDRESSES);
	test_lookup();
	test_damage("a kernel before 6.0 is named as such", "kallsyms_names", NULL, "older than 6.0");
	test_damage("no symbols are an error", "kallsyms_num_syms", &zero, "impossible");
	test_damage("too many symbols are an error", "kallsyms_num_syms", &many, "impossible");
	test_damage("a token out of order is an error", "kallsyms_token_index", &many, "token 0");
	test_damage("a wrong base is an error", "kallsyms_relative_base", &many, "_stext decodes to");
	test_damage("a name of no length is an error", "kallsyms_names", &zero, "no length");
	return tap_done();
}
