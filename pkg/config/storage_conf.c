/* SPDX-License-Identifier: MIT */
#include "pkg/config/storage_conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/config/toml.h"
#include "pkg/sys/file.h"

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

static int on_value(void *data, const char *table, const char *key, const struct toml_value *v)
{
	bool plain = strcmp(table, "storage.options") == 0;

	if ((!plain && strcmp(table, "storage.options.overlay") != 0) ||
	    strcmp(key, "additionalimagestores") != 0)
		return 0;
	return toml_want_array(v, key, data);
}

/* Return: 1 read, 0 not there. */
static int from_file(const char *path, struct strv *ret)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const struct toml_handler h = {.table = no_table, .value = on_value, .data = &dirs};
	int r = file_read_at(AT_FDCWD, path, CONF_MAX, &text);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
		err_drop();
		return 0;
	}
	if (r == 0)
		r = toml_parse(path, text.s ? text.s : "", text.len, &h);
	for (size_t i = 0; r == 0 && i < dirs.n; i++)
		r = *dirs.v[i] ? add(ret, dirs.v[i], path) : 0;
	return r < 0 ? r : 1;
}

int storage_conf_stores(struct strv *ret)
{
	const char *options = getenv("STORAGE_OPTS"), *only = getenv("CONTAINERS_STORAGE_CONF");
	AUTO_FREE char *home = NULL, *own = NULL;
	int r = options ? from_options(options, ret) : 0;

	if (r < 0)
		return r;
	if (only && *only) {
		r = from_file(only, ret);
		return r < 0 ? r : 0;
	}
	if (paths_config_home(&home) < 0)
		err_drop();
	else
		own = path_join3(home, "containers", "storage.conf");
	r = own ? from_file(own, ret) : 0;
	if (r == 0)
		r = from_file("/etc/containers/storage.conf", ret);
	if (r == 0)
		r = from_file("/usr/share/containers/storage.conf", ret);
	return r < 0 ? r : 0;
}
