// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with debug information, for kernels that do not explain themselves. */
#include <elf.h>
#include <err.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/analyze.h"
#include "analyze/kernel.h"
#include "tests/unit/debugfile.h"
#include "tests/unit/tap.h"
#include "tests/unit/writer.h"

#define ID_KERNEL	"00112233445566778899aabbccddeeff00112233"
#define ID_KVM		"0102030405060708090a0b0c0d0e0f1011121314"
#define ID_KVM_INTEL	"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#define ID_OTHER	"feedfacefeedfacefeedfacefeedfacefeedface"

#define HEALTHY							\
	"vm a\n"						\
	"vcpu A of a cpu 1 launched\n"				\
	"vcpu B of a cpu 0 launched\n"				\
	"list 1 A\n"						\
	"list 0 B\n"

#define HEALTHY_SAYS	"pass: all 2 launched VMCSes cleared"

/* In struct module, and of per-CPU data; see host.c */
enum { MODULE_KALLSYMS = 160, MODULE_PERCPU = 176, MODULE_ATTRS = 184, MODULE_BUILD_ID = 192 };
#define PERCPU_LIST	0x1000

static char dir[] = "/tmp/kdump-torture-debuginfo-XXXXXX";
static char vmlinux[64], modules[64], dump[64];

static void make_directory(const char *path)
{
	if (mkdir(path, 0700))
		err(2, "%s", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_all(const char *path)
{
	if (nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS))
		err(2, "%s", path);
}

static void poke_id(struct host *host, uint64_t addr, const char *hex)
{
	struct build_id id;

	if (!build_id_parse(hex, &id))
		errx(2, "no build id: %s", hex);
	machine_poke(host_machine(host), addr, &id, sizeof(id));
}

/* A host, its build ids, and the files to match. @info: vmcoreinfo has the kernel's. */
static struct host *create(const char *text, bool info)
{
	struct host *host = host_create(text);

	if (info)
		machine_info(host_machine(host), "BUILD-ID=" ID_KERNEL);
	poke_id(host, host_module(host, "kvm") + MODULE_BUILD_ID, ID_KVM);
	poke_id(host, host_module(host, "kvm_intel") + MODULE_BUILD_ID, ID_KVM_INTEL);
	debugfile_vmlinux(&(struct debugfile){ dir, ID_KERNEL, 0x4000000, NULL }, host);
	debugfile_module(&(struct debugfile){ modules, ID_KVM, 0, NULL }, host, "kvm");
	debugfile_module(&(struct debugfile){ modules, ID_KVM_INTEL, 0, NULL }, host, "kvm_intel");
	return host;
}

/* What a user sees of @host first: "VERDICT: SUMMARY" or the error. */
static char *analyse(struct host *host, const char *vmlinux_path, const char *modules_path)
{
	static char *const paths[] = { dump };
	const struct analysis_request request = {
		.path = paths, .nr_paths = 1, .vmlinux = vmlinux_path, .modules = modules_path,
	};
	struct analysis *analysis = NULL;
	char *said;

	writer_write(host_machine(host), "elf", 0, dump);
	struct error *error = analysis_create(&request, &analysis);

	if (asprintf(&said, "%s%s%s", error ? error->message :
		     verdict_name(analysis_verdict(analysis)), error ? "" : ": ",
		     error ? "" : analysis_summary(analysis)) < 0)
		err(2, "test_debuginfo");
	error_free(error);
	analysis_destroy(analysis);
	return said;
}

static void expect(const char *fact, struct host *host, const char *vmlinux_path,
		   const char *modules_path, const char *expected)
{
	char *said = analyse(host, vmlinux_path, modules_path);

	if (!tap_ok(strstr(said, expected), "%s", fact))
		tap_diag("expected \"%s\", got \"%s\"", expected, said);
	free(said);
}

static void test_old_kernel(void)
{
	struct host *host = create("no kallsyms\nno types\n" HEALTHY, true);

	expect("a kernel before 6.0 is judged with vmlinux and modules", host, vmlinux, modules,
	       HEALTHY_SAYS);
	expect("without vmlinux the error names the option", host, NULL, modules, "--vmlinux FILE");
	expect("without modules the error names the option", host, vmlinux, NULL, "--modules DIR");
	host_destroy(host);
	host = create("no types\n" HEALTHY, true);
	expect("so is a kernel with kallsyms but without BTF", host, vmlinux, modules, HEALTHY_SAYS);
	expect("without vmlinux its error names the options too", host, NULL, NULL,
	       "give --vmlinux FILE and --modules DIR");
	host_destroy(host);
	host = create(HEALTHY, true);
	expect("a dump that has everything itself takes files too", host, vmlinux, modules,
	       HEALTHY_SAYS);
	expect("and a vmlinux alone, as modules have BTF", host, vmlinux, NULL, HEALTHY_SAYS);
	host_destroy(host);
	host = create("no kallsyms\nno types\n"
		      "vm a\nvcpu A of a cpu 1 launched image 1\nlist 1 A\n", true);
	expect("a VMCS left launched is found with DWARF as with BTF", host, vmlinux, modules,
	       "fail: ");
	host_destroy(host);
}

/* The kernel's notes in its memory, with the build id @hex, for one whose vmcoreinfo has none. */
static void write_notes(struct host *host, struct image *symbols, const char *hex)
{
	struct machine *machine = host_machine(host);
	const uint32_t header[3] = { 4, BUILD_ID_SIZE, 3 };
	uint64_t notes = machine_alloc_text(machine, 36, 4);

	machine_poke(machine, notes, header, sizeof(header));
	machine_poke(machine, notes + 12, "GNU", 4);
	poke_id(host, notes + 16, hex);
	image_add_symbol(symbols, "__start_notes", notes);
	image_add_symbol(symbols, "__stop_notes", notes + 36);
}

static void test_notes(void)
{
	struct host *host = create("no kallsyms\nno types\n" HEALTHY, false);
	/* Of the vmlinux alone, as the dump's are not known */
	struct image *symbols = (struct image *)host_image(host);

	expect("without a build id in vmcoreinfo the file must say where the notes are", host,
	       vmlinux, modules, "no symbol __start_notes");
	write_notes(host, symbols, ID_KERNEL);
	debugfile_vmlinux(&(struct debugfile){ dir, ID_KERNEL, 0, NULL }, host);
	expect("the build id is read from the kernel's notes", host, vmlinux, modules, HEALTHY_SAYS);
	debugfile_vmlinux(&(struct debugfile){ dir, ID_OTHER, 0, NULL }, host);
	expect("and compared", host, vmlinux, modules, "its build id is " ID_OTHER);
	debugfile_vmlinux(&(struct debugfile){ dir, ID_KERNEL, 4096, NULL }, host);
	expect("KASLR moves the notes as all else", host, vmlinux, modules, HEALTHY_SAYS);
	host_destroy(host);
}

static void test_wrong_vmlinux(void)
{
	struct host *host = create(HEALTHY, true);
	char other[128];

	snprintf(other, sizeof(other), "%s/kvm.ko", modules);
	expect("a module is no vmlinux", host, other, NULL, "not the vmlinux");
	snprintf(other, sizeof(other), "%s/vmlinux.c", dir);
	expect("nor is a file that is not ELF", host, other, NULL, "cannot read it as an ELF file");
	snprintf(other, sizeof(other), "%s/none", dir);
	expect("a vmlinux that is not there is an error", host, other, NULL,
	       "No such file or directory");
	debugfile_vmlinux(&(struct debugfile){ dir, ID_OTHER, 0, NULL }, host);
	expect("that of another kernel is an error with its build id", host, vmlinux, NULL,
	       "its build id is " ID_OTHER);
	expect("and with that of the dump", host, vmlinux, NULL, ID_KERNEL);
	debugfile_vmlinux(&(struct debugfile){ dir, NULL, 0, NULL }, host);
	expect("one without a build id is not taken", host, vmlinux, NULL, "has no build id");
	host_destroy(host);
	host = create("no kallsyms\nno types\n" HEALTHY, true);
	debugfile_vmlinux(&(struct debugfile){ dir, ID_KERNEL, 0, "-g0" }, host);
	expect("one without debug information leaves the types unknown", host, vmlinux, modules,
	       "CONFIG_DEBUG_INFO_BTF");
	debugfile_vmlinux(&(struct debugfile){ dir, ID_KERNEL, 0, "-Dmodule=other" }, host);
	expect("a missing structure is named", host, vmlinux, modules, "no struct module is known");
	host_destroy(host);
}

static void test_wrong_modules(void)
{
	struct host *host = create("no types\n" HEALTHY, true);
	char other[128];

	snprintf(other, sizeof(other), "%s/none", dir);
	expect("a directory that is not there is an error", host, vmlinux, other,
	       "cannot search it for modules: No such file or directory");
	expect("so is a file in its place", host, vmlinux, vmlinux, "Not a directory");
	snprintf(other, sizeof(other), "%s/empty", dir);
	make_directory(other);
	expect("a module whose file is not there is named", host, vmlinux, other,
	       "no file of module kvm");
	debugfile_module(&(struct debugfile){ other, ID_OTHER, 0, NULL }, host, "kvm");
	expect("a module of another build is an error with both build ids", host, vmlinux, other,
	       "its build id is " ID_OTHER ", but that of module kvm in the dump " ID_KVM);
	debugfile_module(&(struct debugfile){ other, NULL, 0, NULL }, host, "kvm");
	expect("one without a build id is not taken", host, vmlinux, other,
	       "has no build id, module kvm");
	debugfile_module(&(struct debugfile){ other, ID_KVM, 0, "-g0" }, host, "kvm");
	debugfile_module(&(struct debugfile){ other, ID_KVM_INTEL, 0, NULL }, host, "kvm_intel");
	expect("one without debug information is named", host, vmlinux, other,
	       "kvm.ko: has no debug information");
	/* As /lib/modules has them, of several kernels */
	snprintf(other, sizeof(other), "%s/older", modules);
	make_directory(other);
	debugfile_module(&(struct debugfile){ other, ID_OTHER, 0, NULL }, host, "kvm");
	debugfile_module(&(struct debugfile){ other, ID_KVM_INTEL, 0, "-g0" }, host, "kvm_intel");
	expect("of several files the one of the dump is taken", host, vmlinux, modules,
	       HEALTHY_SAYS);
	host_destroy(host);
}

/* Leave nothing in the module's symbol table but its empty first element. */
static void drop_symbols(struct host *host, const char *name)
{
	struct machine *machine = host_machine(host);
	uint64_t kallsyms = machine_peek_u64(machine, host_module(host, name) + MODULE_KALLSYMS);

	machine_poke_u32(machine, kallsyms + 8, 1);
}

static uint64_t string(struct host *host, const char *text)
{
	uint64_t addr = machine_alloc(host_machine(host), 64, 8);

	machine_poke(host_machine(host), addr, text, strlen(text));
	return addr;
}

/* What struct module has of a section: an element of an array, or all of them pointed to. */
static void write_section(struct host *host, const char *module, const char *name, uint64_t addr,
			  bool pointers)
{
	struct machine *machine = host_machine(host);
	uint64_t attrs = machine_alloc(machine, 256, 8), pointed = attrs + 96;

	machine_poke_u64(machine, host_module(host, module) + MODULE_ATTRS, attrs);
	if (pointers) {
		machine_poke_u64(machine, attrs + 32, pointed);
		machine_poke_u64(machine, pointed, attrs + 128);
		machine_poke_u64(machine, attrs + 128, string(host, name));
		machine_poke_u64(machine, attrs + 128 + 24, addr);
	} else {
		machine_poke_u32(machine, attrs + 40, 1);
		machine_poke_u64(machine, attrs + 48, string(host, name));
		machine_poke_u64(machine, attrs + 48 + 64, addr);
	}
}

/* Value of the first symbol of a module. */
static uint64_t first_symbol(struct host *host, const char *name)
{
	struct machine *machine = host_machine(host);
	uint64_t kallsyms = machine_peek_u64(machine, host_module(host, name) + MODULE_KALLSYMS);

	return machine_peek_u64(machine, machine_peek_u64(machine, kallsyms) +
				sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_value));
}

