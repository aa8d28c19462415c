/* SPDX-License-Identifier: MIT */
/*
 * Changes of a credentials file: read, change one entry, write aside, rename, all under a lock on
 * its directory, so that two logins at once both count.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/auth_internal.h"
#include "pkg/config/credential_helper.h"
#include "pkg/sys/file.h"
#include "pkg/sys/private_dir.h"

struct change {
	char *path; /* of the file, links followed */
	bool named;
	int dir; /* locked */
	struct json_object *doc;
	struct json_object *auths; /* part of doc */
};

static void change_done(struct change *c)
{
	freep(&c->path);
	closep(&c->dir);
	json_putp(&c->doc);
}

/* The directory of the file to change; nobody else changes it while we hold it. */
static int open_dir(struct change *c)
{
	AUTO_FREE char *dir = xstrdup(c->path);
	char *slash = strrchr(dir, '/');

	slash[slash == dir] = '\0';
	c->dir = c->named ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			  : private_dir_open(dir, true);
	if (c->dir < 0)
		return c->named ? err_new(-errno, "%s", dir) : c->dir;
	if (flock(c->dir, LOCK_EX) < 0)
		return err_new(-errno, "lock %s", dir);
	return 0;
}

static int find_file(const char *authfile, struct change *c)
{
	const char *named = auth_named_file(authfile);
	AUTO_FREE char *absolute = named ? path_absolute(named) : NULL;

	c->named = named != NULL;
	if (named) {
		c->path = realpath(absolute, NULL);
		if (!c->path)
			c->path = TAKE_PTR(absolute);
		return 0;
	}
	c->path = auth_usual_file(AUTH_FILE_RUNTIME);
	if (!c->path)
		c->path = auth_usual_file(AUTH_FILE_CONFIG);
	return c->path ? 0
		       : err_new(-CE_HOST_SETUP, "neither XDG_RUNTIME_DIR nor HOME says where "
						 "credentials are kept; --authfile does");
}

static int change_begin(const char *authfile, struct change *c)
{
	AUTO(sbuf_wipe) struct sbuf text = SBUF_INIT;
	int r = find_file(authfile, c);

	if (r == 0)
		r = open_dir(c);
	if (r < 0)
		return r;
	r = auth_read_private(c->path, c->named, &text);
	if (r == -ENOENT)
		err_drop();
	else if (r < 0)
		return r;
	if (text.len == 0)
		c->doc = json_object_new_object();
	else if ((r = json_parse(text.s, text.len, &c->doc)) < 0)
		return err_wrap(r, "%s", c->path);
	if (!json_object_is_type(c->doc, json_type_object))
		return err_new(-CE_BAD_FORMAT, "%s", c->path);
	r = json_get_obj(c->doc, "auths", &c->auths);
	if (r == 0 && !c->auths) {
		c->auths = json_object_new_object();
		json_set(c->doc, "auths", c->auths);
	}
	return r < 0 ? err_wrap(r, "%s", c->path) : 0;
}

static int change_commit(struct change *c)
{
	AUTO(sbuf_wipe) struct sbuf text = SBUF_INIT;
	int r;

	json_write(c->doc, true, &text);
	sbuf_addc(&text, '\n');
	r = file_replace(c->dir, path_base(c->path), text.s, text.len, 0600, FILE_SYNC);
	return r < 0 ? err_wrap(r, "%s", c->path) : 0;
}

/* Every spelling of the key. */
static unsigned drop_entries(struct json_object *auths, const char *key)
{
	AUTO_STRV struct strv names = STRV_INIT;

	json_object_object_foreach(auths, name, value)
	{
		AUTO_FREE char *normal = auth_normal_key(name);

		(void)value;
		if (strcmp(normal, key) == 0)
			strv_add(&names, name);
	}
	for (size_t i = 0; i < names.n; i++)
		json_object_object_del(auths, names.v[i]);
	return (unsigned)names.n;
}

/* Helpers know registries, not paths below them. */
static int helper_for(const struct change *c, const char *key, const char **ret)
{
	*ret = NULL;
	return strchr(key, '/') ? 0 : auth_helper_name(c->doc, key, ret);
}

/* What registries.conf names before any file; NULL: the files. Helpers know no paths. */
static const char *first_helper(const struct strv *helpers, const char *key)
{
	return helpers->n && !strchr(key, '/') && strcmp(helpers->v[0], AUTH_FILES) != 0
		       ? helpers->v[0]
		       : NULL;
}

