/* SPDX-License-Identifier: MIT */
/* The instructions of a Containerfile that only change an image's config ("import --change", "commit --change"). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/image/changes.h"
#include "pkg/json/json.h"

/* --- words ------------------------------------------------------------------------------------- */

/* Quotes group, a backslash takes the next character as it is (not inside single quotes). */
static int split_words(const char *s, struct strv *ret)
{
	AUTO_SBUF struct sbuf word = SBUF_INIT;
	char quote = 0;
	bool any = false;

	for (; *s; s++) {
		if (*s == '\\' && quote != '\'' && s[1]) {
			sbuf_addc(&word, *++s);
			any = true;
		} else if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = quote ? 0 : *s;
			any = true;
		} else if (!quote && isspace((unsigned char)*s)) {
			if (any)
				strv_add(ret, word.s);
			sbuf_reset(&word);
			any = false;
		} else {
			sbuf_addc(&word, *s);
			any = true;
		}
	}
	if (quote)
		return err_usage("unfinished quote");
	if (any)
		strv_add(ret, word.s);
	return 0;
}

/* A JSON array of strings, and only that, is the exec form. */
static bool exec_form(const char *s, struct strv *ret)
{
	AUTO_JSON struct json_object *a = NULL;

	if (*s != '[' || json_parse(s, strlen(s), &a) < 0 ||
	    !json_object_is_type(a, json_type_array)) {
		err_drop();
		return false;
	}
	for (size_t i = 0; i < json_object_array_length(a); i++) {
		struct json_object *e = json_object_array_get_idx(a, i);

		if (!json_object_is_type(e, json_type_string)) {
			strv_done(ret);
			return false;
		}
		strv_add(ret, json_object_get_string(e));
	}
	return true;
}

static int set_command(const char *s, struct strv *ret)
{
	strv_done(ret);
	if (exec_form(s, ret))
		return 0;
	strv_add(ret, "/bin/sh");
	strv_add(ret, "-c");
	strv_add(ret, s);
	return 0;
}

/* "k=v k2=v2", or the old "k the rest". */
static int set_pairs(const char *s, struct strv *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	size_t key = strcspn(s, " \t=");
	int r;

	if (s[key] != '=') {
		const char *value = s + key + strspn(s + key, " \t");
		AUTO_FREE char *pair = NULL;

		if (!key || !*value)
			return err_usage("'%s' has no value", s);
		pair = xasprintf("%.*s=%s", (int)key, s, value);
		strv_env_set(ret, pair);
		return 0;
	}
	r = split_words(s, &words);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		if (words.v[i][0] == '=' || !strchr(words.v[i], '='))
			r = err_usage("'%s' is not NAME=VALUE", words.v[i]);
		else
			strv_env_set(ret, words.v[i]);
	}
	return r;
}

static void add_once(struct strv *ret, char *s)
{
	if (strv_has(ret, s))
		free(s);
	else
		strv_take(ret, s);
}

static int set_volumes(const char *s, struct strv *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = exec_form(s, &words) ? 0 : split_words(s, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		AUTO_FREE char *clean = path_clean(words.v[i]);

		if (clean[0] != '/')
			r = err_usage("volume '%s' is not an absolute path", words.v[i]);
		else
			add_once(ret, TAKE_PTR(clean));
	}
	return r;
}

static int set_ports(const char *s, struct strv *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = split_words(s, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		uint32_t port = 0;

		strv_split(&parts, words.v[i], '/');
		if (parts.n > 2 || parse_u32(parts.v[0], 65535, &port) < 0 || port == 0 ||
		    (parts.n == 2 && strcasecmp(parts.v[1], "tcp") != 0 &&
		     strcasecmp(parts.v[1], "udp") != 0 && strcasecmp(parts.v[1], "sctp") != 0))
			return err_usage("port '%s' is not PORT[/tcp|udp|sctp]", words.v[i]);
		for (char *p = parts.n == 2 ? parts.v[1] : NULL; p && *p; p++)
			*p = (char)tolower((unsigned char)*p);
		add_once(ret, xasprintf("%u/%s", port, parts.n == 2 ? parts.v[1] : "tcp"));
	}
	return r;
}

