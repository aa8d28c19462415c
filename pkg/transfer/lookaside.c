/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/lookaside.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"

#define FILE_BYTES_MAX (1UL << 20)

void lookasides_done(struct lookasides *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		free(l->v[i].scope);
		free(l->v[i].lookaside);
		free(l->v[i].staging);
	}
	free(l->v);
	*l = (struct lookasides){0};
}

/* --- the YAML of these files: maps in maps, scalars on one line ------------------------------- */

struct parser {
	struct lookasides *l;
	const char *file;
	unsigned line;
	char section; /* 'd': default-docker, 's': docker, 0 before both */
	unsigned scope_indent, key_indent; /* 0: not yet known */
	struct lookaside_scope *scope;
};

static int syntax(const struct parser *p, const char *what)
{
	return err_new(-CE_BAD_FORMAT, "%s:%u: %s", p->file, p->line, what);
}

static struct lookaside_scope *new_scope(struct lookasides *l, const char *name)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct lookaside_scope){.scope = name ? xstrdup(name) : NULL,
					      .attachments = -1};
	return &l->v[l->n++];
}

/* One scalar, quoted or not; what follows it may be a comment only. */
static int scalar(const struct parser *p, const char *s, char **ret)
{
	size_t n;

	if (*s == '"' || *s == '\'') {
		const char *end = strchr(s + 1, *s);

		if (!end || memchr(s + 1, '\\', (size_t)(end - s - 1)) ||
		    (end[1 + strspn(end + 1, " \t")] && end[1 + strspn(end + 1, " \t")] != '#'))
			return syntax(p, "a value that is not understood");
		*ret = xstrndup(s + 1, (size_t)(end - s - 1));
		return 0;
	}
	if (strchr("[]{}&*!|>%@`", *s) && *s)
		return syntax(p, "a value that is not understood");
	for (n = 0; s[n] && !(s[n] == '#' && n && strchr(" \t", s[n - 1])); n++)
		;
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	*ret = xstrndup(s, n);
	return 0;
}

/* Files for old and new tools have both names of a key: the new one counts. */
static int set_once(const struct parser *p, char **where, bool *had_old, bool old,
		    const char *value)
{
	if (*where && *had_old == old)
		return syntax(p, "said twice");
	if (*where && old)
		return 0;
	free(*where);
	*where = xstrdup(value);
	*had_old = old;
	return 0;
}

static int set_key(struct parser *p, const char *key, const char *value)
{
	struct lookaside_scope *s = p->scope;
	bool old = strncmp(key, "sigstore", 8) == 0;

	if (!s)
		return syntax(p, "a key outside of a scope");
	if (strcmp(key, "lookaside") == 0 || strcmp(key, "sigstore") == 0)
		return set_once(p, &s->lookaside, &s->lookaside_old, old, value);
	if (strcmp(key, "lookaside-staging") == 0 || strcmp(key, "sigstore-staging") == 0)
		return set_once(p, &s->staging, &s->staging_old, old, value);
	if (strcmp(key, "use-sigstore-attachments") != 0)
		return syntax(p, "unknown key");
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return syntax(p, "want true or false");
	s->attachments = *value == 't';
	return 0;
}

static int top_key(struct parser *p, const char *key, const char *value)
{
	bool is_default = strcmp(key, "default-docker") == 0;

	if (!is_default && strcmp(key, "docker") != 0)
		return syntax(p, "unknown key");
	if (*value && strcmp(value, "{}") != 0)
		return syntax(p, "want a map");
	p->section = is_default ? 'd' : 's';
	p->scope = is_default ? new_scope(p->l, NULL) : NULL;
	p->scope_indent = p->key_indent = 0;
	return 0;
}

static int inner_key(struct parser *p, unsigned indent, const char *key, const char *value)
{
	if (!p->section)
		return syntax(p, "unexpected indentation");
	if (p->section == 's' && (!p->scope_indent || indent == p->scope_indent)) {
		p->scope_indent = indent;
		p->key_indent = 0;
		if (*value && strcmp(value, "{}") != 0)
			return syntax(p, "want a map");
		p->scope = new_scope(p->l, key);
		return 0;
	}
	if (p->key_indent && indent != p->key_indent)
		return syntax(p, "unexpected indentation");
	p->key_indent = indent;
	return set_key(p, key, value);
}

