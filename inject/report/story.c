// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/report/story.h"

#include <string.h>

#include "inject/report/html.h"
#include "inject/report/list_svg.h"

static const struct {
	const char *outcome, *meaning;
} outcomes[] = {
	{ "captured", "The dump was captured." },
	{ "not-fired", "The victim CPU did not come to the point, so nothing crashed." },
	{ "nmi-lost", "The victim CPU was held at the point, and the NMI never came." },
	{ "hung", "The host stopped making progress." },
	{ "reset", "The machine reset itself (triple fault)." },
	{ "target-died", "The emulator ended." },
	{ "capture-failed", "The capture kernel started and failed." },
	{ "dump-incomplete", "The dump is not complete." },
	{ "dump-unreadable", "There is a dump, and it cannot be read." },
	{ "refused", "The driver refused to arm." },
	{ "setup-failed", "The host could not be set up." },
	{ "interrupted", "The run was interrupted." },
	{ "error", "The suite itself failed." },
	{ "not-made", "The crash was not made." },
};

static const char *meaning_of(const struct crash *crash)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (!strcmp(outcomes[i].outcome, json_text(crash->json, "outcome")))
			return outcomes[i].meaning;
	}
	return "";
}

static const char *delivery_text(const struct crash *crash)
{
	if (!strcmp(crash->deliver, "self"))
		return "the victim CPU sent the NMI to itself";
	if (!strcmp(crash->deliver, "remote"))
		return "the victim CPU was held there, and another CPU sent it the NMI";
	return "another CPU panicked, and the NMI with which the kernel stops the others found it "
	       "there";
}

/* NULL: the results do not describe the code. */
static const json_t *find_boundary(const struct model *model, const struct crash *crash)
{
	const json_t *kernel = json_object_get(json_object_get(model->root, "kernels"),
					       crash->kernel);
	const json_t *function = json_object_get(json_object_get(kernel, "functions"),
						 crash->function);
	const json_t *boundary;
	size_t i;

	json_array_foreach(json_object_get(function, "boundaries"), i, boundary) {
		if (json_integer_value(json_object_get(boundary, "offset")) == crash->offset)
			return boundary;
	}
	return NULL;
}

static void story_place(FILE *out, const struct crash *crash)
{
	html_print(out, "<code>%s</code>", crash->point);
	if (*crash->function && !strstr(crash->point, "+0x"))
		html_print(out, " <span class=\"dim\">%s+%#x</span>", crash->function,
			   crash->offset);
}

void story_text(FILE *out, const struct crash *crash)
{
	const char *phase = json_text(crash->json, "phase");
	const char *outcome = json_text(crash->json, "outcome");

	if (strcmp(outcome, "captured"))
		html_print(out, "%s%s%s: ", outcome, *phase ? " in phase " : "", phase);
	html_print(out, "%s", json_text(crash->json, "text"));
}

static void tell_interrupted(FILE *out, const struct model *model, const struct crash *crash)
{
	const json_t *boundary = find_boundary(model, crash), *operation;
	const char *file = json_text(boundary, "file");
	size_t i;

	fputs("<p>At ", out);
	story_place(out, crash);
	if (boundary)
		html_print(out, ", before <code>%s</code>", json_text(boundary, "instruction"));
	if (*file)
		html_print(out, " of <code>%s:%lld</code>", file,
			   json_integer_value(json_object_get(boundary, "line")));
	html_print(out, ": %s.", delivery_text(crash));
	json_array_foreach(json_object_get(crash->json, "operations"), i, operation) {
		long long stores = json_integer_value(json_object_get(operation, "stores"));

		html_print(out, " %s() of VMCS %s on CPU %lld had done %lld of its 4 stores.",
			   json_text(operation, "operation"),
			   json_string_value(json_object_get(operation, "vmcs")) ?: "(no region)",
			   json_integer_value(json_object_get(operation, "cpu")), stores);
	}
	fputs("</p>\n", out);
}

