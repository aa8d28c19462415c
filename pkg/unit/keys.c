/* SPDX-License-Identifier: MIT */
/* What the rows of a key table mean. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/options.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

const struct unit_line *convert_own(const struct convert *c, const char *key)
{
	return unit_file_last(&c->q->in, c->section, key);
}

static const struct key_row *find_row(const struct key_row *rows, const char *key)
{
	for (; rows->key; rows++)
		if (!strcmp(rows->key, key))
			return rows;
	return NULL;
}

static int unknown_key(const struct convert *c, const struct key_row *rows,
		       const struct unit_line *l)
{
	const char *names[160], *near;
	size_t n = 0;

	for (; rows->key && n < ARRAY_LEN(names); rows++)
		if (rows->kind != KEY_REFUSED)
			names[n++] = rows->key;
	near = suggest(l->key, names, n);
	return err_new(-CE_BAD_FORMAT, "%s: there is no key %s in [%s]%s%s%s", l->where, l->key,
		       c->section, near ? "; did you mean " : "", near ? near : "",
		       near ? "?" : "");
}

static int check_keys(const struct convert *c, const struct key_row *rows)
{
	for (size_t i = 0; i < c->q->in.n; i++) {
		const struct unit_line *l = &c->q->in.v[i];
		const struct key_row *row;

		if (!strcmp(l->section, "Quadlet") && strcmp(l->key, "DefaultDependencies") != 0)
			return err_new(-CE_BAD_FORMAT, "%s: there is no key %s in [Quadlet]",
				       l->where, l->key);
		if (strcmp(l->section, c->section) != 0)
			continue;
		row = find_row(rows, l->key);
		if (!row)
			return unknown_key(c, rows, l);
		if (row->kind == KEY_REFUSED && *l->value)
			return err_new(-CE_BAD_FORMAT, "%s: %s= cannot be used: %s", l->where,
				       l->key, row->flag);
	}
	return 0;
}

/* A flag that may stand without a value has it in one word with itself: "--pull=". */
static void add_flag(struct convert *c, const struct key_row *row, const char *value)
{
	if (row->flag[strlen(row->flag) - 1] == '=') {
		strv_addf(&c->argv, "%s%s", row->flag, value);
		return;
	}
	strv_add(&c->argv, row->flag);
	strv_addf(&c->argv, "%s%s", row->prefix ? row->prefix : "", value);
}

static int add_words(struct convert *c, const struct key_row *row, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++)
		add_flag(c, row, words.v[i]);
	return r;
}

static int add_each(struct convert *c, const struct key_row *row)
{
	const struct unit_line *l = NULL;
	int r = 0;

	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, row->key, l))) {
		if (row->kind == KEY_CALL)
			r = row->call(c, l);
		else if (row->kind == KEY_WORDS)
			r = add_words(c, row, l);
		else
			add_flag(c, row, l->value);
	}
	return r;
}

static int add_row(struct convert *c, const struct key_row *row)
{
	const struct unit_line *l;
	int b;

	switch (row->kind) {
	case KEY_ONE:
		l = unit_file_last(&c->q->in, c->section, row->key);
		if (l)
			add_flag(c, row, l->value);
		return 0;
	case KEY_EACH:
	case KEY_WORDS:
	case KEY_CALL:
		return add_each(c, row);
	case KEY_BOOL:
	case KEY_FLAG:
		b = unit_file_bool(&c->q->in, c->section, row->key, false);
		if (b < 0 || !unit_file_last(&c->q->in, c->section, row->key))
			return b < 0 ? b : 0;
		if (row->kind == KEY_BOOL)
			strv_addf(&c->argv, "%s=%s", row->flag, b ? "true" : "false");
		else if (b && row->prefix)
			add_flag(c, row, "");
		else if (b)
			strv_add(&c->argv, row->flag);
		return 0;
	case KEY_OTHER:
	case KEY_REFUSED:
		break;
	}
	return 0;
}

int convert_keys(struct convert *c, const struct key_row *rows)
{
	int r = check_keys(c, rows);

	for (; r == 0 && rows->key; rows++)
		r = add_row(c, rows);
	return r;
}

int convert_words(const struct unit_line *l, struct strv *ret)
{
	if (unit_words_split(l->value, ret) < 0)
		return err_new(-CE_BAD_FORMAT, "%s: %s= has a quote that does not end", l->where,
			       l->key);
	return 0;
}

static int split_all(const struct convert *c, const char *key, struct strv *ret)
{
	const struct unit_line *l = NULL;
	int r = 0;

	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, key, l)))
		r = convert_words(l, ret);
	return r;
}

int convert_command(struct convert *c, const struct strv *words, struct sbuf *out)
{
	AUTO_STRV struct strv all = STRV_INIT;
	const struct unit_line *l = NULL;
	int r;

	strv_add(&all, c->program);
	while ((l = unit_file_next(&c->q->in, c->section, "ContainersConfModule", l)))
		strv_addf(&all, "--module=%s", l->value);
	r = split_all(c, "GlobalArgs", &all);
	strv_add_all(&all, words);
	unit_words_join(out, &all);
	return r;
}

