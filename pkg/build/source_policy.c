/* SPDX-License-Identifier: MIT */
#include "pkg/build/source_policy.h"

#include <ctype.h>
#include <fcntl.h>
#include <regex.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"

#define CONVERSIONS_MAX 20 /* of one source: rules that lead in circles end there */
#define GROUPS_MAX 20

enum match { MATCH_WILDCARD, MATCH_EXACT, MATCH_REGEX };
enum condition { IS_EQUAL, IS_NOT_EQUAL, IS_LIKE };

struct constraint {
	char *key, *value;
	enum condition condition;
	regex_t re; /* IS_LIKE */
	bool has_re;
};

struct source_rule {
	enum { RULE_ALLOW, RULE_DENY, RULE_CONVERT } action;
	enum match match;
	char *identifier;
	regex_t re; /* of all but MATCH_EXACT */
	bool has_re;
	struct constraint *constraints;
	unsigned n_constraints;
	char *to; /* NULL: as it is */
	struct strv attrs;
};

static const char *const actions[] = {"ALLOW", "DENY", "CONVERT"};
static const char *const matches[] = {"WILDCARD", "EXACT", "REGEX"};
static const char *const conditions[] = {"EQUAL", "NOTEQUAL", "MATCHES"};
static const char *const known_attrs[] = {"http.checksum", "git.checksum", "git.fullurl"};

static void rule_done(struct source_rule *r)
{
	for (unsigned i = 0; i < r->n_constraints; i++) {
		struct constraint *c = &r->constraints[i];

		free(c->key);
		free(c->value);
		if (c->has_re)
			regfree(&c->re);
	}
	free(r->constraints);
	free(r->identifier);
	if (r->has_re)
		regfree(&r->re);
	free(r->to);
	strv_done(&r->attrs);
}

void source_policies_done(struct source_policies *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->v[i].n_rules; k++)
			rule_done(&p->v[i].rules[k]);
		free(p->v[i].rules);
		free(p->v[i].file);
	}
	free(p->v);
	*p = (struct source_policies){0};
}

void source_done(struct source *s)
{
	free(s->identifier);
	strv_done(&s->attrs);
	*s = (struct source){0};
}

/* --- patterns ------------------------------------------------------------------------------------- */

static int compile(const char *written, const char *pattern, regex_t *ret)
{
	char words[128];
	int e = regcomp(ret, pattern, REG_EXTENDED);

	if (e == 0 && ret->re_nsub >= GROUPS_MAX) {
		regfree(ret);
		return err_usage("'%s' has more than %d groups", written, GROUPS_MAX - 1);
	}
	if (e == 0)
		return 0;
	(void)regerror(e, ret, words, sizeof(words));
	return err_usage("'%s': %s", written, words);
}

/*
 * The language that policies are written in is Go's. What POSIX has not, or reads differently, would match
 * something else than was meant: it is refused.
 */
static int compile_regex(const char *written, regex_t *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	bool in_set = false, repeated = false;

	for (const char *c = written; *c; c++) {
		bool repeats = !in_set && strchr("*+?}", *c);

		if (*c == '\\' && in_set)
			return err_usage("'%s': no \\ between [ and ]", written);
		if (!in_set && ((*c == '(' && c[1] == '?') || (*c == '?' && repeated)))
			return err_usage("'%s': (?…) and lazy repetition are not known", written);
		if (*c == '[' && !in_set) {
			in_set = true;
			sbuf_addc(&b, *c);
			if (c[1] == '^')
				sbuf_addc(&b, *++c);
			if (c[1] == ']')
				sbuf_addc(&b, *++c);
			continue;
		}
		if (*c == '[' && strchr(":.=", c[1])) { /* [:digit:] */
			const char *end = strstr(c, ":]");

			if (c[1] != ':' || !end)
				return err_usage("'%s': [ within [ ]", written);
			sbuf_add(&b, c, (size_t)(end + 2 - c));
			c = end + 1;
			continue;
		}
		if (*c == ']')
			in_set = false;
		repeated = repeats;
		if (*c != '\\') {
			sbuf_addc(&b, *c);
			continue;
		}
		c++;
		if (*c == 'd' || *c == 'D') {
			sbuf_adds(&b, *c == 'd' ? "[0-9]" : "[^0-9]");
		} else if (!*c || (isalnum((unsigned char)*c) && !strchr("wWsSbB", *c))) {
			return err_usage("'%s': \\%s is not known", written,
					 *c ? (char[]){*c, 0} : "");
		} else {
			sbuf_addc(&b, '\\');
			sbuf_addc(&b, *c);
		}
	}
	return compile(written, b.s, ret);
}

