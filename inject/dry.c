// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/dry.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cleanup.h"
#include "inject/points.h"

/* A line of the table. */
struct entry {
	const struct boundary *boundary;
	bool swept;		/* false: there to follow a VMX instruction alone */
	bool reported;
	uint64_t hits;
	uint64_t missed;	/* hits at which nothing could be said */
};

struct violation {
	const struct boundary *boundary;
	unsigned int cpu;
	uint64_t hit;		/* of the boundary, from 1 */
	const char *kind;	/* in kinds[] */
	uint64_t pa;		/* of the VMCS; 0: not about one */
	char task[64];
};

struct dry {
	char *table;
	struct entry *entry;
	size_t nr_entries;
	struct violation *violation;
	size_t nr_violations;
	bool ended;
	uint64_t hits, bad;	/* in all, as the agent has it in the end */
	uint64_t missed;
};

static const struct {
	const char *name;
	const char *meaning;	/* %s: the VMCS, or the CPU */
} kinds[] = {
	{ "missing", "VMCS %s is active, but the crash path would not VMCLEAR it" },
	{ "bad-pointer", "the crash path cannot follow the list at %s" },
	{ "freed", "the crash path would VMCLEAR %s, which is free memory" },
	{ "no-vmxoff", "VMX operation would not be left (%s)" },
};

static struct error *add_entry(struct dry *dry, const struct boundary *boundary, bool swept)
{
	struct entry *grown = reallocarray(dry->entry, dry->nr_entries + 1, sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	dry->entry = grown;
	dry->entry[dry->nr_entries++] = (struct entry){ .boundary = boundary, .swept = swept };
	return NULL;
}

/* What the driver must stop at to know the active VMCSes, wherever it is. */
static bool is_followed(const struct boundary *boundary)
{
	return boundary->after_vmxoff ||
	       (boundary->effect != VMX_NONE && boundary->effect != VMX_VMXOFF);
}

static struct error *check_followed(const struct boundary *boundary)
{
	if (!boundary->probe)
		return error_new("dry: '%s' at %s+0x%x cannot be followed: %s",
				 boundary->instruction, boundary->function, boundary->offset,
				 boundary->problem);
	if (!boundary->after_vmxoff && !boundary->operand)
		return error_new("dry: '%s' at %s+0x%x cannot be followed: the driver cannot work out the address of its operand",
				 boundary->instruction, boundary->function, boundary->offset);
	return NULL;
}

static struct error *consider(struct dry *dry, const struct boundary *boundary,
			      unsigned int operations)
{
	bool swept = boundary->operations & operations;
	struct error *err = is_followed(boundary) ? check_followed(boundary) : NULL;

	if (err || !boundary->probe || (!swept && !is_followed(boundary)))
		return err;
	return add_entry(dry, boundary, swept);
}

static void write_line(const struct boundary *boundary, FILE *file)
{
	static const char *const effects[] = {
		[VMX_NONE] = "-", [VMX_VMPTRLD] = "vmptrld", [VMX_VMCLEAR] = "vmclear",
		[VMX_VMXON] = "vmxon", [VMX_VMXOFF] = "-",
	};
	const char *effect = boundary->after_vmxoff ? "after-vmxoff" : effects[boundary->effect];

	fprintf(file, "%s+0x%x %s%s%s %s %s\n", boundary->function, boundary->offset,
		boundary->op ?: "-", boundary->step ? "/" : "", boundary->step ?: "", effect,
		boundary->after_vmxoff || !boundary->operand ? "-" : boundary->operand);
}

static struct error *write_table(struct dry *dry)
{
	size_t size;
	FILE *file = open_memstream(&dry->table, &size);

