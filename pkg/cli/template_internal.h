/* SPDX-License-Identifier: MIT */
/* What the parser, the evaluator and the functions of templates share. */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/cli/format.h"
#include "pkg/cli/options.h"
#include "pkg/json/json.h"

#define TEMPLATE_SIZE_MAX 65536
#define TEMPLATE_DEPTH_MAX 32

/* ---- tokens of one action, between {{ and }} ---- */

enum token_kind {
	TOK_END,
	TOK_DOT,
	TOK_FIELD,
	TOK_VAR,
	TOK_WORD,
	TOK_STRING,
	TOK_INT,
	TOK_FLOAT,
	TOK_OPEN,
	TOK_CLOSE,
	TOK_PIPE,
	TOK_COMMA,
	TOK_DECLARE,
	TOK_ASSIGN,
	TOK_BAD
};

struct token {
	enum token_kind kind;
	bool glued; /* no space before: ".A.B" is one operand, ".A .B" are two */
	const char *at; /* where it begins in the template */
	struct sbuf text; /* name or value of FIELD, VAR, WORD, STRING, numbers */
};

/** template_token() - the token at *@p, which moves past it; TOK_BAD with the trail set. */
void template_token(const char **p, const char *end, struct token *ret);
/** template_action_end() - the "}}" that ends the action at @p (quotes and comments respected); NULL. */
const char *template_action_end(const char *p, const char *end);

/* ---- the tree ---- */

enum expr_kind { EXPR_DOT, EXPR_VAR, EXPR_CONST, EXPR_CALL, EXPR_PIPE };

struct expr {
	enum expr_kind kind;
	char *name; /* EXPR_VAR without "$", EXPR_CALL */
	struct json_object *value; /* EXPR_CONST */
	struct pipeline *pipe; /* EXPR_PIPE: in parentheses */
	struct strv fields; /* .A.B after it */
};

struct call { /* one stage of a pipeline: a function or field with arguments, or a value */
	struct expr *args;
	size_t n;
};

struct pipeline {
	struct strv vars; /* names declared or assigned, without "$" */
	bool assign;
	struct call *calls;
	size_t n;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_WITH, NODE_RANGE };

struct node {
	enum node_kind kind;
	char *text;
	struct pipeline *pipe;
	struct node *body, *otherwise; /* lists */
	struct node *next;
};

struct template
{
	struct node *nodes;
};

/* ---- running ---- */

enum template_mode {
	TEMPLATE_RAW, /* values as they are */
	TEMPLATE_TERMINAL, /* values escaped but for newline and tab */
	TEMPLATE_CELL, /* values escaped, newline and tab too: one cell of a table */
	TEMPLATE_HEADER, /* values are column headers: functions let them through */
};

int template_run(const struct template *t, struct json_object *value, enum template_mode mode,
		 struct sbuf *out);

/** template_call() - function @name with evaluated arguments; the result is a new reference. */
int template_call(const char *name, struct json_object **args, size_t n, enum template_mode mode,
		  struct json_object **ret);
bool template_has_function(const char *name);
/** value_truth() - Go's idea of truth: false, 0, "", empty and nil are not. */
bool value_truth(struct json_object *v);
/** value_text() - what {{.}} prints. */
void value_text(struct json_object *v, struct sbuf *out);
/** time_text() - an instant (pkg/json/kind.h) as Go prints it, or as docker does. */
void time_text(struct json_object *t, struct sbuf *out);
/** time_method() - {{.Created.Unix}}: what a method without arguments of time.Time gives. */
int time_method(struct json_object *t, const char *name, struct json_object **ret);
/** time_format() - {{.Created.Format "2006-01-02"}}: by a layout of Go's. */
int time_format(struct json_object *t, const char *layout, struct json_object **ret);
/** value_compare() - <0, 0, >0 in @ret for two of a kind; usage error when not comparable. */
int value_compare(struct json_object *a, struct json_object *b, int *ret);
/** value_printf() - Go's fmt.Sprintf. */
int value_printf(struct json_object **args, size_t n, struct sbuf *out);

/** sbuf_add_untrusted() - escape what a terminal would obey; @cell escapes newline and tab too. */
void sbuf_add_untrusted(struct sbuf *out, const char *s, size_t n, bool cell);
