/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/err.h"
#include "pkg/transfer/extract_internal.h"

/* --- extended attributes ----------------------------------------------------------------------- */

/*
 * Names that mean something to overlay, to other tools' stores or to ours would be commands from
 * the image (L05): only plain user.* and file capabilities pass.
 */
static bool xattr_wanted(const char *name)
{
	static const char *const ours[] = {"user.overlay.", "user.fuseoverlayfs.",
					   "user.containers.", "user.cuddy."};

	if (strcmp(name, "security.capability") == 0)
		return true;
	if (strncmp(name, "user.", 5) != 0 || !name[5])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strncmp(name, ours[i], strlen(ours[i])) == 0)
			return false;
	return true;
}

/*
 * struct vfs_ns_cap_data: version 3 (24 bytes) names the root id of another machine's namespace;
 * as version 2 the kernel adds ours.
 */
static size_t plain_capability(const struct tar_xattr *a, unsigned char out[20])
{
	if (a->len != 20 && a->len != 24)
		return 0;
	memcpy(out, a->value, 20);
	if (a->len == 24)
		out[3] = 2; /* the version is the top byte of a little-endian word */
	return 20;
}

static int set_xattrs(struct extract *x, int fd, const struct tar_entry *e)
{
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *a = &e->xattrs[i];
		const void *value = a->value;
		size_t len = a->len;
		unsigned char cap[20];

		if (!xattr_wanted(a->name))
			continue;
		if (a->name[0] == 's') {
			len = plain_capability(a, cap);
			value = cap;
			if (!len) {
				extract_note(x, e->path, "malformed file capability left out");
				continue;
			}
		}
		if (fsetxattr(fd, a->name, value, len, 0) == 0)
			continue;
		if (errno != ENOTSUP && errno != EPERM && errno != EINVAL)
			return err_new(-errno, "set attribute %s of '%s'", a->name, e->path);
		extract_note(x, e->path, "attribute not possible on this file system, left out");
	}
	return 0;
}

/* --- owners and modes -------------------------------------------------------------------------- */

/* Files made below such a directory get its group from the kernel, not ours. */
static bool inherits(const struct dir_node *parent)
{
	return parent->setgid || parent->gid != 0;
}

static int own_error(const struct tar_entry *e)
{
	if (errno == EINVAL)
		return err_new(
			-CE_HOST_SETUP,
			"'%s' belongs to %u:%u, which is above the subordinate ids this user has; "
			"give more in /etc/subuid and /etc/subgid",
			e->path, e->uid, e->gid);
	return err_new(-errno, "set the owner of '%s'", e->path);
}

static mode_t real_mode(const struct extract *x, const struct tar_entry *e)
{
	return x->o.single_id ? e->mode & 01777 : e->mode;
}

/* A regular file just written: it was created with mode & 0777, owned by 0:0 but for inheritance. */
int extract_meta_fd(struct extract *x, int fd, const struct tar_entry *e,
		    const struct dir_node *parent)
{
	struct timespec ts[2] = {{e->mtime_s, e->mtime_ns}, {e->mtime_s, e->mtime_ns}};
	mode_t mode = real_mode(x, e);
	int r = 0;

	if (x->o.single_id)
		r = tree_record_owner(fd, e);
	else if ((e->uid || e->gid || inherits(parent)) && fchown(fd, e->uid, e->gid) < 0)
		return own_error(e);
	if (r == 0 && (mode & 07000) && fchmod(fd, mode) < 0)
		return err_new(-errno, "set the mode of '%s'", e->path);
	/* Last: a change of owner or content drops file capabilities. */
	if (r == 0 && e->n_xattrs)
		r = set_xattrs(x, fd, e);
	if (r == 0 && futimens(fd, ts) < 0)
		return err_new(-errno, "set the time of '%s'", e->path);
	return r;
}

int extract_meta_dir(struct extract *x, uint32_t node, const struct tar_entry *e, bool fresh)
{
	struct dir_node *d = &x->dirs.v[node];
	mode_t mode = real_mode(x, e);
	bool owned = e->uid || e->gid;
	int fd, r = 0;

	d->listed = true;
	d->has_time = true;
	d->mtime = (struct timespec){e->mtime_s, e->mtime_ns};
	d->setgid = (mode & 02000) != 0;
	d->gid = x->o.single_id ? 0 : e->gid;
	if (fresh && !owned && !(mode & 06000) && !e->n_xattrs)
		return 0; /* mkdir said it all */
	fd = dirtree_fd(&x->dirs, node);
	if (fd < 0)
		return fd;
	if (x->o.single_id)
		r = tree_record_owner(fd, e);
	else if ((owned || !fresh) && fchown(fd, e->uid, e->gid) < 0)
		return own_error(e);
	if (r == 0 && fchmod(fd, mode) < 0)
		return err_new(-errno, "set the mode of '%s'", e->path);
	return r < 0 ? r : set_xattrs(x, fd, e);
}

/* Links and FIFOs: one component of a held directory, never followed. */
int extract_meta_at(struct extract *x, int dir, const char *name, const struct tar_entry *e,
		    const struct dir_node *parent)
{
	struct timespec ts[2] = {{e->mtime_s, e->mtime_ns}, {e->mtime_s, e->mtime_ns}};

	if (!x->o.single_id && (e->uid || e->gid || inherits(parent)) &&
	    fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return own_error(e);
	if (utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "set the time of '%s'", e->path);
	return 0;
}
