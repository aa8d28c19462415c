/* SPDX-License-Identifier: MIT */
#include "pkg/cli/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/template_internal.h"

#define GAP 2

static bool is_terminal(FILE *out)
{
	int fd = fileno(out); /* -1 for a stream in memory */

	return fd >= 0 && isatty(fd);
}

void put_untrusted(FILE *out, const char *s)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (!is_terminal(out)) {
		(void)fputs(s, out);
		return;
	}
	sbuf_add_untrusted(&text, s, strlen(s), false);
	(void)fwrite(text.s, 1, text.len, out);
}

int template_exec(const struct template *t, struct json_object *value, FILE *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = template_run(t, value, is_terminal(out) ? TEMPLATE_TERMINAL : TEMPLATE_RAW, &text);

	if (r == 0)
		(void)fwrite(text.s, 1, text.len, out);
	return r;
}

int json_print(struct json_object *value, FILE *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	json_write(value, true, &text);
	sbuf_addc(&text, '\n');
	(void)fwrite(text.s, 1, text.len, out);
	return 0;
}

int value_print(struct json_object *value, const char *format, FILE *out)
{
	struct template *t;
	int r;

	if (!format || strcmp(format, "json") == 0)
		return json_print(value, out);
	r = template_parse(format, &t);
	if (r < 0)
		return r;
	r = template_exec(t, value, out);
	template_free(t);
	if (r == 0)
		(void)fputc('\n', out);
	return r;
}

/* ---- tables: lines of cells, each cell safe text ---- */

struct cell {
	size_t at, len, width;
};

struct table {
	struct sbuf text; /* of all cells, one after the other */
	struct cell *cells;
	size_t n_cells, room;
	size_t *ends; /* index after the last cell of each line */
	size_t n, room_lines;
};

#define TABLE_INIT                \
	{                         \
		.text = SBUF_INIT \
	}

static size_t text_width(const char *s, size_t n)
{
	size_t w = utf8_plain(s, n);
	uint32_t cp;

	for (s += w, n -= w; n > 0;) {
		unsigned len = utf8_decode(s, n, &cp);

		w += len ? utf8_width(cp) : 1;
		len = len ? len : 1;
		s += len;
		n -= len;
	}
	return w;
}

static void end_line(struct table *t)
{
	if (t->n == t->room_lines) {
		t->room_lines = t->room_lines ? t->room_lines * 2 : 64;
		t->ends = xreallocarray(t->ends, t->room_lines, sizeof(*t->ends));
	}
	t->ends[t->n++] = t->n_cells;
}

/* What was added to t->text since @at is a cell. */
static void end_cell(struct table *t, size_t at)
{
	size_t len = t->text.len - at;

	if (t->n_cells == t->room) {
		t->room = t->room ? t->room * 2 : 512;
		t->cells = xreallocarray(t->cells, t->room, sizeof(*t->cells));
	}
	t->cells[t->n_cells++] = (struct cell){at, len, text_width(t->text.s + at, len)};
}

static void table_print(const struct table *t, FILE *out)
{
	AUTO_SBUF struct sbuf page = SBUF_INIT;
	size_t widths[64] = {0};

	for (size_t line = 0, i = 0; line < t->n; line++)
		for (size_t col = 0; i < t->ends[line]; i++, col++)
			if (col < ARRAY_LEN(widths) && t->cells[i].width > widths[col])
				widths[col] = t->cells[i].width;
	for (size_t line = 0, i = 0; line < t->n; line++) {
		for (size_t col = 0; i < t->ends[line]; i++, col++) {
			const struct cell *c = &t->cells[i];

			sbuf_add(&page, t->text.s + c->at, c->len);
			if (i + 1 == t->ends[line] || col >= ARRAY_LEN(widths))
				continue;
			for (size_t k = c->width; k < widths[col] + GAP; k++)
				sbuf_addc(&page, ' ');
		}
		sbuf_addc(&page, '\n');
	}
	(void)fwrite(page.s, 1, page.len, out);
}