/* "*" is anything, and a group. In the names of images, which have none, "?" is any one character. */
static int compile_wildcard(const char *written, regex_t *ret)
{
	bool is_image = strncmp(written, "docker-image://", 15) == 0;
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (strstr(written, "**"))
		return err_usage("'%s': ** is not known; one * is any number of characters",
				 written);
	sbuf_addc(&b, '^');
	for (const char *c = written; *c; c++) {
		if (*c == '*')
			sbuf_adds(&b, "(.*)");
		else if (*c == '?' && is_image)
			sbuf_addc(&b, '.');
		else if (strchr("\\.+*?()[]{}^$|", *c))
			sbuf_addf(&b, "\\%c", *c);
		else
			sbuf_addc(&b, *c);
	}
	sbuf_addc(&b, '$');
	return compile(written, b.s, ret);
}

/* What stands in @to for "$1", "${1}" and "$$". */
static int expand_groups(const char *to, const char *from, const regmatch_t *m, size_t n,
			 struct sbuf *out)
{
	for (const char *c = to; *c; c++) {
		const char *name = c + 1 + (c[1] == '{');
		size_t len;
		uint32_t i;

		if (*c != '$') {
			sbuf_addc(out, *c);
			continue;
		}
		if (c[1] == '$') {
			sbuf_addc(out, '$');
			c++;
			continue;
		}
		for (len = 0; isalnum((unsigned char)name[len]) || name[len] == '_';)
			len++;
		if (len) {
			AUTO_FREE char *digits = xstrndup(name, len);

			if (parse_u32(digits, GROUPS_MAX, &i) < 0 ||
			    (c[1] == '{' && name[len] != '}'))
				return err_usage("'%s': groups are called by their number, ${1}",
						 to);
			if (i < n && m[i].rm_so >= 0)
				sbuf_add(out, from + m[i].rm_so, (size_t)(m[i].rm_eo - m[i].rm_so));
			c = name + len - (c[1] != '{');
		} else {
			return err_usage("'%s': a $ alone; write $$", to);
		}
	}
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* -1: it is none of them. */
static int word_of(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return (int)i;
	return -1;
}

static int only_keys(struct json_object *o, const char *const *known, size_t n)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		if (word_of(key, known, n) < 0)
			return err_usage("unknown key '%s'", key);
	}
	return 0;
}

static int get_word(struct json_object *o, const char *key, const char *const *words, size_t n,
		    int unset, int *ret)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s);

	*ret = unset;
	if (r < 0 || !s)
		return r;
	*ret = word_of(s, words, n);
	if (*ret >= 0)
		return 0;
	return err_usage("%s '%s': use %s, %s or %s", key, s, words[0], words[1], words[2]);
}

static int read_constraint(struct json_object *o, struct constraint *c)
{
	static const char *const keys[] = {"key", "value", "condition"};
	const char *key = NULL, *value = NULL;
	int condition, r = only_keys(o, keys, ARRAY_LEN(keys));

	if (r == 0)
		r = json_get_str(o, "key", &key);
	if (r == 0)
		r = json_get_str(o, "value", &value);
	if (r == 0)
		r = get_word(o, "condition", conditions, ARRAY_LEN(conditions), IS_EQUAL,
			     &condition);
	if (r == 0 && !key)
		r = err_usage("constraints: no key");
	if (r < 0)
		return r;
	c->key = xstrdup(key);
	c->value = xstrdup(value ? value : "");
	c->condition = (enum condition)condition;
	if (c->condition == IS_LIKE)
		r = compile_regex(c->value, &c->re);
	c->has_re = c->condition == IS_LIKE && r == 0;
	return r;
}