static int set_text(const char *s, char **ret)
{
	free(*ret);
	*ret = xstrdup(s);
	return 0;
}

static int set_dir(const char *s, char **ret)
{
	AUTO_FREE char *joined = s[0] == '/' ? xstrdup(s) : path_join(*ret ? *ret : "/", s);

	free(*ret);
	*ret = path_clean(joined);
	return 0;
}

static int set_signal(const char *s, char **ret)
{
	int sig;

	if (parse_signal(s, &sig) < 0)
		return err_usage("'%s' is not a signal", s);
	return set_text(s, ret);
}

static int apply(struct image_config *c, const char *change)
{
	/* "CMD=/bin/sh" is podman's other way to write "CMD /bin/sh". */
	size_t n = strcspn(change, " \t=");
	const char *rest = change + n + (change[n] == '=') + strspn(change + n, " \t");
	AUTO_FREE char *word = xstrndup(change, n), *args = xstrdup(rest);

	for (size_t i = strlen(args); i && isspace((unsigned char)args[i - 1]);)
		args[--i] = '\0';
	if (!*args)
		return err_usage("'%s' has no argument", change);
	if (strcasecmp(word, "CMD") == 0)
		return set_command(args, &c->cmd);
	if (strcasecmp(word, "ENTRYPOINT") == 0)
		return set_command(args, &c->entrypoint);
	if (strcasecmp(word, "ENV") == 0)
		return set_pairs(args, &c->env);
	if (strcasecmp(word, "LABEL") == 0)
		return set_pairs(args, &c->labels);
	if (strcasecmp(word, "EXPOSE") == 0)
		return set_ports(args, &c->exposed_ports);
	if (strcasecmp(word, "VOLUME") == 0)
		return set_volumes(args, &c->volumes);
	if (strcasecmp(word, "USER") == 0)
		return set_text(args, &c->user);
	if (strcasecmp(word, "WORKDIR") == 0)
		return set_dir(args, &c->working_dir);
	if (strcasecmp(word, "STOPSIGNAL") == 0)
		return set_signal(args, &c->stop_signal);
	if (strcasecmp(word, "ONBUILD") == 0) {
		strv_add(&c->onbuild, args);
		return 0;
	}
	return err_usage("'%s': only CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, "
			 "USER, VOLUME and WORKDIR can be changed",
			 word);
}

static void set_keys(struct json_object *o, const char *key, const struct strv *names)
{
	json_object_object_del(o, key);
	if (names->n)
		json_set(o, key, json_from_set(names));
}

int image_changes_apply(const struct strv *changes, struct image_config *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		r = apply(c, changes->v[i]);
		if (r < 0)
			r = err_wrap(r, "--change");
	}
	return r;
}

static void set_text_key(struct json_object *o, const char *key, const char *value)
{
	json_object_object_del(o, key);
	if (value && *value)
		json_set_str(o, key, value);
}

static void set_list(struct json_object *o, const char *key, const struct strv *v)
{
	json_object_object_del(o, key);
	if (v->n)
		json_set(o, key, json_from_strv(v));
}

void image_changes_write(const struct image_config *c, struct json_object *o)
{
	set_text_key(o, "User", c->user);
	set_keys(o, "ExposedPorts", &c->exposed_ports);
	set_list(o, "Env", &c->env);
	set_list(o, "Entrypoint", &c->entrypoint);
	set_list(o, "Cmd", &c->cmd);
	set_keys(o, "Volumes", &c->volumes);
	set_text_key(o, "WorkingDir", c->working_dir);
	json_object_object_del(o, "Labels");
	if (c->labels.n)
		json_set(o, "Labels", json_from_map(&c->labels));
	set_text_key(o, "StopSignal", c->stop_signal);
	set_list(o, "OnBuild", &c->onbuild);
}

int image_changes(const struct strv *changes, struct sbuf *ret)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO(image_config_done) struct image_config c = {0};
	int r = image_changes_apply(changes, &c);

	image_changes_write(&c, o);
	if (r == 0)
		json_write(o, false, ret);
	return r;
}