static void table_done(struct table *t)
{
	sbuf_done(&t->text);
	free(t->cells);
	free(t->ends);
}

static void add_cell(struct table *t, const char *s, size_t n)
{
	size_t at = t->text.len;

	sbuf_add_untrusted(&t->text, s, n, true);
	end_cell(t, at);
}

/* ---- the default table ---- */

static void add_headings(struct table *t, const struct list_options *o)
{
	if (o->no_heading)
		return;
	for (const struct column *c = o->columns; c->header; c++)
		add_cell(t, c->header, strlen(c->header));
	end_line(t);
}

struct list_table {
	struct table t;
	bool quiet;
	unsigned columns;
};

struct list_table *list_table_new(const struct list_options *o)
{
	struct list_table *t = xcalloc(1, sizeof(*t));

	t->t = (struct table)TABLE_INIT;
	t->quiet = o->quiet;
	while (o->columns[t->columns].header)
		t->columns++;
	if (!t->quiet)
		add_headings(&t->t, o);
	return t;
}

void list_table_row(struct list_table *t, const char *const *cells)
{
	for (unsigned i = 0; i < (t->quiet ? 1 : t->columns); i++)
		add_cell(&t->t, cells[i], strlen(cells[i]));
	end_line(&t->t);
}

void list_table_print(struct list_table *t, FILE *out)
{
	table_print(&t->t, out);
}

void list_table_free(struct list_table *t)
{
	table_done(&t->t);
	free(t);
}

static int print_columns(const struct list_options *o, struct json_object *rows, FILE *out)
{
	AUTO(table_done) struct table t = TABLE_INIT;
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	add_headings(&t, o);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		for (const struct column *c = o->columns; c->header; c++) {
			sbuf_reset(&text);
			value_text(json_object_object_get(row, c->field), &text);
			add_cell(&t, text.s, text.len);
		}
		end_line(&t);
	}
	table_print(&t, out);
	return 0;
}

/* ---- "table {{.A}}\t{{.B}}" ---- */

/* "CreatedAt" to "CREATED AT", "ImageID" to "IMAGE ID". */
static void field_heading(const char *name, struct sbuf *out)
{
	for (const char *p = name; *p; p++) {
		if (p > name && isupper((unsigned char)*p) &&
		    (islower((unsigned char)p[-1]) ||
		     (isupper((unsigned char)p[-1]) && islower((unsigned char)p[1]))))
			sbuf_addc(out, ' ');
		sbuf_addc(out, (char)toupper((unsigned char)*p));
	}
}

/* An object that answers every field of a row with its heading. */
static struct json_object *heading_of(const struct list_options *o, struct json_object *like)
{
	struct json_object *h = json_object_new_object();

	if (like) {
		json_object_object_foreach(like, key, v)
		{
			AUTO_SBUF struct sbuf text = SBUF_INIT;

			(void)v;
			field_heading(key, &text);
			json_set_str(h, key, text.s);
		}
	}
	for (const struct column *c = o->columns; c && c->header; c++)
		json_set_str(h, c->field, c->header);
	return h;
}

/* Literal tabs part the cells; those inside values were escaped. */
static void add_line(struct table *t, const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "\t"), at = t->text.len;

		sbuf_add(&t->text, s, len);
		end_cell(t, at);
		if (!s[len])
			break;
		s += len + 1;
	}
	end_line(t);
}

static int fill_table(const struct list_options *o, const struct template *tpl,
		      struct json_object *rows, struct table *t)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	size_t n = json_object_array_length(rows);
	int r = 0;

	if (!o->no_heading) {
		AUTO_JSON struct json_object *h = heading_of(
			o, n ? json_object_array_get_idx(rows, 0) : NULL);

		/* A list without rows does not know all its fields; a heading that cannot be made is none. */
		r = template_run(tpl, h, TEMPLATE_HEADER, &line);
		if (r == 0)
			add_line(t, line.s);
		else
			err_drop();
	}
	for (size_t i = 0; i < n; i++) {
		sbuf_reset(&line);
		r = template_run(tpl, json_object_array_get_idx(rows, i), TEMPLATE_CELL, &line);
		if (r < 0)
			return r;
		add_line(t, line.s);
	}
	return 0;
}

