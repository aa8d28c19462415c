/* SPDX-License-Identifier: MIT */
#include "pkg/container/root.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/plan.h"
#include "pkg/container/view.h"
#include "pkg/runtime/fuse.h"
#include "pkg/runtime/overlay.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "storage/store.h"

void container_root_done(struct container_root *r)
{
	closep(&r->fd);
	closep(&r->lock);
	free(r->uids);
	free(r->gids);
	r->uids = r->gids = NULL;
	strv_done(&r->fresh);
	strv_done(&r->lasting);
}

/* --- running ----------------------------------------------------------------------------------- */

static int open_running(const struct container *c, struct container_root *ret)
{
	char path[PIN_PATH_MAX];
	AUTO_CLOSE int pidfd = pidfd_of(conmon_ns_path(&c->state, RT_PIN_ROOT, path));

	if (pidfd < 0)
		return err_new(-CE_BAD_STATE, "it ended just now");
	ret->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return err_new(-errno, "open its root");
	/* Still that process: the pid was not used again between the check and the open. */
	if (pidfd_signal(pidfd, 0) < 0)
		return err_new(-CE_BAD_STATE, "it ended just now");
	return 0;
}

/* --- not running: put together in this process's own mount namespace --------------------------- */

static int open_dirs(const struct rt_root *root, int *fds)
{
	for (unsigned i = 0; i < root->n_lower; i++) {
		fds[i] = open(root->lower[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0)
			return err_new(-errno, "open layer %u of the image", i);
	}
	return 0;
}

/* Over the upper directory's own place, as at a start. */
static int mount_root(const struct rt_root *root, const int *lower)
{
	AUTO_CLOSE int upper = open(root->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int work = open(root->work, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char target[16];
	int r, fd;

	if (upper < 0 || work < 0)
		return err_new(-errno, "open what the container changed");
	(void)snprintf(target, sizeof(target), "%d", upper);
	r = overlay_mount(lower, root->n_lower, upper, work, target, "");
	if (cwd >= 0)
		(void)!fchdir(cwd);
	if (r < 0)
		return r;
	fd = open(root->upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open the root") : fd;
}

/* The same. By the time that it can be opened its server has looked up all its directories. */
static int mount_fuse(const struct rt_root *root)
{
	AUTO_CLOSE int mnt = -EBADF, fd = fuse_open(root, &mnt), upper = -EBADF;
	int r;

	if (fd < 0)
		return fd;
	upper = open(root->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = upper < 0 ? err_new(-errno, "open what the container changed")
		      : mount_attach(mnt, upper);
	return r < 0 ? r : TAKE_FD(mnt);
}

int container_root_mount(const struct rt_root *root)
{
	AUTO_FREE int *lower = xcalloc(root->n_lower, sizeof(*lower));
	int r;

	if (root->driver == RT_ROOT_DIR) {
		int fd = open(root->lower[0], O_PATH | O_DIRECTORY | O_CLOEXEC);

		return fd < 0 ? err_new(-errno, "open the root") : fd;
	}
	if (root->driver == RT_ROOT_FUSE_OVERLAY)
		return mount_fuse(root);
	for (unsigned i = 0; i < root->n_lower; i++)
		lower[i] = -EBADF;
	r = open_dirs(root, lower);
	if (r == 0)
		r = mount_root(root, lower);
	for (unsigned i = 0; i < root->n_lower; i++)
		closep(&lower[i]);
	return r;
}

static int is_empty(int dir)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_new(-errno, "list a volume");
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 0;
	return 1;
}

/* A new volume shows what the image has at its place: a start would copy it, so we do. */
static int fill_volume(int root, const struct rt_mount *m)
{
	const struct tree_put_options to = {.overwrite = false};
	AUTO_CLOSE int volume = open(m->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int from = open_in(root, m->target, O_RDONLY | O_DIRECTORY, 0);
	AUTO(tree_put_freep) struct tree_put *put = NULL;
	AUTO(tree_tar_freep) struct tree_tar *walk = NULL;
	int r;

	if (from == -ENOENT || from == -ENOTDIR) {
		err_drop();
		return 0;
	}
	if (volume < 0 || from < 0)
		return from < 0 ? from : err_new(-errno, "open %s", m->source);
	r = is_empty(volume);
	if (r <= 0)
		return r;
	put = tree_put_new(volume, &to);
	walk = tree_tar_new(tree_put_sink(put), NULL);
	r = tree_tar_add(walk, from, ".", "");
	return r < 0 ? r : tree_put_end(put);
}

static int place_for(int root, const struct rt_mount *m, bool directory)
{
	AUTO_CLOSE int parent = -EBADF;
	const char *name;
	int fd = open_in(root, m->target, O_PATH, 0);

	if (fd != -ENOENT)
		return fd;
	if (directory)
		return mkdir_in(root, m->target, 0755);
	parent = parent_in(root, m->target, 0755, &name);
	if (parent < 0)
		return parent;
	return open_nofollow(parent, name, O_RDONLY | O_CREAT | O_EXCL, 0644);
}

static int attach(int root, const struct rt_mount *m)
{
	AUTO_CLOSE int source = open(m->source, O_PATH | O_CLOEXEC), mnt = -EBADF, target = -EBADF;
	struct stat st;
	int r = 0;

	if (source < 0 || fstat(source, &st) < 0)
		return err_new(-errno, "volume for %s", m->target);
	if (S_ISDIR(st.st_mode) && (m->flags & RT_MNT_COPYUP))
		r = fill_volume(root, m);
	if (r < 0)
		return r;
	mnt = mount_clone(source, "", !(m->flags & RT_MNT_NONREC));
	if (mnt < 0)
		return mnt;
	r = mount_set(mnt, !(m->flags & RT_MNT_NONREC), m->flags & RT_MNT_RO ? MNT_ATTR_RDONLY : 0,
		      MS_PRIVATE);
	if (r < 0)
		return r;
	target = place_for(root, m, S_ISDIR(st.st_mode));
	return target < 0 ? target : mount_attach(mnt, target);
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct rt_mount *)a)->target, ((const struct rt_mount *)b)->target);
}

/* What is made at each start anew, a tmpfs or an overlay over a volume, holds nothing now. */
static int attach_volumes(const struct plan_input *in, struct container_plan *p,
			  struct container_root *ret)
{
	int r = plan_user_mounts(in, p);

	if (r < 0)
		return r;
	if (p->n_mounts)
		qsort(p->mounts, p->n_mounts, sizeof(*p->mounts), by_target);
	for (unsigned i = 0; r == 0 && i < p->n_mounts; i++) {
		const struct rt_mount *m = &p->mounts[i];

		bool lasts = m->type == RT_MOUNT_BIND && !(m->flags & RT_MNT_JOINED);

		strv_add(lasts ? &ret->lasting : &ret->fresh, m->target);
		if (lasts && (access(m->source, F_OK) == 0 || !(m->flags & RT_MNT_OPTIONAL)))
			r = attach(ret->fd, m);
	}
	return r;
}

static int open_stopped(const struct plan_input *in, struct container_plan *p,
			struct container_root *ret)
{
	int r = plan_root(in, p);

	if (r == 0)
		r = base_enter(store_runtime_fd(in->store), in->grant);
	if (r < 0)
		return r;
	ret->fd = container_root_mount(&p->rt.root);
	return ret->fd < 0 ? ret->fd : attach_volumes(in, p, ret);
}

/* --- both -------------------------------------------------------------------------------------- */

/* Running it needs no lock: that would make a stop wait for us. */
static int look(struct store *st, struct container *c, struct container_root *ret)
{
	int r;

	ret->lock = container_store_lock(st, c->rec->id);
	r = ret->lock < 0 ? ret->lock
			  : conmon_state_read(c->dirs.runtime_fd, c->dirs.data_fd, &c->state);
	if (r == 0 && container_is_running(c))
		closep(&ret->lock);
	return r;
}

int container_root_open(struct store *st, struct container *c, struct container_root *ret)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	struct plan_input in = {
		.store = st, .record = c->rec, .dirs = &c->dirs, .grant = &grant, .idle = true};
	int r = base_grant_load(&grant);

	*ret = (struct container_root)CONTAINER_ROOT_INIT;
	if (r < 0)
		return r;
	in.single_id = base_grant_is_single(&grant);
	ret->single_id = in.single_id;
	r = plan_ids(&in, &p);
	if (r == 0)
		r = look(st, c, ret);
	if (r == 0 && container_is_running(c)) {
		r = base_enter(store_runtime_fd(st), &grant);
		if (r == 0)
			r = open_running(c, ret);
	} else if (r == 0) {
		r = open_stopped(&in, &p, ret);
	}
	if (r < 0) {
		container_root_done(ret);
		return r;
	}
	ret->uids = container_ids(p.rt.uid_map, p.rt.n_uid_map);
	ret->gids = container_ids(p.rt.gid_map, p.rt.n_gid_map);
	ret->n_uids = p.rt.n_uid_map;
	ret->n_gids = p.rt.n_gid_map;
	return 0;
}

static int outside(uint32_t id, const struct tree_ids *v, unsigned n, uint32_t *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].inside && id - v[i].inside < v[i].count) {
			*ret = v[i].outside + (id - v[i].inside);
			return 0;
		}
	return err_new(-CE_HOST_SETUP, "id %u of the container's user is not mapped", id);
}

