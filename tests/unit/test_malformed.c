// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Malformed dumps: what is changed in a sound one, and what the analyser must
 * say of it first.  Each is an error that names the file, or a verdict; none
 * passes, and none takes long.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analyze.h"
#include "tests/unit/damage.h"
#include "tests/unit/tap.h"

#define MAX_PARTS	8
/* Seconds; a sound dump takes milliseconds, also under sanitizers on a busy machine. */
#define TIME_LIMIT	20

static const char sound[] =
	"vm a\n"
	"vcpu A of a cpu 1 launched shadow\n"
	"vcpu B of a cpu 0 launched\n"
	"list 1 A\n"
	"list 0 B\n"
	"current 1 A\n"
	"log 1 walk\n"
	"log 1 vmclear A\n"
	"log 1 vmclear A shadow\n"
	"log 0 walk\n"
	"log 0 vmclear B\n"
	"point list_add/2 cpu 1 vmptr A sees A\n";

/* @expected: "VERDICT: TEXT" or "error: TEXT"; "..." stands for anything in between. */
static const struct row {
	const char *format, *what, *damage, *expected;
} rows[] = {
	/* ELF header */
	{ "elf", "a 32-bit file", "ehdr.ei_class = 1",
	  "error: ...another ELF file" },
	{ "elf", "a big-endian file", "ehdr.ei_data = 2",
	  "error: ...another ELF file" },
	{ "elf", "an executable", "ehdr.e_type = 2",
	  "error: ...another ELF file" },
	{ "elf", "of an arm64 machine", "ehdr.e_machine = 183",
	  "error: ...another ELF file" },
	{ "elf", "program headers of another size", "ehdr.e_phentsize = 32",
	  "error: ...another ELF file" },
	{ "elf", "no program headers", "ehdr.e_phnum = 0",
	  "error: ...it has no memory" },
	{ "elf", "program headers behind the end", "ehdr.e_phoff = 0x7fffffff0000",
	  "error: ...the copy was cut short" },
	{ "elf", "program headers at an impossible offset", "ehdr.e_phoff = -1",
	  "error: ...program headers at offset 18446744073709551615" },
	{ "elf", "program headers counted in a section that is not there", "ehdr.e_phnum = 0xffff",
	  "error: ...it has no memory" },
	{ "elf", "more program headers than the file has room for", "ehdr.e_phnum = 65534",
	  "error: ...65534 program headers" },
	{ "elf flattened", "4 billion program headers in a hole of the file",
	  "ehdr.e_phnum = 0xffff; ehdr.e_phoff = 0x10000000; ehdr.e_shoff = 64; "
	  "phdr[0].p_memsz = 0xffffffff00000000; record 0x7ffffffffffff000 16",
	  "error: ...4294967295 program headers" },
	{ "elf", "cut within the ELF header", "cut 40",
	  "error: ...ends within the ELF header" },
	{ "elf", "cut within the program headers", "cut phdr[3].p_type",
	  "error: ...cut short" },
	{ "elf", "cut within the notes", "cut note.name",
	  "error: ...notes: ...bytes at offset" },
	{ "elf", "cut by a byte", "cut -1",
	  "inconclusive: the dump is incomplete: the file ends at" },

	/* ELF segments */
	{ "elf", "notes behind the end", "phdr[0].p_offset = 0x7fffffff",
	  "error: ...notes: ...at offset 2147483647" },
	{ "elf", "notes of an impossible size", "phdr[0].p_filesz = -1",
	  "error: ...18446744073709551615 bytes at offset" },
	{ "elf", "no notes", "phdr[0].p_type = 0",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "a segment behind the end", "phdr[vmcs:A].p_offset = 0x7fffffff",
	  "error: ...the copy was cut short" },
	{ "elf", "a segment at a negative offset", "phdr[vmcs:A].p_offset = -4096",
	  "error: ...program header 1 claims an impossible size" },
	{ "elf", "more bytes in the file than in memory", "phdr[vmcs:A].p_memsz = 16",
	  "error: ...program header 1 claims an impossible size" },
	{ "elf", "a segment that wraps around", "phdr[2].p_paddr = -4096",
	  "error: ...program header 2 claims an impossible size" },
	{ "elf", "a segment that covers all memory", "phdr[1].p_memsz = 0x10000000000000",
	  "error: ...program header 1 claims an impossible size" },
	{ "elf", "segments with the same memory", "phdr[2].p_paddr = 0x100000",
	  "error: ...page table of level 4" },
	{ "elf flattened", "a segment of 2 PiB in a hole of the file, to be searched for vmcoreinfo",
	  "note.name = 0x78; phdr[1].p_offset = 0x100000; phdr[1].p_filesz = 0x7ffffffffffff; "
	  "phdr[1].p_memsz = 0x7ffffffffffff; record 0x7ffffffffffff000 16",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "no segment of memory", "ehdr.e_phnum = 1",
	  "error: ...it has no memory" },

	/* Notes and vmcoreinfo */
	{ "elf", "a note name longer than the notes", "note.n_namesz = 0x7fffffff",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "a note longer than the notes", "note.n_descsz = 0x7fffffff",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "vmcoreinfo under another name", "note.name = 0x78",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "an empty vmcoreinfo", "note.n_descsz = 0",
	  "error: ...no vmcoreinfo in the dump" },
	{ "elf", "vmcoreinfo that is cut within a line", "note.n_descsz = 20",
	  "error: ...vmcoreinfo has neither SYMBOL(init_top_pgt) nor" },
	{ "elf", "no page tables in vmcoreinfo",
	  "no info SYMBOL(init_top_pgt); no info SYMBOL(swapper_pg_dir)",
	  "error: ...vmcoreinfo has neither SYMBOL(init_top_pgt) nor" },
	{ "elf", "an address that is no number",
	  "info SYMBOL(init_top_pgt)=zzz; no info SYMBOL(swapper_pg_dir)",
	  "error: ...vmcoreinfo has neither SYMBOL(init_top_pgt) nor" },
	{ "elf", "page tables beyond memory", "info SYMBOL(init_top_pgt)=fffffffffffff000",
	  "error: ...page table of level 4" },
	{ "elf", "no phys_base", "no info NUMBER(phys_base)",
	  "error: ...vmcoreinfo has no NUMBER(phys_base)" },
	{ "elf", "a wrong phys_base", "info NUMBER(phys_base)=-4096",
	  "error: ...is not mapped" },
	{ "elf", "five levels of page tables where there are four",
	  "info NUMBER(pgtable_l5_enabled)=1",
	  "error: ...is not mapped" },
	{ "elf", "no kallsyms in vmcoreinfo", "no info SYMBOL(kallsyms_names)",
	  "error: ...kallsyms" },
	{ "elf", "no CRASHTIME in vmcoreinfo", "no info CRASHTIME",
	  "inconclusive: the crash path had not run" },
	{ "elf", "a CRASHTIME that is no time", "info CRASHTIME=never",
	  "inconclusive: vmcoreinfo: CRASHTIME=never" },
	{ "elf", "no OSRELEASE in vmcoreinfo", "no info OSRELEASE",
	  "inconclusive: vmcoreinfo has no OSRELEASE" },

	/* kdump-compressed: headers */
	{ "kdump zlib", "blocks of no bytes", "header.block_size = 0",
	  "error: ...a block size of 0 bytes" },
	{ "kdump zlib", "blocks of 64 KiB", "header.block_size = 65536",
	  "error: ...a block size of 65536 bytes" },
	{ "kdump zlib", "a sub-header of a negative size", "header.sub_hdr_size = -1",
	  "error: ...a sub-header of -1 blocks" },
	{ "kdump zlib", "a huge sub-header", "header.sub_hdr_size = 0x7fffffff",
	  "error: ...a sub-header of 2147483647 blocks" },
	{ "kdump zlib", "a sub-header of no size", "header.sub_hdr_size = 0",
	  "error: ...a sub-header of 0 blocks" },
	{ "kdump zlib", "a version from the future", "header.header_version = 7",
	  "error: ...version 7 is not known" },
	{ "kdump zlib", "version 0", "header.header_version = 0",
	  "error: ...version 0 is not known" },
	{ "kdump zlib", "no bitmaps", "header.bitmap_blocks = 0",
	  "error: ...its page bitmap is empty" },
	{ "kdump zlib", "huge bitmaps", "header.bitmap_blocks = 0xffffffff",
	  "error: ...bitmaps of 17592186036224 bytes are impossible" },
	{ "kdump zlib flattened", "huge bitmaps in a hole of the file",
	  "header.bitmap_blocks = 0xfffffffe; sub.max_mapnr_64 = -1; "
	  "record 0x7ffffffffffff000 16",
	  "error: ...bitmaps of 17592186036224 bytes are impossible" },
	{ "kdump zlib", "an odd number of bitmap blocks", "header.bitmap_blocks = 3",
	  "error: ...was never written" },
	{ "kdump zlib", "no page frames", "sub.max_mapnr_64 = 0",
	  "error: ...its page bitmap is empty" },
	{ "kdump zlib", "notes behind the end", "sub.offset_note = 0x7fffffff",
	  "error: ...notes: ...at offset 2147483647" },
	{ "kdump zlib", "notes of an impossible size", "sub.size_note = -1",
	  "error: ...18446744073709551615 bytes at offset" },
	{ "kdump zlib", "vmcoreinfo behind the end", "sub.offset_vmcoreinfo = 0x7fffffff",
	  "error: ...vmcoreinfo: ...at offset 2147483647" },
	{ "kdump zlib", "vmcoreinfo of an impossible size", "sub.size_vmcoreinfo = -1",
	  "error: ...18446744073709551615 bytes" },
	{ "kdump zlib", "no vmcoreinfo", "sub.size_vmcoreinfo = 0; sub.size_note = 0",
	  "error: ...no vmcoreinfo in the dump" },
	{ "kdump zlib", "a part of a split dump that ends before it starts",
	  "sub.split = 1; sub.start_pfn_64 = 100; sub.end_pfn_64 = 50",
	  "error: ...from page 100 to 50 is impossible" },
	{ "kdump zlib", "cut within the header", "cut 400",
	  "error: ...ends within the dump header" },
	{ "kdump zlib", "cut within the sub-header", "cut 4100",
	  "error: ...ends within the dump's second header" },
	{ "kdump zlib", "cut within the bitmaps", "cut bitmap[100]",
	  "error: ...its index alone is of" },
	{ "kdump zlib", "cut within the descriptors", "cut desc[3].size",
	  "error: ...the copy was cut short" },
	{ "kdump zlib", "cut within the pages", "cut data[20]",
	  "error: ...the copy was cut short" },
	{ "kdump zlib", "cut by a byte", "cut -1",
	  "...the copy was cut short" },

	/* kdump-compressed: pages */
	{ "kdump zlib", "pages in the bitmap that are not there", "bitmap[0] = 0xff",
	  "error: ...not all there" },
	{ "kdump zlib", "pages that are there, but not in the bitmap", "bitmap[32] = 0",
	  "error: ..." },
	{ "kdump zlib", "a page that was never written", "desc[vmcs:A].offset = 0",
	  "inconclusive: the dump is incomplete: page ...was never written" },
	{ "kdump zlib", "a page at a negative offset", "desc[vmcs:A].offset = -4096",
	  "inconclusive: the dump is incomplete: page ...was never written" },
	{ "kdump zlib", "a page behind the end", "desc[vmcs:A].offset = 0x7fffffffffff",
	  "inconclusive: the dump is incomplete: the file ends at" },
	{ "kdump zlib", "a page of no bytes", "desc[vmcs:A].size = 0",
	  "inconclusive: the dump is incomplete: page ...was never written" },
	{ "kdump raw", "a page of more bytes than a page", "desc[vmcs:A].size = 4097",
	  "inconclusive: ...claims 4097 bytes" },
	{ "kdump raw", "a compressed page of more bytes than a page",
	  "desc[vmcs:A].size = 5000; desc[vmcs:A].flags = 1",
	  "inconclusive: ...claims 5000 bytes with flags 0x1" },
	{ "kdump raw", "a page of fewer bytes than a page", "desc[vmcs:A].size = 4095",
	  "inconclusive: ...claims 4095 bytes" },
	{ "kdump zlib", "a compressed page that says it is not", "desc[vmcs:A].flags = 0",
	  "inconclusive: ...with flags 0:" },
	{ "kdump zlib", "a page of two compressions", "desc[vmcs:A].flags = 3",
	  "inconclusive: ...with flags 0x3:" },
	{ "kdump zlib", "a page of an unknown compression", "desc[vmcs:A].flags = 0x80",
	  "inconclusive: ...with flags 0x80:" },
	{ "kdump zlib", "a page of another compression", "desc[vmcs:A].flags = 0x20",
	  "inconclusive: ...bytes of zstd data are damaged" },
	{ "kdump zlib", "zlib data of fewer bytes than there are", "desc[vmcs:A].size = 20",
	  "inconclusive: ...20 bytes of zlib data are damaged" },
	{ "kdump zlib", "damaged zlib data", "data[vmcs:A] = 0xdeadbeef",
	  "inconclusive: ...bytes of zlib data are damaged" },
	{ "kdump lzo", "damaged lzo data", "data[vmcs:A] = 0xdeadbeef",
	  "inconclusive: ...bytes of lzo data are damaged" },
	{ "kdump snappy", "damaged snappy data", "data[vmcs:A] = 0xdeadbeef",
	  "inconclusive: ...bytes of snappy data are damaged" },
	{ "kdump snappy", "snappy data that claim to be 4 GiB", "data[vmcs:A] = 0x0fffffff",
	  "inconclusive: ...bytes of snappy data are damaged" },
	{ "kdump zstd", "damaged zstd data", "data[vmcs:A] = 0xdeadbeef",
	  "inconclusive: ...bytes of zstd data are damaged" },
	{ "kdump zlib", "damaged page tables", "data[init_top_pgt] = 0xdeadbeef",
	  "error: ...page table of level 4...bytes of zlib data are damaged" },

	/* Flattened */
	{ "elf sparse", "records missing", "",
	  "inconclusive: the dump is incomplete: ...none of its records" },
	{ "kdump raw sparse", "records missing", "",
	  "inconclusive: the dump is incomplete: " },
	{ "elf flattened", "an unknown type", "flat.type = 0",
	  "error: ...flattened dump of type 0" },
	{ "elf flattened", "an unknown version", "flat.version = 0",
	  "error: ...version 0: only" },
	{ "elf flattened", "cut within the header", "cut 20",
	  "error: ...ends within the header of a flattened dump" },
	{ "elf flattened", "cut behind the header", "cut record[0].offset",
	  "error: ...flattened dump ends at 4096 bytes" },
	{ "elf flattened", "cut within a record's header", "cut record[5].size",
	  "error: ...flattened dump ends at" },
	{ "elf flattened", "no end marker", "cut -16",
	  "inconclusive: the dump is incomplete: flattened dump ends at" },
	{ "elf flattened", "half an end marker", "cut -8",
	  "inconclusive: the dump is incomplete: flattened dump ends at" },
	{ "elf flattened", "cut within the last record", "cut -100",
	  "inconclusive: the dump is incomplete: flattened dump ends at" },
	{ "elf flattened", "a record at a negative offset", "record[2].offset = -4096",
	  "error: ...record at 12320 claims 4096 bytes for offset -4096" },
	{ "elf flattened", "a record of a negative size", "record[2].size = -4096",
	  "error: ...record at 12320 claims -4096 bytes" },
	{ "elf flattened", "a record of no bytes", "record[2].size = 0",
	  "error: ...record at 12320 claims 0 bytes" },
	{ "elf flattened", "a record that is too long", "record[2].size = 0x7fffffff",
	  "error: ...flattened dump ends at" },
	{ "elf flattened", "a record at the end of all offsets",
	  "record[2].offset = 0x7fffffffffffffff",
	  "error: ...record at 12320 claims" },
	{ "elf flattened", "a record of zeros over the header", "record 0 4096",
	  "error: ...neither an ELF vmcore nor" },

	/* Page tables */
	{ "elf", "the kernel image is not mapped", "u64 init_top_pgt+4088 = 0",
	  "error: ...is not mapped" },
	{ "elf", "the direct map is not mapped", "u64 init_top_pgt+2184 = 0",
	  "error: ..." },
	{ "elf", "a page table that is not in the dump", "u64 init_top_pgt+4088 = 0x3fff000063",
	  "error: ...page table of level 3" },
	{ "elf", "a page table at the highest address", "u64 init_top_pgt+4088 = 0xffffffffff063",
	  "error: ...page table of level 3" },
	{ "elf", "reserved bits in an entry of the top page table",
	  "u64 init_top_pgt+2184 = 0x7ff0000000000063",
	  "error: ..." },
	{ "elf", "no top page table", "drop init_top_pgt",
	  "error: ...page table of level 4" },

	/* kallsyms */
	{ "elf", "no symbols", "u32 kallsyms_num_syms = 0",
	  "error: ...kallsyms_num_syms: 0 symbols" },
	{ "elf", "4 billion symbols", "u32 kallsyms_num_syms = 0xffffffff",
	  "error: ...kallsyms_num_syms: 4294967295 symbols" },
	{ "elf", "a million symbols", "u32 kallsyms_num_syms = 1000000",
	  "error: ...the page is not in the dump" },
	{ "elf", "a name of no length", "u8 kallsyms_names = 0",
	  "error: ...kallsyms: name 0 of" },
	{ "elf", "a name of 16383 bytes", "u16 kallsyms_names = 0x7fff",
	  "error: ...kallsyms: name 0 of" },
	{ "elf", "a token behind the table", "u16 kallsyms_token_index+100 = 0xffff",
	  "error: ...kallsyms_token_index: token 50 at 65535" },
	{ "elf", "a table of tokens that is too large", "u16 kallsyms_token_index+510 = 0xffff",
	  "error: ...kallsyms_token_index: token 255 at 65535" },
	{ "elf", "names that are not mapped", "info SYMBOL(kallsyms_names)=ffffffff00000000",
	  "error: ...is not mapped" },
	{ "elf", "names at an address that is not canonical",
	  "info SYMBOL(kallsyms_names)=1234567812345678",
	  "error: ...is not canonical" },
	{ "elf", "names at the end of the address space",
	  "info SYMBOL(kallsyms_names)=fffffffffffffff0",
	  "error: ...is not mapped" },
	{ "elf", "another base of the addresses", "u64 kallsyms_relative_base = 0",
	  "error: ..._stext decodes to" },

	/* BTF */
	{ "elf", "no magic number", "u16 __start_BTF = 0",
	  "error: ...BTF of the kernel" },
	{ "elf", "the other byte order", "u16 __start_BTF = 0x9feb",
	  "error: ...BTF of the kernel" },
	{ "elf", "a header of another size", "u32 __start_BTF+4 = 0xffff",
	  "error: ...BTF of the kernel" },
	{ "elf", "types behind the end", "u32 __start_BTF+8 = 0x7fffffff",
	  "error: ...BTF of the kernel" },
	{ "elf", "strings behind the end", "u32 __start_BTF+16 = 0x7fffffff",
	  "error: ...BTF of the kernel" },
	{ "elf", "a structure with 65535 members", "u32 type:module+4 = 0x0400ffff",
	  "error: ...BTF" },
	{ "elf", "a member of a type that there is not", "u32 type:module+28 = 0x7fffffff",
	  "error: ...struct module has no member" },
	{ "elf", "a typedef of itself", "u32 type:bytes56+8 = #bytes56",
	  "error: ...struct module has no member" },
	{ "elf", "a structure within itself, four times and without a name",
	  "u32 type:module+12 = 0; u32 type:module+16 = #module; "
	  "u32 type:module+24 = 0; u32 type:module+28 = #module; "
	  "u32 type:module+36 = 0; u32 type:module+40 = #module; "
	  "u32 type:module+48 = 0; u32 type:module+52 = #module",
	  "error: ...struct module has no member" },

	/* Modules */
	{ "elf", "a wild list of modules", "u64 modules = 0x123456789abc",
	  "error: ...list of modules: ends in a wild pointer" },
	{ "elf", "a loop in the list of modules", "u64 *modules = @*modules",
	  "error: ...list of modules: ends in a loop" },
	{ "elf", "a list of modules that was never initialised", "u64 modules = 0",
	  "error: ...list of modules: ends in never initialised" },
	{ "elf", "two modules of one name", "u64 *modules+16 = 0x6d766b",
	  "error: ...two of the name kvm" },
	{ "elf", "a module without symbols", "u64 *modules+152 = 0",
	  "error: ...symbols of module kdump_torture" },
	{ "elf", "a module with 4 billion symbols", "u64 *modules+152 = @modules",
	  "error: ...symbols of module kdump_torture" },
	{ "elf", "a wild list of module BTF", "u64 btf_modules = 0x123456789abc",
	  "error: ...list of module BTF: ends in a wild pointer" },
	{ "elf", "a loop in the list of module BTF", "u64 *btf_modules = @*btf_modules",
	  "error: ...list of module BTF: ends in a loop" },

	/* CPUs */
	{ "elf", "no possible CPU", "u64 __cpu_possible_mask = 0",
	  "error: ...no CPU at all" },
	{ "elf", "CPUs without per-CPU data", "u64 __cpu_possible_mask+24 = -1",
	  "error: ...CPU 192: " },
	{ "elf", "a wild per-CPU offset", "u64 __per_cpu_offset+8 = 0x123456789abc",
	  "error: ...CPU 1: " },
	{ "elf", "two CPUs with the same per-CPU data",
	  "u64 __per_cpu_offset+8 = @*__per_cpu_offset",
	  "inconclusive: " },
};

