/* SPDX-License-Identifier: MIT */
/* --help, made from the tables. */
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/cli/optdoc.h"

static int by_words(const void *a, const void *b)
{
	const struct command_alias *const *x = a, *const *y = b;

	return strcmp((*x)->words, (*y)->words);
}

/* Entries of @group (NULL: top level), sorted; other names of a command only inside a group. */
static size_t collect(const char *group, const struct command_alias **out, size_t max)
{
	size_t n = 0, len = group ? strlen(group) : 0;

	for (const struct command_alias *a = commands; a->words && n < max; a++) {
		const char *space = strchr(a->words, ' ');
		bool wanted;

		if (a->words[0] == '_')
			continue;
		if (group)
			wanted = space && (size_t)(space - a->words) == len &&
				 strncmp(a->words, group, len) == 0;
		else
			wanted = !space && strcmp(a->words, a->command->name) == 0;
		if (wanted)
			out[n++] = a;
	}
	qsort(out, n, sizeof(*out), by_words);
	return n;
}

static void list_commands(FILE *out, const char *group)
{
	const struct command_alias *list[512];
	size_t n = collect(group, list, sizeof(list) / sizeof(list[0]));
	size_t skip = group ? strlen(group) + 1 : 0;

	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-12s %s\n", list[i]->words + skip, list[i]->command->summary);
}

void help_all(FILE *out)
{
	fputs("Usage: cuddy [OPTIONS] COMMAND\n\nRun containers without a daemon and without "
	      "root\n\nCommands:\n",
	      out);
	list_commands(out, NULL);
	fputs("\nGroups:\n", out);
	for (const struct command_group *g = command_groups; g->name; g++)
		fprintf(out, "  %-12s %s\n", g->name, g->summary);
	fputs("\nOptions:\n", out);
	optdoc_print(out, global_opts, NULL);
	fputs("\n'cuddy COMMAND --help' tells more about a command.\n", out);
}

void help_group(FILE *out, const struct command_group *g)
{
	fprintf(out, "Usage: cuddy %s COMMAND\n\n%s\n\nCommands:\n", g->name, g->summary);
	list_commands(out, g->name);
}

static void list_other_names(FILE *out, const struct command_alias *of)
{
	bool first = true;

	for (const struct command_alias *a = commands; a->words; a++) {
		if (a->command != of->command || a == of)
			continue;
		fprintf(out, "%scuddy %s", first ? "\nAlso: " : ", ", a->words);
		first = false;
	}
	if (!first)
		fputc('\n', out);
}

/* The lines of its manual page that begin with a tab. */
static void list_examples(FILE *out, const struct command *c)
{
	bool first = true;

	for (const char *p = command_about(c); p && *p;) {
		size_t n = strcspn(p, "\n");

		if (*p == '\t') {
			fprintf(out, "%s  %.*s\n", first ? "\nExamples:\n" : "", (int)n - 1, p + 1);
			first = false;
		}
		p += n;
		p += *p == '\n';
	}
}

void help_command(FILE *out, const struct command_alias *a)
{
	const struct command *c = a->command;

	fprintf(out, "Usage: cuddy %s%s%s\n\n%s\n", a->words, *c->synopsis ? " " : "", c->synopsis,
		c->summary);
	if (c->opts && c->opts->kind != OPT_KIND_END) {
		fputs("\nOptions:\n", out);
		optdoc_print(out, c->opts, c->defaults);
	}
	list_examples(out, c);
	list_other_names(out, a);
}

static int help_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct command_alias *a;
	int words;

	(void)ctx;
	(void)args;
	if (argc == 0) {
		help_all(stdout);
		return 0;
	}
	a = command_find(argc, argv, &words);
	if (a && words == argc) {
		help_command(stdout, a);
		return 0;
	}
	if (argc == 1 && group_find(argv[0])) {
		help_group(stdout, group_find(argv[0]));
		return 0;
	}
	return command_unknown(argc, argv);
}

const struct command cmd_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "Tell about a command",
	.max_args = 2,
	.complete = COMPLETE_COMMAND,
	.run = help_run,
};
