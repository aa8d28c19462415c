/* SPDX-License-Identifier: MIT */
#include "pkg/build/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/build/copy_internal.h"
#include "pkg/build/mode.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/open.h"
#include "pkg/sys/xattr.h"

struct link_seen {
	dev_t dev;
	ino_t ino;
	char *path; /* below base */
};

struct copier {
	const struct copy_rules *c;
	int base; /* directory that paths of links are relative to */
	struct link_seen *links;
	size_t n_links;
	struct copy_way way;
};

bool copy_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

char *copy_below(const char *dir, const char *name)
{
	return *dir ? path_join(dir, name) : xstrdup(name);
}

bool copy_skips(const struct copy_rules *c, const char *path, const char *rel, bool directory)
{
	return (ignore_has(c->ignore, path) && !(directory && ignore_may_hold(c->ignore, path))) ||
	       (ignore_has(c->exclude, rel) && !(directory && ignore_may_hold(c->exclude, rel)));
}

int copy_list(int fd, struct strv *ret)
{
	AUTO_CLOSE int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!d)
		return err_new(-errno, "list a directory");
	(void)TAKE_FD(own);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_add(ret, e->d_name);
	strv_sort(ret);
	return 0;
}

int copy_open_parent(int source, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");

	*ret_name = !*path ? "." : slash ? slash + 1 : path;
	return open_in(source, dir, O_RDONLY | O_DIRECTORY, 0);
}

/* --- attributes ---------------------------------------------------------------------------------- */

static mode_t mode_of(const struct copy_rules *c, const struct stat *st)
{
	return c->chmod ? mode_apply(c->chmod, st->st_mode, S_ISDIR(st->st_mode))
			: st->st_mode & 07777;
}

static void owner_of(const struct copy_rules *c, const struct stat *st, uid_t *uid, gid_t *gid)
{
	*uid = c->keep_owner ? st->st_uid : c->uid;
	*gid = c->keep_owner ? st->st_gid : c->gid;
}

static int chown_failed(uid_t uid, gid_t gid)
{
	if (errno == EINVAL)
		return err_new(-CE_HOST_SETUP,
			       "chown to %u:%u: not among the ids this user may map", uid, gid);
	return err_new(-errno, "chown to %u:%u", uid, gid);
}

/* On an open file or directory; @from: an open source, or -1. Times last: all else changes them. */
static int dress(const struct copy_rules *c, int fd, int from, const struct stat *st)
{
	const struct timespec t[2] = {st->st_mtim, st->st_mtim};
	uid_t uid;
	gid_t gid;

	owner_of(c, st, &uid, &gid);
	if (fchown(fd, uid, gid) < 0)
		return chown_failed(uid, gid);
	if (from >= 0)
		xattr_copy(from, fd);
	if (fchmod(fd, mode_of(c, st)) < 0)
		return err_new(-errno, "chmod");
	return futimens(fd, t) < 0 ? err_new(-errno, "set times") : 0;
}

/* --- one entry ----------------------------------------------------------------------------------- */

struct entry {
	const char *path; /* below the source's root */
	const char *rel; /* below what was named */
	const char *out; /* below base */
	unsigned depth;
	bool fresh; /* it goes into a directory that we have just made */
};

