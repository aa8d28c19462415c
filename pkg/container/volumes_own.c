/* SPDX-License-Identifier: MIT */
/* The volumes of one container: made with it, shared with others by --volumes-from; and directories to bind. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/volumes.h"
#include "pkg/sys/file.h"
#include "storage/event.h"

/* From now on it goes with the last of its containers; until now it had one, which knew of no others. */
static int share(struct store *st, const char *name, const char *id)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		if (container_look(st, ids.v[i], true, NULL, &c) < 0) {
			err_drop(); /* it is just going */
			continue;
		}
		if (record_has_volume(c.rec, name))
			r = volume_join(st, name, c.rec->id);
		container_done(&c);
	}
	return r < 0 ? r : volume_join(st, name, id);
}

/* -EEXIST: somebody made it before. */
static int make_new(struct store *st, const struct mount_spec *m)
{
	AUTO(volume_record_done) struct volume_record v = VOLUME_RECORD_NEW;
	struct volume_request q = {
		.labels = m->volume_labels, .options = m->volume_options, .uid = -1, .gid = -1};
	int r;

	v.name = xstrdup(m->source);
	v.anonymous = m->anonymous;
	v.created_ns = clock_now_ns();
	r = volume_request_check(&q, &v);
	/* Who is about to start a container does not enter the base namespace for that. */
	if (r == 0 && (v.uid > 0 || v.gid > 0))
		r = err_usage("an owner other than root: make it with volume create first");
	if (r == 0)
		r = volume_create_told(st, &v);
	return r;
}

static int make_one(struct store *st, struct mount_spec *m, const char *id)
{
	AUTO(volume_record_done) struct volume_record old = {0};
	int r = m->no_create ? -EEXIST : make_new(st, m);

	if (r != -EEXIST)
		return r;
	r = volume_load(st, m->source, &old);
	if (r < 0 || !old.anonymous)
		return r;
	m->anonymous = true;
	return share(st, m->source, id);
}

int volumes_make(struct store *st, struct container_record *rec)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		struct mount_spec *m = &rec->mounts[i];
		int r = 0;

		if (m->kind == MOUNT_VOLUME)
			r = make_one(st, m, rec->id);
		else if (m->create_source && access(m->source, F_OK) < 0)
			r = file_make_dirs(m->source, 0777); /* as docker's daemon does */
		if (r < 0)
			return err_wrap(r, m->kind == MOUNT_VOLUME ? "volume %s" : "mount of %s",
					m->source);
		err_drop();
	}
	return 0;
}

void volumes_unmake(struct store *st, const struct container_record *rec)
{
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].anonymous &&
		    volume_leave(st, rec->mounts[i].source, rec->id) == 1)
			(void)volume_remove_told(st, rec->mounts[i].source);
}
