/* SPDX-License-Identifier: MIT */
#include "pkg/config/registries.h"

#include <dirent.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/config/ignored.h"
#include "pkg/config/paths.h"
#include "pkg/config/toml.h"

#define CONF_MAX (1024 * 1024)
#define RULES_MAX 4096

void registries_done(struct registries *r)
{
	for (unsigned i = 0; i < r->n_rules; i++) {
		struct registry_rule *rule = &r->rules[i];

		for (unsigned m = 0; m < rule->n_mirrors; m++)
			freep(&rule->mirrors[m].location);
		freep(&rule->mirrors);
		freep(&rule->prefix);
		freep(&rule->location);
	}
	freep(&r->rules);
	r->n_rules = 0;
	strv_done(&r->search);
	strv_done(&r->aliases);
	strv_done(&r->helpers);
}

void endpoints_done(struct endpoints *e)
{
	for (unsigned i = 0; i < e->n; i++) {
		freep(&e->v[i].host);
		freep(&e->v[i].path);
	}
	freep(&e->v);
	e->n = 0;
}

static int on_table(void *data, const char *name, bool array)
{
	struct registries *r = data;
	struct registry_rule *rule;

	if (strncmp(name, "registries.", 11) == 0 || strcmp(name, "registries") == 0)
		return err_new(-CE_UNSUPPORTED, "version 1 of registries.conf ([%s])", name);
	if (strcmp(name, "registry") == 0 && array) {
		if (r->n_rules >= RULES_MAX)
			return err_new(-CE_LIMIT, "[[registry]] tables");
		r->rules = xreallocarray(r->rules, r->n_rules + 1, sizeof(*r->rules));
		r->rules[r->n_rules++] = (struct registry_rule){0};
	} else if (strcmp(name, "registry.mirror") == 0 && array) {
		if (r->n_rules == 0)
			return err_new(-CE_BAD_FORMAT, "a mirror before the first [[registry]]");
		rule = &r->rules[r->n_rules - 1];
		if (rule->n_mirrors >= RULES_MAX)
			return err_new(-CE_LIMIT, "[[registry.mirror]] tables");
		rule->mirrors = xreallocarray(rule->mirrors, rule->n_mirrors + 1,
					      sizeof(*rule->mirrors));
		rule->mirrors[rule->n_mirrors++] = (struct registry_mirror){0};
	}
	return 0;
}

static int take_string(const struct toml_value *v, const char *key, char **where)
{
	const char *s;
	int r = toml_want_string(v, key, &s);

	if (r < 0)
		return r;
	freep(where);
	*where = xstrdup(s);
	return 0;
}

static int top_value(struct registries *r, const char *key, const struct toml_value *v)
{
	const char *mode;
	int e;

	if (strcmp(key, "unqualified-search-registries") == 0)
		return toml_want_array(v, key, &r->search);
	if (strcmp(key, "credential-helpers") == 0)
		return toml_want_array(v, key, &r->helpers);
	if (strcmp(key, "short-name-mode") != 0) {
		conf_ignored(r->file, "", key, NULL);
		return 0;
	}
	e = toml_want_string(v, key, &mode);
	if (e < 0)
		return e;
	r->enforcing = strcmp(mode, "enforcing") == 0;
	r->disabled = strcmp(mode, "disabled") == 0;
	if (!r->enforcing && !r->disabled && strcmp(mode, "permissive") != 0)
		return err_new(-CE_BAD_FORMAT, "short-name-mode \"%s\"", mode);
	return 0;
}

/* It may have been meant to block or to restrict. */
static int unknown_key(const char *table, const char *key)
{
	return err_new(-CE_BAD_FORMAT, "unknown key \"%s\" in %s", key, table);
}

static int rule_value(struct registry_rule *rule, const char *key, const struct toml_value *v)
{
	if (strcmp(key, "prefix") == 0)
		return take_string(v, key, &rule->prefix);
	if (strcmp(key, "location") == 0)
		return take_string(v, key, &rule->location);
	if (strcmp(key, "insecure") == 0)
		return toml_want_bool(v, key, &rule->insecure);
	if (strcmp(key, "blocked") == 0)
		return toml_want_bool(v, key, &rule->blocked);
	if (strcmp(key, "mirror-by-digest-only") == 0)
		return toml_want_bool(v, key, &rule->mirror_by_digest_only);
	return unknown_key("[[registry]]", key);
}