/* Parts of split dumps, of three each: 0 to 2 of one, 3 to 5 of another; 6 is a whole dump. */
static const struct split_row {
	const char *what, *parts, *expected;
} split_rows[] = {
	{ "all parts in another order are the dump", "2 0 1", "pass: all" },
	{ "the first part is missing", "1 2", "error: ...pages 0 to 2729 was not given" },
	{ "the last part is missing", "0 1", "error: ...from page 5461 on was not given" },
	{ "one part alone", "1", "error: ...pages 0 to 2729 was not given" },
	{ "a part was given twice", "0 1 1 2", "error: ...are in another file too" },
	{ "a part of another dump", "0 1 5", "error: ...are of different dumps" },
	{ "a whole dump among parts", "0 1 2 6", "error: ...not a part of a split dump" },
	{ "a whole dump twice", "6 6", "error: ...not a part of a split dump" },
};

static char dir[] = "/tmp/kdump-torture-malformed-XXXXXX";

/* Return: what a user would see first, which the caller frees. */
static char *analyse(char *const *path, size_t nr)
{
	const struct analysis_request request = { .path = path, .nr_paths = nr };
	struct analysis *analysis = NULL;
	char *text;

	alarm(TIME_LIMIT);
	struct error *error = analysis_create(&request, &analysis);

	alarm(0);
	if (asprintf(&text, "%s: %s", error ? "error" : verdict_name(analysis_verdict(analysis)),
		     error ? error->message : analysis_summary(analysis)) < 0)
		err(2, "asprintf");
	error_free(error);
	analysis_destroy(analysis);
	return text;
}

