// SPDX-License-Identifier: GPL-2.0-or-later
/* The drawing of a list stays readable, whatever the list is. reports/ has whole ones. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/list_drawing.h"
#include "tests/unit/tap.h"

#define HEAD	0x1000
#define NR	1000

/* An analysis that knows no VMCS: entries are drawn by their addresses. */
struct host {
	struct analysis analysis;
	struct kvm_cpu cpu;
	struct list_node node[NR];
};

static uint64_t address(size_t i)
{
	return 0x100000 + i * 0x1000;
}

static struct host *create(size_t nr)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		err(2, "host");
	for (size_t i = 0; i < nr; i++)
		host->node[i] = (struct list_node){
			.addr = address(i),
			.next = i + 1 < nr ? address(i + 1) : HEAD,
			.prev = i ? address(i - 1) : HEAD,
		};
	host->cpu.nr = 7;
	host->cpu.list = (struct list_walk){
		.end = LIST_COMPLETE, .node = host->node, .nr = nr,
		.head = { HEAD, nr ? address(0) : HEAD, nr ? address(nr - 1) : HEAD },
	};
	return host;
}

/* Frees @host. */
static char *draw(struct host *host)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	list_draw(&host->analysis, &host->cpu, CHARSET_ASCII, out);
	fclose(out);
	free(host);
	return text;
}

static void expect(struct host *host, const char *expected, const char *fact)
{
	char *text = draw(host);

	if (!tap_ok(!strcmp(text, expected), "%s", fact))
		tap_diag("got \"%s\"", text);
	free(text);
}

static size_t count_lines(const char *text)
{
	size_t nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

static void test_short(void)
{
	expect(create(0),
	       "list of CPU 7: 0 entries, complete\n"
	       "  +-> head\n"
	       "  +----+\n", "an empty list");
	expect(create(1),
	       "list of CPU 7: 1 entry, complete\n"
	       "  +-> head\n"
	       "  |    v\n"
	       "  |   0x100000\n"
	       "  +----+\n", "one entry");

	struct host *host = create(0);

	host->cpu.list.end = LIST_UNINITIALISED;
	host->cpu.list.head = (struct list_node){ .addr = HEAD };
	expect(host,
	       "list of CPU 7: 0 entries, uninitialised\n"
	       "      head\n"
	       "       v\n"
	       "      NULL\n", "a list that was never initialised");

	host = create(1);
	host->cpu.list.end = LIST_WILD;
	host->cpu.list.bad = LIST_POISON1;
	expect(host,
	       "list of CPU 7: 1 entry, wild-pointer\n"
	       "      head\n"
	       "       v\n"
	       "      0x100000\n"
	       "       v\n"
	       "      LIST_POISON1: not in the dump\n", "a list that leads into an entry removed");
}

static void test_long(void)
{
	expect(create(NR),
	       "list of CPU 7: 1000 entries, complete\n"
	       "  +-> head\n"
	       "  |    v\n" "  |   0x100000\n"
	       "  |    v\n" "  |   0x101000\n"
	       "  |    v\n" "  |   0x102000\n"
	       "  |    v\n" "  |   0x103000\n"
	       "  |    v\n" "  |   0x104000\n"
	       "  |    v\n" "  |   0x105000\n"
	       "  |    :   991 more\n"
	       "  |    v\n" "  |   0x4e5000\n"
	       "  |    v\n" "  |   0x4e6000\n"
	       "  |    v\n" "  |   0x4e7000\n"
	       "  +----+\n", "of a long list the first and last entries");

	struct host *host = create(NR);

	host->node[500].prev = 0xdead;
	char *text = draw(host);

	tap_ok(strstr(text, "0x2f4000  ->prev 0xdead, not 0x2f3000\n"),
	       "and one in its middle that is odd");
	free(text);

	host = create(NR);
	for (size_t i = 0; i < NR; i++)
		host->node[i].prev = 0xdead;
	text = draw(host);
	tap_ok(count_lines(text) <= 40, "a list of nothing but odd entries fits a screen");
	free(text);

	host = create(NR);
	host->cpu.list.end = LIST_LOOP;
	host->cpu.list.bad = address(700);
	text = draw(host);
	tap_ok(strstr(text, "       :   694 more\n"
			    "       v\n"
			    "  +-> 0x3bc000\n"
			    "  |    :   296 more\n"), "a loop is drawn back to where it leads");
	free(text);
}

int main(void)
{
	test_short();
	test_long();
	return tap_done();
}