static bool has_outside(uint32_t id, const struct tree_ids *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].outside && id - v[i].outside < v[i].count)
			return true;
	return false;
}

/* What is mounted in its namespace takes no file of an id that it does not map, such as ours. */
int container_root_creator(const struct container_root *r, uid_t *ret_uid, gid_t *ret_gid)
{
	int e;

	if (r->lock >= 0 ||
	    (has_outside(0, r->uids, r->n_uids) && has_outside(0, r->gids, r->n_gids)))
		return 0;
	e = outside(0, r->uids, r->n_uids, ret_uid);
	if (e == 0)
		e = outside(0, r->gids, r->n_gids, ret_gid);
	return e < 0 ? e : 1;
}

int container_root_user(const struct container_root *r, const struct container_record *rec,
			uid_t *ret_uid, gid_t *ret_gid)
{
	const struct rt_process p = {.user = rec->user};
	struct rt_ids ids = {0};
	int e = user_resolve(r->fd, &p, &ids);

	*ret_uid = ids.uid;
	*ret_gid = ids.gid;
	if (e == 0)
		e = outside(ids.uid, r->uids, r->n_uids, ret_uid);
	if (e == 0)
		e = outside(ids.gid, r->gids, r->n_gids, ret_gid);
	free(ids.groups);
	free(ids.home);
	return e;
}