/* Each piece of @expected between "..." must be in @text, the first at its start. */
static bool matches(const char *text, const char *expected)
{
	for (bool first = true;; first = false) {
		const char *end = strstr(expected, "...");
		size_t len = end ? (size_t)(end - expected) : strlen(expected);
		const char *found = memmem(text, strlen(text), expected, len);

		if (!found || (first && found != text))
			return false;
		if (!end)
			return true;
		text = found + len;
		expected = end + 3;
	}
}

static void check(char *const *path, size_t nr, const char *what, const char *format,
		  const char *expected)
{
	char *text = analyse(path, nr);
	/* An error starts with the name of a file. */
	bool named = strncmp(text, "error: ", 7) || !strncmp(text + 7, dir, strlen(dir));

	if (!tap_ok(named && matches(text, expected), "%s: %s", format, what))
		tap_diag("expected \"%s\", got \"%s\"", expected, text);
	free(text);
}

static void write_file(const char *path, const struct bytes *file)
{
	FILE *out = fopen(path, "w");

	if (!out || fwrite(file->data, 1, file->size, out) != file->size || fclose(out))
		err(2, "%s", path);
}

static void test_row(const struct row *row)
{
	char path[64], *paths[] = { path };
	struct host *host = host_create(sound);

	snprintf(path, sizeof(path), "%s/vmcore", dir);
	struct bytes file = damage_make(host, row->format, row->damage);

	write_file(path, &file);
	check(paths, 1, row->what, row->format, row->expected);
	unlink(path);
	free(file.data);
	host_destroy(host);
}