	if (!file)
		return &error_no_memory;
	for (size_t i = 0; i < dry->nr_entries; i++)
		write_line(dry->entry[i].boundary, file);
	return fclose(file) ? &error_no_memory : NULL;
}

struct error *dry_create(const struct points *points, const struct operation *const *operations,
			 size_t nr, struct dry **ret)
{
	_cleanup_(cleanup_dry) struct dry *dry = calloc(1, sizeof(*dry));
	struct error *err = NULL;
	unsigned int set = 0;

	if (!dry)
		return &error_no_memory;
	for (size_t i = 0; i < nr; i++)
		set |= operation_bit(operations[i]);
	for (size_t i = 0; !err && i < points_nr_boundaries(points); i++)
		err = consider(dry, points_boundary(points, i), set);
	if (!err && !dry->nr_entries)
		err = error_new("dry: this kernel has none of the operations' functions");
	for (size_t i = 0; !err && i < points_nr_others(points); i++)
		err = consider(dry, points_other(points, i), set);
	if (!err)
		err = write_table(dry);
	if (err)
		return err;
	*ret = no_cleanup_ptr(dry);
	return NULL;
}

void dry_destroy(struct dry *dry)
{
	if (!dry)
		return;
	free(dry->violation);
	free(dry->entry);
	free(dry->table);
	free(dry);
}

const char *dry_table(const struct dry *dry)
{
	return dry->table;
}

/* Behind @word at *@text, at the next one; or unchanged. */
static bool skip_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) || ((*text)[length] && (*text)[length] != ' '))
		return false;
	*text += length + ((*text)[length] == ' ');
	return true;
}

static bool skip_prefix(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(*text, prefix, length))
		return false;
	*text += length;
	return true;
}

/* A number, with nothing in front of it that strtoull() would forgive. */
static bool take_number(const char **text, int base, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)**text) ||
	    (base == 10 && !isdigit((unsigned char)**text)))
		return false;
	errno = 0;
	*ret = strtoull(*text, &end, base);
	*text = end;
	return !errno;
}

/* INDEX of a line of the table. */
static bool take_entry(struct dry *dry, const char **text, struct entry **ret)
{
	uint64_t index;

	if (!take_number(text, 10, &index) || index >= dry->nr_entries)
		return false;
	*ret = &dry->entry[index];
	return true;
}

/* INDEX:HITS INDEX:HITS ... */
static bool take_hits(struct dry *dry, const char *text)
{
	while (*text) {
		struct entry *entry;
		uint64_t hits;

		if (!take_entry(dry, &text, &entry) || entry->reported ||
		    !skip_prefix(&text, ":") || !take_number(&text, 10, &hits) || !hits ||
		    (*text && *text != ' '))
			return false;
		entry->reported = true;
		entry->hits = hits;
		text += strspn(text, " ");
	}
	return true;
}

/* The same of hits that were missed. */
static bool take_missed(struct dry *dry, const char *text)
{
	while (*text) {
		struct entry *entry;

		if (!take_entry(dry, &text, &entry) || entry->missed ||
		    !skip_prefix(&text, ":") || !take_number(&text, 10, &entry->missed) ||
		    !entry->missed || (*text && *text != ' '))
			return false;
		dry->missed += entry->missed;
		text += strspn(text, " ");
	}
	return true;
}

static const char *take_kind(const char **text)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (skip_word(text, kinds[i].name))
			return kinds[i].name;
	}
	return NULL;
}