static int parse_line(struct parser *p, char *line)
{
	unsigned indent = (unsigned)strspn(line, " ");
	AUTO_FREE char *key = NULL, *value = NULL;
	char *s = line + indent, *colon;
	int r;

	if (!*s || *s == '#' || *s == '\r' || strcmp(s, "---") == 0)
		return 0;
	if (*s == '\t')
		return syntax(p, "a tab as indentation");
	/* Scopes hold colons (host:5000); the one that ends a key is followed by a blank or nothing. */
	if (*s == '"' || *s == '\'') {
		char *end = strchr(s + 1, *s);

		colon = end && end[1] == ':' ? end + 1 : NULL;
		key = colon ? xstrndup(s + 1, (size_t)(end - s - 1)) : NULL;
	} else {
		for (colon = strchr(s, ':'); colon && colon[1] && !strchr(" \t\r", colon[1]);)
			colon = strchr(colon + 1, ':');
		key = colon ? xstrndup(s, (size_t)(colon - s)) : NULL;
	}
	if (!key || !*key)
		return syntax(p, "want KEY: VALUE");
	s = colon + 1 + strspn(colon + 1, " \t\r");
	r = strcmp(s, "{}") == 0 ? 0 : scalar(p, *s == '#' ? "" : s, &value);
	if (r < 0)
		return r;
	return indent ? inner_key(p, indent, key, value ? value : "{}")
		      : top_key(p, key, value ? value : "{}");
}

int lookasides_parse(struct lookasides *l, const char *file, const char *text, size_t n)
{
	struct parser p = {.l = l, .file = file};
	AUTO_FREE char *copy = xstrndup(text, n);
	int r = 0;

	for (char *at = copy, *next; r == 0 && at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		p.line++;
		r = parse_line(&p, at);
	}
	return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_yaml(const struct dirent *e)
{
	return has_ending(e->d_name, ".yaml");
}

/* -ENOENT (no trail) when there is no such directory. */
static int load_dir(const char *dir, struct lookasides *l)
{
	struct dirent **found = NULL;
	int n = scandir(dir, &found, is_yaml, by_name), r = 0;

	if (n < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "%s", dir);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = path_join(dir, found[i]->d_name);
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		if (r == 0)
			r = conf_file_read(path, FILE_BYTES_MAX, &b);
		if (r == 0)
			r = lookasides_parse(l, path, b.s, b.len);
		free(found[i]);
	}
	free(found);
	return r;
}

int lookasides_load(struct lookasides *ret)
{
	AUTO(lookasides_done) struct lookasides l = {0};
	AUTO_FREE char *config = NULL;
	int r = paths_config_home(&config);

	if (r == 0) {
		AUTO_FREE char *own = path_join(config, "containers/registries.d");

		r = load_dir(own, &l);
	} else {
		err_drop();
		r = -ENOENT;
	}
	if (r == -ENOENT)
		r = load_dir("/etc/containers/registries.d", &l);
	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		return r;
	*ret = l;
	l = (struct lookasides){0};
	return 0;
}

void lookasides_only(const char *directory, struct lookasides *ret)
{
	new_scope(ret, NULL)->lookaside = xasprintf("file://%s", directory);
}

/* --- which counts ------------------------------------------------------------------------------ */

static const struct lookaside_scope *scope_named(const struct lookasides *l, const char *scope)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].scope ? scope && strcmp(l->v[i].scope, scope) == 0 : !scope)
			return &l->v[i];
	return NULL;
}

/* The most specific scope alone; the default only where there is none. */
static const struct lookaside_scope *scope_of(const struct lookasides *l,
					      const struct reference *ref)
{
	AUTO_FREE char *text = reference_name(ref);
	AUTO_FREE char *tagged = xasprintf("%s:%s", text, ref->tag ? ref->tag : "latest");
	const struct lookaside_scope *s = ref->digest ? NULL : scope_named(l, tagged);

	while (!s) {
		char *slash;

		s = scope_named(l, text);
		slash = strrchr(text, '/');
		if (s || !slash)
			break;
		*slash = '\0';
	}
	for (const char *dot = strchr(text, '.'); !s && dot; dot = strchr(dot + 1, '.')) {
		AUTO_FREE char *wild = xasprintf("*%s", dot);

		s = scope_named(l, wild);
	}
	return s ? s : scope_named(l, NULL);
}

int lookaside_url(const struct lookasides *l, const struct reference *ref, const char *digest,
		  bool write, char **ret)
{
	const struct lookaside_scope *s = scope_of(l, ref);
	const char *base = s ? s->lookaside : NULL;
	AUTO_FREE char *home = NULL, *own = NULL;
	size_t n;

	if (write && s && s->staging)
		base = s->staging;
	if (!base) {
		if (paths_home(&home) < 0) {
			err_drop();
			return -ENOENT;
		}
		own = xasprintf("file://%s/.local/share/containers/sigstore", home);
		base = own;
	}
	n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	*ret = xasprintf("%.*s/%s@%.*s=%s", (int)n, base, ref->path, (int)strcspn(digest, ":"),
			 digest, strchr(digest, ':') + 1);
	return 0;
}

bool lookaside_attachments(const struct lookasides *l, const struct reference *ref)
{
	const struct lookaside_scope *s = scope_of(l, ref);

	return s && s->attachments == 1;
}
