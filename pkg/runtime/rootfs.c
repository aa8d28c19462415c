/* SPDX-License-Identifier: MIT */
/*
 * The root file system, in C's mount namespace: overlay (or a plain directory), every mount of the
 * plan, masks, read-only paths, pivot. Host paths are opened first, with the caller's own rights, and
 * never looked up again. Some lie where these do not suffice: podman with --userns keep-id gives its trees
 * to root of the map that it asks for, while its own root, which calls us, has no capability in the new
 * namespace before there is a map. What was refused is opened when we are that root: it may no more than
 * whoever may make the map. Places in the root are found by target.c.
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
#include "pkg/runtime/internal.h"
#include "pkg/runtime/overlay.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"

#define PROC_MAGIC 0x9fa0

#define LATER (-EACCES) /* a descriptor that is still to be opened */

static int open_host(const struct rt_child *x, int *fd, const char *path, int flags)
{
	int r;

	if (*fd != LATER)
		return 0;
	*fd = open(path, O_PATH | O_CLOEXEC | flags);
	if (*fd >= 0)
		return 0;
	r = -errno;
	*fd = r == -EACCES ? LATER : -EBADF;
	return r == -EACCES && x->may_open_later ? 0 : err_new(r, "open %s", path);
}

static int *none_open(unsigned n)
{
	int *fds = xcalloc(n + 1, sizeof(*fds));

	for (unsigned i = 0; i <= n; i++)
		fds[i] = LATER;
	return fds;
}

static int open_layers(struct rt_child *x)
{
	const struct rt_root *root = &x->plan->root;
	char *parent, *slash;
	int r;

	for (unsigned i = 0; i < root->n_lower; i++) {
		r = open_host(x, &x->lower[i], root->lower[i], O_DIRECTORY);
		if (r < 0)
			return err_wrap(r, "layer %u of the image", i);
	}
	if (root->driver == RT_ROOT_DIR)
		return 0;
	r = open_host(x, &x->upper, root->upper, O_DIRECTORY | O_NOFOLLOW);
	if (r == 0)
		r = open_host(x, &x->work, root->work, O_DIRECTORY | O_NOFOLLOW);
	if (r < 0)
		return r;
	parent = xstrdup(root->upper);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	r = open_host(x, &x->upper_parent, *parent ? parent : "/", O_DIRECTORY);
	free(parent);
	return r;
}

/* Of an overlay: upper, work, then what lies below. */
static int open_overlay(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	int *fds, r = 0;

	if (!x->overlays[i]) {
		x->overlays[i] = none_open(m->n_lower + 2);
		if (!m->upper)
			x->overlays[i][0] = x->overlays[i][1] = -EBADF;
	}
	fds = x->overlays[i];
	if (m->upper)
		r = open_host(x, &fds[0], m->upper, O_DIRECTORY);
	if (r == 0 && m->upper)
		r = open_host(x, &fds[1], m->work, O_DIRECTORY);
	for (unsigned k = 0; r == 0 && k < m->n_lower; k++)
		r = open_host(x, &fds[2 + k], m->lower[k], O_DIRECTORY);
	return r;
}

static int open_source(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	bool binds = m->type == RT_MOUNT_BIND && !(m->flags & RT_MNT_JOINED);
	int r = m->type == RT_MOUNT_OVERLAY ? open_overlay(x, i) : 0;

	if (r < 0)
		return r;
	if (!m->source || (!binds && m->type != RT_MOUNT_OVERLAY)) {
		x->sources[i] = -EBADF;
		return 0;
	}
	r = open_host(x, &x->sources[i], m->source, 0);
	if (r == -ENOENT && (m->flags & RT_MNT_OPTIONAL)) {
		err_drop(); /* the planner said that it may be missing */
		return 0;
	}
	return r;
}

static int open_device(struct rt_child *x, unsigned i)
{
	const char *source = x->plan->devices[i].source;
	int r = open_host(x, &x->devices[i], source, 0);
	struct stat st;

	if (r < 0)
		return err_wrap(r, "device");
	if (x->devices[i] == LATER)
		return 0;
	if (fstat(x->devices[i], &st) < 0)
		return err_new(-errno, "device");
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_usage("--device %s: not a device", source);
	return 0;
}

