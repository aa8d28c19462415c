/* SPDX-License-Identifier: MIT */
/* Logical lines to instructions: names, flags, the form of the arguments, here-documents. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/utf8.h"
#include "pkg/build/file.h"
#include "pkg/build/lines.h"
#include "pkg/build/words.h"
#include "pkg/cli/options.h"

#define TEXT_SHOWN 120
#define HEREDOCS_MAX 64

enum form {
	FORM_LIST,
	FORM_PAIRS,
	FORM_COMMAND,
	FORM_WORDS,
	FORM_HEALTH,
	FORM_TEXT,
	FORM_NESTED,
	FORM_JSON,
};

static const struct {
	const char *name;
	enum form form;
} kinds[] = {
#define X(name, form) {#name, form},
	BUILD_INSTRUCTIONS(X)
#undef X
};
_Static_assert(ARRAY_LEN(kinds) == INST_COUNT, "one row for each instruction");

enum flag_type { FLAG_TEXT, FLAG_SWITCH, FLAG_LIST };

static const struct {
	enum inst_kind kind;
	const char *name;
	enum flag_type type;
} flags[] = {
	{INST_ADD, "checksum", FLAG_TEXT},
	{INST_ADD, "chmod", FLAG_TEXT},
	{INST_ADD, "chown", FLAG_TEXT},
	{INST_ADD, "exclude", FLAG_LIST},
	{INST_ADD, "keep-git-dir", FLAG_SWITCH},
	{INST_ADD, "link", FLAG_SWITCH},
	{INST_ADD, "unpack", FLAG_SWITCH},
	{INST_COPY, "chmod", FLAG_TEXT},
	{INST_COPY, "chown", FLAG_TEXT},
	{INST_COPY, "exclude", FLAG_LIST},
	{INST_COPY, "from", FLAG_TEXT},
	{INST_COPY, "link", FLAG_SWITCH},
	{INST_COPY, "parents", FLAG_SWITCH},
	{INST_FROM, "after", FLAG_TEXT},
	{INST_FROM, "platform", FLAG_TEXT},
	{INST_HEALTHCHECK, "interval", FLAG_TEXT},
	{INST_HEALTHCHECK, "retries", FLAG_TEXT},
	{INST_HEALTHCHECK, "start-interval", FLAG_TEXT},
	{INST_HEALTHCHECK, "start-period", FLAG_TEXT},
	{INST_HEALTHCHECK, "timeout", FLAG_TEXT},
	{INST_RUN, "device", FLAG_LIST},
	{INST_RUN, "mount", FLAG_LIST},
	{INST_RUN, "network", FLAG_TEXT},
	{INST_RUN, "security", FLAG_TEXT},
};

const char *inst_name(enum inst_kind k)
{
	return kinds[k].name;
}

const char *inst_flag(const struct inst *i, const char *name)
{
	size_t n = strlen(name);

	for (size_t k = i->flags.n; k > 0; k--) {
		const char *f = i->flags.v[k - 1];

		if (strncmp(f, name, n) == 0 && (f[n] == '=' || !f[n]))
			return f[n] ? f + n + 1 : "";
	}
	return NULL;
}

const char *inst_file(const char *first, const struct inst *i)
{
	return i->file ? i->file : first;
}

int inst_fail(const char *first, const struct inst *i, int r)
{
	size_t n = strlen(i->text);

	if (n > TEXT_SHOWN)
		for (n = TEXT_SHOWN; n && ((unsigned char)i->text[n] & 0xc0) == 0x80;)
			n--;
	if (!i->line)
		return err_wrap(r, "ONBUILD of the base image: %.*s", (int)n, i->text);
	return err_wrap(r, "%s:%u: %.*s%s", inst_file(first, i), i->line, (int)n, i->text, i->text[n] ? "…" : "");
}

void inst_done(struct inst *i)
{
	free(i->text);
	free(i->health);
	free(i->comment);
	strv_done(&i->flags);
	strv_done(&i->args);
	for (unsigned k = 0; k < i->n_docs; k++) {
		free(i->docs[k].name);
		free(i->docs[k].content);
	}
	free(i->docs);
	if (i->trigger)
		inst_done(i->trigger);
	free(i->trigger);
	*i = (struct inst){0};
}

void build_file_free(struct build_file *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n_globals; i++)
		inst_done(&f->globals[i]);
	for (unsigned i = 0; i < f->n_stages; i++) {
		inst_done(&f->stages[i].from);
		free(f->stages[i].name);
		for (unsigned k = 0; k < f->stages[i].n; k++)
			inst_done(&f->stages[i].v[k]);
		free(f->stages[i].v);
	}
	free(f->globals);
	free(f->stages);
	free(f->name);
	strv_done(&f->more_names);
	sbuf_done(&f->text);
	free(f->check);
	free(f);
}

void build_file_freep(struct build_file **f)
{
	build_file_free(*f);
	*f = NULL;
}

/* --- one instruction --------------------------------------------------------------------------- */

