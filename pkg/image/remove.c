/* SPDX-License-Identifier: MIT */
#include "pkg/image/remove.h"

#include <string.h>

#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "storage/event.h"

void image_removal_done(struct image_removal *r)
{
	strv_done(&r->untagged);
	memset(r, 0, sizeof(*r));
}

int image_remove_id(struct store *st, const char *id, bool force, struct image_removal *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct event_pending event;
	const char *name;
	int dir = store_runtime_fd(st), r = image_store_names(st, id, &names);

	if (r < 0)
		return r;
	name = names.n ? names.v[0] : id;
	event_begin_named(dir, "image", "remove", id, name, &event);
	r = image_store_remove(st, id, force ? IMAGE_REMOVE_NAMED : 0);
	if (r == 0)
		event_named(dir, "image", "remove", id, name);
	event_over(dir, &event);
	if (r < 0)
		return r;
	strv_add_all(&ret->untagged, &names);
	memcpy(ret->id, id, sizeof(ret->id));
	return 0;
}

static int remove_name(struct store *st, const char *id, const char *name,
		       struct image_removal *ret)
{
	struct event_pending event;
	int dir = store_runtime_fd(st), r;
	bool gone;

	event_begin_named(dir, "image", "untag", id, name, &event);
	r = image_store_remove_name(st, name, id, 0, &gone);
	if (r == 0)
		event_named(dir, "image", gone ? "remove" : "untag", id, name);
	event_over(dir, &event);
	if (r < 0)
		return r;
	strv_add(&ret->untagged, name);
	if (gone)
		memcpy(ret->id, id, sizeof(ret->id));
	return 0;
}

int image_remove(struct store *st, const char *name, bool force, struct image_removal *ret,
		 char ret_id[65])
{
	AUTO_FREE char *matched = NULL;
	char id[65];
	int r = image_resolve(st, name, ret_id, &matched);

	if (r < 0)
		return r;
	/* A digest that a tag once had is no name: then it is the image that is meant. */
	if (matched && ref_get(st, matched, id) == 0)
		return remove_name(st, ret_id, matched, ret);
	err_drop();
	return image_remove_id(st, ret_id, force, ret);
}
