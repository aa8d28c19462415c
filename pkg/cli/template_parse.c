/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/template_internal.h"

struct parser {
	const char *p, *end; /* text still to read */
	struct token tok; /* of the action under work */
	const char *tp, *tend;
	struct strv vars; /* in scope */
	unsigned depth;
	bool trim_next; /* the last action ended in -}} */
};

static struct pipeline *parse_pipeline(struct parser *ps, bool declares);
static int parse_list(struct parser *ps, bool inside, struct node **ret, char *ret_end);

/* ---- freeing ---- */

static void pipeline_free(struct pipeline *pl);

static void expr_done(struct expr *e)
{
	free(e->name);
	(void)json_object_put(e->value);
	pipeline_free(e->pipe);
	strv_done(&e->fields);
}

static void pipeline_free(struct pipeline *pl)
{
	if (!pl)
		return;
	for (size_t i = 0; i < pl->n; i++) {
		for (size_t j = 0; j < pl->calls[i].n; j++)
			expr_done(&pl->calls[i].args[j]);
		free(pl->calls[i].args);
	}
	free(pl->calls);
	strv_done(&pl->vars);
	free(pl);
}

static void nodes_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		free(n->text);
		pipeline_free(n->pipe);
		nodes_free(n->body);
		nodes_free(n->otherwise);
		free(n);
		n = next;
	}
}

void template_free(struct template *t)
{
	if (t)
		nodes_free(t->nodes);
	free(t);
}

/* ---- actions ---- */

static void advance(struct parser *ps)
{
	template_token(&ps->tp, ps->tend, &ps->tok);
}

static bool word_is(const struct parser *ps, const char *word)
{
	return ps->tok.kind == TOK_WORD && strcmp(ps->tok.text.s, word) == 0;
}

static void take_fields(struct parser *ps, struct expr *e)
{
	while (ps->tok.kind == TOK_FIELD && ps->tok.glued) {
		strv_add(&e->fields, ps->tok.text.s);
		advance(ps);
	}
}

static int parse_constant(struct parser *ps, struct expr *e)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int64_t v;

	e->kind = EXPR_CONST;
	sbuf_adds(&text, ps->tok.text.s);
	switch (ps->tok.kind) {
	case TOK_STRING:
		e->value = json_object_new_string_len(ps->tok.text.s, (int)ps->tok.text.len);
		break;
	case TOK_INT:
		if (parse_i64(text.s + (*text.s == '+'), INT64_MIN, INT64_MAX, &v) < 0)
			return err_usage("format: bad number \"%s\"", text.s);
		e->value = json_object_new_int64(v);
		break;
	default:
		e->value = json_object_new_double_s(strtod(text.s, NULL), text.s);
	}
	advance(ps);
	return 0;
}

static int parse_word(struct parser *ps, struct expr *e)
{
	const char *w = ps->tok.text.s;

	if (!strcmp(w, "true") || !strcmp(w, "false")) {
		e->kind = EXPR_CONST;
		e->value = json_object_new_boolean(*w == 't');
	} else if (!strcmp(w, "nil")) {
		e->kind = EXPR_CONST;
	} else if (template_has_function(w)) {
		e->kind = EXPR_CALL;
		e->name = xstrdup(w);
	} else {
		return err_usage("format: unknown function \"%s\"", w);
	}
	advance(ps);
	return 0;
}

static int parse_operand(struct parser *ps, struct expr *e)
{
	switch (ps->tok.kind) {
	case TOK_DOT:
		e->kind = EXPR_DOT;
		advance(ps);
		return 0;
	case TOK_FIELD:
		e->kind = EXPR_DOT;
		ps->tok.glued = true;
		take_fields(ps, e);
		return 0;
	case TOK_VAR:
		if (ps->tok.text.len && !strv_has(&ps->vars, ps->tok.text.s))
			return err_usage("format: undefined variable \"$%s\"", ps->tok.text.s);
		e->kind = EXPR_VAR;
		e->name = xstrdup(ps->tok.text.s);
		advance(ps);
		take_fields(ps, e);
		return 0;
	case TOK_OPEN:
		advance(ps);
		e->kind = EXPR_PIPE;
		e->pipe = parse_pipeline(ps, false);
		if (!e->pipe)
			return -CE_USAGE;
		if (ps->tok.kind != TOK_CLOSE)
			return err_usage("format: missing \")\"");
		advance(ps);
		take_fields(ps, e);
		return 0;
	case TOK_WORD:
		return parse_word(ps, e);
	case TOK_STRING:
	case TOK_INT:
	case TOK_FLOAT:
		return parse_constant(ps, e);
	case TOK_BAD:
		return -CE_USAGE;
	default:
		return err_usage("format: a value is missing in an action");
	}
}