static int find_kind(const char *word, enum inst_kind *ret)
{
	const char *names[INST_COUNT], *hint;
	AUTO_FREE char *upper = xstrdup(word);

	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	for (unsigned i = 0; i < INST_COUNT; i++) {
		names[i] = kinds[i].name;
		if (strcmp(names[i], upper) == 0) {
			*ret = (enum inst_kind)i;
			return 0;
		}
	}
	hint = suggest(upper, names, INST_COUNT);
	if (hint)
		return err_usage("unknown instruction %s; did you mean %s?", word, hint);
	return err_usage("unknown instruction %s", word);
}

static int unknown_flag(enum inst_kind kind, const char *name)
{
	const char *names[ARRAY_LEN(flags)], *hint;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].kind == kind)
			names[n++] = flags[i].name;
	if (!n)
		return err_usage("unknown flag --%s: %s has none", name, kinds[kind].name);
	hint = suggest(name, names, n);
	if (hint)
		return err_usage("unknown flag --%s; did you mean --%s?", name, hint);
	return err_usage("unknown flag --%s of %s", name, kinds[kind].name);
}

static int check_flag(const struct inst *in, size_t at)
{
	const char *f = in->flags.v[at];
	size_t n = strcspn(f, "=");
	AUTO_FREE char *name = xstrndup(f, n);
	size_t i = 0;
	bool on;

	while (i < ARRAY_LEN(flags) &&
	       (flags[i].kind != in->kind || strcmp(flags[i].name, name) != 0))
		i++;
	if (i == ARRAY_LEN(flags))
		return unknown_flag(in->kind, name);
	for (size_t k = 0; flags[i].type != FLAG_LIST && k < at; k++)
		if (strncmp(in->flags.v[k], f, n) == 0 &&
		    (in->flags.v[k][n] == '=' || !in->flags.v[k][n]))
			return err_usage("--%s is given twice", name);
	if (flags[i].type == FLAG_SWITCH) {
		if (f[n] && parse_bool(f + n + 1, &on) < 0)
			return err_usage("--%s: true or false", f);
		return 0;
	}
	return f[n] && f[n + 1] ? 0 : err_usage("--%s needs a value: --%s=…", name, name);
}

static int parse_pairs(struct inst *in, const char *rest, char escape)
{
	AUTO_STRV struct strv words = STRV_INIT;

	words_quoted(rest, escape, &words);
	if (in->kind != INST_ARG && words.n && !strchr(words.v[0], '=')) {
		const char *value = rest + strlen(words.v[0]);

		while (isspace((unsigned char)*value))
			value++;
		if (!*value)
			return err_usage("%s has no value; write NAME=VALUE", words.v[0]);
		strv_addf(&in->args, "%s=%s", words.v[0], value);
		in->old_pair = true;
		return 0;
	}
	for (size_t i = 0; i < words.n; i++) {
		const char *eq = strchr(words.v[i], '=');

		if (!eq && in->kind != INST_ARG)
			return err_usage("'%s' is not NAME=VALUE; a value with blanks needs quotes",
					 words.v[i]);
		if (eq == words.v[i])
			return err_usage("'%s' has no name before the '='", words.v[i]);
		strv_add(&in->args, words.v[i]);
	}
	return 0;
}

