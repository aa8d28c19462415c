/* SPDX-License-Identifier: MIT */
/* --userns auto: ranges of subordinate ids that containers do not share. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/container.h"
#include "pkg/container/idmap.h"
#include "pkg/container/image_file.h"
#include "pkg/container/userns.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/lock.h"
#include "storage/container_store.h"

#define SIZE_MIN 1024U
#define NOBODY 65534U
#define DB_MAX (1U << 20)

struct range {
	uint32_t first, end;
};

struct taken {
	struct range *v;
	unsigned n;
};

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int add_taken(const struct strv *maps, struct taken *t)
{
	AUTO(idmap_done) struct idmap m = {0};
	int r = idmap_read(maps, &m);

	for (unsigned i = 0; r == 0 && i < m.n; i++) {
		t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
		t->v[t->n++] = (struct range){m.v[i].outside, m.v[i].outside + m.v[i].count};
	}
	return r;
}

/* Uids and gids alike: a range is one's own in both. */
static int add_container(const struct container *c, void *arg)
{
	int r = 0;

	if (strncmp(c->rec->ns_user, "auto", 4) == 0) {
		r = add_taken(&c->rec->uid_map, arg);
		if (r == 0)
			r = add_taken(&c->rec->gid_map, arg);
	}
	return r;
}

static int find_taken(struct store *st, struct taken *t)
{
	int r = container_each(st, add_container, t);

	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), by_first);
	return r;
}

/* Id 0 of the base namespace is the user, who takes no part. */
static uint32_t first_free(const struct taken *t, uint32_t size)
{
	uint32_t at = 1;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->v[i].first >= at && t->v[i].first - at >= size)
			break;
		if (t->v[i].end > at)
			at = t->v[i].end;
	}
	return at;
}

/* The highest id of /etc/passwd or /etc/group in the topmost layer that has it; what cannot be read counts nothing. */
static uint32_t highest_id(struct store *st, const struct strv *layers, const char *db)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	uint32_t max = 0;
	char *save = NULL;

	if (image_file_read(st, layers, db, DB_MAX, &b) < 0)
		err_drop();
	for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		AUTO_STRV struct strv f = STRV_INIT;
		uint32_t id;

		strv_split(&f, l, ':');
		if (f.n > 2 && parse_u32(f.v[2], INT32_MAX, &id) == 0 && id > max && id < NOBODY)
			max = id;
	}
	return max;
}

static uint32_t wanted_size(struct store *st, const struct container_record *r,
			    const struct userns_options *o)
{
	AUTO_FREE char *user = xstrndup(r->user, strcspn(r->user, ":"));
	uint32_t size = SIZE_MIN, ids[3] = {0};

	if (o->size)
		return o->size;
	ids[0] = highest_id(st, &r->layers, "etc/passwd");
	ids[1] = highest_id(st, &r->layers, "etc/group");
	if (parse_u32(user, INT32_MAX - 1, &ids[2]) < 0)
		ids[2] = 0; /* a name, which passwd has */
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (ids[i] >= size)
			size = ids[i] + 1;
	return size;
}

static int own_maps(const struct strv *specs, const char *flag, uint64_t limit, struct idmap *m)
{
	AUTO(idmap_done) struct idmap forced = {0};
	int r = idmap_read(specs, &forced);

	if (r < 0)
		return err_usage("--userns auto: write %s=INSIDE:OUTSIDE:COUNT", flag);
	for (unsigned i = 0; i < forced.n; i++)
		idmap_insert(m, forced.v[i].inside, forced.v[i].outside, forced.v[i].count);
	return idmap_check(m, limit, "--userns auto");
}

static uint64_t limit_of(const struct subid_range *v, unsigned n)
{
	uint64_t sum = 1;

	for (unsigned i = 0; i < n; i++)
		sum += v[i].count;
	return sum;
}

static int allocate(struct store *st, struct container_record *r, const struct base_grant *g,
		    const struct userns_options *o)
{
	AUTO(idmap_done) struct idmap u = {0}, gm = {0};
	uint64_t uids = limit_of(g->uids, g->n_uids), gids = limit_of(g->gids, g->n_gids);
	uint32_t size = wanted_size(st, r, o), at;
	struct taken t = {0};
	int rc = find_taken(st, &t);

	at = first_free(&t, size);
	free(t.v);
	if (rc < 0)
		return rc;
	if ((uint64_t)at + size > (uids < gids ? uids : gids))
		return err_new(-CE_LIMIT,
			       "--userns auto: no %u ids in a row are free among your %llu; remove "
			       "containers, or say auto:size=N",
			       size, (unsigned long long)(uids < gids ? uids : gids));
	idmap_add(&u, 0, at, size);
	idmap_add(&gm, 0, at, size);
	rc = own_maps(&o->uid_maps, "uidmapping", uids, &u);
	if (rc == 0)
		rc = own_maps(&o->gid_maps, "gidmapping", gids, &gm);
	if (rc < 0)
		return rc;
	idmap_write(&u, &r->uid_map);
	idmap_write(&gm, &r->gid_map);
	return 0;
}

int userns_allocate(struct store *st, struct container_record *r, int *ret_lock)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(userns_options_done) struct userns_options o = {0};
	AUTO_CLOSE int lock = -EBADF;
	int locks, rc;

	if (strncmp(r->ns_user, "auto", 4) != 0)
		return 0;
	rc = userns_options_parse(r->ns_user, &o);
	if (rc == 0)
		rc = base_grant_load(&grant);
	if (rc < 0)
		return rc;
	if (!ret_lock)
		return allocate(st, r, &grant, &o);
	locks = store_fd(st, STORE_LOCKS);
	lock = locks < 0 ? locks : lock_open(locks, "auto-ids", LOCK_EXCLUSIVE);
	rc = lock < 0 ? lock : allocate(st, r, &grant, &o);
	if (rc == 0)
		*ret_lock = TAKE_FD(lock);
	return rc;
}