static int mirror_value(struct registry_mirror *m, const char *key, const struct toml_value *v)
{
	const char *s;
	int r;

	if (strcmp(key, "location") == 0)
		return take_string(v, key, &m->location);
	if (strcmp(key, "insecure") == 0)
		return toml_want_bool(v, key, &m->insecure);
	if (strcmp(key, "pull-from-mirror") != 0)
		return unknown_key("[[registry.mirror]]", key);
	r = toml_want_string(v, key, &s);
	if (r < 0)
		return r;
	if (strcmp(s, "all") != 0 && strcmp(s, "digest-only") != 0 && strcmp(s, "tag-only") != 0)
		return err_new(-CE_BAD_FORMAT, "pull-from-mirror \"%s\"", s);
	m->pull_from = *s == 'a'   ? PULL_FROM_ALL
		       : *s == 'd' ? PULL_FROM_DIGEST_ONLY
				   : PULL_FROM_TAG_ONLY;
	return 0;
}

/* What it stands for is a repository of a registry that is named. */
static int check_alias(const char *key, const char *target)
{
	size_t host = strcspn(target, "/");
	bool named = memchr(target, '.', host) || memchr(target, ':', host) ||
		     (host == 9 && strncmp(target, "localhost", 9) == 0);

	if (named && target[host] == '/' && target[host + 1] && !strpbrk(target + host, ":@"))
		return 0;
	return err_new(-CE_BAD_FORMAT,
		       "[aliases] \"%s\" = \"%s\": want HOST/REPOSITORY, without a tag", key,
		       target);
}

static int on_value(void *data, const char *table, const char *key, const struct toml_value *v)
{
	struct registries *r = data;
	struct registry_rule *rule = r->n_rules > 0 ? &r->rules[r->n_rules - 1] : NULL;
	AUTO_FREE char *alias = NULL;
	const char *target;
	int e;

	if (!*table)
		return top_value(r, key, v);
	if (strcmp(table, "registry") == 0 && rule)
		return rule_value(rule, key, v);
	if (strcmp(table, "registry.mirror") == 0 && rule && rule->n_mirrors > 0)
		return mirror_value(&rule->mirrors[rule->n_mirrors - 1], key, v);
	if (strcmp(table, "aliases") != 0) {
		conf_ignored(r->file, table, key, NULL);
		return 0;
	}
	e = toml_want_string(v, key, &target);
	if (e == 0 && *target)
		e = check_alias(key, target);
	if (e < 0)
		return e;
	alias = xasprintf("%s=%s", key, target);
	strv_env_set(&r->aliases, alias);
	return 0;
}

/* "host/path": a scheme would be taken for a host, a slash at the end for a part of the path. */
static int check_location(const char *file, char *location)
{
	size_t n = location ? strlen(location) : 0;

	if (location && strstr(location, "://"))
		return err_new(-CE_BAD_FORMAT, "%s: location \"%s\": it has no scheme (insecure = "
					       "true allows http)",
			       file, location);
	while (n > 0 && location[n - 1] == '/')
		location[--n] = '\0';
	return location && !n ? err_new(-CE_BAD_FORMAT, "%s: an empty location", file) : 0;
}

static int check_mirrors(const char *file, const struct registry_rule *rule)
{
	int e = 0;

	for (unsigned m = 0; e == 0 && m < rule->n_mirrors; m++) {
		const struct registry_mirror *mirror = &rule->mirrors[m];

		if (!mirror->location)
			return err_new(-CE_BAD_FORMAT, "%s: a mirror needs a location", file);
		if (rule->mirror_by_digest_only && mirror->pull_from != PULL_FROM_ALL)
			return err_new(-CE_BAD_FORMAT, "%s: mirror-by-digest-only and "
						       "pull-from-mirror of the same registry",
				       file);
		e = check_location(file, mirror->location);
	}
	return e;
}

