/* SPDX-License-Identifier: MIT */
#include "pkg/build/select.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/glob.h"
#include "pkg/sys/open.h"

#define MATCHES_MAX 100000
#define DEPTH_MAX 200

struct finder {
	int root;
	char *root_path; /* as /proc/self/fd says it */
	const struct ignore *ignore;
	bool parents;
	struct selection *out;
};

void selection_done(struct selection *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].path);
		free(s->v[i].name);
	}
	free(s->v);
	*s = (struct selection){0};
}

static char *real_path(int fd)
{
	char link[32], buf[PATH_MAX + 1];
	ssize_t n = readlink(fd_path(fd, link), buf, PATH_MAX);

	return n < 0 ? NULL : xstrndup(buf, (size_t)n);
}

/* The place of @fd below the root, "" for the root itself; NULL when it cannot be told. */
static char *place_of(const struct finder *f, int fd)
{
	AUTO_FREE char *path = real_path(fd);
	size_t n = strlen(f->root_path);

	if (!path)
		return NULL;
	if (strcmp(f->root_path, "/") == 0)
		return xstrdup(path + (*path == '/'));
	if (strncmp(path, f->root_path, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return xstrdup(path + n + (path[n] == '/'));
}

static bool is_hidden(const struct finder *f, const char *path, bool directory)
{
	return ignore_has(f->ignore, path) && !(directory && ignore_may_hold(f->ignore, path));
}

/* What --parents keeps of the path: after "/./" where that is written. */
static char *kept_path(const char *pattern, const char *path)
{
	const char *pivot = strstr(pattern, "/./");
	AUTO_FREE char *before = xstrndup(pattern, pivot ? (size_t)(pivot - pattern) : 0);
	AUTO_FREE char *clean = path_clean(before);
	const char *p = clean + (*clean == '/');
	AUTO_STRV struct strv parts = STRV_INIT;

	if (pivot && *p && strcmp(p, ".") != 0)
		strv_split(&parts, p, '/');
	for (size_t i = 0; i < parts.n && *path; i++) {
		path += strcspn(path, "/");
		path += *path == '/';
	}
	return xstrdup(path);
}

/* @path was written or found; links on the way and at its end are followed. -ENOENT: not there. */
static int add(struct finder *f, const char *pattern, const char *path, bool literal)
{
	AUTO_CLOSE int fd = open_in(f->root, *path ? path : ".", O_PATH, 0);
	AUTO_FREE char *place = NULL, *own = NULL;
	struct match m = {0};
	struct stat st, at = {0};

	if (fd < 0) {
		int r = fd;

		if (!literal && (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)) {
			err_drop(); /* a link to nowhere among what a pattern found */
			return 0;
		}
		return r == -ENOENT || r == -ENOTDIR ? err_new(-ENOENT, "%s", pattern)
						     : err_wrap(r, "%s", pattern);
	}
	place = place_of(f, fd);
	if (fstat(fd, &st) < 0 || !place)
		return err_new(-ESTALE, "%s moved while it was looked up", pattern);
	own = path_clean(path);
	if (is_hidden(f, place, S_ISDIR(st.st_mode)) ||
	    (strcmp(own, ".") != 0 && is_hidden(f, own, S_ISDIR(st.st_mode))))
		return literal ? err_new(-ENOENT, "%s: left out by the ignore file of the context",
					 pattern)
			       : 0;
	if (f->out->n == MATCHES_MAX)
		return err_new(-CE_LIMIT, "%s: more than %d files match", pattern, MATCHES_MAX);
	if (fstatat(f->root, own, &at, AT_SYMLINK_NOFOLLOW) == 0)
		m.was_link = S_ISLNK(at.st_mode);
	m.directory = S_ISDIR(st.st_mode);
	m.path = TAKE_PTR(place);
	m.name = f->parents ? kept_path(pattern, own) : xstrdup(path_base(own));
	f->out->v = xreallocarray(f->out->v, f->out->n + 1, sizeof(m));
	f->out->v[f->out->n++] = m;
	return 0;
}

static int list(int root, const char *path, struct strv *ret)
{
	AUTO_CLOSE int fd = open_in(root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
		err_drop();
		return 0;
	}
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return fd < 0 ? fd : err_new(-errno, "list %s", path);
	(void)TAKE_FD(fd);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_add(ret, e->d_name);
	strv_sort(ret);
	return 0;
}

/* The rest of a pattern, component by component, below @path. */
static int expand(struct finder *f, const char *pattern, const char *path, const struct strv *parts,
		  size_t at)
{
	AUTO(glob_freep) struct glob *g = NULL;
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (at == parts->n)
		return add(f, pattern, path, false);
	if (glob_is_literal(parts->v[at])) {
		AUTO_FREE char *name = glob_unescape(parts->v[at]);
		AUTO_FREE char *next = *path ? path_join(path, name) : xstrdup(name);

		return expand(f, pattern, next, parts, at + 1);
	}
	r = glob_new(parts->v[at], 0, &g);
	if (r == 0)
		r = list(f->root, path, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *next = *path ? path_join(path, names.v[i]) : xstrdup(names.v[i]);

		if (glob_match(g, names.v[i]))
			r = expand(f, pattern, next, parts, at + 1);
	}
	return r;
}

/* "**": everything is looked at, links are not entered. What matches is taken whole. */
static int walk(struct finder *f, const char *pattern, const struct glob *g, const char *path,
		unsigned depth)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list(f->root, path, &names);

	if (r == 0 && depth > DEPTH_MAX)
		r = err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *next = *path ? path_join(path, names.v[i]) : xstrdup(names.v[i]);
		AUTO_CLOSE int fd = -EBADF;
		struct stat st;

		if (glob_match(g, next)) {
			r = add(f, pattern, next, false);
			continue;
		}
		fd = open_in(f->root, next, O_PATH | O_NOFOLLOW, 0);
		if (fd < 0 || fstat(fd, &st) < 0) {
			err_drop(); /* it went meanwhile */
			continue;
		}
		if (S_ISDIR(st.st_mode) && !is_hidden(f, next, true))
			r = walk(f, pattern, g, next, depth + 1);
	}
	return r;
}

