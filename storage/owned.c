/* SPDX-License-Identifier: MIT */
/* Copies of layers under other owners; see layer.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/json/json.h"
#include "pkg/sys/names.h"
#include "pkg/sys/overlay_data.h"
#include "storage/container_store.h"
#include "storage/owned_tree.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define NAME "as-"
#define NAME_DIGITS 24

static void hash_ranges(struct sha256 *h, const struct layer_range *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char text[48];

		(void)snprintf(text, sizeof(text), "%u:%u:%u,", v[i].inside, v[i].outside,
			       v[i].count);
		sha256_add(h, text, strlen(text));
	}
	sha256_add(h, ";", 1);
}

/* "…/<layer>/tree" to "…/<layer>/as-<hash>". */
static char *owned_place(const char *dir, const struct layer_ids *ids)
{
	const char *slash = strrchr(dir, '/');
	struct sha256 h;
	char hex[65];

	sha256_init(&h);
	hash_ranges(&h, ids->uids, ids->n_uids);
	hash_ranges(&h, ids->gids, ids->n_gids);
	sha256_end_hex(&h, hex);
	return xasprintf("%.*s/" NAME "%.*s", (int)(slash - dir), dir, NAME_DIGITS, hex);
}

void layer_owned_dirs(const struct strv *dirs, const struct layer_ids *ids, struct strv *ret,
		      bool *ret_made)
{
	*ret_made = true;
	for (size_t i = 0; i < dirs->n; i++) {
		AUTO_FREE char *place = NULL;

		if (overlay_data_is_at(dirs->v[i])) { /* content has no owners */
			strv_add(ret, dirs->v[i]);
			continue;
		}
		place = owned_place(dirs->v[i], ids);
		*ret_made = *ret_made && access(place, F_OK) == 0;
		strv_take(ret, path_join(place, "tree"));
	}
}

static int make_one(struct store *st, const char *dir, const char *place,
		    const struct layer_ids *ids)
{
	enum store_dir d = STORE_LAYERS;
	AUTO_FREE char *layers = store_path(st, STORE_LAYERS, "");
	AUTO_FREE char *cache = store_path(st, STORE_CACHE, "");
	struct stage s = STAGE_INIT;
	const char *inside;
	int r;

	if (strncmp(place, layers, strlen(layers)) == 0) {
		inside = place + strlen(layers);
	} else {
		d = STORE_CACHE;
		inside = place + strlen(cache);
	}
	inside += *inside == '/';
	r = stage_begin(st, &s);
	if (r == 0)
		r = owned_tree_copy(dir, s.fd, "tree", ids);
	/* After a power loss it is there in full or not at all. */
	if (r == 0 && syncfs(s.fd) < 0)
		r = err_new(-errno, "sync");
	if (r == 0)
		r = stage_commit(st, &s, d, inside, true);
	if (r < 0)
		stage_abort(st, &s);
	return r == -EEXIST ? 0 : r; /* made by somebody else meanwhile, and the same */
}

int layer_owned_make(struct store *st, const struct strv *dirs, const struct layer_ids *ids)
{
	for (size_t i = 0; i < dirs->n; i++) {
		AUTO_FREE char *place = owned_place(dirs->v[i], ids);
		int r = overlay_data_is_at(dirs->v[i]) ? 0
			: access(place, F_OK) == 0     ? 0
						       : make_one(st, dirs->v[i], place, ids);

		if (r < 0)
			return err_wrap(r, "copy a layer for other ids");
	}
	return 0;
}

/* --- those that nobody needs ------------------------------------------------------------------- */

/* A record has its map as the ranges are hashed; one without has no copies. */
static void hash_text(struct sha256 *h, const struct strv *ranges)
{
	for (size_t i = 0; i < ranges->n; i++) {
		sha256_add(h, ranges->v[i], strlen(ranges->v[i]));
		sha256_add(h, ",", 1);
	}
	sha256_add(h, ";", 1);
}

static int name_of(struct store *st, const char *container, struct strv *ret)
{
	AUTO_STRV struct strv uids = STRV_INIT, gids = STRV_INIT;
	AUTO_JSON struct json_object *o = NULL;
	int r = container_store_json(st, container, &o);
	struct sha256 h;
	char hex[65];

	if (r == 0 && !o)
		return 0;
	if (r == 0)
		r = json_get_strv(o, "UidMap", &uids);
	if (r == 0)
		r = json_get_strv(o, "GidMap", &gids);
	if (r < 0)
		return err_wrap(r, "container %.12s", container);
	sha256_init(&h);
	hash_text(&h, &uids);
	hash_text(&h, &gids);
	sha256_end_hex(&h, hex);
	strv_take(ret, xasprintf(NAME "%.*s", NAME_DIGITS, hex));
	return 0;
}

static int needed_names(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = name_of(st, ids.v[i], ret);
	return r;
}

int layer_owned_stale(struct store *st, enum store_dir d, struct strv *ret)
{
	AUTO_STRV struct strv needed = STRV_INIT, dirs = STRV_INIT;
	int r = needed_names(st, &needed);

	if (r == 0)
		r = store_names(st, d, &dirs);
	for (size_t i = 0; r == 0 && i < dirs.n; i++) {
		AUTO_STRV struct strv inside = STRV_INIT;
		AUTO_CLOSE int dir = openat(store_fd(st, d), dirs.v[i],
					    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (dir < 0 || dir_names(dir, &inside) < 0) {
			err_drop(); /* gone, or a file of the cache */
			continue;
		}
		for (size_t k = 0; k < inside.n; k++)
			if (strncmp(inside.v[k], NAME, strlen(NAME)) == 0 &&
			    !strv_has(&needed, inside.v[k]))
				strv_take(ret, path_join(dirs.v[i], inside.v[k]));
	}
	return r;
}

int layer_owned_sweep(struct store *st)
{
	static const enum store_dir where[] = {STORE_LAYERS, STORE_CACHE};
	AUTO_CLOSE int lock = store_lock(st, true);
	int r = lock < 0 ? lock : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(where); i++) {
		AUTO_STRV struct strv stale = STRV_INIT;

		r = layer_owned_stale(st, where[i], &stale);
		for (size_t k = 0; r == 0 && k < stale.n; k++)
			r = store_trash(st, where[i], stale.v[k]);
	}
	return r < 0 ? err_wrap(r, "remove copies of layers") : 0;
}