/* As without CONFIG_KALLSYMS_ALL: no symbols of data. */
static void test_symbols(const char *text, const char *kernel, bool pointers)
{
	struct host *host = create(text, true);
	uint64_t vm_list = first_symbol(host, "kvm");

	drop_symbols(host, "kvm");
	drop_symbols(host, "kvm_intel");
	write_section(host, "kvm", ".data", vm_list, pointers);
	machine_poke_u64(host_machine(host), host_module(host, "kvm_intel") + MODULE_PERCPU,
			 PERCPU_LIST);
	if (!pointers)
		expect("symbols that a module lacks are an error that names the option", host, NULL,
		       NULL, "give --modules DIR");
	expect(kernel, host, NULL, modules, HEALTHY_SAYS);
	host_destroy(host);
}

/* Without CONFIG_STACKTRACE_BUILD_ID. */
static void test_module_note(void)
{
	struct host *host = create(HEALTHY, true);
	const uint32_t header[3] = { 4, BUILD_ID_SIZE, 3 };
	uint64_t note = machine_alloc(host_machine(host), 64, 8);
	const struct build_id none = {};

	machine_poke(host_machine(host), host_module(host, "kvm") + MODULE_BUILD_ID, &none,
		     sizeof(none));
	expect("a module whose build id is not known takes no file", host, NULL, modules,
	       "no build id of module kvm");
	machine_poke(host_machine(host), note, header, sizeof(header));
	machine_poke(host_machine(host), note + 12, "GNU", 4);
	poke_id(host, note + 16, ID_OTHER);
	write_section(host, "kvm", ".note.gnu.build-id", note, false);
	expect("it is read from the module's note", host, NULL, modules,
	       "that of module kvm in the dump " ID_OTHER);
	poke_id(host, note + 16, ID_KVM);
	expect("and compared", host, NULL, modules, HEALTHY_SAYS);
	host_destroy(host);
}