/* A later file's [[registry]] for the same prefix replaces the earlier one. */
static int check_rules(struct registries *r, const char *file, unsigned first)
{
	for (unsigned i = first; i < r->n_rules; i++) {
		struct registry_rule *rule = &r->rules[i];
		int e;

		if (!rule->prefix && !rule->location)
			return err_new(-CE_BAD_FORMAT,
				       "%s: a [[registry]] needs prefix or location", file);
		if (!rule->prefix)
			rule->prefix = xstrdup(rule->location);
		if (!rule->location && strncmp(rule->prefix, "*.", 2) != 0)
			rule->location = xstrdup(rule->prefix);
		e = check_location(file, rule->location);
		if (e == 0)
			e = check_location(file, rule->prefix);
		if (e == 0)
			e = check_mirrors(file, rule);
		if (e < 0)
			return e;
	}
	return 0;
}

int registries_parse(struct registries *r, const char *file, const char *text, size_t n)
{
	struct toml_handler h = {.table = on_table, .value = on_value, .data = r};
	unsigned first = r->n_rules;
	int e;

	r->file = file;
	e = toml_parse(file, text, n, &h);
	return e < 0 ? e : check_rules(r, file, first);
}

int registries_load_file(struct registries *r, const char *path)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int e = conf_file_read(path, CONF_MAX, &text);

	if (e == -ENOENT || e == -ENOTDIR) {
		err_drop();
		return 0;
	}
	if (e < 0)
		return e;
	e = registries_parse(r, path, text.s, text.len);
	return e < 0 ? e : 1;
}

static int is_conf(const struct dirent *d)
{
	return d->d_name[0] != '.' && has_ending(d->d_name, ".conf");
}

static int load_drop_ins(struct registries *r, const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_conf, alphasort), e = 0;

	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = path_join(dir, names[i]->d_name);

		if (e >= 0)
			e = registries_load_file(r, path);
		free(names[i]);
	}
	free(names);
	return e < 0 ? e : 0;
}

int registries_load(struct registries *ret)
{
	AUTO(registries_done) struct registries r = {.enforcing = true};
	AUTO_FREE char *home = NULL, *user_file = NULL, *user_dir = NULL, *chosen = NULL;
	const char *only = getenv("CONTAINERS_REGISTRIES_CONF");
	int e;

	if (!only || !*only)
		only = getenv("REGISTRIES_CONFIG_PATH"); /* its older name */

	e = paths_config_home(&home);
	if (e < 0) {
		err_drop(); /* no home directory, no configuration of the user's */
		home = xstrdup("/nonexistent");
	}
	user_file = path_join3(home, "containers", "registries.conf");
	user_dir = path_join3(home, "containers", "registries.conf.d");
	if (only && *only) {
		e = registries_load_file(&r, only);
		if (e == 0)
			return err_new(-ENOENT, "%s", only);
	} else {
		e = registries_load_file(&r, user_file);
		if (e == 0)
			e = registries_load_file(&r, "/etc/containers/registries.conf");
		if (e == 0)
			e = registries_load_file(&r, "/usr/share/containers/registries.conf");
		if (e >= 0)
			e = load_drop_ins(&r, "/etc/containers/registries.conf.d");
		if (e >= 0)
			e = load_drop_ins(&r, user_dir);
	}
	if (e >= 0 && short_names_file(&chosen) < 0)
		err_drop();
	else if (e >= 0)
		e = registries_load_file(&r, chosen);
	if (e < 0)
		return e;
	*ret = r;
	r = (struct registries){0};
	return 0;
}

/* "host/path" against a prefix that ends at a component: host, host/ns, or "*.domain". */
static size_t match_prefix(const char *prefix, const char *name)
{
	size_t n = strlen(prefix), host = strcspn(name, "/");

	if (strncmp(prefix, "*.", 2) == 0) {
		n--;
		if (host > n && strncmp(name + host - n, prefix + 1, n) == 0)
			return host;
		return 0;
	}
	return strncmp(name, prefix, n) == 0 && (name[n] == '\0' || name[n] == '/') ? n : 0;
}