static void tell_cpu(FILE *out, const json_t *cpu)
{
	const json_t *vmx = json_object_get(cpu, "vmx_operation");
	const char *callback = json_text(cpu, "callback"), *at = json_text(cpu, "at");
	const char *current = json_text(cpu, "current_vmcs");

	html_print(out, "<tr><th scope=\"row\">%lld</th><td>%s</td><td>%s</td><td>%s</td>",
		   json_integer_value(json_object_get(cpu, "cpu")),
		   json_is_true(json_object_get(cpu, "crashed")) ? "crashed" :
		   json_is_true(json_object_get(cpu, "online")) ? "stopped" : "offline",
		   *callback ? callback : "not known",
		   json_is_true(vmx) ? "on" : json_is_false(vmx) ? "off" : "not known");
	html_print(out, "<td>%zu, %s</td><td><code>%s</code></td><td>%s</td>"
		   "<td><code>%s</code></td></tr>\n",
		   json_array_size(json_object_get(cpu, "list")),
		   json_string_value(json_object_get(cpu, "list_end")) ?: "no list",
		   *current ? current : "none", json_text(cpu, "comm"), *at ? at : "not known");
}

static void tell_cpus(FILE *out, const struct crash *crash)
{
	const json_t *cpus = json_object_get(crash->json, "lists"), *cpu;
	size_t i;

	if (!json_array_size(cpus))
		return;
	fputs("<div class=\"wide\"><table class=\"facts\"><caption>What the crash path did on each "
	      "CPU</caption><thead><tr><th scope=\"col\">CPU<th scope=\"col\">state"
	      "<th scope=\"col\">callback<th scope=\"col\">VMX<th scope=\"col\">list"
	      "<th scope=\"col\">current VMCS<th scope=\"col\">task<th scope=\"col\">interrupted at"
	      "</tr></thead><tbody>\n", out);
	json_array_foreach(cpus, i, cpu)
		tell_cpu(out, cpu);
	fputs("</tbody></table></div>\n", out);
}

static void tell_expectation(FILE *out, const struct model *model, const struct crash *crash)
{
	const json_t *scenario = json_object_get(json_object_get(model->root, "scenarios"),
						 crash->scenario);
	const json_t *expect = json_object_get(scenario, "expect");

	html_print(out, "<p>%s ", meaning_of(crash));
	html_print(out, "Verdict of the dump: <b>%s</b>.", json_text(crash->json, "verdict"));
	if (expect)
		html_print(out, " Scenario %s expects verdict %s, outcome %s, so this is: <b>%s</b>.",
			   crash->scenario, json_text(expect, "verdict"),
			   json_text(expect, "outcome"), crash_status_name(crash->status));
	if (json_is_true(json_object_get(crash->json, "both_paths")))
		fputs(*json_text(crash->json, "difference") ?
		      " By the full path it went otherwise." :
		      " The full path, with a capture kernel, said the same.", out);
	fputs("</p>\n", out);
	if (*json_text(crash->json, "difference"))
		html_print(out, "<p class=\"wrong\">%s</p>\n",
			   json_text(crash->json, "difference"));
}

static void tell_findings(FILE *out, const struct crash *crash)
{
	const json_t *findings = json_object_get(crash->json, "findings"), *finding;
	size_t i;

	if (!json_array_size(findings))
		return;
	fputs("<ul class=\"findings\">\n", out);
	json_array_foreach(findings, i, finding)
		html_print(out, "<li><b>%s</b>: %s</li>\n", json_text(finding, "weight"),
			   json_text(finding, "text"));
	fputs("</ul>\n", out);
}

static void tell_console(FILE *out, const struct crash *crash)
{
	const json_t *console = json_object_get(crash->json, "console"), *line;
	size_t i;

	if (!json_array_size(console))
		return;
	fputs("<h4>Console, its last lines</h4>\n<pre class=\"console\" tabindex=\"0\" role=\"region\" "
	      "aria-label=\"console\">", out);
	json_array_foreach(console, i, line)
		html_print(out, "%s\n", json_string_value(line) ?: "");
	fputs("</pre>\n", out);
}

static void option(FILE *out, const char *name, const char *value)
{
	html_print(out, " --%s ", name);
	html_shell_word(out, value);
}

static void number_option(FILE *out, const char *name, const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	if (json_is_integer(number))
		html_print(out, " --%s %lld", name, json_integer_value(number));
}

/* A kernel that was given by its path goes by the last part of it. */
static const char *kernel_argument(const json_t *options, const struct crash *crash)
{
	const char *path = json_text(options, "kernel");
	size_t length = strlen(path), name = strlen(crash->kernel);

	while (length && path[length - 1] == '/')
		length--;
	if (length > name && path[length - name - 1] == '/' &&
	    !strncmp(path + length - name, crash->kernel, name))
		return path;
	return crash->kernel;
}