int convert_exec(struct convert *c, const char *key)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int r = convert_command(c, &c->argv, &line);

	if (r == 0)
		unit_file_add(c->out, "Service", key, line.s);
	return r;
}

char *convert_path(const struct convert *c, const char *path)
{
	AUTO_FREE char *dir = NULL, *joined = NULL;

	if (*path == '/' || *path == '%')
		return xstrdup(path);
	dir = xstrndup(c->q->path, (size_t)(path_base(c->q->path) - c->q->path));
	joined = path_join(*dir ? dir : ".", path);
	return path_clean(joined);
}

/* An instance is the same one for two templates; all other specifiers are each unit's own. */
static bool may_name(const struct quadlet *q)
{
	if (q->kind == QUADLET_IMAGE || q->kind == QUADLET_BUILD || q->kind == QUADLET_ARTIFACT)
		return true;
	for (const char *p = q->object; (p = strchr(p, '%')) != NULL; p += 2)
		if (p[1] != '%' && (!quadlet_is_template(q) || (p[1] != 'i' && p[1] != 'I')))
			return false;
	return true;
}

int convert_reference(struct convert *c, const struct unit_line *l, const char *file,
		      const struct quadlet **ret)
{
	const struct quadlet *q = quadlet_find(c->all, file);
	AUTO_FREE char *service = NULL;

	if (!q)
		return err_new(-CE_BAD_FORMAT, "%s: there is no file %s", l->where, file);
	if (quadlet_is_template(q) && !strchr(c->q->stem, '@'))
		return err_new(-CE_BAD_FORMAT, "%s: %s is a template, and this is no instance",
			       l->where, file);
	if (!may_name(q))
		return err_new(-CE_BAD_FORMAT,
			       "%s: the name that %s gives holds specifiers (%s), which mean "
			       "something else here",
			       l->where, file, q->object);
	service = quadlet_unit_of(q, c->q);
	unit_file_add(c->out, "Unit", "Requires", service);
	unit_file_add(c->out, "Unit", "After", service);
	*ret = q;
	return 0;
}

int convert_source(struct convert *c, const struct unit_line *l, const char *source,
		   struct sbuf *out)
{
	AUTO_FREE char *path = NULL;
	const struct quadlet *q;
	int r;

	if (*source == '.' || *source == '/') {
		AUTO_SBUF struct sbuf quoted = SBUF_INIT;

		path = convert_path(c, source);
		unit_words_quote(&quoted, path);
		unit_file_add(c->out, "Unit", "RequiresMountsFor", quoted.s);
		sbuf_adds(out, path);
		return 0;
	}
	if (*source != '%' && quadlet_kind_of(source, NULL) != QUADLET_KINDS) {
		r = convert_reference(c, l, source, &q);
		if (r == 0)
			sbuf_adds(out, q->object);
		return r;
	}
	sbuf_adds(out, source);
	return 0;
}

int convert_oneshot(struct convert *c)
{
	int r = 0;

	if (!unit_file_last(c->out, "Service", "Type"))
		unit_file_add(c->out, "Service", "Type", "oneshot");
	if (!unit_file_last(c->out, "Service", "RemainAfterExit"))
		unit_file_add(c->out, "Service", "RemainAfterExit", "yes");
	unit_file_add(c->out, "Service", "SyslogIdentifier", "%N");
	r = split_all(c, "PodmanArgs", &c->argv);
	return r;
}

int convert_network(struct convert *c, const struct unit_line *l)
{
	const char *options = strchr(l->value, ':');
	AUTO_FREE char *name = xstrndup(l->value,
					options ? (size_t)(options - l->value) : strlen(l->value));
	enum quadlet_kind kind = quadlet_kind_of(name, NULL);
	const struct quadlet *q;
	int r;

	strv_add(&c->argv, "--network");
	if (kind != QUADLET_NETWORK && kind != QUADLET_CONTAINER) {
		strv_add(&c->argv, l->value);
		return 0;
	}
	if (kind == QUADLET_CONTAINER && options)
		return err_new(-CE_BAD_FORMAT,
			       "%s: %s=%s: the network of another container has no options",
			       l->where, l->key, l->value);
	r = convert_reference(c, l, name, &q);
	if (r == 0)
		strv_addf(&c->argv, "%s%s%s", kind == QUADLET_CONTAINER ? "container:" : "",
			  q->object, options ? options : "");
	return r;
}

int convert_volume(struct convert *c, const struct unit_line *l)
{
	const char *rest = strchr(l->value, ':');
	AUTO_SBUF struct sbuf spec = SBUF_INIT;
	AUTO_FREE char *source = NULL;
	int r;

	strv_add(&c->argv, "--volume");
	if (!rest) { /* an anonymous volume */
		strv_add(&c->argv, l->value);
		return 0;
	}
	source = xstrndup(l->value, (size_t)(rest - l->value));
	r = convert_source(c, l, source, &spec);
	sbuf_adds(&spec, rest);
	strv_add(&c->argv, spec.s);
	return r;
}

int convert_env_file(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		strv_add(&c->argv, "--env-file");
		strv_take(&c->argv, convert_path(c, words.v[i]));
	}
	return r;
}
