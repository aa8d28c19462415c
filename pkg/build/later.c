/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: steps that do not wait for the digest of the layer below
 *
 * S1, a step, wrote much. Its layer L1 is sealed: nobody writes to it, and it lies in staging/, held by
 * this process; a child makes its digest (digest_later.h). Meanwhile S2, a RUN, begins with L1's tree as
 * the uppermost directory below its own. When the digest is there L1 gets its name by rename; the
 * overlay of S2 does not notice, for it was mounted before and holds directories, not paths.
 *
 * Keys    S2's key has the digest of L1 in it. So S2 begins only where its result cannot be known:
 *         see later_is_enough(); its key is made when L1 has its name
 * Locks   S1's lock is held until L1 has its name and S2's lock is taken: another build that comes to the
 *         same steps waits for S1, finds it, and waits for S2
 * Killed  L1 goes with the stage, as what S2 wrote; S1 is done again. No record tells of either
 * Others  any other step, the end of the stage, and a failure wait for the digest first
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"

void later_take(struct builder *b, struct op *o, struct workspace *w)
{
	struct later *l = &b->later;

	l->op = o;
	l->stage = w->stage;
	l->stage.in_use = true;
	w->stage = (struct layer_stage){.tree_fd = -EBADF, .lock_fd = -EBADF, .recipe_fd = -EBADF};
	l->tree = path_join(w->path, "tree");
	l->lock = TAKE_FD(b->lock);
	l->lock_name = TAKE_PTR(b->lock_name);
}

/* Its key is made after the step: what it is made of must not change while it runs. */
static bool has_sources(const struct op *o)
{
	for (unsigned i = 0; i < o->n_mounts; i++)
		if (o->mounts[i].type == RUN_MOUNT_BIND || o->mounts[i].from || o->mounts[i].source)
			return true;
	return false;
}

bool later_is_enough(struct builder *b, const struct op *o)
{
	if (!b->later.op || store_driver(b->st) != STORE_OVERLAY || !b->layers[b->stage].n)
		return false;
	if (b->o->explain || has_sources(o))
		return false;
	if (b->o->no_cache || b->stage_no_cache)
		return true;
	/* With times given the step below may have made what it made before, and then this one is known. */
	return !b->o->has_epoch && !b->o->cache_from.n && !why_is_kept(b, o);
}

bool later_is_over(const struct builder *b, int fd)
{
	struct pollfd p[2] = {{.fd = b->later.digest.pidfd, .events = POLLIN},
			      {.fd = fd, .events = POLLIN}};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[0].revents != 0;
}

static int put_records(struct builder *b, const struct op *o)
{
	struct cache_record rec = {.created_ns = o->created_ns};
	int r = 0;

	memcpy(rec.layer, o->layer, sizeof(rec.layer));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(o->keys); i++)
		if (o->keys[i][0])
			r = cache_put(b->st, o->keys[i], &rec);
	return r;
}

int later_commit(struct builder *b)
{
	struct later *l = &b->later;
	struct digest_sizes sizes = {0};
	struct layer_record rec = {0};
	char diffid[65];
	int r;

	if (!l->op || l->digest.pidfd < 0)
		return 0;
	r = digest_later_wait(&l->digest, diffid, &sizes);
	rec.tree_bytes = sizes.tree;
	rec.tar_bytes = sizes.tar;
	if (r == 0)
		r = layer_lease_add(b->st, &b->lease, diffid);
	if (r == 0)
		r = layer_stage_commit(b->st, &l->stage, diffid, &rec);
	if (r == 0) {
		strv_add(&b->layers[b->stage], diffid);
		memcpy(l->op->layer, diffid, sizeof(diffid));
		r = layer_stack_make(b->st, &b->layers[b->stage]);
	}
	if (r == 0)
		r = put_records(b, l->op);
	return r < 0 ? err_wrap(r, "make the layer of line %u", l->op->inst->line) : 0;
}

void later_unlock(struct builder *b)
{
	struct later *l = &b->later;

	if (l->lock_name)
		(void)unlinkat(store_fd(b->st, STORE_LOCKS), l->lock_name, 0);
	closep(&l->lock);
	freep(&l->lock_name);
}

int later_settle(struct builder *b)
{
	int r = later_commit(b);

	later_drop(b);
	return r;
}

void later_drop(struct builder *b)
{
	struct later *l = &b->later;

	digest_later_done(&l->digest);
	layer_stage_abort(b->st, &l->stage);
	later_unlock(b);
	freep(&l->tree);
	l->op = NULL;
}
