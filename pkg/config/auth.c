/* SPDX-License-Identifier: MIT */
#include "pkg/config/auth.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/config/auth_internal.h"
#include "pkg/config/credential_helper.h"
#include "pkg/config/registries.h"

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	freep(s);
}

void sbuf_wipe(struct sbuf *b)
{
	if (b->len)
		explicit_bzero(b->s, b->len);
	sbuf_done(b);
}

void credential_done(struct credential *c)
{
	wipe(&c->user);
	wipe(&c->password);
	wipe(&c->identity_token);
}

int credential_copy(const struct credential *from, struct credential *ret)
{
	ret->user = from->user ? xstrdup(from->user) : NULL;
	ret->password = from->password ? xstrdup(from->password) : NULL;
	ret->identity_token = from->identity_token ? xstrdup(from->identity_token) : NULL;
	return 0;
}

int credential_parse(const char *s, struct credential *ret)
{
	const char *colon = strchr(s, ':');

	if (!*s || colon == s)
		return err_usage("credentials are user[:password]");
	ret->user = colon ? xstrndup(s, (size_t)(colon - s)) : xstrdup(s);
	ret->password = xstrdup(colon ? colon + 1 : "");
	return 0;
}

void auth_keys(const char *host, const char *path, struct strv *ret)
{
	AUTO_FREE char *key = xasprintf("%s%s%s", host, *path ? "/" : "", path);
	char *slash;

	for (;;) {
		strv_add(ret, key);
		slash = strrchr(key, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

/* "https://index.docker.io/v1/", "http://host/v2" and "host" are one registry. */
char *auth_normal_key(const char *key)
{
	const char *p = key;
	char *s, *end;

	if (strncmp(p, "https://", 8) == 0)
		p += 8;
	else if (strncmp(p, "http://", 7) == 0)
		p += 7;
	s = xstrdup(p);
	if (p != key) { /* a url is about the host */
		s[strcspn(s, "/")] = '\0';
	} else {
		for (end = s + strlen(s); end > s && end[-1] == '/'; end--)
			end[-1] = '\0';
		if (strcmp(s, "index.docker.io/v1") == 0)
			s[15] = '\0';
	}
	if (strcmp(s, "index.docker.io") == 0 || strcmp(s, "registry-1.docker.io") == 0) {
		free(s);
		s = xstrdup("docker.io");
	}
	return s;
}

/* Open what only we can read and write: no link (unless named by the user), no FIFO, no other owner. */
int auth_read_private(const char *path, bool named, struct sbuf *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
					       (named ? 0 : O_NOFOLLOW));
	struct stat st;

	if (fd < 0 && !named && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	if (fd < 0)
		return errno == ELOOP ? err_new(-CE_UNSAFE, "%s is a link", path)
				      : err_new(-errno, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_new(-CE_UNSAFE, "%s is no regular file", path);
	if (st.st_uid != geteuid())
		return err_new(-CE_UNSAFE, "%s belongs to another user", path);
	if (file_read_fd(fd, AUTH_FILE_MAX, out) < 0)
		return err_wrap(-CE_LIMIT, "%s", path);
	return (st.st_mode & 077) != 0;
}

static int decode_entry(struct json_object *e, struct credential *ret)
{
	AUTO(sbuf_wipe) struct sbuf plain = SBUF_INIT;
	const char *auth = NULL, *token = NULL;
	char *colon;
	int r;

	if (!json_object_is_type(e, json_type_object))
		return err_new(-CE_BAD_FORMAT, "auths");
	if ((r = json_get_str(e, "auth", &auth)) < 0 ||
	    (r = json_get_str(e, "identitytoken", &token)) < 0)
		return r;
	if (token && *token)
		ret->identity_token = xstrdup(token);
	if (!auth || !*auth)
		return 0;
	if (base64_decode(auth, &plain) < 0 || strlen(plain.s) != plain.len)
		return err_new(-CE_BAD_FORMAT, "auth is not base64 of user:password");
	colon = strchr(plain.s, ':');
	if (!colon)
		return err_new(-CE_BAD_FORMAT, "auth is not base64 of user:password");
	ret->user = xstrndup(plain.s, (size_t)(colon - plain.s));
	ret->password = xstrdup(colon + 1);
	return 0;
}

static bool is_found(const struct credential *c)
{
	return c->user || c->identity_token;
}

static int find_entry(struct json_object *auths, const struct strv *keys, struct credential *ret)
{
	for (size_t i = 0; i < keys->n; i++) {
		json_object_object_foreach(auths, name, entry)
		{
			AUTO_FREE char *key = auth_normal_key(name);

			if (strcmp(key, keys->v[i]) != 0)
				continue;
			int r = decode_entry(entry, ret);

			if (r < 0)
				return err_wrap(r, "%s", name);
			if (is_found(ret))
				return 0;
		}
	}
	return 0;
}

int auth_helper_name(struct json_object *o, const char *host, const char **ret)
{
	struct json_object *helpers = NULL;
	const char *name = NULL;
	int r;

	*ret = NULL;
	r = json_get_obj(o, "credHelpers", &helpers);
	if (r < 0)
		return r;
	if (helpers) {
		json_object_object_foreach(helpers, key, value)
		{
			AUTO_FREE char *normal = auth_normal_key(key);

			if (strcmp(normal, host) == 0 &&
			    json_object_is_type(value, json_type_string))
				name = json_object_get_string(value);
		}
	}
	if (!name && (r = json_get_str(o, "credsStore", &name)) < 0)
		return r;
	*ret = name && *name ? name : NULL;
	return 0;
}

static int ask_helpers(struct json_object *o, const char *host, struct credential *ret)
{
	const char *name;
	int r = auth_helper_name(o, host, &name);

	return r < 0 || !name ? r : helper_get(name, auth_helper_server(host), ret);
}

const char *auth_helper_server(const char *host)
{
	return strcmp(host, "docker.io") == 0 ? "https://index.docker.io/v1/" : host;
}

static int find_in_file(const char *path, bool named, bool bare, const char *host,
			const struct strv *keys, struct credential *ret)
{
	AUTO(sbuf_wipe) struct sbuf text = SBUF_INIT;
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *auths = NULL;
	int r, open_to_others;

	open_to_others = auth_read_private(path, named, &text);
	if (open_to_others < 0)
		return open_to_others == -ENOENT && !named ? 0 : open_to_others;
	if (text.len == 0)
		return 0;
	r = json_parse(text.s, text.len, &o);
	if (r < 0)
		return err_wrap(r, "%s", path);
	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "%s", path);
	if (!bare && (r = ask_helpers(o, host, ret)) < 0)
		return err_wrap(r, "%s", path);
	if (is_found(ret))
		return 0;
	if (bare)
		auths = o;
	else if ((r = json_get_obj(o, "auths", &auths)) < 0)
		return err_wrap(r, "%s", path);
	if (auths && (r = find_entry(auths, keys, ret)) < 0)
		return err_wrap(r, "%s", path);
	if (is_found(ret) && open_to_others) {
		credential_done(ret);
		return err_new(-CE_UNSAFE,
			       "%s can be read or written by others: chmod 600 it, and change the "
			       "password",
			       path);
	}
	return 0;
}

static char *under(const char *variable, const char *fallback, const char *rest)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (dir && *dir == '/')
		return path_join(dir, rest);
	return fallback && home && *home == '/' ? path_join3(home, fallback, rest) : NULL;
}

const char *auth_named_file(const char *authfile)
{
	const char *env = getenv("REGISTRY_AUTH_FILE");

	return authfile ? authfile : env && *env ? env : NULL;
}

char *auth_usual_file(enum auth_file which)
{
	switch (which) {
	case AUTH_FILE_RUNTIME:
		return under("XDG_RUNTIME_DIR", NULL, "containers/auth.json");
	case AUTH_FILE_CONFIG:
		return under("XDG_CONFIG_HOME", ".config", "containers/auth.json");
	case AUTH_FILE_DOCKER:
		return under("DOCKER_CONFIG", ".docker", "config.json");
	default:
		return under("", ".", ".dockercfg");
	}
}

int auth_default_helpers(struct strv *ret)
{
	AUTO(registries_done) struct registries conf = {0};
	int r = registries_load(&conf);

	if (r == 0)
		strv_add_all(ret, &conf.helpers);
	return r;
}

static int find_in_files(const char *authfile, const char *host, const struct strv *keys,
			 struct credential *ret)
{
	const char *named = auth_named_file(authfile);
	int r = 0;

	if (named)
		return find_in_file(named, true, false, host, keys, ret);
	for (enum auth_file i = 0; i < AUTH_FILE_COUNT && r == 0 && !is_found(ret); i++) {
		AUTO_FREE char *file = auth_usual_file(i);

		if (file)
			r = find_in_file(file, false, i == AUTH_FILE_DOCKERCFG, host, keys, ret);
	}
	return r;
}

int auth_find(const char *host, const char *path, const char *authfile, struct credential *ret)
{
	AUTO_STRV struct strv keys = STRV_INIT, helpers = STRV_INIT;
	AUTO_FREE char *normal = auth_normal_key(host);
	int r = auth_default_helpers(&helpers);

	if (r == 0 && !helpers.n)
		strv_add(&helpers, AUTH_FILES);
	auth_keys(normal, path, &keys);
	for (size_t i = 0; r == 0 && i < helpers.n && !is_found(ret); i++)
		r = strcmp(helpers.v[i], AUTH_FILES) == 0
			    ? find_in_files(authfile, normal, &keys, ret)
			    : helper_get(helpers.v[i], auth_helper_server(normal), ret);
	return r;
}

int auth_known(const char *key, const char *authfile, struct credential *ret)
{
	AUTO_FREE char *host = xstrdup(key);
	char *slash = strchr(host, '/');
	const char *named = auth_named_file(authfile);

	if (named && access(named, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (slash)
		*slash = '\0';
	return auth_find(host, slash ? slash + 1 : "", authfile, ret);
}
