/* SPDX-License-Identifier: MIT */
/* What is told while a build goes on. */
#include "cmd/build.h"
#include "pkg/cli/format.h"

static void print_line(const struct build_show *s, const char *text)
{
	put_untrusted(s->out, text);
	(void)fputc('\n', s->out);
	(void)fflush(s->out);
}

static void on_step(void *data, unsigned n, unsigned total, const char *text)
{
	const struct build_show *s = data;

	(void)fprintf(s->out, "STEP %u/%u: ", n, total);
	print_line(s, text);
}

static void on_cached(void *data)
{
	const struct build_show *s = data;

	(void)fputs("--> Using cache\n", s->out);
}

static void on_warning(void *data, const char *text)
{
	const struct build_show *s = data;

	(void)fputs("cuddy: warning: ", s->out);
	print_line(s, text);
}

static void on_line(void *data, const char *stage, const char *text)
{
	const struct build_show *s = data;

	(void)fputc('[', s->out);
	put_untrusted(s->out, stage);
	(void)fputs("] ", s->out);
	print_line(s, text);
}

static void on_finding(void *data, const char *rule, const char *file, unsigned line,
		       const char *message, const char *source)
{
	const struct build_show *s = data;

	put_untrusted(s->out, file);
	(void)fprintf(s->out, ":%u: %s: ", line, rule);
	print_line(s, message);
	if (!*source)
		return;
	(void)fputs("    ", s->out);
	print_line(s, source);
}

static void on_findings(void *data, unsigned n)
{
	const struct build_show *s = data;

	(void)fprintf(s->out, "%u finding%s in the file; \"cuddy build --check\" tells what\n", n,
		      n == 1 ? "" : "s");
}

static void on_reason(void *data, const char *text)
{
	const struct build_show *s = data;

	(void)fputs("--> ", s->out);
	print_line(s, text);
}

void build_show_init(struct build_show *s, bool quiet, FILE *out)
{
	*s = (struct build_show){.out = out,
				 .report = {.warning = on_warning,
					    .line = on_line,
					    .finding = on_finding,
					    .reason = on_reason,
					    .data = s}};
	if (!quiet) {
		s->report.step = on_step;
		s->report.cached = on_cached;
		s->report.findings = on_findings;
	}
}
