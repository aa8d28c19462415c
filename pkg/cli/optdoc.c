/* SPDX-License-Identifier: MIT */
#include "pkg/cli/optdoc.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/clock.h"

#define LINE_WIDTH 100
#define FLAGS_WIDTH_MAX 34

struct collecting {
	struct optdoc_row *out;
	size_t n, max;
};

static int collect(const struct opt *o, size_t base, void *data)
{
	struct collecting *c = data;

	if (!o->hidden && c->n < c->max)
		c->out[c->n++] = (struct optdoc_row){.opt = o, .base = base};
	return 0;
}

static const char *sort_key(const struct opt *o)
{
	return o->long_name ? o->long_name : "";
}

static int by_name(const void *a, const void *b)
{
	return strcmp(sort_key(((const struct optdoc_row *)a)->opt),
		      sort_key(((const struct optdoc_row *)b)->opt));
}

size_t optdoc_rows(const struct opt *table, struct optdoc_row *out, size_t max)
{
	struct collecting c = {.out = out, .max = max};

	(void)opt_each(table, collect, &c);
	qsort(out, c.n, sizeof(*out), by_name);
	return c.n;
}

static void add_duration(int64_t ns, struct sbuf *out)
{
	if (ns % NS_PER_S)
		sbuf_addf(out, "%lldms", (long long)(ns / NS_PER_MS));
	else
		sbuf_addf(out, "%llds", (long long)(ns / NS_PER_S));
}

void optdoc_default(const struct optdoc_row *r, const void *defaults, struct sbuf *out)
{
	const void *field = defaults ? (const char *)defaults + r->base + r->opt->offset : NULL;

	if (!field)
		return;
	switch (r->opt->kind) {
	case OPT_KIND_STR:
		if (*(const char *const *)field)
			sbuf_adds(out, *(const char *const *)field);
		break;
	case OPT_KIND_UINT:
		if (*(const unsigned *)field)
			sbuf_addf(out, "%u", *(const unsigned *)field);
		break;
	case OPT_KIND_INT:
		if (*(const int64_t *)field > 0) /* others stand for "not given" */
			sbuf_addf(out, "%lld", (long long)*(const int64_t *)field);
		break;
	case OPT_KIND_DURATION:
		if (*(const int64_t *)field)
			add_duration(*(const int64_t *)field, out);
		break;
	case OPT_KIND_BOOL:
		if (*(const bool *)field)
			sbuf_adds(out, "true");
		break;
	case OPT_KIND_TRI:
		if (*(const int *)field == 1)
			sbuf_adds(out, "true");
		break;
	default:
		break;
	}
}

static void flags_text(const struct opt *o, struct sbuf *out)
{
	if (o->short_name && o->long_name)
		sbuf_addf(out, "  -%c, --%s", o->short_name, o->long_name);
	else if (o->short_name)
		sbuf_addf(out, "  -%c", o->short_name);
	else
		sbuf_addf(out, "      --%s", o->long_name);
	if (opt_is_switch(o) || !o->metavar)
		return;
	sbuf_addf(out, o->optional ? "[=%s]" : " %s", o->metavar);
}

/* Words of @text, wrapped, each further line indented by @indent; the cursor already stands there. */
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
	size_t column = indent;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " ");

		if (column > indent && column + 1 + len > LINE_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)len, p);
		column += len;
		p += len;
		p += strspn(p, " ");
	}
	fputc('\n', out);
}

void optdoc_print(FILE *out, const struct opt *table, const void *defaults)
{
	struct optdoc_row rows[OPTDOC_ROWS_MAX];
	size_t n = optdoc_rows(table, rows, OPTDOC_ROWS_MAX), width = 0;

	for (size_t i = 0; i < n; i++) {
		AUTO_SBUF struct sbuf flags = SBUF_INIT;

		flags_text(rows[i].opt, &flags);
		if (flags.len > width && flags.len <= FLAGS_WIDTH_MAX)
			width = flags.len;
	}
	for (size_t i = 0; i < n; i++) {
		AUTO_SBUF struct sbuf flags = SBUF_INIT, value = SBUF_INIT, text = SBUF_INIT;

		flags_text(rows[i].opt, &flags);
		optdoc_default(&rows[i], defaults, &value);
		sbuf_adds(&text, rows[i].opt->help);
		if (rows[i].opt->words)
			sbuf_addf(&text, " (%s)", rows[i].opt->words);
		if (value.len)
			sbuf_addf(&text, " (default %s)", value.s);
		fputs(flags.s, out);
		if (flags.len > width)
			fprintf(out, "\n%*s", (int)width + 2, "");
		else
			fprintf(out, "%*s", (int)(width - flags.len) + 2, "");
		print_wrapped(out, text.s, width + 2);
	}
}
