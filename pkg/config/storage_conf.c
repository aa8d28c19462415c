/* SPDX-License-Identifier: MIT */
#include "pkg/config/storage_conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/config/ignored.h"
#include "pkg/config/paths.h"
#include "pkg/config/toml.h"

#define CONF_MAX (1U << 20)
#define OPTION "additionalimagestore="

/* Duplicates are asked once. */
static int add(struct strv *ret, const char *dir, const char *where)
{
	AUTO_FREE char *clean = NULL;

	if (*dir != '/')
		return err_usage("%s: the image store '%s' is no absolute path", where, dir);
	clean = path_clean(dir);
	if (!strv_has(ret, clean))
		strv_add(ret, clean);
	return 0;
}

static int from_options(const char *options, struct strv *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, options, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *w = words.v[i];

		/* podman's "overlay.additionalimagestore" is the same. */
		if (strncmp(w, "overlay.", 8) == 0)
			w += 8;
		if (strncmp(w, OPTION, strlen(OPTION)) == 0)
			r = add(ret, w + strlen(OPTION), "STORAGE_OPTS");
	}
	return r;
}

static int no_table(void *data, const char *name, bool array)
{
	(void)data;
	(void)name;
	(void)array;
	return 0;
}

/* What a file says. */
struct said {
	struct strv places; /* where the file may be */
	struct strv dirs;
	const char *path;
	bool no_parts;
	bool no_sync;
};

static int on_partial(struct said *said, const char *key, const struct toml_value *v)
{
	const char *word;
	bool on;
	int r = toml_want_string(v, key, &word);

	if (r == 0 && parse_bool(word, &on) < 0)
		r = err_usage("%s: %s is \"true\" or \"false\"", said->path, key);
	if (r == 0)
		said->no_parts = !on;
	return r;
}

static int on_sync(struct said *said, const char *key, const struct toml_value *v)
{
	const char *word;
	int r = toml_want_string(v, key, &word);

	if (r < 0)
		return r;
	said->no_sync = strcmp(word, "none") == 0;
	return said->no_sync || strcmp(word, "filesystem") == 0
		       ? 0
		       : err_usage("%s: sync is \"none\" or \"filesystem\"", said->path);
}

static int on_value(void *data, const char *table, const char *key, const struct toml_value *v)
{
	struct said *said = data;

	if (strcmp(table, "storage.options.pull_options") == 0 &&
	    strcmp(key, "enable_partial_images") == 0)
		return on_partial(said, key, v);
	if (strcmp(table, "storage.options") == 0 ||
	    strcmp(table, "storage.options.overlay") == 0) {
		if (strcmp(key, "additionalimagestores") == 0)
			return toml_want_array(v, key, &said->dirs);
		if (strcmp(key, "sync") == 0)
			return on_sync(said, key, v);
	}
	if (v->kind == TOML_STRING ? *v->string != '\0' : v->kind != TOML_ARRAY || v->array->n)
		conf_ignored(said->path, table, key, NULL);
	return 0;
}

/* Return: 1 read, 0 not there. */
static int from_file(const char *path, struct said *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const struct toml_handler h = {.table = no_table, .value = on_value, .data = ret};
	int r = conf_file_read(path, CONF_MAX, &text);

	ret->path = path;
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
		err_drop();
		return 0;
	}
	if (r == 0)
		r = toml_parse(path, text.s ? text.s : "", text.len, &h);
	for (size_t i = 0; r == 0 && i < ret->dirs.n; i++)
		if (*ret->dirs.v[i] && *ret->dirs.v[i] != '/')
			r = err_usage("%s: the image store '%s' is no absolute path", path,
				      ret->dirs.v[i]);
	return r < 0 ? r : 1;
}

/* Where the file may be, the first that is there counts. */
static void places(struct strv *ret)
{
	const char *only = getenv("CONTAINERS_STORAGE_CONF");
	AUTO_FREE char *home = NULL;

	if (only && *only) {
		strv_add(ret, only);
		return;
	}
	if (paths_config_home(&home) < 0)
		err_drop();
	else
		strv_take(ret, path_join3(home, "containers", "storage.conf"));
	strv_add(ret, "/etc/containers/storage.conf");
	strv_add(ret, "/usr/share/containers/storage.conf");
}

static int from_files(struct said *ret)
{
	int r = 0;

	places(&ret->places);
	for (size_t i = 0; r == 0 && i < ret->places.n; i++)
		r = from_file(ret->places.v[i], ret);
	return r < 0 ? r : 0;
}

static void said_done(struct said *said)
{
	strv_done(&said->places);
	strv_done(&said->dirs);
}

char *storage_conf_path(void)
{
	AUTO_STRV struct strv all = STRV_INIT;

	places(&all);
	for (size_t i = 0; i < all.n; i++)
		if (access(all.v[i], F_OK) == 0)
			return xstrdup(all.v[i]);
	return xstrdup(all.v[0]);
}

int storage_conf_stores(struct strv *ret)
{
	const char *options = getenv("STORAGE_OPTS");
	struct said said = {0};
	int r = options ? from_options(options, ret) : 0;

	if (r == 0)
		r = from_files(&said);
	for (size_t i = 0; r == 0 && i < said.dirs.n; i++)
		r = *said.dirs.v[i] ? add(ret, said.dirs.v[i], said.path) : 0;
	said_done(&said);
	return r;
}

int storage_conf_partial(bool *ret)
{
	struct said said = {0};
	int r = from_files(&said);

	said_done(&said);
	*ret = !said.no_parts;
	return r;
}

int storage_conf_sync(bool *ret)
{
	struct said said = {0};
	int r = from_files(&said);

	said_done(&said);
	*ret = !said.no_sync;
	return r;
}