static bool ends_call(const struct parser *ps)
{
	return ps->tok.kind == TOK_END || ps->tok.kind == TOK_PIPE || ps->tok.kind == TOK_CLOSE;
}

static int parse_call(struct parser *ps, struct pipeline *pl)
{
	struct call *c;

	pl->calls = xreallocarray(pl->calls, pl->n + 1, sizeof(*pl->calls));
	c = &pl->calls[pl->n++];
	*c = (struct call){0};
	do {
		int r;

		c->args = xreallocarray(c->args, c->n + 1, sizeof(*c->args));
		c->args[c->n] = (struct expr){0};
		r = parse_operand(ps, &c->args[c->n++]);
		if (r < 0)
			return r;
	} while (!ends_call(ps));
	if (c->n > 1 && c->args[0].kind != EXPR_CALL && !c->args[0].fields.n)
		return err_usage("format: a value takes no arguments");
	return 0;
}

/* "$x :=", "$i, $v :=", "$x =": looked for by going back when it is none. */
static int parse_vars(struct parser *ps, struct pipeline *pl)
{
	const char *back = ps->tok.at;

	while (ps->tok.kind == TOK_VAR && pl->vars.n < 2) {
		strv_add(&pl->vars, ps->tok.text.s);
		advance(ps);
		if (ps->tok.kind != TOK_COMMA)
			break;
		advance(ps);
	}
	if (pl->vars.n && (ps->tok.kind == TOK_DECLARE || ps->tok.kind == TOK_ASSIGN)) {
		pl->assign = ps->tok.kind == TOK_ASSIGN;
		advance(ps);
		for (size_t i = 0; i < pl->vars.n; i++)
			if (pl->assign && !strv_has(&ps->vars, pl->vars.v[i]))
				return err_usage("format: undefined variable \"$%s\"",
						 pl->vars.v[i]);
		return 0;
	}
	strv_done(&pl->vars);
	ps->tp = back;
	advance(ps);
	return 0;
}

/* Ends at TOK_END or TOK_CLOSE. NULL with the trail set when malformed. */
static struct pipeline *parse_pipeline(struct parser *ps, bool declares)
{
	struct pipeline *pl = xcalloc(1, sizeof(*pl));
	int r = 0;

	if (++ps->depth > TEMPLATE_DEPTH_MAX)
		r = err_usage("format: nested too deeply");
	else if (declares && ps->tok.kind == TOK_VAR)
		r = parse_vars(ps, pl);
	while (r == 0) {
		r = parse_call(ps, pl);
		if (r < 0 || ps->tok.kind != TOK_PIPE)
			break;
		advance(ps);
	}
	ps->depth--;
	for (size_t i = 1; r == 0 && i < pl->n; i++)
		if (pl->calls[i].args[0].kind != EXPR_CALL)
			r = err_usage("format: after \"|\" a function is expected");
	if (r < 0) {
		pipeline_free(pl);
		return NULL;
	}
	if (!pl->assign)
		strv_add_all(&ps->vars, &pl->vars);
	return pl;
}

/* ---- text and blocks ---- */

static void add_text(struct node ***tail, const char *s, const char *end)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	/* A shell passes '\t' as two characters; docker and podman take them for the tab. */
	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end && (s[1] == 't' || s[1] == 'n'))
			sbuf_addc(&out, *++s == 't' ? '\t' : '\n');
		else
			sbuf_addc(&out, *s);
	}
	if (!out.len)
		return;
	**tail = xcalloc(1, sizeof(struct node));
	(**tail)->kind = NODE_TEXT;
	(**tail)->text = sbuf_steal(&out);
	*tail = &(**tail)->next;
}

/* Text up to the next action; @p stands after its "{{" and "-" afterwards. False at the end. */
static bool take_text(struct parser *ps, struct node ***tail)
{
	const char *from = ps->p, *open = memmem(ps->p, (size_t)(ps->end - ps->p), "{{", 2);
	const char *stop = open ? open : ps->end;

	if (ps->trim_next)
		while (from < stop && isspace((unsigned char)*from))
			from++;
	ps->trim_next = false;
	if (open && ps->end - open > 3 && open[2] == '-' && isspace((unsigned char)open[3])) {
		while (stop > from && isspace((unsigned char)stop[-1]))
			stop--;
		ps->p = open + 3;
	} else {
		ps->p = open ? open + 2 : ps->end;
	}
	add_text(tail, from, stop);
	return open != NULL;
}

