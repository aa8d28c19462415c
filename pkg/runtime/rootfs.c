/* SPDX-License-Identifier: MIT */
/*
 * The root file system, in C's mount namespace: overlay (or a plain directory), every mount of the
 * plan, masks, read-only paths, pivot. Host paths are opened first, with the caller's own rights, and
 * never looked up again; places in the root are found by target.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/fuse.h"
#include "pkg/runtime/internal.h"
#include "pkg/runtime/overlay.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"

#define PROC_MAGIC 0x9fa0

static int open_host(const char *path, int flags)
{
	int fd = open(path, O_PATH | O_CLOEXEC | flags);

	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

static int open_layers(struct rt_child *x)
{
	const struct rt_root *root = &x->plan->root;
	char *parent, *slash;

	x->lower = xcalloc(root->n_lower, sizeof(*x->lower));
	for (unsigned i = 0; i < root->n_lower; i++) {
		x->lower[i] = open_host(root->lower[i], O_DIRECTORY);
		if (x->lower[i] < 0)
			return err_wrap(x->lower[i], "layer %u of the image", i);
	}
	if (root->driver == RT_ROOT_DIR)
		return 0;
	if (root->driver == RT_ROOT_FUSE_OVERLAY) {
		x->fuse = fuse_open_device();
		if (x->fuse < 0)
			return x->fuse;
	}
	x->upper = open_host(root->upper, O_DIRECTORY | O_NOFOLLOW);
	x->work = x->upper < 0 ? x->upper : open_host(root->work, O_DIRECTORY | O_NOFOLLOW);
	if (x->work < 0)
		return x->work;
	parent = xstrdup(root->upper);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	x->upper_parent = open_host(*parent ? parent : "/", O_DIRECTORY);
	free(parent);
	return x->upper_parent < 0 ? x->upper_parent : 0;
}

int rootfs_open_sources(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;
	int r = open_layers(x);

	if (r < 0)
		return r;
	x->sources = xcalloc(p->n_mounts + 1, sizeof(*x->sources));
	for (unsigned i = 0; i < p->n_mounts; i++) {
		const struct rt_mount *m = &p->mounts[i];

		x->sources[i] = -EBADF;
		if ((m->type != RT_MOUNT_BIND && m->type != RT_MOUNT_OVERLAY) ||
		    (m->flags & RT_MNT_JOINED))
			continue;
		x->sources[i] = open_host(m->source, 0);
		if (x->sources[i] == -ENOENT && (m->flags & RT_MNT_OPTIONAL))
			err_drop(); /* the planner said that it may be missing */
		else if (x->sources[i] < 0)
			return err_wrap(x->sources[i], "volume for %s", m->target);
	}
	x->devices = xcalloc(p->n_devices + 1, sizeof(*x->devices));
	for (unsigned i = 0; i < p->n_devices; i++) {
		struct stat st;

		x->devices[i] = open_host(p->devices[i].source, 0);
		if (x->devices[i] < 0 || fstat(x->devices[i], &st) < 0)
			return err_wrap(x->devices[i] < 0 ? x->devices[i] : -errno, "device");
		if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
			return err_usage("--device %s: not a device", p->devices[i].source);
	}
	return dev_open_nodes(x);
}