/* INDEX cpu=N hit=N kind=KIND pa=0x... task=COMM */
static bool parse_violation(struct dry *dry, const char *text, struct violation *ret)
{
	struct entry *entry;
	uint64_t cpu;

	*ret = (struct violation){ 0 };
	if (!take_entry(dry, &text, &entry) || !skip_prefix(&text, " cpu=") ||
	    !take_number(&text, 10, &cpu) || cpu > UINT32_MAX ||
	    !skip_prefix(&text, " hit=") || !take_number(&text, 10, &ret->hit) ||
	    !skip_prefix(&text, " kind=") || !(ret->kind = take_kind(&text)) ||
	    !skip_prefix(&text, "pa=0x") || !take_number(&text, 16, &ret->pa) ||
	    !skip_prefix(&text, " task=") || strlen(text) >= sizeof(ret->task))
		return false;
	ret->boundary = entry->boundary;
	ret->cpu = cpu;
	/* A task may be named anything. */
	for (size_t i = 0; text[i]; i++)
		ret->task[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	return true;
}

static struct error *add_violation(struct dry *dry, const struct violation *violation)
{
	struct violation *grown = reallocarray(dry->violation, dry->nr_violations + 1,
					       sizeof(*grown));

	if (!grown)
		return &error_no_memory;
	dry->violation = grown;
	dry->violation[dry->nr_violations++] = *violation;
	return NULL;
}

/* HITS BAD: nothing of what came before may have been lost. */
static struct error *take_end(struct dry *dry, const char *text)
{
	uint64_t hits = 0;

	if (!take_number(&text, 10, &dry->hits) || !skip_prefix(&text, " ") ||
	    !take_number(&text, 10, &dry->bad) || *text)
		return error_new("dry: the target's last line is damaged");
	for (size_t i = 0; i < dry->nr_entries; i++)
		hits += dry->entry[i].hits;
	if (hits != dry->hits)
		return error_new("dry: the target counted %" PRIu64 " hits, but told of %" PRIu64 ": lines were lost",
				 dry->hits, hits);
	if (dry->bad < dry->nr_violations || (dry->bad && !dry->nr_violations))
		return error_new("dry: the target counted %" PRIu64 " violations, but told of %zu: lines were lost",
				 dry->bad, dry->nr_violations);
	dry->ended = true;
	return NULL;
}

static struct error *take_violation(struct dry *dry, const char *text, bool *ret_good)
{
	struct violation violation;

	*ret_good = parse_violation(dry, text, &violation);
	return *ret_good ? add_violation(dry, &violation) : NULL;
}

bool dry_is_line(const char *line)
{
	return skip_word(&line, "dry") || skip_word(&line, "dry-missed") ||
	       skip_word(&line, "dry-bad") || skip_word(&line, "dry-end");
}

struct error *dry_take_line(struct dry *dry, const char *line, bool *ret_ended)
{
	const char *text = line;
	struct error *err = NULL;
	bool good = true;

	if (dry->ended)
		return error_new("dry: the target reports on after its end: '%.80s'", line);
	if (skip_word(&text, "dry-end"))
		err = take_end(dry, text);
	else if (skip_word(&text, "dry-bad"))
		err = take_violation(dry, text, &good);
	else if (skip_word(&text, "dry-missed"))
		good = take_missed(dry, text);
	else
		good = skip_word(&text, "dry") && take_hits(dry, text);
	*ret_ended = dry->ended;
	return good ? err : error_new("dry: a line of the target is damaged: '%.80s'", line);
}

/* What is said of a function. */
struct count {
	size_t boundaries, hit, violations;
};

static struct count count(const struct dry *dry, const char *function)
{
	struct count ret = { 0 };

	for (size_t i = 0; i < dry->nr_entries; i++) {
		const struct entry *entry = &dry->entry[i];

		if (!entry->swept || (function && strcmp(entry->boundary->function, function)))
			continue;
		ret.boundaries++;
		ret.hit += entry->hits != 0;
	}
	for (size_t i = 0; i < dry->nr_violations; i++)
		ret.violations += !function ||
				  !strcmp(dry->violation[i].boundary->function, function);
	return ret;
}

static bool is_first_of_function(const struct dry *dry, size_t nr)
{
	if (!dry->entry[nr].swept)
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (dry->entry[i].swept && !strcmp(dry->entry[i].boundary->function,
						   dry->entry[nr].boundary->function))
			return false;
	}
	return true;
}

static void print_violation(const struct violation *violation, FILE *file)
{
	const struct boundary *boundary = violation->boundary;
	char address[32], what[160];

	snprintf(address, sizeof(address), "0x%" PRIx64, violation->pa);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].name == violation->kind)
			snprintf(what, sizeof(what), kinds[i].meaning, address);
	}
	fprintf(file, "%s+0x%x %s%s%s: %s: %s\n", boundary->function, boundary->offset,
		boundary->op ?: "-", boundary->step ? "/" : "", boundary->step ?: "",
		violation->kind, what);
	fprintf(file, "    before '%s'", boundary->instruction);
	if (boundary->file)
		fprintf(file, " (%s:%d)", boundary->file, boundary->line);
	fprintf(file, ", hit %" PRIu64 " of it, CPU %u, task %s\n", violation->hit, violation->cpu,
		violation->task);
}