static void tell_repetition(FILE *out, const struct story_context *context,
			    const struct crash *crash)
{
	const json_t *root = context->model->root, *options = json_object_get(root, "options");
	const json_t *scenario = json_object_get(json_object_get(root, "scenarios"),
						 crash->scenario);
	const char *directory = json_text(crash->json, "directory");

	fputs("<h4>Again</h4>\n<pre class=\"command\">kdump-torture run", out);
	option(out, "kernel", kernel_argument(options, crash));
	option(out, "point", crash->point);
	option(out, "deliver", crash->deliver);
	if (json_is_string(json_object_get(scenario, "trigger")))
		option(out, "trigger", json_text(scenario, "trigger"));
	if (json_is_string(json_object_get(scenario, "situation")))
		option(out, "situation", json_text(scenario, "situation"));
	if (json_is_integer(json_object_get(scenario, "cpu")))
		number_option(out, "cpu", scenario, "cpu");
	else
		number_option(out, "cpu", options, "victim");
	number_option(out, "guests", scenario, "guests");
	number_option(out, "bystanders", scenario, "bystanders");
	number_option(out, "memory", options, "memory");
	if (*json_text(options, "path"))
		option(out, "path", json_text(options, "path"));
	number_option(out, "vary", crash->json, "seed");
	fputs("</pre>\n", out);
	if (!*directory)
		return;
	fputs("<p>Run directory: <a href=\"", out);
	if (*directory != '/')
		fputs(context->link, out);
	else
		fputs("file://", out);
	html_path(out, directory);
	html_print(out, "/\">%s</a>; <code>kdump-torture run --replay</code> with it repeats the run "
		   "to the same instruction.</p>\n", directory);
}

static void tell_times(FILE *out, const struct crash *crash)
{
	html_print(out, "<p class=\"dim\">%s, crash %lld of the sweep: %.2f s",
		   crash->id, json_integer_value(json_object_get(crash->json, "nr")),
		   json_number(crash->json, "seconds"));
	if (json_number(crash->json, "ticks") > 0)
		html_print(out, ", %.1f million instructions from power-on to the crash kernel",
			   json_number(crash->json, "ticks") / 1e6);
	fputs("</p>\n", out);
}

static void tell(FILE *out, const struct story_context *context, const struct crash *crash)
{
	const char *status = crash_status_name(crash->status);

	html_print(out, "<article class=\"story %s\" id=\"r%zu\" tabindex=\"-1\" "
		   "aria-labelledby=\"t%zu\">\n<h3 id=\"t%zu\"><span class=\"badge %s\">%s %s</span> ",
		   status, crash->nr, crash->nr, crash->nr, status,
		   crash_status_sign(crash->status), status);
	story_place(out, crash);
	html_print(out, " <span class=\"dim\">%s on kernel %s</span></h3>\n<p class=\"what\">",
		   crash->deliver, crash->kernel);
	story_text(out, crash);
	fputs("</p>\n", out);
	if (crash->change != CHANGE_SAME)
		html_print(out, "<p>Against the baseline: <b>%s</b>.</p>\n",
			   results_change_name(crash->change));
	/* Of what was not made there is no more to tell. */
	if (crash->status != CRASH_SKIP) {
		tell_interrupted(out, context->model, crash);
		tell_expectation(out, context->model, crash);
		tell_cpus(out, crash);
		tell_findings(out, crash);
		tell_console(out, crash);
		tell_repetition(out, context, crash);
	}
	tell_times(out, crash);
	fputs("</article>\n", out);
}

static void tell_testimony(FILE *out, const json_t *vmcs, const char *oracle)
{
	const json_t *testimony = json_object_get(json_object_get(vmcs, "oracles"), oracle);

	html_print(out, "<td class=\"says-%s\" title=\"%s\">%s</td>", json_text(testimony, "answer"),
		   json_text(testimony, "reason"), json_text(testimony, "word"));
}

static const char *const oracles[] = { "image", "log", "list", "evidence" };

