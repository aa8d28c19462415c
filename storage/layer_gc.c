/* SPDX-License-Identifier: MIT */
/* Who needs which layer, and the removal of those nobody needs. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/random.h"
#include "storage/container_store.h"
#include "storage/image_store.h"
#include "storage/layer_internal.h"
#include "storage/store_internal.h"

#define LEASE "lease-"
#define LEASE_MAX (1UL << 20)

int layer_lease_begin(struct store *st, struct layer_lease *ret)
{
	char name[32] = LEASE;
	int locks = store_fd(st, STORE_LOCKS), fd;

	if (locks < 0)
		return locks;
	random_hex(name + strlen(LEASE), 16);
	fd = lock_open(locks, name, LOCK_EXCLUSIVE);
	if (fd < 0)
		return fd;
	ret->name = xstrdup(name);
	ret->fd = fd;
	return 0;
}

int layer_lease_add(struct store *st, struct layer_lease *l, const char *diffid)
{
	AUTO_CLOSE int lock = -EBADF;
	char line[65];
	int r;

	if (!hex_is_exactly(diffid, 64))
		return err_new(-CE_BAD_FORMAT, "'%s' is not a layer id", diffid);
	memcpy(line, diffid, 64);
	line[64] = '\n';
	/* Shared: a removal either has seen this line or has finished before it is written. */
	lock = store_lock(st, false);
	if (lock < 0)
		return lock;
	r = write_full(l->fd, line, sizeof(line));
	return r < 0 ? err_new(r, "write a lease") : 0;
}

void layer_lease_end(struct store *st, struct layer_lease *l)
{
	if (!l->name)
		return;
	store_drop_lock(st, l->name);
	closep(&l->fd);
	free(l->name);
	l->name = NULL;
}

static int add_leased(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int locks = store_fd(st, STORE_LOCKS), r;

	if (locks < 0)
		return locks;
	r = store_names(st, STORE_LOCKS, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		if (strncmp(names.v[i], LEASE, strlen(LEASE)) != 0)
			continue;
		r = lock_is_held(locks, names.v[i]);
		if (r <= 0)
			continue;
		r = file_read_at(locks, names.v[i], LEASE_MAX, &b);
		r = err_forgive(r, -ENOENT); /* ended just now */
		for (size_t at = 0; r == 0 && at + 65 <= b.len; at += 65) {
			b.s[at + 64] = '\0';
			strv_add(ret, b.s + at);
		}
	}
	return r;
}

static int add_of_images(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO(image_summary_done) struct image_summary s = {0};

		if (image_store_read_only(st, ids.v[i]))
			continue; /* what is here of its layers is made again when it is needed */
		r = image_store_summary(st, ids.v[i], &s);
		strv_add_all(ret, &s.diffids);
	}
	return r;
}

static int add_of_containers(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_JSON struct json_object *o = NULL;

		r = container_store_json(st, ids.v[i], &o);
		if (r == 0 && o)
			r = json_get_strv(o, "Layers", ret);
		if (r == 0 && o)
			r = json_get_strv(o, "MountLayers", ret);
		if (r < 0)
			return err_wrap(r, "container %.12s", ids.v[i]);
	}
	return r;
}

int layer_users(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv all = STRV_INIT;
	int r = add_of_images(st, &all);

	if (r == 0)
		r = add_of_containers(st, &all);
	if (r == 0)
		r = add_leased(st, &all);
	if (r < 0)
		return r;
	strv_sort(&all);
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || strcmp(all.v[i], all.v[i - 1]) != 0)
			strv_add(ret, all.v[i]);
	return 0;
}

int layer_remove_unused(struct store *st, const struct strv *candidates)
{
	AUTO_STRV struct strv used = STRV_INIT, all = STRV_INIT;
	int r = candidates ? 0 : layer_list(st, &all);

	if (r == 0)
		r = layer_users(st, &used);
	if (!candidates)
		candidates = &all;
	for (size_t i = 0; r == 0 && i < candidates->n; i++) {
		if (strv_has_sorted(&used, candidates->v[i]))
			continue;
		r = store_trash(st, STORE_LAYERS, candidates->v[i]);
		r = err_forgive(r, -ENOENT);
	}
	if (r < 0)
		return err_wrap(r, "remove layers");
	stack_drop_stale(st);
	return 0;
}
