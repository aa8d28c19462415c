/* SPDX-License-Identifier: MIT */
#include "storage/owned_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/xattr.h"

#define DEPTH_MAX 512
#define LINK_BYTES 4096

/* The first name of each file that has several, below the new tree. */
struct link {
	ino_t inode;
	char *path;
};

struct copy {
	const struct layer_ids *ids;
	int top; /* of the new tree */
	struct link *links;
	size_t n_links;
	struct copy_way way;
};

struct level {
	int from, to;
	const char *path; /* of both, below their tops; "" there */
	unsigned depth;
};

static uint32_t map_id(const struct layer_range *v, unsigned n, uint32_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].inside && id - v[i].inside < v[i].count)
			return v[i].outside + (id - v[i].inside);
	return id;
}

/* An id that the map lacks may stay only where the container does not take it for another of its own. */
static bool is_outside(const struct layer_range *v, unsigned n, uint32_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].outside && id - v[i].outside < v[i].count)
			return true;
	return false;
}

static bool is_inside(const struct layer_range *v, unsigned n, uint32_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].inside && id - v[i].inside < v[i].count)
			return true;
	return false;
}

static int owner_of(const struct copy *c, const struct stat *st, uid_t *uid, gid_t *gid)
{
	const struct layer_ids *m = c->ids;

	if ((!is_inside(m->uids, m->n_uids, st->st_uid) &&
	     is_outside(m->uids, m->n_uids, st->st_uid)) ||
	    (!is_inside(m->gids, m->n_gids, st->st_gid) &&
	     is_outside(m->gids, m->n_gids, st->st_gid)))
		return err_new(-CE_LIMIT,
			       "the image has files of %u:%u, for which the map of ids has no "
			       "place; give a larger one",
			       (unsigned)st->st_uid, (unsigned)st->st_gid);
	*uid = map_id(m->uids, m->n_uids, st->st_uid);
	*gid = map_id(m->gids, m->n_gids, st->st_gid);
	return 0;
}

/* Owner first: a change of it takes setuid and capabilities away. */
static int copy_attributes(const struct copy *c, int from, int to, const struct stat *st)
{
	struct timespec t[2] = {st->st_atim, st->st_mtim};
	uid_t uid;
	gid_t gid;
	int r = owner_of(c, st, &uid, &gid);

	if (r < 0)
		return r;
	if (fchown(to, uid, gid) < 0)
		return err_new(-errno, "chown to %u:%u", (unsigned)uid, (unsigned)gid);
	if (fchmod(to, st->st_mode & 07777) < 0)
		return err_new(-errno, "chmod");
	r = xattr_copy_all(from, to, true);
	if (r == 0 && futimens(to, t) < 0)
		r = err_new(-errno, "set times");
	return r;
}

/* 1: it was there under another name, and is linked. */
static int link_known(struct copy *c, const struct level *l, const char *name,
		      const struct stat *st)
{
	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	for (size_t i = 0; i < c->n_links; i++)
		if (c->links[i].inode == st->st_ino)
			return linkat(c->top, c->links[i].path, l->to, name, 0) < 0
				       ? err_new(-errno, "link")
				       : 1;
	c->links = xreallocarray(c->links, c->n_links + 1, sizeof(*c->links));
	c->links[c->n_links++] = (struct link){st->st_ino,
					       *l->path ? path_join(l->path, name) : xstrdup(name)};
	return 0;
}

static int copy_file(struct copy *c, const struct level *l, const char *name)
{
	AUTO_CLOSE int in = openat(l->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int out = -EBADF;
	struct stat st;
	int r;

	if (in < 0 || fstat(in, &st) < 0)
		return err_new(-errno, "open");
	out = openat(l->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_new(-errno, "create");
	if (overlay_data_is_elsewhere(in)) /* the copy points there, too */
		r = ftruncate(out, st.st_size) < 0 ? err_new(-errno, "make it as long") : 0;
	else
		r = st.st_size ? copy_content(&c->way, in, out) : 0;
	return r < 0 ? r : copy_attributes(c, in, out, &st);
}

static int copy_other(const struct copy *c, const struct level *l, const char *name,
		      const struct stat *st)
{
	struct timespec t[2] = {st->st_atim, st->st_mtim};
	char link[LINK_BYTES + 1];
	uid_t uid;
	gid_t gid;
	int r = owner_of(c, st, &uid, &gid);

	if (r < 0)
		return r;
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(l->from, name, link, LINK_BYTES);

		if (n < 0)
			return err_new(-errno, "read link");
		link[n] = '\0';
		r = symlinkat(link, l->to, name);
	} else {
		r = mknodat(l->to, name, st->st_mode & (S_IFMT | 07777), st->st_rdev);
	}
	if (r < 0 || fchownat(l->to, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(l->to, name, st->st_mode & 07777, 0) < 0) ||
	    utimensat(l->to, name, t, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "copy");
	return 0;
}

static int copy_level(struct copy *c, const struct level *l);

static int copy_dir(struct copy *c, const struct level *l, const char *name)
{
	AUTO_FREE char *path = *l->path ? path_join(l->path, name) : xstrdup(name);
	AUTO_CLOSE int from = openat(l->from, name,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int to = -EBADF;
	struct level below = {.path = path, .depth = l->depth + 1};
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return err_new(-errno, "open");
	if (mkdirat(l->to, name, 0700) < 0)
		return err_new(-errno, "make directory");
	to = openat(l->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_new(-errno, "open");
	below.from = from;
	below.to = to;
	r = copy_level(c, &below);
	return r < 0 ? r : copy_attributes(c, from, to, &st);
}

static int copy_entry(struct copy *c, const struct level *l, const char *name)
{
	struct stat st;
	int r;

	if (fstatat(l->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "stat");
	if (S_ISDIR(st.st_mode))
		return copy_dir(c, l, name);
	r = link_known(c, l, name, &st);
	if (r != 0)
		return r < 0 ? r : 0;
	return S_ISREG(st.st_mode) ? copy_file(c, l, name) : copy_other(c, l, name, &st);
}

static int copy_level(struct copy *c, const struct level *l)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd;

	if (l->depth > DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX);
	fd = openat(l->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		closep(&fd);
		return err_new(-errno, "list");
	}
	for (struct dirent *e; (e = readdir(d));) {
		int r;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = copy_entry(c, l, e->d_name);
		if (r < 0)
			return err_wrap(r, "%s", e->d_name);
	}
	return 0;
}

int owned_tree_copy(const char *from, int dir, const char *name, const struct layer_ids *ids)
{
	AUTO_CLOSE int in = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int out = -EBADF;
	struct copy c = {.ids = ids};
	struct level l = {.path = ""};
	struct stat st;
	int r;

	if (in < 0 || fstat(in, &st) < 0)
		return err_new(-errno, "open %s", from);
	if (mkdirat(dir, name, 0700) < 0)
		return err_new(-errno, "make directory %s", name);
	out = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_new(-errno, "open %s", name);
	l.from = in;
	l.to = c.top = out;
	r = copy_level(&c, &l);
	if (r == 0)
		r = copy_attributes(&c, in, out, &st);
	for (size_t i = 0; i < c.n_links; i++)
		free(c.links[i].path);
	free(c.links);
	return r;
}