static int parse_command(struct inst *in, const char *rest)
{
	int r = words_json(rest, &in->args);

	if (r > 0)
		in->exec_form = true;
	else if (r == 0 && *rest)
		strv_add(&in->args, rest);
	return r < 0 ? r : 0;
}

static int parse_health(struct inst *in, const char *rest)
{
	size_t n = strcspn(rest, " \t");
	AUTO_FREE char *type = xstrndup(rest, n);
	const char *given = rest;

	rest += n;
	while (isspace((unsigned char)*rest))
		rest++;
	for (char *c = type; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (strcmp(type, "NONE") == 0) {
		if (*rest || in->flags.n)
			return err_usage("HEALTHCHECK NONE takes nothing else");
	} else if (strcmp(type, "CMD") == 0) {
		int r = parse_command(in, rest);

		if (r == 0 && !in->args.n)
			r = err_usage("no command after HEALTHCHECK CMD");
		if (r < 0)
			return r;
	} else {
		return err_usage("'%.*s': use CMD or NONE", (int)n, given);
	}
	in->health = TAKE_PTR(type);
	return 0;
}

static int parse_body(const char *text, char escape, struct inst *in);

static int parse_trigger(struct inst *in, const char *rest, char escape)
{
	int r;

	in->trigger = xcalloc(1, sizeof(*in->trigger));
	in->trigger->line = in->line;
	in->trigger->file = in->file;
	r = parse_body(rest, escape, in->trigger);
	if (r == 0 && (in->trigger->kind == INST_ONBUILD || in->trigger->kind == INST_FROM ||
		       in->trigger->kind == INST_MAINTAINER))
		r = err_usage("%s cannot be a trigger", kinds[in->trigger->kind].name);
	if (r == 0)
		strv_add(&in->args, rest);
	return r;
}

static int check_count(const struct inst *in)
{
	size_t n = in->args.n;
	const char *name = kinds[in->kind].name;

	switch (in->kind) {
	case INST_ADD:
	case INST_COPY:
		return n >= 2 ? 0 : err_usage("%s needs a source and a destination", name);
	case INST_FROM:
		return n == 1 || (n == 3 && strcasecmp(in->args.v[1], "AS") == 0)
			       ? 0
			       : err_usage("write FROM IMAGE, or FROM IMAGE AS NAME");
	case INST_HEALTHCHECK:
	case INST_CMD:
	case INST_ENTRYPOINT:
		return 0; /* checked above; an empty array clears */
	case INST_SHELL:
		return n ? 0 : err_usage("SHELL needs a program");
	default:
		return n ? 0 : err_usage("%s needs an argument", name);
	}
}

static int parse_args(struct inst *in, const char *rest, char escape)
{
	int r = 0;

	if (!*rest && in->kind != INST_CMD && in->kind != INST_ENTRYPOINT)
		return err_usage("%s needs an argument", kinds[in->kind].name);
	switch (kinds[in->kind].form) {
	case FORM_LIST:
		r = words_json(rest, &in->args);
		in->exec_form = r > 0;
		if (r == 0)
			words_blank(rest, &in->args);
		break;
	case FORM_PAIRS:
		r = parse_pairs(in, rest, escape);
		break;
	case FORM_COMMAND:
		r = parse_command(in, rest);
		if (r == 0 && in->kind == INST_RUN && !in->args.n)
			r = err_usage("RUN needs a command");
		break;
	case FORM_WORDS:
		words_blank(rest, &in->args);
		break;
	case FORM_HEALTH:
		r = parse_health(in, rest);
		break;
	case FORM_TEXT:
		strv_add(&in->args, rest);
		break;
	case FORM_NESTED:
		r = parse_trigger(in, rest, escape);
		break;
	case FORM_JSON:
		r = words_json(rest, &in->args);
		if (r == 0)
			r = err_usage("%s takes a JSON array, as [\"/bin/sh\", \"-c\"]",
				      kinds[in->kind].name);
		break;
	}
	return r < 0 ? r : check_count(in);
}

static int parse_body(const char *text, char escape, struct inst *in)
{
	const char *p = text, *rest;
	AUTO_FREE char *word = NULL;
	int r;

	while (*p && !isspace((unsigned char)*p))
		p++;
	word = xstrndup(text, (size_t)(p - text));
	in->text = xstrdup(text);
	if (!utf8_is_valid(text, strlen(text)))
		return err_usage("the line is not UTF-8");
	r = find_kind(word, &in->kind);
	if (r < 0)
		return r;
	while (isspace((unsigned char)*p))
		p++;
	/* CMD and ENTRYPOINT have no flags: what looks like one is the command's. */
	rest = p;
	if (in->kind != INST_CMD && in->kind != INST_ENTRYPOINT && in->kind != INST_ONBUILD &&
	    kinds[in->kind].form != FORM_TEXT && kinds[in->kind].form != FORM_PAIRS)
		rest = words_flags(p, escape, &in->flags);
	for (size_t i = 0; r == 0 && i < in->flags.n; i++)
		r = check_flag(in, i);
	return r < 0 ? r : parse_args(in, rest, escape);
}

/* --- here-documents ----------------------------------------------------------------------------- */

const char *inst_heredoc(const char *w, bool *ret_strip)
{
	while (isdigit((unsigned char)*w))
		w++;
	if (w[0] != '<' || w[1] != '<')
		return NULL;
	w += 2;
	*ret_strip = *w == '-';
	w += *w == '-';
	return *w && !strchr(w, '<') ? w : NULL;
}

static int read_heredoc(struct line_reader *lr, struct heredoc *d)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *s;
	size_t n, len = strlen(d->name);

	while (lines_raw(lr, &s, &n)) {
		while (d->strip_tabs && n && *s == '\t') {
			s++;
			n--;
		}
		if (n == len && memcmp(s, d->name, n) == 0) {
			d->content = sbuf_steal(&b);
			return 0;
		}
		if (memchr(s, '\0', n))
			return err_usage("line %u of the here-document holds a NUL byte", lr->line);
		sbuf_add(&b, s, n);
		sbuf_addc(&b, '\n');
	}
	return err_usage("the here-document <<%s is not ended by a line %s", d->name, d->name);
}