static void test_source_line(void)
{
	struct host *host = create(HEALTHY, true);
	const struct machine *machine = host_machine(host);
	const struct kernel_files files = { .vmlinux = vmlinux };
	struct kernel *kernel = NULL;
	char text[128] = "", expected[128];
	struct error *error = kernel_create(&machine->memory, &machine->info, &files, &kernel);

	if (!error)
		kernel_format_address(kernel, debugfile_panic(), text, sizeof(text));
	snprintf(expected, sizeof(expected), "panic+0 (vmlinux.c:%d)", DEBUGFILE_PANIC_LINE);
	if (!tap_ok(!strcmp(text, expected), "an address has its source line, KASLR or not"))
		tap_diag("%s", error ? error->message : text);
	error_free(error);
	kernel_destroy(kernel);
	host_destroy(host);
}

int main(void)
{
	if (!mkdtemp(dir))
		err(2, "%s", dir);
	snprintf(vmlinux, sizeof(vmlinux), "%s/vmlinux", dir);
	snprintf(modules, sizeof(modules), "%s/modules", dir);
	snprintf(dump, sizeof(dump), "%s/vmcore", dir);
	make_directory(modules);
	test_old_kernel();
	test_notes();
	test_wrong_vmlinux();
	test_symbols(HEALTHY, "symbols of modules come from their files and sections", false);
	test_symbols("no layouts\n" HEALTHY, "so from those of a kernel from 6.14 on", true);
	test_module_note();
	test_source_line();
	test_wrong_modules();
	remove_all(dir);
	return tap_done();
}
