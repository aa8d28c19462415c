/* SPDX-License-Identifier: MIT */
#include "pkg/cli/options.h"

#include <errno.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

struct parsing {
	const struct opt *table;
	const char *command;
	char *args;
	int argc;
	char **argv;
	int at; /* argument under work; values advance it */
};

static int each_row(const struct opt *table, size_t base,
		    int (*fn)(const struct opt *, size_t, void *), void *data)
{
	for (const struct opt *o = table; o && o->kind != OPT_KIND_END; o++) {
		int r = o->kind == OPT_KIND_GROUP ? each_row(o->group, base + o->offset, fn, data)
						  : fn(o, base, data);

		if (r)
			return r;
	}
	return 0;
}

int opt_each(const struct opt *table, int (*fn)(const struct opt *o, size_t base, void *data),
	     void *data)
{
	return each_row(table, 0, fn, data);
}

struct finding {
	const char *name;
	size_t len;
	char short_name;
	const struct opt *hit;
	size_t base;
};

static int match_row(const struct opt *o, size_t base, void *data)
{
	struct finding *f = data;

	if (f->name ? !o->long_name || strlen(o->long_name) != f->len ||
			      strncmp(o->long_name, f->name, f->len) != 0
		    : o->short_name != f->short_name)
		return 0;
	f->hit = o;
	f->base = base;
	return 1;
}

const struct opt *opt_find_long(const struct opt *table, const char *name, size_t len,
				size_t *ret_base)
{
	struct finding f = {.name = name, .len = len};

	if (!opt_each(table, match_row, &f))
		return NULL;
	*ret_base = f.base;
	return f.hit;
}

const struct opt *opt_find_short(const struct opt *table, char name, size_t *ret_base)
{
	struct finding f = {.short_name = name};

	if (!name || !opt_each(table, match_row, &f))
		return NULL;
	*ret_base = f.base;
	return f.hit;
}

bool opt_is_switch(const struct opt *o)
{
	return o->kind == OPT_KIND_BOOL || o->kind == OPT_KIND_TRI ||
	       (o->kind == OPT_KIND_REFUSED && !o->metavar);
}

bool opt_takes_value(const struct opt *o)
{
	return !opt_is_switch(o) && !o->optional;
}

/* Say which command it is about; there is none before the verb. */
static int wrong(const struct parsing *ps, int r)
{
	return *ps->command ? err_wrap(r, "%s", ps->command) : r;
}

static const char *space(const struct parsing *ps)
{
	return *ps->command ? " " : "";
}

/* ---- values ---- */

static bool in_words(const char *words, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = words; *p;) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, value, n) == 0)
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

static int bad_value(const struct parsing *ps, const char *flag, const char *value,
		     const char *want)
{
	return wrong(ps, err_usage("bad value \"%s\" for %s: %s", value, flag, want));
}

static int bad_number(const struct parsing *ps, const struct opt *o, const char *flag,
		      const char *value)
{
	char want[96] = "expected a whole number";
	size_t n = strlen(want);

	if (o->max)
		(void)snprintf(want + n, sizeof(want) - n, " from %d to %d", (int)o->min,
			       (int)o->max);
	return bad_value(ps, flag, value, want);
}

static int store_number(const struct parsing *ps, const struct opt *o, char *field,
			const char *flag, const char *value)
{
	bool is_unsigned = o->kind == OPT_KIND_UINT;
	int64_t lowest = o->min || o->max || is_unsigned ? o->min : INT64_MIN;
	int64_t highest = o->max ? o->max : is_unsigned ? UINT32_MAX : INT64_MAX;
	int64_t v;

	if (parse_i64(value, lowest, highest, &v) < 0)
		return bad_number(ps, o, flag, value);
	if (is_unsigned)
		*(unsigned *)(void *)field = (unsigned)v;
	else
		*(int64_t *)(void *)field = v;
	return 0;
}

static int refuse(const struct parsing *ps, const struct opt *o, const char *flag, const char *value)
{
	bool yes = true;

	if (opt_is_switch(o) && parse_bool(value, &yes) < 0)
		return bad_value(ps, flag, value, "expected true or false");
	if (!o->why || !yes || !*value || (o->harmless && in_words(o->harmless, value)))
		return 0;
	return wrong(ps, opt_is_switch(o)
				 ? err_usage("%s: not supported: %s", flag, o->why)
				 : err_usage("%s '%s': not supported: %s", flag, value, o->why));
}

/* Podman has a list there, docker one value: "a=1,2,b=3" is a pair with commas in it, and another. */
static void split_pairs(struct strv *ret, const char *value)
{
	const char *from = value;

	for (const char *p = strchr(value, ','); p; p = strchr(p + 1, ',')) {
		if (p[strcspn(p + 1, ",=") + 1] != '=')
			continue;
		strv_take(ret, xstrndup(from, (size_t)(p - from)));
		from = p + 1;
	}
	strv_add(ret, from);
}

