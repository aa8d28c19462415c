/* SPDX-License-Identifier: MIT */
#include "pkg/container/place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/open.h"

#define LINKS_MAX 40
#define PATH_BYTES 4096

void place_done(struct place *p)
{
	closep(&p->dir);
	freep(&p->name);
}

static void strip_slashes(char *s)
{
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		s[--n] = '\0';
}

static int directory_itself(int root, const char *path, struct place *ret)
{
	ret->dir = open_in(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (ret->dir < 0)
		return ret->dir;
	if (fstat(ret->dir, &ret->st) < 0)
		return err_new(-errno, "stat %s", path);
	ret->name = xstrdup(".");
	ret->exists = ret->is_dir = true;
	return 0;
}

/* Where the link @name in @dir leads: relative ones from where the link stands. */
static int follow(int dir, const char *name, char **path)
{
	char target[PATH_BYTES];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));
	char *slash = strrchr(*path, '/'), *next;

	if (n < 0)
		return err_new(-errno, "read link %s", *path);
	if (n == 0 || n == (ssize_t)sizeof(target))
		return err_new(-ENAMETOOLONG, "link %s", *path);
	target[n] = '\0';
	next = target[0] == '/' || !slash
		       ? xstrdup(target)
		       : xasprintf("%.*s/%s", (int)(slash - *path), *path, target);
	free(*path);
	*path = next;
	return strlen(next) < PATH_BYTES ? 0 : err_new(-ENAMETOOLONG, "link to %.64s…", next);
}

/* Return: 0 found, 1 a link was followed: again with the new path. */
static int one_look(int root, char **path, bool keep_link, struct place *ret)
{
	AUTO_CLOSE int dir = -EBADF;
	const char *name;
	int r;

	strip_slashes(*path);
	dir = parent_in(root, *path, 0, &name);
	if (dir < 0)
		return dir;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return directory_itself(root, *path, ret);
	if (fstatat(dir, name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_new(-errno, "%s", *path);
	} else if (S_ISLNK(ret->st.st_mode) && !keep_link) {
		r = follow(dir, name, path);
		return r < 0 ? r : 1;
	} else {
		ret->exists = true;
		ret->is_dir = S_ISDIR(ret->st.st_mode);
	}
	ret->name = xstrdup(name);
	if (ret->is_dir) {
		ret->dir = open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0);
		if (ret->dir < 0)
			return ret->dir;
		free(ret->name);
		ret->name = xstrdup(".");
		return 0;
	}
	ret->dir = TAKE_FD(dir);
	return 0;
}

static int find(int root, const char *path, bool keep_link, struct place *ret)
{
	char *now = xstrdup(path);
	int r = 1;

	*ret = (struct place)PLACE_INIT;
	for (int i = 0; r == 1 && i < LINKS_MAX; i++)
		r = one_look(root, &now, keep_link, ret);
	if (r == 1)
		r = err_new(-ELOOP, "%s", path);
	free(now);
	if (r < 0)
		place_done(ret);
	return r;
}

int place_find(int root, const char *path, struct place *ret)
{
	return find(root, path, false, ret);
}

int place_find_link(int root, const char *path, struct place *ret)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;

	return find(root, path, *last && strcmp(last, ".") != 0 && strcmp(last, "..") != 0, ret);
}