void dry_print(const struct dry *dry, FILE *file)
{
	struct count all = count(dry, NULL);
	int width = strlen("FUNCTION");

	for (size_t i = 0; i < dry->nr_entries; i++) {
		int length = strlen(dry->entry[i].boundary->function);

		if (dry->entry[i].swept && length > width)
			width = length;
	}
	fprintf(file, "%-*s  BOUNDARIES  HIT  NOT HIT  VIOLATIONS\n", width, "FUNCTION");
	for (size_t i = 0; i < dry->nr_entries; i++) {
		const char *function = dry->entry[i].boundary->function;

		if (!is_first_of_function(dry, i))
			continue;
		struct count one = count(dry, function);

		fprintf(file, "%-*s  %10zu  %3zu  %7zu  %10zu\n", width, function, one.boundaries,
			one.hit, one.boundaries - one.hit, one.violations);
	}
	fprintf(file, "%zu boundaries, %zu hit, %" PRIu64 " hits in all, %" PRIu64 " violations\n",
		all.boundaries, all.hit, dry->hits, dry->bad);
	for (size_t i = 0; i < dry->nr_violations; i++)
		print_violation(&dry->violation[i], file);
	if (dry->bad > dry->nr_violations)
		fprintf(file, "and %" PRIu64 " more, most of them at these boundaries again\n",
			dry->bad - dry->nr_violations);
	for (size_t i = 0; i < dry->nr_entries; i++) {
		const struct entry *entry = &dry->entry[i];

		if (entry->missed)
			fprintf(file, "%s+0x%x: %" PRIu64 " hits were missed: has not passed\n",
				entry->boundary->function, entry->boundary->offset,
				entry->missed);
	}
}

static json_t *entry_json(const struct entry *entry)
{
	const struct boundary *boundary = entry->boundary;

	return json_pack("{s:s, s:i, s:s?, s:s?, s:I}", "function", boundary->function, "offset",
			 (int)boundary->offset, "op", boundary->op, "step", boundary->step, "hits",
			 (json_int_t)entry->hits);
}

static json_t *violation_json(const struct violation *violation)
{
	const struct boundary *boundary = violation->boundary;
	char address[32];

	snprintf(address, sizeof(address), "0x%" PRIx64, violation->pa);
	return json_pack("{s:s, s:i, s:s?, s:s?, s:s, s:s?, s:i, s:i, s:I, s:s, s:s, s:s}",
			 "function", boundary->function, "offset", (int)boundary->offset, "op",
			 boundary->op, "step", boundary->step, "instruction",
			 boundary->instruction, "file", boundary->file, "line", boundary->line,
			 "cpu", (int)violation->cpu, "hit", (json_int_t)violation->hit, "kind",
			 violation->kind, "address", address, "task", violation->task);
}

json_t *dry_json(const struct dry *dry)
{
	json_t *boundaries = json_array(), *violations = json_array();

	for (size_t i = 0; i < dry->nr_entries; i++) {
		if (dry->entry[i].swept)
			json_array_append_new(boundaries, entry_json(&dry->entry[i]));
	}
	for (size_t i = 0; i < dry->nr_violations; i++)
		json_array_append_new(violations, violation_json(&dry->violation[i]));
	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "boundaries", boundaries, "violations",
			 violations, "hits", (json_int_t)dry->hits, "missed",
			 (json_int_t)dry->missed, "bad", (json_int_t)dry->bad);
}

enum exit_status dry_status(const struct dry *dry)
{
	if (dry->bad)
		return STATUS_FAIL;
	if (!dry->ended || dry->missed || !count(dry, NULL).hit)
		return STATUS_INCONCLUSIVE;
	return STATUS_PASS;
}

uint64_t dry_nr_violations(const struct dry *dry)
{
	return dry->bad;
}