static int store_value(const struct parsing *ps, const struct opt *o, size_t base, const char *flag,
		       const char *value)
{
	char *field = ps->args + base + o->offset;
	bool yes;

	if (o->strict && o->words && !in_words(o->words, value))
		return wrong(
			ps, err_usage("bad value \"%s\" for %s: one of %s", value, flag, o->words));
	switch (o->kind) {
	case OPT_KIND_BOOL:
	case OPT_KIND_TRI:
		if (parse_bool(value, &yes) < 0)
			return bad_value(ps, flag, value, "expected true or false");
		if (o->kind == OPT_KIND_TRI)
			*(int *)(void *)field = yes;
		else
			*(bool *)(void *)field = yes;
		if (o->kind == OPT_KIND_BOOL && o->denied)
			*(bool *)(void *)(ps->args + base + o->denied) = !yes;
		return 0;
	case OPT_KIND_STR:
		*(const char **)(void *)field = value;
		return 0;
	case OPT_KIND_LIST:
		if (o->pairs)
			split_pairs((struct strv *)(void *)field, value);
		else if (o->commas && strchr(value, ','))
			strv_split((struct strv *)(void *)field, value, ',');
		else
			strv_add((struct strv *)(void *)field, value);
		return 0;
	case OPT_KIND_UINT:
	case OPT_KIND_INT:
		return store_number(ps, o, field, flag, value);
	case OPT_KIND_SIZE:
		if (parse_size(value, (uint64_t *)(void *)field) < 0)
			return bad_value(ps, flag, value, "expected a size such as 512m or 2g");
		if (o->zero_is_most && *(uint64_t *)(void *)field == 0)
			*(uint64_t *)(void *)field = UINT64_MAX;
		return 0;
	case OPT_KIND_DURATION:
		if (parse_duration(value, (int64_t *)(void *)field) < 0)
			return bad_value(ps, flag, value,
					 "expected a duration such as 30s or 1h30m");
		return 0;
	case OPT_KIND_REFUSED:
		return refuse(ps, o, flag, value);
	case OPT_KIND_END:
	case OPT_KIND_GROUP:
		break;
	}
	return 0;
}

/* ---- flags ---- */

struct names {
	const char *v[256];
	size_t n;
};

static int collect_name(const struct opt *o, size_t base, void *data)
{
	struct names *names = data;

	(void)base;
	if (!o->hidden && o->long_name && names->n < sizeof(names->v) / sizeof(names->v[0]))
		names->v[names->n++] = o->long_name;
	return 0;
}

static int unknown_long(const struct parsing *ps, const char *name, size_t len)
{
	AUTO_FREE char *typed = xstrndup(name, len);
	struct names names = {.n = 0};
	const char *hint;

	(void)opt_each(ps->table, collect_name, &names);
	hint = suggest(typed, names.v, names.n);
	if (hint)
		return wrong(ps, err_usage("unknown flag --%s; did you mean --%s?", typed, hint));
	return wrong(ps, err_usage("unknown flag --%s; 'cuddy %s%s--help' lists what there is",
				   typed, ps->command, space(ps)));
}

/* @inline_value: after "=" or glued to the letter; NULL when there is none. */
static int apply(struct parsing *ps, const struct opt *o, size_t base, const char *flag,
		 const char *inline_value)
{
	const char *value = inline_value;

	if (!value && !opt_takes_value(o))
		value = opt_is_switch(o) ? "true" : "";
	if (!value && ps->at + 1 >= ps->argc)
		return wrong(ps, err_usage("%s needs a value%s%s; see 'cuddy %s%s--help'", flag,
					   o->metavar ? ": " : "", o->metavar ? o->metavar : "",
					   ps->command, space(ps)));
	if (!value)
		value = ps->argv[++ps->at];
	return store_value(ps, o, base, flag, value);
}

static int parse_long(struct parsing *ps, const char *arg)
{
	const char *name = arg + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name), base = 0;
	const struct opt *o = opt_find_long(ps->table, name, len, &base);
	AUTO_FREE char *flag = xstrndup(arg, len + 2);

	if (o)
		return apply(ps, o, base, flag, eq ? eq + 1 : NULL);
	if (strcmp(name, "help") == 0)
		return OPT_WANTS_HELP;
	return unknown_long(ps, name, len);
}

static int parse_short(struct parsing *ps, const char *arg)
{
	for (const char *p = arg + 1; *p; p++) {
		const char flag[] = {'-', *p, '\0'};
		const char *value = NULL;
		size_t base = 0;
		const struct opt *o = opt_find_short(ps->table, *p, &base);
		int r;

		if (!o && *p == 'h')
			return OPT_WANTS_HELP;
		if (!o)
			return wrong(ps, err_usage("unknown flag -%c%s%s%s; see 'cuddy %s%s--help'",
						   *p, arg[2] ? " in \"" : "", arg[2] ? arg : "",
						   arg[2] ? "\"" : "", ps->command, space(ps)));
		if (p[1] == '=')
			value = p + 2;
		else if (p[1] && opt_takes_value(o))
			value = p + 1;
		r = apply(ps, o, base, flag, value);
		if (r < 0 || value)
			return r;
	}
	return 0;
}

int opt_parse(const struct opt *table, void *args, int argc, char **argv, bool interspersed,
	      const char *command)
{
	struct parsing ps = {
		.table = table,
		.command = command,
		.args = args,
		.argc = argc,
		.argv = argv,
		.at = 1,
	};
	AUTO_FREE char **operands = xcalloc((size_t)argc + 1, sizeof(*operands));
	int n = 0, first;

	for (; ps.at < argc; ps.at++) {
		char *arg = argv[ps.at];
		int r;

		if (arg[0] != '-' || !arg[1]) {
			if (!interspersed)
				break;
			operands[n++] = arg;
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			ps.at++;
			break;
		}
		r = arg[1] == '-' ? parse_long(&ps, arg) : parse_short(&ps, arg);
		if (r != 0)
			return r;
	}
	for (; ps.at < argc; ps.at++)
		operands[n++] = argv[ps.at];
	first = argc - n;
	if (n > 0)
		memcpy(argv + first, operands, (size_t)n * sizeof(*operands));
	return first;
}

static int release_row(const struct opt *o, size_t base, void *data)
{
	if (o->kind == OPT_KIND_LIST)
		strv_done((struct strv *)(void *)((char *)data + base + o->offset));
	return 0;
}

void opt_release(const struct opt *table, void *args)
{
	(void)opt_each(table, release_row, args);
}