const struct registry_rule *registries_rule(const struct registries *r, const char *name)
{
	const struct registry_rule *best = NULL;
	size_t longest = 0;

	for (unsigned i = 0; i < r->n_rules; i++) {
		size_t n = match_prefix(r->rules[i].prefix, name);

		if (n > 0 && n >= longest &&
		    !(best && n == longest && strncmp(r->rules[i].prefix, "*.", 2) == 0)) {
			best = &r->rules[i];
			longest = n;
		}
	}
	return best;
}

static char *qualify(const char *registry, const char *path)
{
	/* The hub keeps what has no owner under library/. */
	if (strcmp(registry, "docker.io") == 0 && !strchr(path, '/'))
		return xasprintf("docker.io/library/%s", path);
	return path_join(registry, path);
}

void registries_candidates(const struct registries *r, const char *path, struct strv *ret_names)
{
	const char *alias = strv_env_get(&r->aliases, path);

	if (alias && *alias) { /* an empty one takes away that of an earlier file */
		strv_add(ret_names, alias);
		return;
	}
	for (size_t i = 0; i < r->search.n; i++)
		strv_take(ret_names, qualify(r->search.v[i], path));
	if (r->search.n == 0)
		strv_take(ret_names, qualify("docker.io", path));
}

int registries_short(const struct registries *r, const char *path, struct strv *ret_names)
{
	registries_candidates(r, path, ret_names);
	if (ret_names->n > 1 && r->enforcing) {
		int e = err_new(
			-CE_AMBIGUOUS,
			"%s could be %s or %s; give the full name, or add \"%s\" = \"%s\" under "
			"[aliases] in registries.conf",
			path, ret_names->v[0], ret_names->v[1], path, ret_names->v[0]);

		strv_done(ret_names);
		return e;
	}
	return 0;
}

/* @location replaces the first @matched bytes of @name. */
static void add_endpoint(struct endpoints *e, const char *location, const char *name,
			 size_t matched, bool insecure, bool mirror)
{
	AUTO_FREE char *full = xasprintf("%s%s", location, name + matched);
	size_t host = strcspn(full, "/");
	struct endpoint *p;

	e->v = xreallocarray(e->v, e->n + 1, sizeof(*e->v));
	p = &e->v[e->n++];
	*p = (struct endpoint){.insecure = insecure, .mirror = mirror};
	p->path = xstrdup(full[host] ? full + host + 1 : "");
	full[host] = '\0';
	p->host = xstrdup(strcmp(full, "docker.io") == 0 ? "registry-1.docker.io" : full);
}

int registries_endpoints(const struct registries *r, const char *name, bool by_digest,
			 struct endpoints *ret)
{
	const struct registry_rule *rule = registries_rule(r, name);
	size_t matched;

	if (!rule) {
		add_endpoint(ret, "", name, 0, false, false);
		return 0;
	}
	if (rule->blocked)
		return err_new(-CE_DENIED, "%s is blocked by registries.conf", rule->prefix);
	matched = match_prefix(rule->prefix, name);
	for (unsigned i = 0; i < rule->n_mirrors; i++) {
		const struct registry_mirror *m = &rule->mirrors[i];

		if (!by_digest &&
		    (rule->mirror_by_digest_only || m->pull_from == PULL_FROM_DIGEST_ONLY))
			continue;
		if (by_digest && m->pull_from == PULL_FROM_TAG_ONLY)
			continue;
		add_endpoint(ret, m->location, name, matched, m->insecure, true);
	}
	if (rule->location)
		add_endpoint(ret, rule->location, name, matched, rule->insecure, false);
	else
		add_endpoint(ret, "", name, 0, rule->insecure, false);
	return 0;
}

void endpoint_done(struct endpoint *e)
{
	freep(&e->host);
	freep(&e->path);
}

int registries_primary(const struct registries *r, const char *name, struct endpoint *ret)
{
	AUTO(endpoints_done) struct endpoints all = {0};
	int e = registries_endpoints(r, name, false, &all);

	for (unsigned i = 0; e == 0 && i < all.n; i++) {
		if (all.v[i].mirror)
			continue;
		*ret = all.v[i];
		all.v[i] = (struct endpoint){0};
		return 0;
	}
	return e < 0 ? e : err_new(-CE_NO_OBJECT, "registry of %s", name);
}