static int store_in_file(const char *key, const char *authfile, const struct credential *cred,
			 char **ret_where)
{
	AUTO(change_done) struct change c = {.dir = -EBADF};
	AUTO(sbuf_wipe) struct sbuf plain = SBUF_INIT;
	AUTO_FREE char *normal = auth_normal_key(key);
	struct json_object *entry;
	const char *helper = NULL;
	int r = change_begin(authfile, &c);

	if (r == 0)
		r = helper_for(&c, normal, &helper);
	if (r == 0 && helper)
		r = helper_store(helper, auth_helper_server(normal), cred);
	if (r < 0)
		return r;
	(void)drop_entries(c.auths, normal);
	/* With a helper the entry stays empty, as docker writes it: a note that there is one. */
	entry = json_object_new_object();
	if (!helper) {
		AUTO_FREE char *encoded = NULL;

		sbuf_addf(&plain, "%s:%s", cred->user ? cred->user : "",
			  cred->password ? cred->password : "");
		encoded = base64_encode(plain.s, plain.len);
		json_set_str(entry, "auth", encoded);
		explicit_bzero(encoded, strlen(encoded));
		if (cred->identity_token)
			json_set_str(entry, "identitytoken", cred->identity_token);
	}
	json_set(c.auths, key, entry);
	r = change_commit(&c);
	if (r == 0)
		*ret_where = TAKE_PTR(c.path);
	return r;
}

int auth_store(const char *key, const char *authfile, const struct credential *cred,
	       char **ret_where)
{
	AUTO_STRV struct strv helpers = STRV_INIT;
	AUTO_FREE char *normal = auth_normal_key(key);
	int r = auth_default_helpers(&helpers);
	const char *first = first_helper(&helpers, normal);

	if (r < 0 || !first)
		return r < 0 ? r : store_in_file(key, authfile, cred, ret_where);
	r = helper_store(first, auth_helper_server(normal), cred);
	if (r == 0)
		*ret_where = xasprintf("docker-credential-%s", first);
	return r;
}

/* How many of them had it. */
static int erase_from_helpers(const struct strv *helpers, const char *key, unsigned *ret_n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < helpers->n && !strchr(key, '/'); i++) {
		AUTO(credential_done) struct credential had = {0};

		if (strcmp(helpers->v[i], AUTH_FILES) == 0)
			continue;
		r = helper_get(helpers->v[i], auth_helper_server(key), &had);
		if (r == 0 && (had.user || had.identity_token)) {
			(*ret_n)++;
			r = helper_erase(helpers->v[i], auth_helper_server(key));
		}
	}
	return r;
}

static int erase_one(struct change *c, const char *key)
{
	AUTO(credential_done) struct credential had = {0};
	const char *helper = NULL;
	unsigned n = drop_entries(c->auths, key);
	int r = helper_for(c, key, &helper);

	if (r < 0)
		return r;
	if (helper) {
		r = helper_get(helper, auth_helper_server(key), &had);
		if (r == 0 && (had.user || had.identity_token)) {
			n++;
			r = helper_erase(helper, auth_helper_server(key));
		}
	}
	if (r < 0)
		return r;
	return n ? change_commit(c) : -ENOENT;
}

int auth_erase(const char *key, const char *authfile)
{
	AUTO(change_done) struct change c = {.dir = -EBADF};
	AUTO_STRV struct strv all = STRV_INIT, helpers = STRV_INIT;
	unsigned n = 0;
	int r = auth_default_helpers(&helpers);

	if (r == 0 && !key && first_helper(&helpers, ""))
		return err_new(-CE_UNSUPPORTED,
			       "what credential-helpers of registries.conf keep cannot be listed; "
			       "name the registry");
	if (r == 0 && key)
		r = erase_from_helpers(&helpers, key, &n);
	if (r == 0)
		r = change_begin(authfile, &c);
	if (r == 0 && key)
		r = erase_one(&c, key);
	if (r < 0 || key)
		return r == -ENOENT && n ? 0 : r;
	json_object_object_foreach(c.auths, name, value)
	{
		(void)value;
		strv_take(&all, auth_normal_key(name));
	}
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		r = erase_one(&c, all.v[i]);
		r = r == -ENOENT ? 0 : r; /* another spelling of one that went */
	}
	return r;
}