static int select_one(struct finder *f, const char *pattern)
{
	AUTO_FREE char *clean = path_clean(pattern);
	const char *p = clean + (*clean == '/');
	AUTO(glob_freep) struct glob *g = NULL;
	AUTO_STRV struct strv parts = STRV_INIT;
	int r;

	while (strncmp(p, "../", 3) == 0) /* ".." at the root is the root */
		p += 3;
	if (strcmp(p, ".") == 0 || strcmp(p, "..") == 0)
		p = "";
	if (glob_is_literal(p)) {
		AUTO_FREE char *plain = glob_unescape(p);

		return add(f, pattern, plain, true);
	}
	if (f->parents && strstr(p, "**")) {
		r = glob_new(p, GLOB_DEEP, &g);
		return r < 0 ? r : walk(f, pattern, g, "", 0);
	}
	strv_split(&parts, p, '/');
	return expand(f, pattern, "", &parts, 0);
}

int select_files(int root, const struct strv *patterns, const struct ignore *ignore, bool parents,
		 struct selection *ret, struct strv *ret_empty)
{
	struct selection found = {0};
	struct finder f = {.root = root, .ignore = ignore, .parents = parents, .out = &found};
	int r = 0;

	f.root_path = real_path(root);
	if (!f.root_path)
		return err_new(-errno, "look up the source's root");
	for (size_t i = 0; r == 0 && i < patterns->n; i++) {
		size_t before = found.n;

		r = select_one(&f, patterns->v[i]);
		if (r == 0 && found.n == before)
			strv_add(ret_empty, patterns->v[i]);
	}
	free(f.root_path);
	if (r < 0)
		selection_done(&found);
	else
		*ret = found;
	return r;
}