static int read_heredocs(struct line_reader *lr, struct inst *in)
{
	AUTO_STRV struct strv words = STRV_INIT;
	struct inst *target = in->kind == INST_ONBUILD ? in->trigger : in;
	int r = 0;

	if ((target->kind != INST_RUN && target->kind != INST_COPY && target->kind != INST_ADD) ||
	    target->exec_form)
		return 0;
	words_quoted(target->text, lr->escape, &words);
	for (size_t i = 1; r == 0 && i < words.n; i++) {
		struct heredoc d = {.expand = true};
		const char *name = inst_heredoc(words.v[i], &d.strip_tabs);
		bool quoted;

		if (!name)
			continue;
		if (target->n_docs == HEREDOCS_MAX)
			return err_new(-CE_LIMIT, "more than %d here-documents", HEREDOCS_MAX);
		d.name = words_unquote(name, lr->escape, &quoted);
		d.expand = !quoted;
		r = *d.name ? read_heredoc(lr, &d) : err_usage("a here-document without a name");
		target->docs = xreallocarray(target->docs, target->n_docs + 1, sizeof(d));
		target->docs[target->n_docs++] = d;
	}
	in->last_line = target->last_line = lr->line;
	return r;
}

/* The text of a trigger keeps its here-documents: an image's config has no other place for them. */
static void keep_heredocs(struct inst *in)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (in->kind != INST_ONBUILD || !in->trigger->n_docs)
		return;
	sbuf_adds(&b, in->args.v[0]);
	for (unsigned i = 0; i < in->trigger->n_docs; i++)
		sbuf_addf(&b, "\n%s%s", in->trigger->docs[i].content, in->trigger->docs[i].name);
	strv_done(&in->args);
	strv_add(&in->args, b.s);
}

