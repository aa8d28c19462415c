/* SPDX-License-Identifier: MIT */
/* What a copy would make, as a digest: its cache key. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/copy_internal.h"
#include "pkg/sys/open.h"

#define PIECE (256UL << 10)

struct digester {
	const struct copy_rules *c;
	struct sha256 *h;
	char *piece;
};

static void add_text(struct sha256 *h, const char *s)
{
	sha256_add(h, s, strlen(s) + 1);
}

static void add_head(struct digester *d, const char *rel, const struct stat *st)
{
	char head[96];

	(void)snprintf(head, sizeof(head), "%o %u %u", st->st_mode,
		       d->c->keep_owner ? st->st_uid : 0, d->c->keep_owner ? st->st_gid : 0);
	add_text(d->h, rel);
	add_text(d->h, head);
}

static int hash_content(struct digester *d, int fd, char ret[65])
{
	struct sha256 content;
	ssize_t n;

	sha256_init(&content);
	while ((n = read(fd, d->piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read");
		sha256_add(&content, d->piece, (size_t)n);
	}
	sha256_end_hex(&content, ret);
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/*
 * The content by a digest of its own: no content can be mistaken for what follows it. @was is what the
 * name stood for; a file whose digest is known is not even opened. Those with capabilities always are.
 */
static int add_file(struct digester *d, int dir, const char *name, const char *rel,
		    const struct stat *was)
{
	AUTO_CLOSE int fd = -EBADF;
	char hex[65], cap[64];
	struct stat st, after;
	ssize_t n;
	int r;

	if (d->c->stats && stat_cache_find(d->c->stats, was, hex)) {
		add_head(d, rel, was);
		add_text(d->h, hex);
		return 0;
	}
	fd = open_nofollow(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-ESTALE, "it changed while it was read");
	add_head(d, rel, &st);
	r = hash_content(d, fd, hex);
	if (r < 0)
		return r;
	add_text(d->h, hex);
	n = fgetxattr(fd, "security.capability", cap, sizeof(cap));
	if (n > 0)
		sha256_add(d->h, cap, (size_t)n);
	else if (d->c->stats && fstat(fd, &after) == 0 && is_same(&st, &after))
		stat_cache_add(d->c->stats, &st, hex);
	return 0;
}

static int add_link(struct digester *d, int dir, const char *name, const char *rel,
		    const struct stat *st)
{
	char text[PATH_MAX + 1];
	ssize_t n = readlinkat(dir, name, text, PATH_MAX);

	if (n < 0)
		return err_new(-errno, "read the link");
	text[n] = '\0';
	add_head(d, rel, st);
	add_text(d->h, text);
	return 0;
}

static int add_entry(struct digester *d, int dir, const char *name, const char *path,
		     const char *rel, unsigned depth);

static int add_directory(struct digester *d, int dir, const char *name, const char *path,
			 const char *rel, unsigned depth)
{
	AUTO_CLOSE int fd = open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0);
	AUTO_STRV struct strv names = STRV_INIT;
	struct stat st;
	int r = fd < 0 ? fd : copy_list(fd, &names);

	if (r < 0)
		return r;
	if (depth > COPY_DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", COPY_DEPTH_MAX);
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat");
	add_head(d, rel, &st);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *p = copy_below(path, names.v[i]), *l = copy_below(rel, names.v[i]);

		r = add_entry(d, fd, names.v[i], p, l, depth + 1);
	}
	return r;
}

static int add_entry(struct digester *d, int dir, const char *name, const char *path,
		     const char *rel, unsigned depth)
{
	struct stat st;
	int r = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "%s", path);
	if (copy_skips(d->c, path, rel, S_ISDIR(st.st_mode)) || copy_is_whiteout(&st))
		return 0;
	if (S_ISDIR(st.st_mode))
		r = add_directory(d, dir, name, path, rel, depth);
	else if (S_ISREG(st.st_mode))
		r = add_file(d, dir, name, rel, &st);
	else if (S_ISLNK(st.st_mode))
		r = add_link(d, dir, name, rel, &st);
	else
		add_head(d, rel, &st);
	return r < 0 && depth < 2 ? err_wrap(r, "%s", path) : r;
}

int copy_digest(const struct copy_rules *rules, const struct selection *s, struct sha256 *h)
{
	AUTO_FREE char *piece = xmalloc(PIECE);
	struct digester d = {.c = rules, .h = h, .piece = piece};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct match *m = &s->v[i];
		const char *name, *base = strrchr(m->path, '/');
		AUTO_CLOSE int dir = copy_open_parent(rules->source, m->path, &name);

		if (dir < 0)
			return dir;
		/* A directory's own name does not show at the destination, a file's does. */
		add_text(h, m->directory ? "directory" : m->name);
		r = m->directory ? add_directory(&d, dir, name, m->path, "", 0)
				 : add_entry(&d, dir, name, m->path, base ? base + 1 : m->path, 0);
		if (r < 0)
			return err_wrap(r, "read %s", *m->path ? m->path : ".");
	}
	return r;
}