/* As podman: a space between two fields parts columns. */
static char *part_fields(const char *text)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (; *text; text++) {
		bool between = *text == ' ' && b.len >= 2 && b.s[b.len - 1] == '}' &&
			       b.s[b.len - 2] == '}' && strncmp(text + 1, "{{", 2) == 0;

		sbuf_addc(&b, between ? '\t' : *text);
	}
	return sbuf_steal(&b);
}

static int print_template_table(const struct list_options *o, const char *text,
				struct json_object *rows, FILE *out)
{
	AUTO(table_done) struct table t = TABLE_INIT;
	AUTO_FREE char *parted = part_fields(text);
	struct template *tpl;
	int r = template_parse(parted, &tpl);

	if (r < 0)
		return r;
	r = fill_table(o, tpl, rows, &t);
	if (r == 0)
		table_print(&t, out);
	template_free(tpl);
	return r;
}

/* ---- templates without a heading ---- */

/* "{{range .}}" and "{{range $i, $row := .}}" first: it wants all rows, not one after the other. */
static bool wants_list(const char *format)
{
	const char *at = format, *end;

	if (strncmp(at, "{{", 2) != 0)
		return false;
	at += 2 + (at[2] == '-');
	at += strspn(at, " ");
	end = strstr(at, "}}");
	if (!end || strncmp(at, "range ", 6) != 0)
		return false;
	while (end > at && (end[-1] == ' ' || end[-1] == '-'))
		end--;
	return end[-1] == '.' && (end[-2] == ' ' || end[-2] == '=');
}

static int print_rows(const char *format, struct json_object *rows, FILE *out)
{
	enum template_mode mode = is_terminal(out) ? TEMPLATE_TERMINAL : TEMPLATE_RAW;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct template *tpl;
	int r = template_parse(format, &tpl);

	if (r < 0)
		return r;
	if (wants_list(format)) { /* as podman */
		r = template_run(tpl, rows, mode, &text);
	} else {
		for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++) {
			r = template_run(tpl, json_object_array_get_idx(rows, i), mode, &text);
			sbuf_addc(&text, '\n');
		}
	}
	if (r == 0)
		(void)fwrite(text.s, 1, text.len, out);
	template_free(tpl);
	return r;
}

static void print_quiet(const char *field, struct json_object *rows, FILE *out)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;

		value_text(json_object_object_get(json_object_array_get_idx(rows, i), field),
			   &text);
		put_untrusted(out, text.s);
		(void)fputc('\n', out);
	}
}

static int print_json_lines(struct json_object *rows, FILE *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_write(json_object_array_get_idx(rows, i), false, &text);
		sbuf_addc(&text, '\n');
	}
	(void)fwrite(text.s, 1, text.len, out);
	return 0;
}

int list_print(const struct list_options *o, struct json_object *rows,
	       struct json_object *json_rows, FILE *out)
{
	const char *f = o->format;

	if (f && strcmp(f, "json") == 0 && o->json_lines)
		return print_json_lines(rows, out);
	if (f && strcmp(f, "json") == 0)
		return json_print(json_rows ? json_rows : rows, out);
	if (o->quiet && !f) {
		print_quiet(o->quiet_field, rows, out);
		return 0;
	}
	if (!f || strcmp(f, "table") == 0)
		return print_columns(o, rows, out);
	if (strncmp(f, "table ", 6) == 0 || strncmp(f, "table\\t", 7) == 0)
		return print_template_table(o, f + (f[5] == ' ' ? 6 : 7), rows, out);
	return print_rows(f, rows, out);
}
