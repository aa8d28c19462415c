/* SPDX-License-Identifier: MIT */
#include "pkg/image/tree_diff.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/whiteout.h"

#define DEPTH_MAX 512
#define CAPABILITY "security.capability"
#define PIECE (64U << 10)

struct walk {
	struct tree_changes *ret;
	struct sbuf path;
	unsigned depth;
	bool hide_markers;
	int64_t copied;
};

/* The three directories that one place is in; -EBADF where it is not. */
struct level {
	int before, after, guide;
};

void tree_changes_done(struct tree_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].path);
	free(c->v);
	*c = (struct tree_changes){0};
}

static void note(struct walk *w, enum tree_change_kind kind)
{
	struct tree_changes *c = w->ret;

	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n++] = (struct tree_change){kind, xstrdup(w->path.s)};
}

/* --- one name ---------------------------------------------------------------------------------- */

static bool look(int dir, const char *name, struct stat *st)
{
	/* 0:0 devices are overlay's whiteouts: seen only where a layer itself is looked at. */
	return dir >= 0 && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && !whiteout_is(st);
}

static ssize_t capability(int dir, const char *name, unsigned char out[64])
{
	AUTO_CLOSE int fd = openat(dir, name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fgetxattr(fd, CAPABILITY, out, 64);

	return n < 0 ? 0 : n;
}

static bool same_capability(const struct level *l, const char *name)
{
	unsigned char a[64], b[64];
	ssize_t n = capability(l->before, name, a);

	return n == capability(l->after, name, b) && memcmp(a, b, (size_t)n) == 0;
}

/* When one cannot be read they are different: that loses nothing. */
static bool same_content(const struct level *l, const char *name)
{
	AUTO_CLOSE int a = open_nofollow(l->before, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	AUTO_CLOSE int b = open_nofollow(l->after, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	AUTO_FREE char *p = xmalloc(2 * PIECE);
	ssize_t n, m;

	if (a < 0 || b < 0) {
		err_drop();
		return false;
	}
	do {
		n = read_upto(a, p, PIECE);
		m = read_upto(b, p + PIECE, PIECE);
	} while (n > 0 && n == m && memcmp(p, p + PIECE, (size_t)n) == 0);
	return n == 0 && m == 0;
}

static bool is_same(const struct walk *w, const struct level *l, const char *name,
		    const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	    a->st_rdev != b->st_rdev)
		return false;
	if (S_ISDIR(a->st_mode))
		return true;
	if (a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		return false;
	if (!S_ISREG(a->st_mode) || (a->st_dev == b->st_dev && a->st_ino == b->st_ino))
		return true;
	if (w->copied && b->st_ctim.tv_sec >= w->copied && a->st_size && !same_content(l, name))
		return false;
	return same_capability(l, name);
}

/* --- directories ------------------------------------------------------------------------------- */

static int add_names(int dir, struct strv *names)
{
	return dir < 0 ? 0 : dir_names(dir, names);
}

/* A layer's marks stand for the names that they speak of. */
static int add_guided(int dir, struct strv *names)
{
	int r = dir_names(dir, names);

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		const char *victim = whiteout_names(names->v[i]);

		if (victim && strncmp(names->v[i], WHITEOUT_META, strlen(WHITEOUT_META)) != 0) {
			char *name = xstrdup(victim);

			free(names->v[i]);
			names->v[i] = name;
		}
	}
	return r;
}

static int names_of(const struct walk *w, const struct level *l, struct strv *names)
{
	int r = l->guide < 0      ? add_names(l->before, names)
		: w->hide_markers ? add_guided(l->guide, names)
				  : add_names(l->guide, names);

	if (r == 0 && l->guide < 0)
		r = add_names(l->after, names);
	strv_sort(names);
	return r;
}

static int open_sub(int dir, const char *name)
{
	int fd = dir < 0 ? -EBADF : open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && dir >= 0)
		err_drop();
	return fd;
}

static int walk_level(struct walk *w, const struct level *l);

static int below(struct walk *w, const struct level *l, const char *name, bool was_dir)
{
	struct level sub = {.before = was_dir ? open_sub(l->before, name) : -EBADF,
			    .after = open_sub(l->after, name),
			    .guide = was_dir ? open_sub(l->guide, name) : -EBADF};
	int r;

	/* Gone since it was looked at, or what is below is in no layer of the guide's. */
	if (sub.guide >= 0 && whiteout_is_opaque(sub.guide))
		closep(&sub.guide);
	r = ++w->depth > DEPTH_MAX
		    ? err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX)
		    : walk_level(w, &sub);
	w->depth--;
	closep(&sub.before);
	closep(&sub.after);
	closep(&sub.guide);
	return r;
}

/* A directory is told as changed when something below it is, before that. */
static int both(struct walk *w, const struct level *l, const char *name, const struct stat *a,
		const struct stat *b)
{
	size_t at = w->ret->n;
	bool same = is_same(w, l, name, a, b);
	bool was_dir = S_ISDIR(a->st_mode), is_dir = S_ISDIR(b->st_mode);
	int r;

	note(w, TREE_CHANGED);
	r = is_dir ? below(w, l, name, was_dir) : 0;
	if (r == 0 && same && w->ret->n == at + 1)
		free(w->ret->v[--w->ret->n].path);
	return r;
}

static int walk_name(struct walk *w, const struct level *l, const char *name)
{
	struct stat a, b;
	bool was = look(l->before, name, &a), is = look(l->after, name, &b);

	if (was && is)
		return both(w, l, name, &a, &b);
	if (was)
		note(w, TREE_DELETED);
	if (!is)
		return 0;
	note(w, TREE_ADDED);
	return S_ISDIR(b.st_mode) ? below(w, l, name, false) : 0;
}

static int walk_level(struct walk *w, const struct level *l)
{
	AUTO_STRV struct strv names = STRV_INIT;
	size_t len = w->path.len;
	int r = names_of(w, l, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if ((i && strcmp(names.v[i], names.v[i - 1]) == 0) ||
		    (w->hide_markers && strncmp(names.v[i], WHITEOUT, strlen(WHITEOUT)) == 0))
			continue;
		sbuf_addc(&w->path, '/');
		sbuf_adds(&w->path, names.v[i]);
		r = walk_name(w, l, names.v[i]);
		w->path.len = len;
		w->path.s[len] = '\0';
	}
	return r;
}

int tree_diff(int before, int after, int guide, bool hide_markers, int64_t copied,
	      struct tree_changes *ret)
{
	struct walk w = {
		.ret = ret, .path = SBUF_INIT, .hide_markers = hide_markers, .copied = copied};
	struct level top = {before, after, guide};
	int r;

	sbuf_grow(&w.path, 1);
	r = walk_level(&w, &top);
	sbuf_done(&w.path);
	return r;
}