static int open_all(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;
	int r = open_layers(x);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < p->n_mounts; i++) {
		r = open_source(x, i);
		if (r < 0)
			return err_wrap(r, "volume for %s", p->mounts[i].target);
	}
	for (unsigned i = 0; r == 0 && i < p->n_devices; i++)
		r = open_device(x, i);
	return r;
}

int rootfs_open_sources(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;
	int r;

	x->lower = none_open(p->root.n_lower);
	x->sources = none_open(p->n_mounts);
	x->devices = none_open(p->n_devices);
	x->overlays = xcalloc(p->n_mounts + 1, sizeof(*x->overlays));
	if (p->root.driver != RT_ROOT_DIR)
		x->upper = x->upper_parent = x->work = LATER;
	r = open_all(x);
	return r < 0 ? r : dev_open_nodes(x);
}

int rootfs_open_rest(struct rt_child *x)
{
	x->may_open_later = false;
	return open_all(x);
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

/* Is the user, who owns the directories above, anybody in the container? */
static bool user_is_mapped(const struct rt_plan *p)
{
	bool uid = p->ns[RT_NS_USER].mode == RT_NS_HOST, gid = uid;

	for (unsigned i = 0; i < p->n_uid_map; i++)
		uid = uid || p->uid_map[i].outside == 0;
	for (unsigned i = 0; i < p->n_gid_map; i++)
		gid = gid || p->gid_map[i].outside == 0;
	return uid && gid; /* the kernel wants both before root inside may do anything */
}

/* Where he is nobody, root inside may not even pass the directories that lead to a place of ours. */
static int own_place(struct rt_child *x)
{
	AUTO_CLOSE int place = mount_new("tmpfs", "size=4k,nr_inodes=4,mode=700",
					 MNT_ATTR_NOSUID | MNT_ATTR_NODEV);
	int r = place < 0 ? place : mount_attach(place, x->upper);

	if (r < 0)
		return r;
	if (mkdirat(place, "root", 0700) < 0)
		return err_new(-errno, "make a place for the root");
	closep(&x->upper_parent);
	x->upper_parent = TAKE_FD(place);
	return 0;
}

/* Mounted over the upper directory's own place: it exists, and nobody else sees this namespace. */
static int overlay_root(struct rt_child *x)
{
	const struct rt_root *root = &x->plan->root;
	const char *name = strrchr(root->upper, '/') + 1;
	char target[300];
	int r;

	if (!user_is_mapped(x->plan)) {
		r = own_place(x);
		if (r < 0)
			return r;
		name = "root";
	}
	(void)snprintf(target, sizeof(target), "%d/%s", x->upper_parent, name);
	r = overlay_mount(x->lower, root->n_lower, x->upper, x->work, target,
			  root->is_volatile ? ",volatile" : "");
	if (r < 0)
		return r;
	x->root = openat(x->upper_parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return x->root < 0 ? err_new(-errno, "open the root") : 0;
}

/* A mount made elsewhere, or a clone of the directory's own, takes the directory's place. */
static int attach_root(struct rt_child *x, int mnt, int place)
{
	int r;

	if (mnt < 0)
		return mnt;
	x->root = mnt;
	r = mount_set(mnt, true, 0, MS_PRIVATE);
	return r < 0 ? r : mount_attach(mnt, place);
}

/* In M's own mount namespace the server would meet its own mount on its way to the upper directory. */
static int fuse_root_aside(struct rt_child *x)
{
	AUTO_CLOSE int place = -EBADF;

	if (mkdirat(x->places, RT_FOREIGN_ROOT, 0700) < 0)
		return err_new(-errno, "make a place for the root");
	place = open_nofollow(x->places, RT_FOREIGN_ROOT, O_PATH | O_DIRECTORY, 0);
	return place < 0 ? place : attach_root(x, x->root_mount, place);
}

int rootfs_mount_root(struct rt_child *x)
{
	int r = x->plan->root.driver == RT_ROOT_DIR ? 0 : dress_upper(x);

	if (r < 0)
		return r;
	switch (x->plan->root.driver) {
	case RT_ROOT_OVERLAY:
		return overlay_root(x);
	case RT_ROOT_FUSE_OVERLAY:
		return x->plan->foreign.program ? fuse_root_aside(x)
						: attach_root(x, x->root_mount, x->upper);
	case RT_ROOT_DIR:
		break;
	}
	return attach_root(x, mount_clone(x->lower[0], "", true), x->lower[0]);
}

/* --- one mount ------------------------------------------------------------------------------ */

static uint32_t attrs_of(uint32_t flags)
{
	return (flags & RT_MNT_RO ? MNT_ATTR_RDONLY : 0) |
	       (flags & RT_MNT_NOSUID ? MNT_ATTR_NOSUID : 0) |
	       (flags & RT_MNT_NODEV ? MNT_ATTR_NODEV : 0) |
	       (flags & RT_MNT_NOEXEC ? MNT_ATTR_NOEXEC : 0) |
	       (flags & RT_MNT_NOATIME ? MNT_ATTR_NOATIME : 0) |
	       (flags & RT_MNT_STRICTATIME ? MNT_ATTR_STRICTATIME : 0) |
	       (flags & RT_MNT_NODIRATIME ? MNT_ATTR_NODIRATIME : 0) |
	       (flags & RT_MNT_NOSYMFOLLOW ? MNT_ATTR_NOSYMFOLLOW : 0);
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

/* Content, or owner and mode only, of the image's directory for what is still empty. */
static int fill_new(struct rt_child *x, const struct rt_mount *m, int to)
{
	AUTO_CLOSE int from = open_in(x->root, m->target, O_PATH | O_DIRECTORY, 0);
	int r = tree_is_empty(to);

	if (r != 1)
		return r < 0 ? r : 0;
	if (from == -ENOENT || from == -ENOTDIR) {
		err_drop(); /* the image has nothing there */
		if ((m->flags & RT_MNT_DRESS) &&
		    fchownat(to, "", x->ids.uid, x->ids.gid, AT_EMPTY_PATH) < 0)
			return err_new(-errno, "give the new volume to the container's user");
		return 0;
	}
	if (from < 0)
		return from;
	r = m->flags & RT_MNT_COPYUP ? tree_copy(from, to) : tree_dress(from, to);
	return r < 0 ? err_wrap(r, "copy the image's %s", m->target) : 0;
}

/* What was chosen for the new directory itself counts more than what the image's has. */
static int fill_keeping(struct rt_child *x, const struct rt_mount *m, int to, bool uid, bool gid,
			bool mode)
{
	struct stat st;
	int r;

	if (fstat(to, &st) < 0)
		return err_new(-errno, "stat %s", m->target);
	r = fill_new(x, m, to);
	if (r < 0 || !(uid || gid || mode))
		return r;
	return tree_set_owner(to, uid ? st.st_uid : (uid_t)-1, gid ? st.st_gid : (gid_t)-1,
			      mode ? (int)(st.st_mode & 07777) : -1);
}

/* The detached mount of @source with all the plan says of it. */
static int clone_source(const struct rt_mount *m, int source)
{
	int fd = mount_clone(source, "", !(m->flags & RT_MNT_NONREC)), r;

	if (fd == -EINVAL && (m->flags & RT_MNT_NONREC))
		return err_new(-EINVAL,
			       "%s without what the host has mounted below it: the kernel "
			       "lets nobody but root look under mounts",
			       m->source);
	if (fd < 0)
		return fd;
	r = mount_set(fd, !(m->flags & RT_MNT_NONREC), attrs_of(m->flags),
		      m->propagation ? 0 : MS_PRIVATE);
	/* "slave" speaks of this mount, "rslave" of those below it too. */
	if (r == 0 && m->propagation)
		r = mount_set(fd, m->propagation & MS_REC, 0, m->propagation & ~(uint32_t)MS_REC);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	return fd;
}

/* Looked up inside, whatever links the volume or image holds. */
static int open_subpath(const struct rt_mount *m, int whole)
{
	int fd = open_in(whole, m->subpath, O_PATH, 0);

	return fd < 0 ? err_wrap(fd, "subpath %s", m->subpath) : fd;
}

static int bind_source(struct rt_child *x, unsigned i, int *ret, bool *ret_directory)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int sub = m->subpath ? open_subpath(m, x->sources[i]) : -EBADF;
	bool dress = m->flags & RT_MNT_DRESS;
	int source = m->subpath ? sub : x->sources[i], r = 0;
	struct stat st;

	if (source < 0)
		return source;
	if (fstat(source, &st) < 0)
		return err_new(-errno, "stat %s", m->source);
	*ret_directory = S_ISDIR(st.st_mode);
	if (*ret_directory && !m->subpath && (m->flags & (RT_MNT_COPYUP | RT_MNT_DRESS)))
		r = fill_keeping(x, m, source, !dress, !dress, !dress);
	if (r == 0 && (m->flags & RT_MNT_CHOWN))
		r = owner_give(x, source);
	if (r == 0)
		r = *ret = clone_source(m, source);
	return r < 0 ? r : 0;
}

/* In the root, or where a runtime of others takes it from. */
static int place_of(struct rt_child *x, unsigned i, bool directory)
{
	char name[16];
	int fd;

	if (!x->plan->foreign.program)
		return target_ensure(x->root, x->plan->mounts[i].target, directory);
	(void)snprintf(name, sizeof(name), "%u", i);
	fd = directory ? mkdirat(x->places, name, 0755)
		       : openat(x->places, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd > 0)
		(void)close(fd);
	fd = openat(x->places, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "make a place for it") : fd;
}

/*
 * A part of an image: the whole is mounted over its topmost layer, which in this namespace nobody
 * needs any more, and the part is cloned from there.
 */
static int overlay_part(struct rt_child *x, unsigned i, const int *lower)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int whole = LATER, part = -EBADF, mnt = -EBADF, target = -EBADF;
	char where[16];
	struct stat st;
	int r;

	(void)snprintf(where, sizeof(where), "%d", lower[0]);
	r = overlay_mount(lower, m->n_lower, -EBADF, -EBADF, where, "");
	if (r == 0)
		r = open_host(x, &whole, m->lower[0], O_DIRECTORY);
	part = r < 0 ? r : open_subpath(m, whole);
	if (part < 0)
		return part;
	if (fstat(part, &st) < 0)
		return err_new(-errno, "stat %s", m->subpath);
	mnt = clone_source(m, part);
	target = mnt < 0 ? mnt : place_of(x, i, S_ISDIR(st.st_mode));
	return target < 0 ? target : mount_attach(mnt, target);
}

static int overlay_volume(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	const int *fds = x->overlays[i];
	const int *lower = m->n_lower ? fds + 2 : &x->sources[i];
	AUTO_CLOSE int target = -EBADF, placed = -EBADF;
	char where[16];
	int r;

	if (m->subpath)
		return overlay_part(x, i, lower);
	target = place_of(x, i, true);
	if (target < 0)
		return target;
	(void)snprintf(where, sizeof(where), "%d", target);
	r = overlay_mount(lower, m->n_lower ? m->n_lower : 1, fds[0], fds[1], where, "");
	if (r < 0)
		return r;
	placed = place_of(x, i, true);
	r = placed < 0 ? placed : 0;
	if (r == 0 && (m->flags & RT_MNT_CHOWN))
		r = owner_give(x, placed);
	return r < 0 ? r : mount_set(placed, false, attrs_of(m->flags), MS_PRIVATE);
}

static const char *const fs_name[] = {
	[RT_MOUNT_TMPFS] = "tmpfs",   [RT_MOUNT_PROC] = "proc",     [RT_MOUNT_SYSFS] = "sysfs",
	[RT_MOUNT_DEVPTS] = "devpts", [RT_MOUNT_MQUEUE] = "mqueue", [RT_MOUNT_CGROUP2] = "cgroup2",
	[RT_MOUNT_RAMFS] = "ramfs",
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

/*
 * Inside of another engine's container the kernel gives no sysfs that would show more than that engine
 * does: first one that is read-only from the start, then what is there, as it is.
 */
static int new_sysfs(const struct rt_mount *m)
{
	uint32_t attrs = attrs_of(m->flags);
	int fd = mount_new("sysfs", m->data, attrs & ~MNT_ATTR_RDONLY), r;

	if (fd == -EPERM && (attrs & MNT_ATTR_RDONLY))
		fd = mount_new("sysfs", m->data, attrs);
	if (fd != -EPERM)
		return fd;
	err_drop();
	fd = mount_clone(AT_FDCWD, "/sys", true);
	r = fd < 0 ? fd : mount_set(fd, true, attrs, 0);
	if (r < 0)
		closep(&fd);
	return r < 0 ? r : fd;
}

static bool has_option(const struct rt_mount *m, const char *key)
{
	return m->data && strstr(m->data, key);
}

static int new_filesystem(struct rt_child *x, unsigned i)
{
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int mnt = -EBADF;
	int r;

	if ((int)i == x->proc_mount)
		return attach_system(x, m, x->proc);
	mnt = m->type == RT_MOUNT_DEVPTS ? new_devpts(m)
	      : m->type == RT_MOUNT_SYSFS
		      ? new_sysfs(m)
		      : mount_new(fs_name[m->type], m->data, attrs_of(m->flags) & ~MNT_ATTR_RDONLY);
	if (mnt < 0)
		return mnt;
	r = m->flags & RT_MNT_COPYUP ? fill_keeping(x, m, mnt, has_option(m, "uid="),
						    has_option(m, "gid="), has_option(m, "mode="))
				     : 0;
	if (r == 0 && (m->flags & RT_MNT_CHOWN))
		r = owner_give(x, mnt);
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
	const struct rt_mount *m = &x->plan->mounts[i];
	AUTO_CLOSE int target = -EBADF;
	int r;

	if (x->joined[i] < 0)
		return 0;
	target = target_ensure(x->root, m->target, true);
	r = target < 0 ? target : mount_attach(x->joined[i], target);
	if (r == 0 && (m->flags & RT_MNT_RO))
		r = mount_set(x->joined[i], false, MNT_ATTR_RDONLY, 0);
	return r;
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
	target = place_of(x, i, directory);
	r = target < 0 ? target : mount_attach(mnt, target);
	if (r == 0 && directory && strcmp(m->target, "/dev/pts") == 0 && x->devpts < 0)
		x->devpts = fd_dup(mnt);
	return r;
}

int rootfs_mount_all(struct rt_child *x)
{
	int r;

	for (unsigned i = 0; i < x->plan->n_mounts; i++) {
		r = mount_one(x, i);
		if (r < 0)
			return err_wrap(r, "mount %s", x->plan->mounts[i].target);
	}
	r = secrets_mount(x);
	return r < 0 ? r : dev_add_devices(x);
}

int rootfs_mount_places(struct rt_child *x)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < x->plan->n_mounts; i++) {
		enum rt_mount_type type = x->plan->mounts[i].type;

		if (type == RT_MOUNT_BIND || type == RT_MOUNT_OVERLAY)
			r = mount_one(x, i);
		if (r < 0)
			return err_wrap(r, "mount %s", x->plan->mounts[i].target);
	}
	return secrets_mount(x);
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
	if (r == 0)
		r = mount_pivot(x->root);
	/* Not before: the kernel puts no old root below a shared one. */
	if (r == 0 && x->plan->root.propagation)
		r = mount_set(x->root, x->plan->root.propagation & MS_REC, 0,
			      x->plan->root.propagation & ~(uint32_t)MS_REC);
	return r;
}