/* The upper directory shows as the root: at the first start it gets what the image's root has. */
static int dress_upper(const struct rt_child *x)
{
	AUTO_CLOSE int upper = -EBADF;
	struct timespec ts[2];
	struct stat top, st;

	if (!x->plan->root.fresh_mode)
		return 0;
	if (fstat(x->upper, &st) < 0 || fstat(x->lower[0], &top) < 0)
		return err_new(-errno, "stat the root");
	if ((st.st_mode & 07777) != x->plan->root.fresh_mode)
		return 0;
	upper = openat(x->upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: an id that this container's maps do not have. */
	if (upper < 0 || (fchown(upper, top.st_uid, top.st_gid) < 0 && errno != EINVAL) ||
	    fchmod(upper, top.st_mode & 07777) < 0)
		return err_new(-errno, "set owner and mode of the root");
	ts[0] = top.st_atim;
	ts[1] = top.st_mtim;
	return futimens(upper, ts) < 0 ? err_new(-errno, "set the time of the root") : 0;
}

/* Mounted over the upper directory's own place: it exists, and nobody else sees this namespace. */
static int overlay_root(struct rt_child *x)
{
	const struct rt_root *root = &x->plan->root;
	const char *name = strrchr(root->upper, '/') + 1;
	char target[300];
	int r;

	(void)snprintf(target, sizeof(target), "%d/%s", x->upper_parent, name);
	if (root->driver == RT_ROOT_FUSE_OVERLAY) {
		if (chdir("/proc/self/fd") < 0)
			return err_new(-errno, "enter /proc/self/fd");
		r = fuse_mount(&x->fuse, x->fuse_sock, target);
		if (r < 0)
			return r;
	} else {
		r = overlay_mount(x->lower, root->n_lower, x->upper, x->work, target,
				  root->is_volatile ? ",volatile" : "");
		if (r < 0)
			return r;
	}
	x->root = openat(x->upper_parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return x->root < 0 ? err_new(-errno, "open the root") : 0;
}

int rootfs_mount_root(struct rt_child *x)
{
	int r;

	if (x->plan->root.driver != RT_ROOT_DIR) {
		r = dress_upper(x);
		return r < 0 ? r : overlay_root(x);
	}
	x->root = mount_clone(x->lower[0], "", true);
	r = x->root < 0 ? x->root : mount_set(x->root, true, 0, MS_PRIVATE);
	return r < 0 ? r : mount_attach(x->root, x->lower[0]);
}

/* --- one mount ------------------------------------------------------------------------------ */

static uint32_t attrs_of(uint32_t flags)
{
	return (flags & RT_MNT_RO ? MNT_ATTR_RDONLY : 0) |
	       (flags & RT_MNT_NOSUID ? MNT_ATTR_NOSUID : 0) |
	       (flags & RT_MNT_NODEV ? MNT_ATTR_NODEV : 0) |
	       (flags & RT_MNT_NOEXEC ? MNT_ATTR_NOEXEC : 0) |
	       (flags & RT_MNT_NOATIME ? MNT_ATTR_NOATIME : 0);
}

/* /proc, /sys, /dev and the like must be real directories of the image: a link would move labels and masks (R04, R09). */
static int system_target(struct rt_child *x, const struct rt_mount *m)
{
	const char *name = m->target + 1;
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (strchr(name, '/'))
		return target_ensure(x->root, m->target, true);
	fd = open_nofollow(x->root, name, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT)
		return target_ensure(x->root, m->target, true);
	r = fd < 0 ? fd : target_check(fd, m->target, true);
	return r < 0 ? r : TAKE_FD(fd);
}

static int fill_new(struct rt_child *x, const struct rt_mount *m, int to)
{
	AUTO_CLOSE int from = open_in(x->root, m->target, O_PATH | O_DIRECTORY, 0);
	int r;

	if (from == -ENOENT || from == -ENOTDIR) {
		err_drop(); /* the image has nothing there */
		return 0;
	}
	r = from < 0 ? from : tree_is_empty(to);
	if (r == 1)
		r = tree_copy(from, to);
	return r < 0 ? err_wrap(r, "copy the image's %s", m->target) : 0;
}

static int bind_source(struct rt_child *x, unsigned i, int *ret, bool *ret_directory)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	struct stat st;
	int fd, r = 0;

	if (fstat(x->sources[i], &st) < 0)
		return err_new(-errno, "stat %s", m->source);
	*ret_directory = S_ISDIR(st.st_mode);
	if (*ret_directory && (m->flags & RT_MNT_COPYUP))
		r = fill_new(x, m, x->sources[i]);
	if (r == 0 && (m->flags & RT_MNT_CHOWN))
		r = *ret_directory ? tree_chown(x->sources[i], x->ids.uid, x->ids.gid)
				   : (fchownat(x->sources[i], "", x->ids.uid, x->ids.gid,
					       AT_EMPTY_PATH) < 0
					      ? err_new(-errno, "chown")
					      : 0);
	if (r < 0)
		return r;
	fd = mount_clone(x->sources[i], "", !(m->flags & RT_MNT_NONREC));
	if (fd < 0)
		return fd;
	r = mount_set(fd, !(m->flags & RT_MNT_NONREC), attrs_of(m->flags),
		      m->propagation ? m->propagation : MS_PRIVATE);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static int overlay_volume(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int upper = open_host(m->upper, O_DIRECTORY), work = -EBADF, target = -EBADF,
		       placed = -EBADF;
	char where[16];
	int r;

	work = upper < 0 ? upper : open_host(m->work, O_DIRECTORY);
	target = work < 0 ? work : target_ensure(x->root, m->target, true);
	if (target < 0)
		return target;
	(void)snprintf(where, sizeof(where), "%d", target);
	r = overlay_mount(&x->sources[i], 1, upper, work, where, "");
	if (r < 0)
		return r;
	placed = open_in(x->root, m->target, O_PATH | O_DIRECTORY, 0);
	return placed < 0 ? placed : mount_set(placed, false, attrs_of(m->flags), MS_PRIVATE);
}

static const char *const fs_name[] = {
	[RT_MOUNT_TMPFS] = "tmpfs",   [RT_MOUNT_PROC] = "proc",     [RT_MOUNT_SYSFS] = "sysfs",
	[RT_MOUNT_DEVPTS] = "devpts", [RT_MOUNT_MQUEUE] = "mqueue", [RT_MOUNT_CGROUP2] = "cgroup2",
};

static int attach_system(struct rt_child *x, const struct rt_mount *m, int mnt)
{
	AUTO_CLOSE int target = -EBADF, seen = -EBADF;
	int r;

	target = m->type == RT_MOUNT_CGROUP2 ? open_in(x->root, m->target, O_PATH | O_DIRECTORY, 0)
					     : system_target(x, m);
	if (target < 0)
		return target;
	r = mount_attach(mnt, target);
	if (r < 0 || m->type != RT_MOUNT_PROC)
		return r;
	seen = open_nofollow(x->root, m->target + 1, O_PATH | O_DIRECTORY, 0);
	if (seen < 0 || mount_is_fs(seen, PROC_MAGIC) != 1)
		return err_new(-EXDEV, "%s is not the procfs just mounted", m->target);
	return 0;
}

/* A single mapped id leaves no group 5 for terminals: they belong to the opener's group then (H07). */
static int new_devpts(const struct rt_mount *m)
{
	int fd = mount_new("devpts", m->data, attrs_of(m->flags) & ~MNT_ATTR_RDONLY);
	char data[256], *gid, *end;

	if (fd != -EINVAL || !m->data || strlen(m->data) >= sizeof(data))
		return fd;
	(void)snprintf(data, sizeof(data), "%s", m->data);
	gid = strstr(data, "gid=");
	if (!gid)
		return fd;
	end = gid + strcspn(gid, ",");
	memmove(gid, *end ? end + 1 : end, strlen(*end ? end + 1 : end) + 1);
	return mount_new("devpts", data, attrs_of(m->flags) & ~MNT_ATTR_RDONLY);
}

static int new_filesystem(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int mnt = -EBADF;
	int r;

	if ((int)i == x->proc_mount)
		return attach_system(x, m, x->proc);
	mnt = m->type == RT_MOUNT_DEVPTS
		      ? new_devpts(m)
		      : mount_new(fs_name[m->type], m->data, attrs_of(m->flags) & ~MNT_ATTR_RDONLY);
	if (mnt < 0)
		return mnt;
	r = m->type == RT_MOUNT_TMPFS && (m->flags & RT_MNT_COPYUP) ? fill_new(x, m, mnt) : 0;
	if (r == 0)
		r = attach_system(x, m, mnt);
	if (r < 0)
		return r;
	if (m->type == RT_MOUNT_DEVPTS && x->devpts < 0)
		x->devpts = fd_dup(mnt);
	if (m->type == RT_MOUNT_TMPFS && strcmp(m->target, "/dev") == 0) {
		x->dev = fd_dup(mnt);
		r = x->dev < 0 ? err_new(x->dev, "keep /dev") : dev_populate(x);
	}
	if (r == 0 && (m->flags & RT_MNT_RO))
		r = mount_set(mnt, false, MNT_ATTR_RDONLY, 0);
	return r;
}

static int joined_mount(struct rt_child *x, unsigned i)
{
	AUTO_CLOSE int target = -EBADF;

	if (x->joined[i] < 0)
		return 0;
	target = target_ensure(x->root, x->plan->mounts[i].target, true);
	return target < 0 ? target : mount_attach(x->joined[i], target);
}

static int mount_one(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int mnt = -EBADF, target = -EBADF;
	bool directory = true;
	int r;

	if (m->type == RT_MOUNT_OVERLAY)
		return overlay_volume(x, i);
	if (m->type != RT_MOUNT_BIND)
		return new_filesystem(x, i);
	if (m->flags & RT_MNT_JOINED)
		return joined_mount(x, i);
	if (x->sources[i] < 0)
		return 0;
	r = bind_source(x, i, &mnt, &directory);
	if (r < 0)
		return r;
	target = target_ensure(x->root, m->target, directory);
	r = target < 0 ? target : mount_attach(mnt, target);
	if (r == 0 && directory && strcmp(m->target, "/dev/pts") == 0 && x->devpts < 0)
		x->devpts = fd_dup(mnt);
	return r;
}

int rootfs_mount_all(struct rt_child *x)
{
	for (unsigned i = 0; i < x->plan->n_mounts; i++) {
		int r = mount_one(x, i);

		if (r < 0)
			return err_wrap(r, "mount %s", x->plan->mounts[i].target);
	}
	return dev_add_devices(x);
}

/* --- last steps ----------------------------------------------------------------------------- */

static int make_read_only(struct rt_child *x, const char *const *paths)
{
	for (; paths && *paths; paths++) {
		AUTO_CLOSE int target = open_in(x->root, *paths, O_PATH, 0), mnt = -EBADF;
		int r;

		if (target == -ENOENT || target == -ENOTDIR) {
			err_drop(); /* this kernel does not have it */
			continue;
		}
		mnt = target < 0 ? target : mount_clone(target, "", true);
		r = mnt < 0 ? mnt : mount_set(mnt, true, MNT_ATTR_RDONLY, 0);
		if (r == 0)
			r = mount_attach(mnt, target);
		if (r < 0)
			return err_wrap(r, "make %s read-only", *paths);
	}
	return 0;
}

int rootfs_finish(struct rt_child *x)
{
	int r = make_read_only(x, x->plan->read_only);

	if (r == 0)
		r = dev_mask(x, x->plan->masked);
	if (r == 0 && x->plan->root.read_only)
		r = mount_set(x->root, false, MNT_ATTR_RDONLY, 0);
	return r < 0 ? r : mount_pivot(x->root);
}