static int read_selector(struct json_object *o, struct source_rule *rule)
{
	static const char *const keys[] = {"identifier", "matchType", "match_type", "constraints"};
	struct json_object *list = NULL;
	const char *identifier = NULL;
	int match = 0, r = only_keys(o, keys, ARRAY_LEN(keys));

	if (r == 0)
		r = json_get_str(o, "identifier", &identifier);
	if (r == 0)
		r = get_word(o,
			     json_object_object_get_ex(o, "matchType", NULL) ? "matchType"
									     : "match_type",
			     matches, ARRAY_LEN(matches), MATCH_WILDCARD, &match);
	if (r == 0)
		r = json_get_arr(o, "constraints", &list);
	if (r == 0 && (!identifier || !*identifier))
		r = err_usage("selector: no identifier");
	if (r < 0)
		return r;
	rule->identifier = xstrdup(identifier);
	rule->match = (enum match)match;
	if (rule->match == MATCH_REGEX)
		r = compile_regex(identifier, &rule->re);
	else if (rule->match == MATCH_WILDCARD)
		r = compile_wildcard(identifier, &rule->re);
	rule->has_re = r == 0 && rule->match != MATCH_EXACT;
	for (size_t i = 0; r == 0 && list && i < json_object_array_length(list); i++) {
		struct json_object *c = json_object_array_get_idx(list, i);

		if (!json_object_is_type(c, json_type_object))
			return err_usage("constraints: not a list of objects");
		rule->constraints = xreallocarray(rule->constraints, rule->n_constraints + 1,
						  sizeof(*rule->constraints));
		rule->constraints[rule->n_constraints] = (struct constraint){0};
		r = read_constraint(c, &rule->constraints[rule->n_constraints++]);
	}
	return r;
}

static int read_updates(struct json_object *o, struct source_rule *rule)
{
	static const char *const keys[] = {"identifier", "attrs"};
	const char *to = NULL;
	int r = only_keys(o, keys, ARRAY_LEN(keys));

	if (r == 0)
		r = json_get_str(o, "identifier", &to);
	if (r == 0)
		r = json_get_map(o, "attrs", &rule->attrs);
	if (r == 0 && to && *to)
		rule->to = xstrdup(to);
	for (size_t i = 0; r == 0 && i < rule->attrs.n; i++) {
		AUTO_FREE char *name = xstrndup(rule->attrs.v[i], strcspn(rule->attrs.v[i], "="));

		if (word_of(name, known_attrs, ARRAY_LEN(known_attrs)) < 0)
			r = err_new(-CE_UNSUPPORTED,
				    "attrs: %s: only http.checksum, git.checksum and git.fullurl "
				    "are set",
				    name);
	}
	return r;
}

static int read_rule(struct json_object *o, struct source_rule *rule)
{
	static const char *const keys[] = {"action", "selector", "updates"};
	struct json_object *selector = NULL, *updates = NULL;
	int action = -1, r;

	if (!json_object_is_type(o, json_type_object))
		return err_usage("not an object");
	r = only_keys(o, keys, ARRAY_LEN(keys));
	if (r == 0)
		r = get_word(o, "action", actions, ARRAY_LEN(actions), -1, &action);
	if (r == 0)
		r = json_get_obj(o, "selector", &selector);
	if (r == 0)
		r = json_get_obj(o, "updates", &updates);
	if (r == 0 && action < 0)
		r = err_usage("no action");
	if (r == 0 && !selector)
		r = err_usage("no selector");
	if (r < 0)
		return r;
	rule->action = action == 0 ? RULE_ALLOW : action == 1 ? RULE_DENY : RULE_CONVERT;
	r = read_selector(selector, rule);
	if (r == 0 && updates)
		r = read_updates(updates, rule);
	if (r == 0 && rule->action == RULE_CONVERT && !rule->to && !rule->attrs.n)
		r = err_usage("CONVERT, and no updates");
	return r;
}

static int read_rules(struct json_object *doc, struct source_policy *p)
{
	static const char *const keys[] = {"version", "rules"};
	struct json_object *list = NULL;
	int64_t version = 1;
	int r = json_object_is_type(doc, json_type_object) ? only_keys(doc, keys, ARRAY_LEN(keys))
							   : err_usage("not an object");
	size_t n;

	if (r == 0)
		r = json_get_i64(doc, "version", &version);
	if (r == 0)
		r = json_get_arr(doc, "rules", &list);
	if (r == 0 && version != 0 && version != 1)
		r = err_new(-CE_UNSUPPORTED, "version %lld: only 1 is known", (long long)version);
	n = list ? json_object_array_length(list) : 0;
	if (r == 0 && n > SOURCE_RULES_MAX)
		r = err_new(-CE_LIMIT, "more than %d rules", SOURCE_RULES_MAX);
	if (r < 0)
		return r;
	p->rules = xcalloc(n + 1, sizeof(*p->rules));
	for (size_t i = 0; r == 0 && i < n; i++) {
		p->n_rules++;
		r = read_rule(json_object_array_get_idx(list, i), &p->rules[i]);
		if (r < 0)
			r = err_wrap(r, "rule %zu", i + 1);
	}
	return r;
}

