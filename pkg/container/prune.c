/* SPDX-License-Identifier: MIT */
#include "pkg/container/prune.h"

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/list.h"
#include "pkg/container/volumes.h"
#include "pkg/runtime/base.h"
#include "storage/event.h"
#include "storage/tree_size.h"

/* One that somebody began to use meanwhile is not meant. */
static void prune_one(struct store *st, struct container *c, prune_told *told, void *arg)
{
	const struct remove_options o = {.volumes = true};
	int r = container_remove(st, c, &o);

	if (r == -CE_BAD_STATE && container_is_running(c))
		err_drop();
	else
		told(c->rec->id, r < 0 ? err_wrap(r, "container %.12s", c->rec->id) : 0, arg);
}

int container_prune(struct store *st, const struct strv *filters, prune_told *told, void *arg)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_select(st, filters, false, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		if (container_open_id(st, ids.v[i], &c) < 0) {
			err_drop();
			continue;
		}
		if (!container_is_running(&c) && !c.rec->is_infra) /* that goes with its pod */
			prune_one(st, &c, told, arg);
		container_done(&c);
	}
	return r;
}

void volume_prune(struct store *st, const struct strv *names, prune_told *told, void *arg)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = volume_drop(st, names->v[i]);

		if (r == -CE_IN_USE || r == -CE_NO_VOLUME)
			err_drop();
		else {
			if (r == 0)
				event_named(store_runtime_fd(st), "volume", "prune", "",
					    names->v[i]);
			told(names->v[i], r, arg);
		}
	}
}

int prune_reclaim(struct store *st, uint64_t *ret)
{
	AUTO(tree_size_done) struct tree_size all = {0}, empty = {0};
	int trash = store_fd(st, STORE_TRASH), r = trash < 0 ? trash : 0;

	*ret = 0;
	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0)
		r = tree_size_add(trash, ".", &all);
	if (r == 0)
		r = store_empty_trash(st);
	if (r == 0)
		r = tree_size_add(trash, ".", &empty);
	if (r == 0 && all.disk > empty.disk)
		*ret = all.disk - empty.disk;
	return r;
}
