/* SPDX-License-Identifier: MIT */
/* What steps have in common, and WORKDIR. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/copy.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/open.h"

void step_warn(struct builder *b, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (b->o->report && b->o->report->warning)
		b->o->report->warning(b->o->report->data, text);
}

int step_enter(struct builder *b)
{
	return base_enter(store_runtime_fd(b->st), &b->grant);
}

void step_key_layers(struct builder *b, struct sha256 *h, const struct strv *layers)
{
	char epoch[32] = "-";

	key_add_list(h, layers);
	if (b->o->has_epoch)
		(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)b->o->epoch_s);
	key_add(h, epoch); /* it is in the files' times */
	why_add_list(b, "the files of what is below it", layers);
	why_add(b, "the time given for files", epoch);
}

void step_unlock(struct builder *b)
{
	if (b->lock_name)
		(void)unlinkat(store_fd(b->st, STORE_LOCKS), b->lock_name, 0);
	closep(&b->lock);
	freep(&b->lock_name);
}

/* @far: where --cache-from says, too. */
static int take_result(struct builder *b, struct op *o, const char *key, bool far)
{
	struct cache_record rec;
	int r = cache_find(b->st, key, &b->lease, &rec);

	if (r == 0 && far)
		r = cache_import_find(b, key, &rec);
	if (r <= 0 || rec.created_ns < b->o->cache_from_ns)
		return r < 0 ? r : 0;
	memcpy(o->layer, rec.layer, sizeof(o->layer));
	o->created_ns = rec.created_ns;
	o->done = o->cached = true;
	return 1;
}

int step_cached(struct builder *b, struct op *o, const char *key)
{
	int locks, r;

	memcpy(o->keys[o->keys[0][0] != '\0' && strcmp(o->keys[0], key) != 0], key, 65);
	if (b->o->no_cache || b->stage_no_cache)
		return 0;
	r = take_result(b, o, key, b->lock_name != NULL);
	if (r != 0 || b->lock_name)
		return r;
	locks = store_fd(b->st, STORE_LOCKS);
	if (locks < 0)
		return locks;
	b->lock_name = xasprintf("build-%s", key);
	b->lock = lock_open(locks, b->lock_name, LOCK_EXCLUSIVE);
	if (b->lock < 0) {
		freep(&b->lock_name);
		return b->lock;
	}
	r = take_result(b, o, key, true); /* whoever held it may have done it */
	if (r != 0)
		step_unlock(b);
	return r;
}

void step_claim(struct builder *b, const char *key)
{
	int locks = store_fd(b->st, STORE_LOCKS);

	if (b->o->no_cache || b->stage_no_cache || locks < 0)
		return;
	b->lock_name = xasprintf("build-%s", key);
	b->lock = lock_try_open(locks, b->lock_name, LOCK_EXCLUSIVE);
	if (b->lock < 0) {
		err_drop(); /* then the step is done twice, as it has begun already */
		freep(&b->lock_name);
	}
}

int step_seal(struct builder *b, struct op *o, struct workspace *w, const char *key)
{
	struct cache_record rec = {.created_ns = clock_now_ns()};
	const struct stage_plan *p = &b->stages[b->stage];
	/* For the last step of a stage there is nothing to go on with. */
	const bool goes_on = o->inst && o != &p->ops[p->n_ops - 1];
	int r = workspace_seal(w, b->o->has_epoch ? b->o->epoch_s : -1,
			       base_grant_is_single(&b->grant), &b->lease,
			       goes_on ? &b->later.digest : NULL, rec.layer);

	if (r < 0)
		return r;
	o->created_ns = rec.created_ns;
	o->done = true;
	if (o->inst) /* not one of the file: what --squash makes */
		why_keep(b, o);
	if (r == 1) {
		later_take(b, o, w);
		return 0;
	}
	memcpy(o->layer, rec.layer, sizeof(o->layer));
	return cache_put(b->st, key, &rec);
}

/* --- WORKDIR --------------------------------------------------------------------------------------- */

int step_workdir(struct builder *b, struct op *o, const struct strv *layers)
{
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	AUTO_CLOSE int dir = -EBADF;
	struct rt_process who = {.user = o->user};
	struct rt_ids ids = {0};
	struct sha256 h;
	char key[65];
	int r;

	key_begin(&h, "workdir");
	step_key_layers(b, &h, layers);
	key_add(&h, o->dest);
	key_add(&h, o->user);
	why_add(b, "the directory", o->dest);
	why_add(b, "USER", o->user);
	sha256_end_hex(&h, key);
	r = step_cached(b, o, key);
	if (r != 0)
		return r < 0 ? r : 0;
	why_missed(b, o);
	r = step_enter(b);
	if (r == 0)
		r = workspace_begin(b->st, layers, NULL, &w);
	if (r == 0)
		r = workspace_open(&w);
	if (r < 0)
		return r;
	/* Whose it is matters only when it has to be made; then the user must exist. */
	dir = open_in(w.root, o->dest, O_PATH | O_DIRECTORY, 0);
	if (dir == -ENOENT) {
		err_drop();
		r = user_resolve(w.root, &who, &ids);
		if (r < 0)
			return err_wrap(r, "USER %s", o->user);
		dir = copy_make_dir(w.root, o->dest, ids.uid, ids.gid);
		free(ids.groups);
		free(ids.home);
	}
	return dir < 0 ? dir : step_seal(b, o, &w, key);
}
