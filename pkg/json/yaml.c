/* SPDX-License-Identifier: MIT */
#include "pkg/json/yaml.h"

#include <string.h>
#include <yaml.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"

#define DEPTH_MAX 64
#define VALUES_MAX 200000U

struct reader {
	yaml_document_t *doc;
	unsigned values;
};

static int bad(const yaml_node_t *node, const char *why)
{
	return err_new(-CE_BAD_FORMAT, "line %zu: %s", node->start_mark.line + 1, why);
}

static bool is_word(const char *s, const char *const words[4])
{
	for (unsigned i = 0; i < 4 && words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

static struct json_object *plain(const char *s)
{
	static const char *const nulls[4] = {"", "~", "null", "Null"};
	static const char *const trues[4] = {"true", "True", "TRUE"};
	static const char *const falses[4] = {"false", "False", "FALSE"};
	char *end;
	int64_t i;
	double d;

	if (is_word(s, nulls))
		return NULL;
	if (is_word(s, trues) || is_word(s, falses))
		return json_object_new_boolean(is_word(s, trues));
	if (parse_i64(s, INT64_MIN, INT64_MAX, &i) == 0)
		return json_object_new_int64(i);
	if (strspn(s, "0123456789.eE+-") == strlen(s) && strpbrk(s, "0123456789")) {
		d = strtod(s, &end);
		if (!*end) /* as written, so that "1.10" stays what it is */
			return json_object_new_double_s(d, s);
	}
	return json_object_new_string(s);
}

static int convert(struct reader *r, const yaml_node_t *node, unsigned depth,
		   struct json_object **ret);

static int convert_scalar(const yaml_node_t *node, struct json_object **ret)
{
	const char *s = (const char *)node->data.scalar.value;

	if (strlen(s) != node->data.scalar.length)
		return bad(node, "a zero byte");
	*ret = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain(s)
								  : json_object_new_string(s);
	return 0;
}

static int convert_list(struct reader *r, const yaml_node_t *node, unsigned depth,
			struct json_object *to)
{
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		struct json_object *v = NULL;
		int e = convert(r, yaml_document_get_node(r->doc, *i), depth + 1, &v);

		if (e < 0)
			return e;
		(void)json_object_array_add(to, v);
	}
	return 0;
}

static int convert_map(struct reader *r, const yaml_node_t *node, unsigned depth,
		       struct json_object *to)
{
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
		struct json_object *v = NULL;
		const char *name;
		int e;

		if (!key || key->type != YAML_SCALAR_NODE)
			return bad(node, "a key that is no text");
		name = (const char *)key->data.scalar.value;
		if (json_object_object_get_ex(to, name, NULL))
			return bad(key, "a key that stands here twice");
		e = convert(r, yaml_document_get_node(r->doc, p->value), depth + 1, &v);
		if (e < 0)
			return e;
		json_set(to, name, v);
	}
	return 0;
}

static int convert(struct reader *r, const yaml_node_t *node, unsigned depth,
		   struct json_object **ret)
{
	struct json_object *o;
	int e;

	if (!node)
		return err_new(-CE_BAD_FORMAT, "a value is missing");
	if (depth > DEPTH_MAX || ++r->values > VALUES_MAX)
		return bad(node, depth > DEPTH_MAX ? "nested too deep" : "too many values");
	if (node->type == YAML_SCALAR_NODE)
		return convert_scalar(node, ret);
	o = node->type == YAML_SEQUENCE_NODE ? json_object_new_array() : json_object_new_object();
	e = node->type == YAML_SEQUENCE_NODE ? convert_list(r, node, depth, o)
					     : convert_map(r, node, depth, o);
	if (e < 0) {
		(void)json_object_put(o);
		return e;
	}
	*ret = o;
	return 0;
}

static int read_all(yaml_parser_t *p, struct json_object *to)
{
	for (;;) {
		yaml_document_t doc;
		struct reader r = {.doc = &doc};
		struct json_object *v = NULL;
		const yaml_node_t *root;
		int e = 0;

		if (!yaml_parser_load(p, &doc))
			return err_new(-CE_BAD_FORMAT, "line %zu: %s", p->problem_mark.line + 1,
				       p->problem ? p->problem : "malformed");
		root = yaml_document_get_root_node(&doc);
		if (root)
			e = convert(&r, root, 0, &v);
		yaml_document_delete(&doc);
		if (e < 0 || !root)
			return e;
		if (v)
			(void)json_object_array_add(to, v);
	}
}

int yaml_parse(const char *s, size_t n, struct json_object **ret)
{
	struct json_object *all = json_object_new_array();
	yaml_parser_t p;
	int r;

	if (!yaml_parser_initialize(&p)) {
		(void)json_object_put(all);
		return err_new(-ENOMEM, "read YAML");
	}
	yaml_parser_set_input_string(&p, (const unsigned char *)s, n);
	r = read_all(&p, all);
	yaml_parser_delete(&p);
	if (r < 0) {
		(void)json_object_put(all);
		return r;
	}
	*ret = all;
	return 0;
}