static void tell_vmcs(FILE *out, const json_t *vmcs)
{
	const json_t *cpu = json_object_get(vmcs, "cpu"), *vm = json_object_get(vmcs, "vm");
	const char *state = json_text(vmcs, "state");

	html_print(out, "<tr class=\"%s\"><th scope=\"row\"><code>%s</code></th>", state,
		   json_text(vmcs, "pa"));
	if (json_is_integer(cpu))
		html_print(out, "<td>%lld</td>", json_integer_value(cpu));
	else
		fputs("<td>–</td>", out);
	html_print(out, "<td>%s</td><td class=\"vmcs-state\">%s</td><td>%s</td>",
		   json_text(vmcs, "kind"), state,
		   json_is_true(json_object_get(vmcs, "launched")) ? "yes" : "no");
	for (size_t i = 0; i < 4; i++)
		tell_testimony(out, vmcs, oracles[i]);
	if (json_is_integer(vm))
		html_print(out, "<td>%lld / %lld</td><td>%s</td></tr>\n", json_integer_value(vm),
			   json_integer_value(json_object_get(vmcs, "vcpu")),
			   json_text(vmcs, "comm"));
	else
		fputs("<td>–</td><td></td></tr>\n", out);
}

/* What each oracle says, of those that are not as they should be. */
static void tell_reasons(FILE *out, const json_t *vmcs)
{
	const char *state = json_text(vmcs, "state");

	if (!strcmp(state, "cleared") || !strcmp(state, "never-loaded"))
		return;
	html_print(out, "<dt><code>%s</code> is %s%s</dt>\n", json_text(vmcs, "pa"), state,
		   json_is_true(json_object_get(vmcs, "disagreement")) ?
		   ", the oracles disagree" : "");
	for (size_t i = 0; i < 4; i++)
		html_print(out, "<dd>%s: %s</dd>\n", oracles[i],
			   json_text(json_object_get(json_object_get(vmcs, "oracles"), oracles[i]),
				     "reason"));
}

static void tell_vmcses(FILE *out, const json_t *result)
{
	const json_t *all = json_object_get(result, "vmcs"), *vmcs;
	size_t i;

	if (!json_array_size(all)) {
		fputs("<p>There was no VMCS.</p>\n", out);
		return;
	}
	fputs("<div class=\"wide\"><table class=\"facts vmcs\"><caption>VMCSes, and what each oracle "
	      "says</caption><thead><tr><th scope=\"col\">VMCS<th scope=\"col\">CPU"
	      "<th scope=\"col\">kind<th scope=\"col\">state<th scope=\"col\">launched"
	      "<th scope=\"col\">image<th scope=\"col\">log<th scope=\"col\">list"
	      "<th scope=\"col\">evidence<th scope=\"col\">VM / vCPU<th scope=\"col\">task"
	      "</tr></thead><tbody>\n", out);
	json_array_foreach(all, i, vmcs)
		tell_vmcs(out, vmcs);
	fputs("</tbody></table></div>\n<dl class=\"reasons\">\n", out);
	json_array_foreach(all, i, vmcs)
		tell_reasons(out, vmcs);
	fputs("</dl>\n", out);
}

static void tell_lists(FILE *out, const json_t *result)
{
	const json_t *cpu;
	size_t i;

	json_array_foreach(json_object_get(result, "lists"), i, cpu) {
		fputs("<div class=\"wide\">", out);
		list_svg(out, result, cpu);
		fputs("</div>\n", out);
	}
}

static void begin_sheet(FILE *out, bool bad)
{
	html_print(out, "<section class=\"sheet%s\"><p class=\"close\"><a href=\"#matrix\">close "
		   "<kbd>Esc</kbd></a></p>\n", bad ? " bad" : "");
}

static void state_sheet(FILE *out, const struct story_context *context,
			const struct state *state)
{
	bool bad = false;

	for (const struct crash *crash = state->first; crash; crash = crash->next_in_state)
		bad |= !crash_is_fine(crash);
	begin_sheet(out, bad);
	for (const struct crash *crash = state->first; crash; crash = crash->next_in_state)
		tell(out, context, crash);
	fputs("<div class=\"state-of-dump\">\n<h4>The lists as they stood, by <code>-&gt;next</code> "
	      "and <code>-&gt;prev</code></h4>\n", out);
	tell_lists(out, state->first->json);
	tell_vmcses(out, state->first->json);
	fputs("</div></section>\n", out);
}

void stories(FILE *out, const struct story_context *context)
{
	const struct model *model = context->model;

	for (size_t i = 0; i < model->nr_states; i++)
		state_sheet(out, context, &model->state[i]);
	for (size_t i = 0; i < model->nr; i++) {
		const struct crash *crash = &model->crash[i];

		if (!crash->has_story || crash->state != NO_NUMBER)
			continue;
		begin_sheet(out, !crash_is_fine(crash));
		tell(out, context, crash);
		fputs("</section>\n", out);
	}
}