int inst_parse(const char *text, char escape, struct inst *ret)
{
	struct line_reader lr = {.p = text, .end = text + strlen(text), .escape = escape};
	AUTO_FREE char *first = NULL;
	struct inst in = {0};
	const char *s = "";
	size_t n = 0;
	int r;

	(void)lines_raw(&lr, &s, &n);
	first = xstrndup(s, n);
	r = parse_body(first, escape, &in);
	if (r == 0 &&
	    (in.kind == INST_FROM || in.kind == INST_ONBUILD || in.kind == INST_MAINTAINER))
		r = err_usage("%s cannot be a trigger", kinds[in.kind].name);
	if (r == 0)
		r = read_heredocs(&lr, &in);
	in.line = in.last_line = 0;
	if (r == 0) {
		*ret = in;
		return 0;
	}
	r = inst_fail("", &in, r);
	inst_done(&in);
	return r;
}

/* --- the whole file ----------------------------------------------------------------------------- */

static struct inst *append(struct inst **v, unsigned *n, struct inst *in)
{
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = *in;
	*in = (struct inst){0};
	return &(*v)[*n - 1];
}

static int stage_name(const struct build_file *f, const char *given, char **ret)
{
	AUTO_FREE char *name = xstrdup(given);
	bool good = true;

	for (char *c = name; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		good &= (*c >= 'a' && *c <= 'z') ||
			(c > name && ((*c >= '0' && *c <= '9') || strchr("-_.", *c)));
	}
	if (!good || !*name)
		return err_usage("'%s' is no name for a stage: [a-z][a-z0-9-_.]*", given);
	for (unsigned i = 0; i < f->n_stages; i++)
		if (f->stages[i].name && strcmp(f->stages[i].name, name) == 0)
			return err_usage("a stage '%s' is there already, in line %u", name,
					 f->stages[i].from.line);
	*ret = TAKE_PTR(name);
	return 0;
}

static int add_stage(struct build_file *f, struct inst *in)
{
	struct stage s = {0};
	int r = 0;

	if (f->n_stages == BUILD_STAGES_MAX)
		return err_new(-CE_LIMIT, "more than %d stages", BUILD_STAGES_MAX);
	if (in->args.n == 3)
		r = stage_name(f, in->args.v[2], &s.name);
	if (r < 0)
		return r;
	s.from = *in;
	s.base = s.from.args.v[0];
	*in = (struct inst){0};
	f->stages = xreallocarray(f->stages, f->n_stages + 1, sizeof(s));
	f->stages[f->n_stages++] = s;
	return 0;
}

static int add_inst(struct build_file *f, struct inst *in)
{
	if (in->kind == INST_FROM)
		return add_stage(f, in);
	if (f->n_stages) {
		struct stage *s = &f->stages[f->n_stages - 1];

		(void)append(&s->v, &s->n, in);
		return 0;
	}
	if (in->kind != INST_ARG)
		return err_usage("%s before the first FROM; only ARG may stand there",
				 kinds[in->kind].name);
	(void)append(&f->globals, &f->n_globals, in);
	return 0;
}

/* Without "#" and what stands around the words. */
static char *comment_words(const char *s, size_t n)
{
	AUTO_FREE char *raw = xstrndup(s, n);
	AUTO_STRV struct strv lines = STRV_INIT;
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	strv_split(&lines, raw, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *w = lines.v[i] + strspn(lines.v[i], " \t#");

		sbuf_addf(&b, "%s%s", i ? "\n" : "", w);
		sbuf_trim_end(&b, " \t\r");
	}
	return sbuf_steal(&b);
}

