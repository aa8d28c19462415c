/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/cli/template_internal.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"

#define VARS_MAX 64
#define FIELDS_SHOWN_MAX 256

struct eval {
	enum template_mode mode;
	struct sbuf *out;
	struct json_object *root;
	struct {
		const char *name;
		struct json_object *value;
	} vars[VARS_MAX];
	unsigned n_vars;
};

static int eval_pipeline(struct eval *ev, const struct pipeline *pl, struct json_object *dot,
			 struct json_object **ret);

/* ---- fields ---- */

/* Our JSON says "Id" where Go structs of the peers say ID (or the other way): both are understood. */
static bool other_id_spelling(const char *name, char out[64])
{
	size_t n = strlen(name);

	if (n < 2 || n >= 64 || name[n - 2] != 'I' || (name[n - 1] | 0x20) != 'd')
		return false;
	memcpy(out, name, n + 1);
	out[n - 1] ^= 0x20;
	return true;
}

/* podman's field CPUQuota is "cpu_quota" in its JSON, Devices "devices", and HealthCheck "Healthcheck". */
static bool by_json_name(struct json_object *o, const char *name, struct json_object **ret)
{
	json_object_object_foreach(o, key, v)
	{
		const char *k = key, *n = name;

		while (*k && (*k == '_' ||
			      tolower((unsigned char)*n) == tolower((unsigned char)*k))) {
			n += *k != '_';
			k++;
		}
		if (!*k && !*n && isupper((unsigned char)*name)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static int unknown_field(struct json_object *o, const char *name)
{
	const char *names[FIELDS_SHOWN_MAX];
	const char *hint;
	size_t n = 0;

	json_object_object_foreach(o, key, unused)
	{
		(void)unused;
		if (n < FIELDS_SHOWN_MAX)
			names[n++] = key;
	}
	hint = suggest(name, names, n);
	if (hint)
		return err_usage("format: no field .%s; did you mean .%s?", name, hint);
	return err_usage("format: no field .%s; '{{json .}}' shows what there is", name);
}

static int get_field(struct json_object *o, const char *name, struct json_object **ret)
{
	char other[64];

	if (!o)
		return err_usage("format: field .%s of a value that is not set", name);
	if (!json_object_is_type(o, json_type_object))
		return err_usage("format: field .%s of something that has no fields", name);
	if (json_object_object_get_ex(o, name, ret))
		return 0;
	if (other_id_spelling(name, other) && json_object_object_get_ex(o, other, ret))
		return 0;
	if (by_json_name(o, name, ret))
		return 0;
	if (json_is_map(o)) {
		*ret = NULL;
		return 0;
	}
	return unknown_field(o, name);
}

static int get_fields(struct json_object *v, const struct strv *fields, struct json_object **ret)
{
	int64_t ns;

	for (size_t i = 0; i < fields->n; i++) {
		int r;

		if (json_is_time(v, &ns) && strcmp(fields->v[i], "UTC") == 0)
			continue;
		if (json_is_time(v, &ns) && i + 1 == fields->n)
			return time_method(v, fields->v[i], ret);

		if (json_nil_kind(v) != JSON_NIL_NONE) {
			*ret = json_object_new_string("");
			return 0;
		}
		r = get_field(v, fields->v[i], &v);
		if (r < 0)
			return r;
	}
	*ret = json_object_get(v);
	return 0;
}

/* .Label "k": one of the labels; where a row's are a text, "LabelMap" has them, for a value may hold a comma. */
static int get_label(struct eval *ev, struct json_object *dot, const char *key,
		     struct json_object **ret)
{
	struct json_object *labels = NULL, *v = NULL;
	int r;

	if (ev->mode == TEMPLATE_HEADER) {
		*ret = json_object_new_string(key);
		return 0;
	}
	r = get_field(dot, "Labels", &labels);
	if (r < 0)
		return r;
	if (!json_object_is_type(labels, json_type_object))
		labels = json_object_object_get(dot, "LabelMap");
	if (json_object_object_get_ex(labels, key, &v) && v)
		*ret = json_object_get(v);
	else
		*ret = json_object_new_string("");
	return 0;
}

/* ---- expressions ---- */

static struct json_object *find_var(struct eval *ev, const char *name)
{
	for (unsigned i = ev->n_vars; i > 0; i--)
		if (strcmp(ev->vars[i - 1].name, name) == 0)
			return ev->vars[i - 1].value;
	return ev->root;
}

static int eval_expr(struct eval *ev, const struct expr *e, struct json_object *dot,
		     struct json_object **ret)
{
	AUTO_JSON struct json_object *base = NULL;
	int r = 0;

	switch (e->kind) {
	case EXPR_DOT:
		base = json_object_get(dot);
		break;
	case EXPR_VAR:
		base = json_object_get(find_var(ev, e->name));
		break;
	case EXPR_CONST:
		base = json_object_get(e->value);
		break;
	case EXPR_PIPE:
		r = eval_pipeline(ev, e->pipe, dot, &base);
		break;
	case EXPR_CALL:
		r = template_call(e->name, NULL, 0, ev->mode, &base);
		break;
	}
	return r < 0 ? r : get_fields(base, &e->fields, ret);
}

/* "and" and "or" stop at the first operand that decides. */
static int eval_logic(struct eval *ev, const struct call *c, struct json_object *dot,
		      struct json_object *piped, bool has_piped, struct json_object **ret)
{
	bool stop_at = strcmp(c->args[0].name, "or") == 0;
	AUTO_JSON struct json_object *v = NULL;

	for (size_t i = 1; i < c->n; i++) {
		int r;

		json_putp(&v);
		r = eval_expr(ev, &c->args[i], dot, &v);
		if (r < 0)
			return r;
		if (value_truth(v) == stop_at)
			break;
	}
	if (has_piped && (c->n == 1 || value_truth(v) != stop_at))
		*ret = json_object_get(piped);
	else if (c->n == 1)
		return err_usage("format: \"%s\" needs arguments", c->args[0].name);
	else
		*ret = TAKE_PTR(v);
	return 0;
}

static int eval_function(struct eval *ev, const struct call *c, struct json_object *dot,
			 struct json_object *piped, bool has_piped, struct json_object **ret)
{
	struct json_object *args[16] = {0};
	size_t n = 0;
	int r = 0;

	if (c->n + has_piped > ARRAY_LEN(args))
		return err_usage("format: too many arguments for \"%s\"", c->args[0].name);
	for (; r == 0 && n + 1 < c->n; n++)
		r = eval_expr(ev, &c->args[n + 1], dot, &args[n]);
	if (has_piped)
		args[n++] = json_object_get(piped);
	if (r == 0)
		r = template_call(c->args[0].name, args, n, ev->mode, ret);
	for (size_t i = 0; i < n; i++)
		(void)json_object_put(args[i]);
	return r;
}

/* .Created.Format "2006-01-02" */
static int eval_format(struct eval *ev, const struct call *c, struct json_object *dot,
		       struct json_object **ret)
{
	AUTO_JSON struct json_object *t = NULL, *layout = NULL;
	struct expr instant = c->args[0];
	int64_t ns;
	int r;

	instant.fields.n--;
	r = eval_expr(ev, &instant, dot, &t);
	if (r == 0)
		r = eval_expr(ev, &c->args[1], dot, &layout);
	if (r < 0)
		return r;
	if (!json_is_time(t, &ns))
		return err_usage("format: .Format is a method of instants");
	if (!json_object_is_type(layout, json_type_string))
		return err_usage("format: .Format takes a layout like \"2006-01-02\"");
	return time_format(t, json_object_get_string(layout), ret);
}

static int eval_method(struct eval *ev, const struct call *c, struct json_object *dot,
		       struct json_object **ret)
{
	const struct expr *e = &c->args[0];
	AUTO_JSON struct json_object *key = NULL;
	int r;

	if (e->fields.n > 0 && c->n == 2 && strcmp(e->fields.v[e->fields.n - 1], "Format") == 0)
		return eval_format(ev, c, dot, ret);
	if (e->kind != EXPR_DOT || e->fields.n != 1 || strcmp(e->fields.v[0], "Label") != 0 ||
	    c->n != 2)
		return err_usage("format: .%s takes no arguments", e->fields.v[e->fields.n - 1]);
	r = eval_expr(ev, &c->args[1], dot, &key);
	if (r < 0)
		return r;
	if (!json_object_is_type(key, json_type_string))
		return err_usage("format: .Label takes the name of a label");
	return get_label(ev, dot, json_object_get_string(key), ret);
}

static int set_var(struct eval *ev, const char *name, bool assign, struct json_object *v)
{
	for (unsigned i = ev->n_vars; assign && i > 0; i--) {
		if (strcmp(ev->vars[i - 1].name, name) == 0) {
			(void)json_object_put(ev->vars[i - 1].value);
			ev->vars[i - 1].value = json_object_get(v);
			return 0;
		}
	}
	if (ev->n_vars == VARS_MAX)
		return err_usage("format: too many variables");
	ev->vars[ev->n_vars].name = name;
	ev->vars[ev->n_vars++].value = json_object_get(v);
	return 0;
}

static void drop_vars(struct eval *ev, unsigned down_to)
{
	while (ev->n_vars > down_to)
		(void)json_object_put(ev->vars[--ev->n_vars].value);
}

static int eval_call(struct eval *ev, const struct call *c, struct json_object *dot,
		     struct json_object *piped, bool has_piped, struct json_object **ret)
{
	const struct expr *first = &c->args[0];

	if (first->kind != EXPR_CALL)
		return c->n > 1 ? eval_method(ev, c, dot, ret) : eval_expr(ev, first, dot, ret);
	if (strcmp(first->name, "and") == 0 || strcmp(first->name, "or") == 0)
		return eval_logic(ev, c, dot, piped, has_piped, ret);
	return eval_function(ev, c, dot, piped, has_piped, ret);
}

/* Variables are the caller's business: range sets its own for each element. */
static int eval_pipeline(struct eval *ev, const struct pipeline *pl, struct json_object *dot,
			 struct json_object **ret)
{
	AUTO_JSON struct json_object *v = NULL;

	for (size_t i = 0; i < pl->n; i++) {
		AUTO_JSON struct json_object *next = NULL;
		int r = eval_call(ev, &pl->calls[i], dot, v, i > 0, &next);

		if (r < 0)
			return r;
		json_putp(&v);
		v = TAKE_PTR(next);
	}
	*ret = TAKE_PTR(v);
	return 0;
}

/* ---- nodes ---- */

static int eval_nodes(struct eval *ev, const struct node *n, struct json_object *dot);

static int set_pipeline_var(struct eval *ev, const struct pipeline *pl, struct json_object *v)
{
	if (pl->vars.n == 2)
		return err_usage("format: two variables only with range");
	return pl->vars.n ? set_var(ev, pl->vars.v[0], pl->assign, v) : 0;
}

static void print_value(struct eval *ev, struct json_object *v)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	value_text(v, &text);
	if (ev->mode == TEMPLATE_RAW || ev->mode == TEMPLATE_HEADER)
		sbuf_add(ev->out, text.s, text.len);
	else
		sbuf_add_untrusted(ev->out, text.s, text.len, ev->mode == TEMPLATE_CELL);
}

static int eval_action(struct eval *ev, const struct node *n, struct json_object *dot)
{
	AUTO_JSON struct json_object *v = NULL;
	int r = eval_pipeline(ev, n->pipe, dot, &v);

	if (r < 0)
		return r;
	if (n->pipe->vars.n)
		return set_pipeline_var(ev, n->pipe, v);
	print_value(ev, v);
	return 0;
}

static int eval_branch(struct eval *ev, const struct node *n, struct json_object *dot)
{
	AUTO_JSON struct json_object *v = NULL;
	int r = eval_pipeline(ev, n->pipe, dot, &v);

	if (r == 0)
		r = set_pipeline_var(ev, n->pipe, v);
	if (r < 0)
		return r;
	if (!value_truth(v))
		return eval_nodes(ev, n->otherwise, dot);
	return eval_nodes(ev, n->body, n->kind == NODE_WITH ? v : dot);
}

static int eval_element(struct eval *ev, const struct node *n, struct json_object *key,
			struct json_object *v)
{
	const struct strv *vars = &n->pipe->vars;
	unsigned mark = ev->n_vars;
	AUTO_JSON struct json_object *owned = key;
	int r = 0;

	if (vars->n == 2)
		r = set_var(ev, vars->v[0], n->pipe->assign, owned);
	if (r == 0 && vars->n)
		r = set_var(ev, vars->v[vars->n - 1], n->pipe->assign, v);
	if (r == 0)
		r = eval_nodes(ev, n->body, v);
	drop_vars(ev, mark);
	return r;
}

static int eval_map(struct eval *ev, const struct node *n, struct json_object *map)
{
	AUTO_STRV struct strv keys = STRV_INIT;
	int r = 0;

	json_object_object_foreach(map, key, unused)
	{
		(void)unused;
		strv_add(&keys, key);
	}
	strv_sort(&keys);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		r = eval_element(ev, n, json_object_new_string(keys.v[i]),
				 json_object_object_get(map, keys.v[i]));
	return r;
}

static int eval_range(struct eval *ev, const struct node *n, struct json_object *dot)
{
	AUTO_JSON struct json_object *v = NULL;
	int r = eval_pipeline(ev, n->pipe, dot, &v);

	if (r < 0 || ev->mode == TEMPLATE_HEADER)
		return r;
	if (v && !json_object_is_type(v, json_type_array) &&
	    !json_object_is_type(v, json_type_object))
		return err_usage("format: range over something that is no list");
	if (!value_truth(v))
		return eval_nodes(ev, n->otherwise, dot);
	if (json_object_is_type(v, json_type_object))
		return eval_map(ev, n, v);
	for (size_t i = 0; r == 0 && i < json_object_array_length(v); i++)
		r = eval_element(ev, n, json_object_new_int64((int64_t)i),
				 json_object_array_get_idx(v, i));
	return r;
}

static int eval_nodes(struct eval *ev, const struct node *n, struct json_object *dot)
{
	unsigned mark = ev->n_vars;
	int r = 0;

	for (; r == 0 && n; n = n->next) {
		unsigned block = ev->n_vars;

		switch (n->kind) {
		case NODE_TEXT:
			sbuf_adds(ev->out, n->text);
			break;
		case NODE_ACTION:
			r = eval_action(ev, n, dot);
			break;
		case NODE_IF:
		case NODE_WITH:
			r = eval_branch(ev, n, dot);
			drop_vars(ev, block);
			break;
		case NODE_RANGE:
			r = eval_range(ev, n, dot);
			break;
		}
	}
	drop_vars(ev, mark);
	return r;
}

int template_run(const struct template *t, struct json_object *value, enum template_mode mode,
		 struct sbuf *out)
{
	struct eval ev = {.mode = mode, .out = out, .root = value};

	return eval_nodes(&ev, t->nodes, value);
}