static int take_action(struct parser *ps)
{
	const char *close = template_action_end(ps->p, ps->end);

	if (!close)
		return err_usage("format: an action is not closed by \"}}\"");
	ps->tp = ps->p;
	ps->tend = close;
	ps->p = close + 2;
	if (close - ps->tp >= 2 && close[-1] == '-' && isspace((unsigned char)close[-2])) {
		ps->tend--;
		ps->trim_next = true;
	}
	while (ps->tp < ps->tend && isspace((unsigned char)*ps->tp))
		ps->tp++;
	if (ps->tend - ps->tp >= 4 && ps->tp[0] == '/' && ps->tp[1] == '*')
		ps->tp = ps->tend; /* a comment */
	else if (ps->tp == ps->tend)
		return err_usage("format: empty action");
	advance(ps);
	return ps->tok.kind == TOK_BAD ? -CE_USAGE : 0;
}

static int expect_end(struct parser *ps)
{
	if (ps->tok.kind == TOK_BAD)
		return -CE_USAGE;
	return ps->tok.kind == TOK_END ? 0 : err_usage("format: unexpected words in an action");
}

static int parse_block(struct parser *ps, struct node *n)
{
	size_t scope = ps->vars.n;
	char end = '\0';
	int r;

	if (++ps->depth > TEMPLATE_DEPTH_MAX)
		return err_usage("format: nested too deeply");
	advance(ps);
	n->pipe = parse_pipeline(ps, true);
	r = n->pipe ? expect_end(ps) : -CE_USAGE;
	if (r == 0)
		r = parse_list(ps, true, &n->body, &end);
	if (r == 0 && end == 'e' && word_is(ps, "if")) {
		/* "else if": a block inside the else branch that takes our end */
		n->otherwise = xcalloc(1, sizeof(*n->otherwise));
		n->otherwise->kind = NODE_IF;
		r = parse_block(ps, n->otherwise);
	} else if (r == 0 && end == 'e') {
		r = expect_end(ps);
		if (r == 0)
			r = parse_list(ps, true, &n->otherwise, &end);
		if (r == 0 && end == 'e')
			r = err_usage("format: two \"else\" in one block");
	}
	while (ps->vars.n > scope)
		strv_remove(&ps->vars, ps->vars.n - 1);
	ps->depth--;
	return r;
}

static int parse_action(struct parser *ps, struct node *n)
{
	static const char *const blocks[] = {
		[NODE_IF] = "if", [NODE_WITH] = "with", [NODE_RANGE] = "range"};

	for (enum node_kind k = NODE_IF; k <= NODE_RANGE; k++) {
		if (word_is(ps, blocks[k])) {
			n->kind = k;
			return parse_block(ps, n);
		}
	}
	n->kind = NODE_ACTION;
	n->pipe = parse_pipeline(ps, true);
	return n->pipe ? expect_end(ps) : -CE_USAGE;
}

/* @ret_end: 'e' when it stopped at else (the token after it is current), 'd' at end, NUL at the end of the text. */
static int parse_list(struct parser *ps, bool inside, struct node **ret, char *ret_end)
{
	struct node **tail = ret;

	while (take_text(ps, &tail)) {
		int r = take_action(ps);

		if (r < 0)
			return r;
		if (ps->tok.kind == TOK_END)
			continue;
		if (word_is(ps, "end") || word_is(ps, "else")) {
			if (!inside)
				return err_usage("format: \"%s\" outside of a block",
						 ps->tok.text.s);
			*ret_end = word_is(ps, "end") ? 'd' : 'e';
			advance(ps);
			return *ret_end == 'd' ? expect_end(ps) : 0;
		}
		*tail = xcalloc(1, sizeof(**tail));
		r = parse_action(ps, *tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	if (inside)
		return err_usage("format: a block has no {{end}}");
	*ret_end = '\0';
	return 0;
}

int template_parse(const char *text, struct template **ret)
{
	size_t n = strlen(text);
	struct parser ps = {.p = text, .end = text + n, .tok = {.text = SBUF_INIT}};
	struct template *t = xcalloc(1, sizeof(*t));
	char end;
	int r;

	if (n > TEMPLATE_SIZE_MAX)
		r = err_usage("format: longer than %d bytes", TEMPLATE_SIZE_MAX);
	else
		r = parse_list(&ps, false, &t->nodes, &end);
	sbuf_done(&ps.tok.text);
	strv_done(&ps.vars);
	if (r < 0) {
		template_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