int source_policies_parse(struct source_policies *p, const char *file, const char *text, size_t n)
{
	AUTO_JSON struct json_object *doc = NULL;
	int r = json_parse(text, n, &doc);

	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct source_policy){.file = xstrdup(file)};
	if (r == 0)
		r = read_rules(doc, &p->v[p->n - 1]);
	return r < 0 ? err_wrap(r, "source policy %s", file) : 0;
}

int source_policies_read(struct source_policies *p, const char *file)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, file, SOURCE_POLICY_MAX, &text);

	return r < 0 ? err_wrap(r, "source policy %s", file)
		     : source_policies_parse(p, file, text.s, text.len);
}

/* --- judging ---------------------------------------------------------------------------------------- */

static bool constraint_holds(const struct constraint *c, const struct source *s)
{
	const char *v = strv_env_get(&s->attrs, c->key);

	if (!v)
		v = "";
	switch (c->condition) {
	case IS_EQUAL:
		return strcmp(v, c->value) == 0;
	case IS_NOT_EQUAL:
		return strcmp(v, c->value) != 0;
	case IS_LIKE:
		return regexec(&c->re, v, 0, NULL, 0) == 0;
	}
	return false;
}

static bool rule_matches(const struct source_rule *rule, const struct source *s)
{
	for (unsigned i = 0; i < rule->n_constraints; i++)
		if (!constraint_holds(&rule->constraints[i], s))
			return false;
	return strcmp(rule->identifier, s->identifier) == 0 ||
	       (rule->has_re && regexec(&rule->re, s->identifier, 0, NULL, 0) == 0);
}

/* Each place that matches is replaced; of a wildcard that is all of it. */
static int convert_name(const struct source_rule *rule, const char *from, char **ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	regmatch_t m[GROUPS_MAX];
	const char *at = from;
	int r = 0;

	while (r == 0 && rule->has_re &&
	       regexec(&rule->re, at, GROUPS_MAX, m, at == from ? 0 : REG_NOTBOL) == 0) {
		sbuf_add(&b, at, (size_t)m[0].rm_so);
		r = expand_groups(rule->to, at, m, GROUPS_MAX, &b);
		at += m[0].rm_eo;
		if (m[0].rm_eo ==
		    m[0].rm_so) { /* an empty match: go on behind the next character */
			if (!*at)
				break;
			sbuf_addc(&b, *at++);
		}
		if (!*at)
			break;
	}
	sbuf_adds(&b, at);
	*ret = rule->has_re ? sbuf_steal(&b) : xstrdup(rule->to);
	return r;
}

/* 1: it is another one now. */
static int convert(const struct source_rule *rule, struct source *s)
{
	AUTO_FREE char *to = NULL;
	bool changed = false;
	int r = rule->to ? convert_name(rule, s->identifier, &to) : 0;

	if (r < 0)
		return r;
	if (to && strcmp(to, s->identifier) != 0) {
		free(s->identifier);
		s->identifier = TAKE_PTR(to);
		changed = true;
	}
	for (size_t i = 0; i < rule->attrs.n; i++) {
		if (strv_has(&s->attrs, rule->attrs.v[i]))
			continue;
		strv_env_set(&s->attrs, rule->attrs.v[i]);
		changed = true;
	}
	return changed;
}

/* 1: converted; then nothing else of it counts. */
static int apply_one(const struct source_policy *p, struct source *s)
{
	const struct source_rule *denied = NULL;

	for (unsigned i = 0; i < p->n_rules; i++) {
		const struct source_rule *rule = &p->rules[i];
		int r;

		if (!rule_matches(rule, s))
			continue;
		if (rule->action != RULE_CONVERT) {
			denied = rule->action == RULE_DENY ? rule : NULL;
			continue;
		}
		r = convert(rule, s);
		if (r != 0)
			return r < 0 ? err_wrap(r, "source policy %s: rule %u", p->file, i + 1) : 1;
	}
	if (!denied)
		return 0;
	return err_new(-CE_UNTRUSTED, "%s is denied by rule %u of %s (DENY %s)", s->identifier,
		       (unsigned)(denied - p->rules) + 1, p->file, denied->identifier);
}

int source_policies_apply(const struct source_policies *p, struct source *s)
{
	AUTO_FREE char *first = xstrdup(s->identifier);
	int r = 1;

	for (unsigned turn = 0; r == 1; turn++) {
		if (turn > CONVERSIONS_MAX)
			return err_new(-CE_LIMIT,
				       "source policy: %s is converted more than %d times", first,
				       CONVERSIONS_MAX);
		r = 0;
		for (unsigned i = 0; r == 0 && i < p->n; i++)
			r = apply_one(&p->v[i], s);
	}
	return r;
}
