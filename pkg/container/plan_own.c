/* SPDX-License-Identifier: MIT */
/*
 * Files under the container's own ids, where those are not the base namespace's (storage/layer.h says
 * why that takes copies). Needs the subordinate ids, so a child does it in the base namespace.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/idmap.h"
#include "pkg/container/plan.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/apart.h"
#include "storage/layer.h"
#include "storage/store.h"

struct job {
	int (*run)(const struct job *j);
	const struct plan_input *in;
	const struct container_plan *p;
	const struct strv *dirs;
};

static int inside(const void *arg, struct sbuf *out)
{
	const struct job *j = arg;
	int r = base_enter(store_runtime_fd(j->in->store), j->in->grant);

	(void)out;
	return r == 0 ? j->run(j) : r;
}

static struct layer_range *ranges(const struct rt_idmap *m, unsigned n)
{
	struct layer_range *v = xcalloc(n + 1, sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		v[i] = (struct layer_range){m[i].inside, m[i].outside, m[i].count};
	return v;
}

static int copy_layers(const struct job *j)
{
	AUTO_FREE struct layer_range *u = ranges(j->p->uid_map, j->p->rt.n_uid_map);
	AUTO_FREE struct layer_range *g = ranges(j->p->gid_map, j->p->rt.n_gid_map);
	const struct layer_ids ids = {u, g, j->p->rt.n_uid_map, j->p->rt.n_gid_map};

	return layer_owned_make(j->in->store, j->dirs, &ids);
}

int plan_own_layers(const struct plan_input *in, struct container_plan *p, struct strv *dirs)
{
	AUTO_FREE struct layer_range *u = ranges(p->uid_map, p->rt.n_uid_map);
	AUTO_FREE struct layer_range *g = ranges(p->gid_map, p->rt.n_gid_map);
	const struct layer_ids ids = {u, g, p->rt.n_uid_map, p->rt.n_gid_map};
	const struct job j = {.run = copy_layers, .in = in, .p = p, .dirs = dirs};
	AUTO_STRV struct strv own = STRV_INIT;
	bool made;
	int r = 0;

	if (in->dry || strcmp(in->record->ns_user, "host") == 0 ||
	    (idmap_is_identity(p->uid_map, p->rt.n_uid_map) &&
	     idmap_is_identity(p->gid_map, p->rt.n_gid_map)))
		return 0;
	layer_owned_dirs(dirs, &ids, &own, &made);
	if (!made)
		r = apart_run(inside, &j, NULL);
	if (r < 0)
		return r;
	strv_done(dirs);
	*dirs = own;
	own = (struct strv)STRV_INIT;
	return 0;
}

/* Only what is still the user's: the container has the rest already. */
static int give(const char *path, uid_t uid, gid_t gid)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "open %s", path);
	if (st.st_uid != 0 || (st.st_uid == uid && st.st_gid == gid))
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? err_new(-errno, "chown %s", path)
							     : 0;
}

static int give_all(const struct job *j)
{
	const struct container_plan *p = j->p;
	uint32_t uid = 0, gid = 0;
	int r;

	(void)idmap_find(p->uid_map, p->rt.n_uid_map, 0, &uid);
	(void)idmap_find(p->gid_map, p->rt.n_gid_map, 0, &gid);
	r = p->rt.root.upper ? give(p->rt.root.upper, uid, gid) : 0;
	if (r == 0 && p->rt.root.work)
		r = give(p->rt.root.work, uid, gid);
	for (unsigned i = 0; r == 0 && i < p->n_mounts; i++) {
		const struct rt_mount *m = &p->mounts[i];

		if (m->flags & RT_MNT_DRESS)
			r = give(m->source, uid, gid);
		if (r < 0 || !m->upper || !path_is_within(m->upper, j->in->dirs->data_path))
			continue; /* a directory that the user named is his */
		r = give(m->upper, uid, gid);
		if (r == 0)
			r = give(m->work, uid, gid);
	}
	return r;
}

/* Where the user is nobody inside, what he made for the container would be nobody's. */
int plan_own(const struct plan_input *in, struct container_plan *p)
{
	const struct job j = {.run = give_all, .in = in, .p = p};

	if (in->dry || strcmp(in->record->ns_user, "host") == 0 ||
	    (idmap_has_outside(p->uid_map, p->rt.n_uid_map, 0) &&
	     idmap_has_outside(p->gid_map, p->rt.n_gid_map, 0)))
		return 0;
	return apart_run(inside, &j, NULL);
}