static void test_split_row(const struct split_row *row)
{
	char path[MAX_PARTS][64], *paths[MAX_PARTS];
	struct host *hosts[] = { host_create(sound), host_create("kaslr 0x2a000000\n") };
	size_t nr = 0;

	for (const char *part = row->parts; *part; part += 1 + (part[1] == ' '), nr++) {
		int which = *part - '0';

		snprintf(path[nr], sizeof(path[nr]), "%s/part%d", dir, which);
		paths[nr] = path[nr];
		if (which == 6)
			writer_write(host_machine(hosts[0]), "kdump zlib", 0, path[nr]);
		else
			writer_write(host_machine(hosts[which / 3]), "kdump zlib split 3", which % 3,
				     path[nr]);
	}
	check(paths, nr, row->what, "split", row->expected);
	for (size_t i = 0; i < nr; i++)
		unlink(path[i]);
	host_destroy(hosts[0]);
	host_destroy(hosts[1]);
}

int main(void)
{
	/* What was found is not lost with the process that found it. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(dir))
		err(2, "%s", dir);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(&rows[i]);
	for (size_t i = 0; i < sizeof(split_rows) / sizeof(split_rows[0]); i++)
		test_split_row(&split_rows[i]);
	rmdir(dir);
	return tap_done();
}
