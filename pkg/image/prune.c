/* SPDX-License-Identifier: MIT */
#include "pkg/base/err.h"
#include "pkg/image/list.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/remove.h"
#include "storage/image_store.h"
#include "storage/layer.h"
#include "storage/list_store.h"
#include "storage/part.h"

/* What a manifest list of ours names is going to be pushed with it. */
static int remove_each(struct store *st, const struct strv *ids, const struct strv *listed,
		       unsigned flags, struct strv *ret_ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		int r;

		if (strv_has(listed, ids->v[i]))
			continue;
		r = image_store_remove(st, ids->v[i], flags);

		if (r == 0)
			strv_add(ret_ids, ids->v[i]);
		else if (r == -CE_IN_USE || r == -CE_BAD_STATE || r == -CE_NO_IMAGE || r == -EROFS)
			err_drop(); /* used, named, or gone by now: not what is meant */
		else
			return r;
	}
	return 0;
}

static int remove_lists(struct store *st, struct strv *ret_ids)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_store_names(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};

		r = list_remove(st, names.v[i], &rec);
		if (r == 0)
			strv_add(ret_ids, rec.id);
		r = err_forgive(r, -CE_NO_LIST); /* somebody was faster */
	}
	return r;
}

int image_prune(struct store *st, bool all, const struct strv *filters, struct strv *ret_ids)
{
	AUTO_STRV struct strv wanted = STRV_INIT, listed = STRV_INIT;
	size_t before;
	int r = all && filters->n == 0 ? remove_lists(st, ret_ids) : 0;

	if (r == 0)
		r = list_store_images(st, &listed);
	if (r < 0)
		return r;
	strv_add_all(&wanted, filters);
	if (!all)
		strv_add(&wanted, "dangling=true");
	/* What a removed one was built on may be dangling now. */
	do {
		AUTO_STRV struct strv ids = STRV_INIT;

		before = ret_ids->n;
		r = image_select(st, &wanted, &ids);
		if (r == 0)
			r = remove_each(st, &ids, &listed,
					all ? IMAGE_REMOVE_NAMED : IMAGE_REMOVE_DANGLING, ret_ids);
	} while (r == 0 && ret_ids->n > before);
	if (r == 0)
		r = image_store_prune_layers(st);
	if (r == 0)
		r = layer_owned_sweep(st);
	/* Filters speak of images: what a cut off download left is none. */
	return r == 0 && filters->n == 0 ? parts_trash(st, 0) : r;
}
