/* SPDX-License-Identifier: MIT */
/*
 * A new container with another one's settings. The record holds every decision of its creation, so a
 * copy of it is all there is to do; what belongs to one container alone is made anew.
 */
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/userns.h"
#include "pkg/container/volumes.h"
#include "pkg/image/image.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

#define NAMES_MAX 1000

static void set(char **to, const char *s)
{
	free(*to);
	*to = s ? xstrdup(s) : NULL;
}

static int use_image(struct store *st, const char *name, struct container_record *rec)
{
	struct image_record *image = NULL;
	char *full = NULL;
	int r = image_find(st, name, &image, &full);

	if (r == 0) {
		set(&rec->rootfs, NULL);
		rec->rootfs_overlay = false;
		set(&rec->image, full ? full : image->id);
		set(&rec->image_id, image->id);
		set(&rec->image_digest, image->manifest_digest);
		strv_done(&rec->layers);
		strv_add_all(&rec->layers, &image->diffids);
	}
	image_record_free(image);
	free(full);
	return r;
}

static void make_own(struct container_record *rec)
{
	char id[65];

	random_id(id);
	set(&rec->id, id);
	rec->created_ns = clock_now_ns();
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		if (rec->mounts[i].kind != MOUNT_VOLUME || !rec->mounts[i].anonymous)
			continue;
		random_hex(id, 64);
		set(&rec->mounts[i].source, id);
	}
	if (strncmp(rec->ns_user, "auto", 4) == 0) {
		strv_done(&rec->uid_map);
		strv_done(&rec->gid_map);
	}
}

static int copy_record(const struct container_record *from, struct container_record **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	record_write(from, &text);
	return record_parse(text.s, text.len, ret);
}

/* The name that was asked for, or the first free one of NAME-clone, NAME-clone1 … */
static int claim(struct store *st, struct container_record *rec, const char *old, const char *name,
		 struct container_dirs *dirs)
{
	struct event_pending event = {.fd = -EBADF};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = -CE_NAME_IN_USE;

	for (unsigned i = 0; r == -CE_NAME_IN_USE && i < NAMES_MAX; i++) {
		char number[12] = "";

		if (i)
			(void)snprintf(number, sizeof(number), "%u", i);
		free(rec->name);
		rec->name = name ? xstrdup(name) : xasprintf("%s-clone%s", old, number);
		sbuf_reset(&text);
		record_write(rec, &text);
		container_event_begin(st, rec, "create", &event);
		r = container_store_create(st, rec->id, rec->name, text.s, text.len,
					   !rec->auto_remove, dirs);
		if (r == 0)
			container_event(st, rec, "create", NULL);
		event_over(store_runtime_fd(st), &event);
		if (name)
			break;
	}
	return r;
}

int container_clone(struct store *st, const struct container *c, const struct clone_options *o,
		    struct container *ret)
{
	const char *name = o->name;
	AUTO(record_freep) struct container_record *rec = NULL;
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	AUTO_CLOSE int lock = -EBADF, ids_lock = -EBADF;
	int r = copy_record(c->rec, &rec);

	if (r == 0 && c->rec->is_infra && !o->change)
		r = err_usage("it is the infra container of a pod; see pod clone");
	if (r == 0 && name && !name_is_valid(name))
		r = err_usage("name '%s': letters, digits and _.- are possible", name);
	if (r == 0 && o->limits)
		r = limits_merge(o->limits, rec);
	if (r < 0)
		return r;
	/* Nobody removes an image or a container, and with it layers, until the record stands. */
	lock = store_lock(st, false);
	if (lock < 0)
		return lock;
	if (o->image)
		r = use_image(st, o->image, rec);
	make_own(rec);
	if (r == 0 && o->change)
		r = o->change(rec, c, o->arg);
	if (r == 0)
		r = userns_allocate(st, rec, &ids_lock);
	if (r == 0)
		r = volumes_make(st, rec);
	if (r < 0)
		return r;
	r = claim(st, rec, c->rec->name, name, &dirs);
	if (r < 0) {
		volumes_unmake(st, rec);
		return r;
	}
	*ret = (struct container){
		.rec = TAKE_PTR(rec), .dirs = dirs, .state = {.status = CONMON_CREATED}};
	return 0;
}
