/* SPDX-License-Identifier: MIT */
/* What is told while a build goes on. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/cli/progress.h"

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
	const struct build_event e = {.kind = BUILD_EVENT_WARNING, .text = text};

	if (s->json) {
		build_json_event(s->json, &e);
		return;
	}
	(void)fputs("cuddy: warning: ", s->out);
	print_line(s, text);
}

static void on_line(void *data, const char *stage, const char *text)
{
	const struct build_show *s = data;

	if (stage) {
		(void)fputc('[', s->out);
		put_untrusted(s->out, stage);
		(void)fputs("] ", s->out);
	}
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

/* The result, for scripts: on standard output. */
static void on_document(void *data, struct json_object *doc)
{
	const struct build_show *s = data;

	build_call_print(doc, s->json_documents);
}

static void on_event(void *data, const struct build_event *e)
{
	const struct build_show *s = data;

	if (s->json)
		build_json_event(s->json, e);
	else
		build_screen_event(s->screen, e);
}

static void on_tick(void *data)
{
	const struct build_show *s = data;

	build_screen_tick(s->screen);
}

static int choose(const char *given, FILE *out, const char **ret)
{
	static const char *const known[] = {"auto", "plain", "tty", "quiet", "rawjson"};
	const char *env = getenv("BUILDKIT_PROGRESS");
	bool is_known = false;

	*ret = given ? given : env && *env ? env : "auto";
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		is_known |= strcmp(known[i], *ret) == 0;
	if (!is_known)
		return err_usage("BUILDKIT_PROGRESS=%s: use auto, plain, tty, quiet or rawjson",
				 *ret);
	if (strcmp(*ret, "auto") == 0)
		*ret = progress_wants_bars(out) ? "tty" : "plain";
	else if (strcmp(*ret, "tty") == 0 && !isatty(fileno(out)))
		return err_usage("--progress tty: that is no terminal; use plain");
	return 0;
}

int build_show_init(struct build_show *s, bool quiet, const char *progress, FILE *out)
{
	const char *kind;
	int r;

	*s = (struct build_show){.out = out,
				 .report = {.warning = on_warning,
					    .line = on_line,
					    .finding = on_finding,
					    .document = on_document,
					    .reason = on_reason,
					    .data = s}};
	r = choose(progress, out, &kind);
	if (r < 0)
		return r;
	if (quiet || strcmp(kind, "quiet") == 0) {
		if (out != stderr) /* --logfile has all of it */
			return 0;
		s->report.event = on_event;
		s->screen = build_screen_new(out, true);
		return 0;
	}
	s->report.findings = on_findings;
	if (strcmp(kind, "plain") == 0) {
		s->report.step = on_step;
		s->report.cached = on_cached;
		return 0;
	}
	s->report.event = on_event;
	if (strcmp(kind, "rawjson") == 0) {
		s->json = build_json_new(out);
		s->report.findings = NULL;
	} else {
		s->screen = build_screen_new(out, false);
		s->report.tick = on_tick;
	}
	return 0;
}

void build_show_done(struct build_show *s)
{
	build_screen_free(s->screen);
	build_json_free(s->json);
	s->screen = NULL;
	s->json = NULL;
}