/* Make room for something that is no directory. */
static int make_room(int to, const char *name)
{
	if (unlinkat(to, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return err_new(-EISDIR, "a directory is there already");
	return err_new(-errno, "replace it");
}

static const char *seen_before(struct copier *k, const struct stat *st, const char *path)
{
	if (st->st_nlink < 2)
		return NULL;
	for (size_t i = 0; i < k->n_links; i++)
		if (k->links[i].dev == st->st_dev && k->links[i].ino == st->st_ino)
			return k->links[i].path;
	k->links = xreallocarray(k->links, k->n_links + 1, sizeof(*k->links));
	k->links[k->n_links++] = (struct link_seen){st->st_dev, st->st_ino, xstrdup(path)};
	return NULL;
}

static int copy_regular(struct copier *k, int from, const char *name, int to, const char *as,
			const struct entry *e)
{
	AUTO_CLOSE int in = open_nofollow(from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0),
		       out = -EBADF;
	const char *first;
	struct stat st;
	int r;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-ESTALE, "it changed while it was copied");
	r = e->fresh ? 0 : make_room(to, as);
	if (r < 0)
		return r;
	first = seen_before(k, &st, e->out);
	if (first && linkat(k->base, first, to, as, 0) == 0)
		return 0;
	out = open_nofollow(to, as, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (out < 0)
		return out;
	r = st.st_size ? copy_content(&k->way, in, out) : 0;
	return r < 0 ? r : dress(k->c, out, in, &st);
}

static int copy_special(struct copier *k, int from, const char *name, int to, const char *as,
			const struct stat *st)
{
	const struct timespec t[2] = {st->st_mtim, st->st_mtim};
	char link[PATH_MAX + 1];
	uid_t uid;
	gid_t gid;
	int r;

	if (S_ISSOCK(st->st_mode))
		return 0; /* no image can hold one */
	if (!S_ISLNK(st->st_mode) && !S_ISFIFO(st->st_mode))
		return err_new(-CE_UNSUPPORTED, "a device");
	r = make_room(to, as);
	if (r < 0)
		return r;
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from, name, link, PATH_MAX);

		if (n < 0)
			return err_new(-errno, "read the link");
		link[n] = '\0';
		r = symlinkat(link, to, as);
	} else {
		r = mknodat(to, as, S_IFIFO | mode_of(k->c, st), 0);
	}
	owner_of(k->c, st, &uid, &gid);
	if (r < 0)
		return err_new(-errno, "make it");
	if (fchownat(to, as, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return chown_failed(uid, gid);
	if (S_ISFIFO(st->st_mode) && fchmodat(to, as, mode_of(k->c, st), 0) < 0)
		return err_new(-errno, "chmod");
	(void)utimensat(to, as, t, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int copy_entry(struct copier *k, int from, const char *name, int to, const char *as,
		      const struct entry *e);

static int copy_children(struct copier *k, int in, int out, const struct entry *e, bool fresh)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = copy_list(in, &names);

	if (e->depth > COPY_DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", COPY_DEPTH_MAX);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = copy_below(e->path, names.v[i]);
		AUTO_FREE char *rel = copy_below(e->rel, names.v[i]);
		AUTO_FREE char *o = copy_below(e->out, names.v[i]);
		const struct entry sub = {path, rel, o, e->depth + 1, fresh};

		r = copy_entry(k, in, names.v[i], out, names.v[i], &sub);
	}
	return r;
}

/* An ignored directory that holds something taken back is made when that is come to. */
static int copy_hidden(struct copier *k, int in, const struct entry *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = copy_list(in, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = copy_below(e->path, names.v[i]);
		AUTO_FREE char *rel = copy_below(e->rel, names.v[i]);
		AUTO_CLOSE int sub = -EBADF;
		const struct entry under = {path, rel, "", e->depth + 1, false};
		struct stat st;

		if (fstatat(in, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!ignore_has(k->c->ignore, path) && !ignore_has(k->c->exclude, rel))
			return 1;
		if (!S_ISDIR(st.st_mode) || copy_skips(k->c, path, rel, true) ||
		    e->depth > COPY_DEPTH_MAX)
			continue;
		sub = open_nofollow(in, names.v[i], O_RDONLY | O_DIRECTORY, 0);
		r = sub < 0 ? sub : copy_hidden(k, sub, &under);
	}
	return r;
}

/* @keep: one that is there already keeps its owner, mode and time. */
static int copy_directory(struct copier *k, int from, const char *name, int to, const char *as,
			  const struct entry *e, bool keep)
{
	AUTO_CLOSE int in = open_nofollow(from, name, O_RDONLY | O_DIRECTORY, 0), out = -EBADF;
	struct stat st;
	bool made;
	int r;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0)
		return err_new(-errno, "stat");
	if (ignore_has(k->c->ignore, e->path) || ignore_has(k->c->exclude, e->rel)) {
		r = copy_hidden(k, in, e);
		if (r <= 0)
			return r;
	}
	made = mkdirat(to, as, 0700) == 0;
	if (!made && errno != EEXIST)
		return err_new(-errno, "make it");
	out = open_nofollow(to, as, O_RDONLY | O_DIRECTORY, 0);
	if (out == -ENOTDIR || out == -ELOOP)
		return err_new(-ENOTDIR, "something that is no directory is there already");
	if (out < 0)
		return out;
	r = copy_children(k, in, out, e, made);
	return r < 0 || (keep && !made) ? r : dress(k->c, out, in, &st);
}

static int copy_entry(struct copier *k, int from, const char *name, int to, const char *as,
		      const struct entry *e)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "%s", e->path);
	if (copy_skips(k->c, e->path, e->rel, S_ISDIR(st.st_mode)) || copy_is_whiteout(&st))
		return 0;
	if (S_ISDIR(st.st_mode))
		r = copy_directory(k, from, name, to, as, e, false);
	else if (S_ISREG(st.st_mode))
		r = copy_regular(k, from, name, to, as, e);
	else
		r = copy_special(k, from, name, to, as, &st);
	return r < 0 && e->depth < 2 ? err_wrap(r, "%s", e->path) : r;
}

/* --- the destination ------------------------------------------------------------------------------- */

int copy_make_dir(int root, const char *path, uid_t uid, gid_t gid)
{
	AUTO_CLOSE int fd = open_in(root, *path ? path : "/", O_RDONLY | O_DIRECTORY, 0);
	AUTO_CLOSE int parent = -EBADF;
	AUTO_FREE char *dir = NULL;
	const char *name;
	char *slash;

	if (fd >= 0)
		return TAKE_FD(fd);
	if (fd != -ENOENT)
		return err_wrap(fd, "destination %s", path);
	err_drop();
	dir = path_clean(path);
	slash = strrchr(dir, '/');
	name = slash ? slash + 1 : dir;
	if (slash)
		*slash = '\0';
	if (!*name)
		return err_new(-ENOENT, "the root");
	parent = copy_make_dir(root, slash ? dir : "", uid, gid);
	if (parent < 0)
		return parent;
	/* A link to nowhere is there: what it points at cannot be made without following it. */
	if (mkdirat(parent, name, 0700) < 0)
		return err_new(-errno, "make directory %s", path);
	fd = open_nofollow(parent, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	if (fchown(fd, uid, gid) < 0)
		return chown_failed(uid, gid);
	return fchmod(fd, 0755) < 0 ? err_new(-errno, "chmod %s", path) : TAKE_FD(fd);
}

static bool is_directory(int root, const char *path)
{
	AUTO_CLOSE int fd = open_in(root, path, O_PATH | O_DIRECTORY, 0);

	err_drop();
	return fd >= 0;
}

/* A single file: the name it gets and the directory it goes into. */
static int open_target(const struct copy_rules *c, int root, const char *dest, const char *name,
		       char **ret_as)
{
	size_t n = strlen(dest);
	AUTO_FREE char *dir = xstrdup(dest);
	char *slash;

	if (dest[n - 1] == '/' || is_directory(root, dest)) {
		*ret_as = xstrdup(name);
	} else {
		slash = strrchr(dir, '/');
		*ret_as = xstrdup(slash + 1);
		slash[slash == dir] = '\0';
	}
	return copy_make_dir(root, dir, c->parent_uid, c->parent_gid);
}

/* The target exists as a link: what it points at is replaced, inside the root. */
static int follow_target(int root, const char *dest, int *dir, char **as)
{
	char text[PATH_MAX + 1];
	ssize_t n = readlinkat(*dir, *as, text, PATH_MAX);
	AUTO_FREE char *target = NULL, *base = NULL;
	char *slash;
	int fd;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	slash = strrchr(dest, '/');
	base = xstrndup(dest, (size_t)(slash - dest));
	target = text[0] == '/' ? xstrdup(text) : path_join(base, text);
	slash = strrchr(target, '/');
	fd = -ENOENT;
	if (slash[1] && strcmp(slash + 1, "..") != 0 && strcmp(slash + 1, ".") != 0) {
		AUTO_FREE char *up = xstrndup(target, (size_t)(slash - target));

		fd = open_in(root, *up ? up : "/", O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd < 0) {
		err_drop(); /* it points nowhere: the link itself makes room */
		return 0;
	}
	closep(dir);
	*dir = fd;
	free(*as);
	*as = xstrdup(slash + 1);
	return 0;
}

static int copy_match(struct copier *k, const struct match *m, int root, const char *dest,
		      bool parents)
{
	const struct copy_rules *c = k->c;
	const struct entry e = {.path = m->path, .rel = m->directory ? "" : path_base(m->path)};
	AUTO_FREE char *as = NULL, *place = NULL;
	AUTO_CLOSE int from = -EBADF, to = -EBADF;
	const char *name;
	int r;

	from = copy_open_parent(c->source, m->path, &name);
	if (from < 0)
		return from;
	place = parents ? path_join(dest, m->name) : xstrdup(dest);
	if (m->directory) {
		AUTO_FREE char *clean = path_clean(place);
		AUTO_FREE char *up = xstrdup(clean);
		char *slash = strrchr(up, '/');

		if (strcmp(clean, "/") == 0 || is_directory(root, clean)) {
			to = open_in(root, clean, O_RDONLY | O_DIRECTORY, 0);
			as = xstrdup(".");
		} else if (place[strlen(place) - 1] == '/') {
			/* Said to be a directory, so it is one before anything is copied: no source's mode. */
			to = copy_make_dir(root, clean, c->parent_uid, c->parent_gid);
			as = xstrdup(".");
		} else {
			as = xstrdup(slash + 1);
			*slash = '\0';
			to = copy_make_dir(root, up, c->parent_uid, c->parent_gid);
		}
	} else {
		to = open_target(c, root, place, path_base(m->name), &as);
		if (to >= 0 && place[strlen(place) - 1] != '/' && !is_directory(root, place))
			(void)follow_target(root, place, &to, &as);
	}
	if (to < 0)
		return to;
	k->base = to;
	{
		const struct entry top = {e.path, e.rel, strcmp(as, ".") == 0 ? "" : as, 0, false};

		r = m->directory ? copy_directory(k, from, name, to, as, &top, true)
				 : copy_entry(k, from, name, to, as, &top);
	}
	return r < 0 ? err_wrap(r, "copy %s", *m->path ? m->path : ".") : 0;
}

static void forget_links(struct copier *k)
{
	for (size_t i = 0; i < k->n_links; i++)
		free(k->links[i].path);
	k->n_links = 0;
}

int copy_selection(const struct copy_rules *rules, const struct selection *s, int root,
		   const char *dest, bool parents)
{
	struct copier k = {.c = rules};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		r = copy_match(&k, &s->v[i], root, dest, parents);
		forget_links(&k); /* their paths are relative to another base next time */
	}
	free(k.links);
	return r;
}

int copy_text(const struct copy_rules *rules, const char *name, const char *text, int root,
	      const char *dest)
{
	AUTO_FREE char *as = NULL;
	AUTO_CLOSE int to = open_target(rules, root, dest, name, &as), out = -EBADF;
	struct stat st = {.st_mode = S_IFREG | 0644};
	int r = to < 0 ? to : make_room(to, as);

	if (r < 0)
		return err_wrap(r, "copy %s", name);
	out = open_nofollow(to, as, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (out < 0)
		return out;
	r = write_full(out, text, strlen(text));
	if (r < 0)
		return err_new(r, "write %s", name);
	if (fchown(out, rules->uid, rules->gid) < 0)
		return chown_failed(rules->uid, rules->gid);
	return fchmod(out, mode_of(rules, &st)) < 0 ? err_new(-errno, "chmod %s", name) : 0;
}
