/* SPDX-License-Identifier: MIT */
/*
 * "cuddy __man DIR": all manual pages, from the tables and the words of about.c. Part of the build:
 * "make man" and "make install" call it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/optdoc.h"

/* Text so that roff prints it as it is: a leading dot or quote would be a request. */
static void put_text(FILE *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((s[i] == '.' || s[i] == '\'') && (i == 0 || s[i - 1] == '\n'))
			(void)fputs("\\&", out);
		if (s[i] == '\\')
			(void)fputs("\\e", out);
		else if (s[i] == '-')
			(void)fputs("\\-", out);
		else if (s[i] == '\'')
			(void)fputs("\\(aq", out);
		else if (s[i] == '"')
			(void)fputs("\\(dq", out);
		else
			(void)fputc(s[i], out);
	}
}

static void put(FILE *out, const char *s)
{
	put_text(out, s, strlen(s));
}

/* Lines that begin with a tab stand as they are, the rest is filled. */
static void put_about(FILE *out, const char *s)
{
	bool example = false;

	while (*s) {
		size_t n = strcspn(s, "\n");
		bool tab = *s == '\t';

		if (tab != example)
			(void)fputs(tab ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n", out);
		example = tab;
		if (n == 0 && !example)
			(void)fputs(".PP", out);
		put_text(out, s + tab, n - tab);
		(void)fputc('\n', out);
		s += n;
		s += *s == '\n';
	}
	if (example)
		(void)fputs(".fi\n.RE\n", out);
}

static void put_option(FILE *out, const struct optdoc_row *row, const void *defaults)
{
	const struct opt *o = row->opt;
	AUTO_SBUF struct sbuf value = SBUF_INIT;

	(void)fputs(".TP\n", out);
	if (o->short_name)
		(void)fprintf(out, "\\fB\\-%c\\fR%s", o->short_name, o->long_name ? ", " : "");
	if (o->long_name) {
		(void)fputs("\\fB\\-\\-", out);
		put(out, o->long_name);
		(void)fputs("\\fR", out);
	}
	if (o->metavar && !opt_is_switch(o)) {
		(void)fputs(o->optional ? "[=\\fI" : " \\fI", out);
		put(out, o->metavar);
		(void)fputs(o->optional ? "\\fR]" : "\\fR", out);
	}
	(void)fputc('\n', out);
	put(out, o->help);
	if (o->words) {
		(void)fputs(" (", out);
		put(out, o->words);
		(void)fputc(')', out);
	}
	optdoc_default(row, defaults, &value);
	if (value.len) {
		(void)fputs("; ", out);
		put(out, value.s);
		(void)fputs(" without it", out);
	}
	(void)fputs(".\n", out);
}

static void put_options(FILE *out, const struct opt *table, const void *defaults)
{
	struct optdoc_row rows[OPTDOC_ROWS_MAX];
	size_t n = optdoc_rows(table, rows, OPTDOC_ROWS_MAX);

	if (!n)
		return;
	(void)fputs(".SH OPTIONS\n", out);
	for (size_t i = 0; i < n; i++)
		put_option(out, &rows[i], defaults);
}

static void put_head(FILE *out, const char *page, const char *summary)
{
	(void)fprintf(out, ".\\\" Generated from cuddy's tables.\n.TH ");
	for (const char *p = page; *p; p++)
		(void)fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
	(void)fputs(" 1 \"\" \"cuddy " CUDDY_VERSION "\"\n.SH NAME\n", out);
	put(out, page);
	(void)fputs(" \\- ", out);
	put(out, summary);
	(void)fputs("\n.SH SYNOPSIS\n", out);
}

static char *page_name(const char *words)
{
	char *s = xasprintf("cuddy-%s", words);

	for (char *p = s; *p; p++)
		if (*p == ' ')
			*p = '-';
	return s;
}

static int open_page(const char *dir, const char *page, FILE **ret)
{
	AUTO_FREE char *file = xasprintf("%s.1", page);
	AUTO_FREE char *path = path_join(dir, file);

	*ret = fopen(path, "we");
	return *ret ? 0 : err_new(-errno, "open %s", path);
}

static int close_page(FILE *out, const char *page)
{
	int bad = ferror(out) || fflush(out) != 0;

	(void)fclose(out);
	return bad ? err_new(-EIO, "write %s", page) : 0;
}

/* ---- pages ------------------------------------------------------------------------------------ */

static void put_command(FILE *out, const char *page, const struct command_alias *a)
{
	const struct command *c = a->command;
	const char *about = command_about(c);
	bool first = true;

	put_head(out, page, c->summary);
	(void)fputs("\\fBcuddy ", out);
	put(out, a->words);
	(void)fputs("\\fR ", out);
	put(out, c->synopsis);
	(void)fputs("\n.SH DESCRIPTION\n", out);
	if (about) {
		put_about(out, about);
	} else {
		put(out, c->summary);
		(void)fputs(".\n", out);
	}
	put_options(out, c->opts, c->defaults);
	for (const struct command_alias *other = commands; other->words; other++) {
		if (other->command != c || other == a)
			continue;
		(void)fputs(first ? ".SH OTHER NAMES\n" : ", ", out);
		first = false;
		(void)fputs("cuddy ", out);
		put(out, other->words);
	}
	(void)fputs(first ? ".SH SEE ALSO\n\\fBcuddy\\fR(1)\n"
			  : "\n.SH SEE ALSO\n\\fBcuddy\\fR(1)\n",
		    out);
}

/* The page of another name leads to the one that is shown in the help. */
static const struct command_alias *primary_of(const struct command_alias *a)
{
	for (const struct command_alias *p = commands; p->words; p++)
		if (p->command == a->command && command_is_primary(p))
			return p;
	return a;
}

static int write_command(const char *dir, const struct command_alias *a)
{
	const struct command_alias *primary = primary_of(a);
	AUTO_FREE char *page = page_name(a->words), *real = page_name(primary->words);
	FILE *out;
	int r = open_page(dir, page, &out);

	if (r < 0)
		return r;
	if (primary == a)
		put_command(out, page, a);
	else
		(void)fprintf(out, ".so man1/%s.1\n", real);
	return close_page(out, page);
}

static void list_commands(FILE *out, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	for (const struct command_alias *a = commands; a->words; a++) {
		bool inside = group && strncmp(a->words, group, len) == 0 && a->words[len] == ' ';

		if (a->words[0] == '_' || (group ? !inside : strchr(a->words, ' ') != NULL))
			continue;
		(void)fputs(".TP\n\\fB", out);
		put(out, a->words);
		(void)fputs("\\fR\n", out);
		put(out, a->command->summary);
		(void)fputc('\n', out);
	}
}

static int write_group(const char *dir, const struct command_group *g)
{
	AUTO_FREE char *page = page_name(g->name);
	FILE *out;
	int r = open_page(dir, page, &out);

	if (r < 0)
		return r;
	put_head(out, page, g->summary);
	(void)fprintf(out, "\\fBcuddy %s\\fR COMMAND\n.SH COMMANDS\n", g->name);
	list_commands(out, g->name);
	(void)fputs(".SH SEE ALSO\n\\fBcuddy\\fR(1)\n", out);
	return close_page(out, page);
}

static const char main_about[] = "cuddy runs containers for an ordinary user of a Linux machine, "
				 "without a daemon and without "
				 "root. Its command line is that of podman and docker.\n"
				 "\n"
				 "\tcuddy run --rm -it debian:bookworm bash\n"
				 "\tcuddy run -d --name web -p 8080:80 nginx\n"
				 "\tcuddy logs -f web\n"
				 "\tcuddy rm -f web\n";

static const char main_files[] =
	".SH FILES\n"
	".TP\n\\fI$XDG_DATA_HOME/cuddy\\fR (\\fI~/.local/share/cuddy\\fR)\nImages, containers and "
	"volumes.\n"
	".TP\n\\fI$XDG_RUNTIME_DIR/cuddy\\fR\nWhat runs now.\n"
	".TP\n\\fI~/.config/containers/registries.conf\\fR, "
	"\\fI/etc/containers/registries.conf\\fR\nWhat short names mean, mirrors, insecure "
	"registries.\n"
	".TP\n\\fI/etc/subuid\\fR, \\fI/etc/subgid\\fR\nThe subordinate ids of users.\n"
	".SH ENVIRONMENT\n"
	".TP\n\\fBCUDDY_ROOT\\fR, \\fBCUDDY_RUNROOT\\fR\nOther places for the first two; the flags "
	"\\-\\-root and \\-\\-runroot win.\n"
	".TP\n\\fBCUDDY_DEBUG\\fR\nModules whose messages are shown on standard error, or "
	"\\(dqall\\(dq.\n"
	".TP\n\\fBREGISTRY_AUTH_FILE\\fR, \\fBDOCKER_CONFIG\\fR\nCredentials for registries.\n"
	".SH EXIT STATUS\n"
	"0 when all went well; 125 when cuddy failed. run, exec and start \\-a exit as their "
	"command "
	"did: 126 when it cannot be executed, 127 when it is not in the image, 128+n when signal n "
	"ended it.\n";

static int write_main(const char *dir)
{
	FILE *out;
	int r = open_page(dir, "cuddy", &out);

	if (r < 0)
		return r;
	put_head(out, "cuddy", "Run containers without a daemon and without root");
	(void)fputs("\\fBcuddy\\fR [OPTIONS] COMMAND\n.SH DESCRIPTION\n", out);
	put_about(out, main_about);
	(void)fputs(".SH COMMANDS\n", out);
	list_commands(out, NULL);
	for (const struct command_group *g = command_groups; g->name; g++)
		(void)fprintf(out, ".TP\n\\fB%s\\fR\n%s\n", g->name, g->summary);
	(void)fputs(".PP\nEach has a page of its own: \\fBcuddy\\-run\\fR(1).\n", out);
	put_options(out, global_opts, NULL);
	(void)fputs(main_files, out);
	return close_page(out, "cuddy.1");
}

static int man_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	int r = write_main(argv[0]);

	(void)ctx;
	(void)args;
	(void)argc;
	for (const struct command_group *g = command_groups; r == 0 && g->name; g++)
		r = write_group(argv[0], g);
	for (const struct command_alias *a = commands; r == 0 && a->words; a++)
		if (a->words[0] != '_')
			r = write_command(argv[0], a);
	return r;
}

const struct command cmd_man = {
	.name = "__man",
	.synopsis = "DIR",
	.summary = "Write the manual pages",
	.min_args = 1,
	.max_args = 1,
	.run = man_run,
};