char *inst_description(const struct inst *i, const char *name)
{
	AUTO_STRV struct strv lines = STRV_INIT;
	size_t n = strlen(name);

	if (i->comment)
		strv_split(&lines, i->comment, '\n');
	for (size_t k = 0; k < lines.n; k++)
		if (strncmp(lines.v[k], name, n) == 0 && strchr(" \t", lines.v[k][n]))
			return xstrdup(lines.v[k] + n + strspn(lines.v[k] + n, " \t"));
	return NULL;
}

static unsigned count_all(const struct build_file *f)
{
	unsigned n = f->n_globals + f->n_stages;

	for (unsigned i = 0; i < f->n_stages; i++)
		n += f->stages[i].n;
	return n;
}

static int take_directives(struct build_file *f, const char *name, bool first, struct line_reader *lr)
{
	if (lr->check) {
		free(f->check);
		f->check = lr->check;
	}
	if (first)
		f->escape = lr->escape;
	else if (lr->escape != f->escape)
		return err_usage("%s: its escape character is '%c', that of %s '%c'; several files are read as one",
				 name, lr->escape, f->name, f->escape);
	return 0;
}

static int parse_all(struct build_file *f, const char *name, const char *text, size_t n)
{
	const bool is_first = name == f->name;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct line_reader lr;
	unsigned first = 0, count = count_all(f);
	int r = lines_begin(&lr, text, n), d = take_directives(f, name, is_first, &lr);

	if (r < 0)
		return err_wrap(r, "%s:%u", name, lr.line);
	r = d;
	while (r == 0 && lines_next(&lr, &b, &first)) {
		struct inst in = {.line = first, .last_line = lr.line, .file = is_first ? NULL : name};

		if (!b.len) /* nothing but a continuation */
			continue;
		if (++count > BUILD_INSTRUCTIONS_MAX)
			return err_new(-CE_LIMIT, "%s:%u: more than %d instructions", name,
				       first, BUILD_INSTRUCTIONS_MAX);
		if (strlen(b.s) != b.len)
			return err_usage("%s:%u: the line holds a NUL byte", name, first);
		if (lr.comment)
			in.comment = comment_words(lr.comment, lr.comment_n);
		r = parse_body(b.s, lr.escape, &in);
		if (r == 0)
			r = read_heredocs(&lr, &in);
		if (r == 0)
			keep_heredocs(&in);
		if (r == 0)
			r = add_inst(f, &in);
		if (r < 0)
			r = inst_fail(f->name, &in, r);
		inst_done(&in);
	}
	if (!f->empty_continuation && is_first)
		f->empty_continuation = lr.empty_continuation;
	return r;
}

static int take_text(struct build_file *f, const char *name, const char *text, size_t n)
{
	if (f->text.len + n > BUILD_FILE_MAX)
		return err_new(-CE_LIMIT, "%s: more than %lu bytes", name, BUILD_FILE_MAX);
	sbuf_add(&f->text, text, n);
	return parse_all(f, name, text, n);
}

int build_file_check(const struct build_file *f)
{
	return f->n_stages ? 0 : err_usage("%s: there is no FROM", f->name);
}

int build_file_add(const char *name, const char *text, size_t n, struct build_file **f)
{
	if (*f) {
		strv_add(&(*f)->more_names, name);
		return take_text(*f, (*f)->more_names.v[(*f)->more_names.n - 1], text, n);
	}
	*f = xcalloc(1, sizeof(**f));
	(*f)->name = xstrdup(name);
	(*f)->text = (struct sbuf)SBUF_INIT;
	return take_text(*f, (*f)->name, text, n);
}

int build_file_parse(const char *name, const char *text, size_t n, struct build_file **ret)
{
	AUTO(build_file_freep) struct build_file *f = NULL;
	int r = build_file_add(name, text, n, &f);

	if (r == 0)
		r = build_file_check(f);
	if (r == 0)
		*ret = TAKE_PTR(f);
	return r;
}
