/* SPDX-License-Identifier: MIT */
#include "pkg/json/yaml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"

#define DEPTH_MAX 64
#define VALUES_MAX 200000U
#define TEXT_MAX (64UL << 20)
#define ANCHORS_MAX 1000U /* the parser looks through all of them at each alias */

/* Counts are those of all documents together. */
struct reader {
	yaml_document_t *doc;
	unsigned values;
	size_t text;
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

/* 0644 and 0o644, as the readers of Kubernetes have them: modes of files are written so. */
static bool octal(const char *s, int64_t *ret)
{
	const char *digits = s + (s[0] == '0' && s[1] == 'o' ? 2 : 1);
	uint32_t v;

	if (s[0] != '0' || strspn(digits, "01234567") != strlen(digits) ||
	    parse_octal(digits, INT32_MAX, &v) < 0)
		return false;
	*ret = v;
	return true;
}

/*
 * What our reader of JSON takes for a number, as written, so that "1.10" stays what it is; the others ("+1", ".5", "01.5",
 * "1e999") stay text, or it took no document with them.
 */
static struct json_object *number(const char *s)
{
	struct json_object *o = NULL;

	if (*s != '-' && !isdigit((unsigned char)*s))
		return NULL;
	if (json_parse(s, strlen(s), &o) < 0)
		err_drop();
	return o;
}

static struct json_object *plain(const char *s)
{
	static const char *const nulls[4] = {"", "~", "null", "Null"};
	static const char *const trues[4] = {"true", "True", "TRUE"};
	static const char *const falses[4] = {"false", "False", "FALSE"};
	struct json_object *o;
	int64_t i;

	if (is_word(s, nulls))
		return NULL;
	if (is_word(s, trues) || is_word(s, falses))
		return json_object_new_boolean(is_word(s, trues));
	if (octal(s, &i))
		return json_object_new_int64(i);
	if (parse_i64(s, INT64_MIN, INT64_MAX, &i) == 0)
		return json_object_new_int64(i);
	o = number(s);
	return o ? o : json_object_new_string(s);
}

static int convert(struct reader *r, const yaml_node_t *node, unsigned depth,
		   struct json_object **ret);

/* The text of a value or key. Aliases may repeat a long one very often. */
static int take_text(struct reader *r, const yaml_node_t *node, const char **ret)
{
	*ret = (const char *)node->data.scalar.value;
	r->text += node->data.scalar.length;
	if (r->text > TEXT_MAX)
		return bad(node, "too much text");
	return strlen(*ret) != node->data.scalar.length ? bad(node, "a zero byte") : 0;
}

static int convert_scalar(struct reader *r, const yaml_node_t *node, struct json_object **ret)
{
	const char *s;
	int e = take_text(r, node, &s);

	if (e < 0)
		return e;
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

/* "<<": what the map beside it does not say itself. A list of maps: the first that has a key counts. */
static int merge(struct reader *r, const yaml_node_t *node, unsigned depth, struct json_object *to)
{
	struct json_object *from = NULL;
	int e = convert(r, node, depth, &from);
	size_t n = json_object_is_type(from, json_type_array) ? json_object_array_length(from) : 1;

	for (size_t i = 0; e == 0 && i < n; i++) {
		struct json_object *one = json_object_is_type(from, json_type_array)
						  ? json_object_array_get_idx(from, i)
						  : from;

		if (!json_object_is_type(one, json_type_object)) {
			e = bad(node, "<< of what is no map");
			break;
		}
		json_object_object_foreach(one, key, v)
		{
			if (!json_object_object_get_ex(to, key, NULL))
				json_set(to, key, json_object_get(v));
		}
	}
	(void)json_object_put(from);
	return e;
}

static bool is_merge(const yaml_node_t *key)
{
	return key && key->type == YAML_SCALAR_NODE &&
	       key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

static int convert_map(struct reader *r, const yaml_node_t *node, unsigned depth,
		       struct json_object *to)
{
	const yaml_node_t *merged = NULL;

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
		struct json_object *v = NULL;
		const char *name;
		int e;

		if (!key || key->type != YAML_SCALAR_NODE)
			return bad(node, "a key that is no text");
		if (is_merge(key)) {
			if (merged)
				return bad(key, "a key that stands here twice");
			merged = yaml_document_get_node(r->doc, p->value);
			continue;
		}
		e = take_text(r, key, &name);
		if (e < 0)
			return e;
		if (json_object_object_get_ex(to, name, NULL))
			return bad(key, "a key that stands here twice");
		e = convert(r, yaml_document_get_node(r->doc, p->value), depth + 1, &v);
		if (e < 0)
			return e;
		json_set(to, name, v);
	}
	return merged ? merge(r, merged, depth + 1, to) : 0;
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
		return convert_scalar(r, node, ret);
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

static int malformed(const yaml_parser_t *p)
{
	return err_new(-CE_BAD_FORMAT, "line %zu: %s", p->problem_mark.line + 1,
		       p->problem ? p->problem : "malformed");
}

/* Before anything is made of it: how much is there? */
static int check_amount(yaml_parser_t *p)
{
	unsigned values = 0, anchors = 0, depth = 0;

	for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT;) {
		yaml_event_t ev;
		const yaml_char_t *anchor = NULL;
		size_t line;

		if (!yaml_parser_parse(p, &ev))
			return malformed(p);
		type = ev.type;
		line = ev.start_mark.line + 1;
		if (type == YAML_SCALAR_EVENT)
			anchor = ev.data.scalar.anchor;
		else if (type == YAML_SEQUENCE_START_EVENT)
			anchor = ev.data.sequence_start.anchor;
		else if (type == YAML_MAPPING_START_EVENT)
			anchor = ev.data.mapping_start.anchor;
		anchors += anchor != NULL;
		values += type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT ||
			  type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
		depth += type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
		depth -= type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
		yaml_event_delete(&ev);
		if (depth > DEPTH_MAX + 1) /* the parser's time grows with the square of it */
			return err_new(-CE_BAD_FORMAT, "line %zu: nested too deep", line);
		if (anchors > ANCHORS_MAX || values > 2 * VALUES_MAX) /* keys are no values */
			return err_new(-CE_BAD_FORMAT, "line %zu: too many %s", line,
				       anchors > ANCHORS_MAX ? "anchors" : "values");
	}
	return 0;
}

static int read_all(yaml_parser_t *p, struct json_object *to)
{
	struct reader r = {.doc = NULL};

	for (;;) {
		yaml_document_t doc;
		struct json_object *v = NULL;
		const yaml_node_t *root;
		int e = 0;

		if (!yaml_parser_load(p, &doc))
			return malformed(p);
		r.doc = &doc;
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

static int with_parser(const char *s, size_t n, struct json_object *to)
{
	yaml_parser_t p;
	int r;

	if (!yaml_parser_initialize(&p))
		return err_new(-ENOMEM, "read YAML");
	yaml_parser_set_input_string(&p, (const unsigned char *)s, n);
	r = to ? read_all(&p, to) : check_amount(&p);
	yaml_parser_delete(&p);
	return r;
}

int yaml_parse(const char *s, size_t n, struct json_object **ret)
{
	struct json_object *all = json_object_new_array();
	int r = with_parser(s, n, NULL);

	if (r == 0)
		r = with_parser(s, n, all);
	if (r < 0) {
		(void)json_object_put(all);
		return r;
	}
	*ret = all;
	return 0;
}
