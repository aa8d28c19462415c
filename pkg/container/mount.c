/* SPDX-License-Identifier: MIT */
/*
 * A container's root file system for programs outside of it. The mount is made in the mount namespace
 * that we were started in, a session of "cuddy unshare", and ends with it at the latest: nothing to
 * clean up, and nothing that a file says of it which could be wrong. Where it is mounted only the
 * kernel knows.
 */
#include "pkg/container/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/events.h"
#include "pkg/container/plan.h"
#include "pkg/container/root.h"
#include "pkg/runtime/fuse.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/statx.h"
#include "storage/store.h"

#define MERGED "merged" /* in the container's directory */

bool container_is_mounted(const struct container *c)
{
	return statx_is_mount_point(c->dirs.data_fd, MERGED);
}

char *container_mount_point(const struct container *c)
{
	return path_join(c->dirs.data_path, MERGED);
}

/* Its own root, cloned where it is mounted: the kernel clones only what is in the caller's namespace. */
static int clone_running(const struct container *c)
{
	AUTO_CLOSE int ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), theirs = -EBADF;
	AUTO_CLOSE int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), pidfd = -EBADF;
	AUTO_CLOSE int mnt = -EBADF;
	char path[PIN_PATH_MAX];

	pidfd = pidfd_of(conmon_ns_path(&c->state, RT_PIN_MOUNTS, path));
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (ours < 0 || cwd < 0 || pidfd < 0 || theirs < 0 || pidfd_signal(pidfd, 0) < 0)
		return err_new(-CE_BAD_STATE, "it ended just now");
	if (setns(theirs, CLONE_NEWNS) < 0)
		return err_new(-errno, "enter its mount namespace");
	mnt = mount_clone(AT_FDCWD, "/", false);
	if (setns(ours, CLONE_NEWNS) < 0)
		return err_new(-errno, "come back from its mount namespace");
	(void)!fchdir(cwd);
	return TAKE_FD(mnt);
}

/* Put together as for a start, over its upper directory; the clone goes to where it is wanted. */
static int clone_stopped(const struct plan_input *in, struct container_plan *p)
{
	AUTO_CLOSE int root = -EBADF, mnt = -EBADF;
	int r = plan_root(in, p);

	if (r < 0)
		return r;
	if (p->rt.root.driver == RT_ROOT_FUSE_OVERLAY)
		return fuse_leave(&p->rt.root);
	root = container_root_mount(&p->rt.root);
	if (root < 0)
		return root;
	mnt = mount_clone(root, "", false);
	closep(&root);
	if (p->rt.root.driver != RT_ROOT_DIR && umount2(p->rt.root.upper, MNT_DETACH) < 0 &&
	    mnt >= 0)
		return err_new(-errno, "unmount %s", p->rt.root.upper);
	return TAKE_FD(mnt);
}

static int attach(const struct container *c, int mnt)
{
	AUTO_CLOSE int target = -EBADF;

	if (mkdirat(c->dirs.data_fd, MERGED, 0700) < 0 && errno != EEXIST)
		return err_new(-errno, "make %s/%s", c->dirs.data_path, MERGED);
	target = open_nofollow(c->dirs.data_fd, MERGED, O_PATH | O_DIRECTORY, 0);
	return target < 0 ? target : mount_attach(mnt, target);
}

int container_mount(struct store *st, struct container *c)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id), mnt = -EBADF;
	struct plan_input in = {.store = st, .dirs = &c->dirs, .grant = &grant};
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r == 0 && container_is_mounted(c))
		return 0;
	if (r == 0)
		r = base_grant_load(&grant);
	if (r < 0)
		return r;
	in.record = c->rec;
	in.single_id = base_grant_is_single(&grant);
	mnt = container_is_running(c) ? clone_running(c) : clone_stopped(&in, &p);
	if (mnt < 0)
		return mnt;
	r = attach(c, mnt);
	if (r == 0)
		container_event(st, c->rec, "mount", NULL);
	return r;
}

int container_unmount(struct store *st, struct container *c, bool force)
{
	AUTO_FREE char *path = container_mount_point(c);

	if (!container_is_mounted(c))
		return err_new(-CE_BAD_STATE, "it is not mounted");
	if (umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
		return err_new(-errno, "unmount %s", path);
	(void)unlinkat(c->dirs.data_fd, MERGED, AT_REMOVEDIR);
	container_event(st, c->rec, "unmount", NULL);
	return 0;
}
