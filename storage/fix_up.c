/* SPDX-License-Identifier: MIT */
#include "storage/fix_up.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/open.h"
#include "pkg/sys/whiteout.h"
#include "pkg/sys/xattr.h"
#include "storage/layer_internal.h"
#include "storage/store_internal.h"


void chain_done(struct chain *c)
{
	for (size_t i = 0; c->trees && i < c->diffids->n; i++) {
		closep(&c->trees[i]);
		strv_done(&c->implied[i]);
	}
	free(c->trees);
	free(c->implied);
}

static void read_paths(const struct strv *raw, struct strv *ret)
{
	for (size_t i = 0; i < raw->n; i++) {
		AUTO_FREE char *rooted = path_join("/", raw->v[i]);
		AUTO_FREE char *clean = path_clean(rooted);

		strv_add(ret, clean + 1);
	}
	strv_sort(ret);
}

int chain_open(struct store *st, const struct strv *diffids, struct chain *c, bool *ret_any)
{
	int layers = store_fd(st, STORE_LAYERS);

	c->diffids = diffids;
	c->trees = xcalloc(diffids->n + 1, sizeof(*c->trees));
	c->implied = xcalloc(diffids->n + 1, sizeof(*c->implied));
	for (size_t i = 0; i < diffids->n; i++)
		c->trees[i] = -EBADF;
	for (size_t i = 0; i < diffids->n; i++) {
		AUTO_STRV struct strv raw = STRV_INIT;
		AUTO_FREE char *path = path_join(diffids->v[i], "tree");
		int r = layer_read_implied(st, diffids->v[i], &raw);

		if (r < 0)
			return r;
		read_paths(&raw, &c->implied[i]);
		*ret_any |= raw.n > 0;
		c->trees[i] = openat(layers, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (c->trees[i] < 0)
			return err_new(-errno, "open layer %.12s", diffids->v[i]);
	}
	return 0;
}

static bool is_implied(const struct chain *c, size_t layer, const char *path)
{
	return strv_has_sorted(&c->implied[layer], path);
}

enum sight { SIGHT_NOTHING, SIGHT_DIR };

/*
 * What of @path one layer shows. @ret_fd: the directory, when SIGHT_DIR. @ret_hides: nothing below
 * this layer counts (a whiteout, another type, or an opaque directory on the way).
 */
static int look(int tree, const char *path, enum sight *ret, int *ret_fd, bool *ret_hides)
{
	AUTO_CLOSE int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_hides = fd >= 0 && whiteout_is_opaque(fd);
	*ret = SIGHT_NOTHING;
	while (fd >= 0 && *path) {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *name = xstrndup(path, n);
		AUTO_CLOSE int above = TAKE_FD(fd);

		fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT) {
			*ret_hides |= whiteout_stands_for(above, name);
			return 0;
		}
		if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
			*ret_hides = true;
			return 0;
		}
		if (fd < 0)
			break;
		*ret_hides |= whiteout_is_opaque(fd);
		path += n + (path[n] == '/');
	}
	if (fd < 0)
		return err_new(-errno, "look at %s in a layer", path);
	*ret = SIGHT_DIR;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * The directory whose attributes @path should show: of the topmost layer that lists it, else of the
 * topmost that has it. @ret_fd: -EBADF when it is no directory at all. @ret_wrong: overlay would show another.
 */
static int attributes_of(const struct chain *c, const char *path, int *ret_fd, bool *ret_wrong)
{
	AUTO_CLOSE int first = -EBADF;
	bool hides = false;

	*ret_wrong = false;
	*ret_fd = -EBADF;
	for (size_t i = c->diffids->n; i-- > 0 && !hides;) {
		AUTO_CLOSE int fd = -EBADF;
		enum sight sight;
		int r = look(c->trees[i], path, &sight, &fd, &hides);

		if (r < 0)
			return r;
		if (sight != SIGHT_DIR)
			continue;
		if (!is_implied(c, i, path)) {
			*ret_wrong = first >= 0;
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
		if (first < 0)
			first = TAKE_FD(fd);
	}
	*ret_fd = TAKE_FD(first);
	return 0;
}

/* --- the fix-up layer ---------------------------------------------------------------------------- */

int layer_copy_attributes(int from, int to)
{
	struct timespec times[2];
	struct stat st, now;
	int r;

	if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
		return err_new(-errno, "stat");
	if ((st.st_uid != now.st_uid || st.st_gid != now.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) < 0)
		return err_new(-errno, "chown to %u:%u", (unsigned)st.st_uid, (unsigned)st.st_gid);
	if (fchmod(to, st.st_mode & 07777) < 0)
		return err_new(-errno, "chmod");
	r = xattr_copy_all(from, to, false);
	if (r < 0)
		return r;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return futimens(to, times) < 0 ? err_new(-errno, "set times") : 0;
}

/* @path below @tree, with every directory on the way; each as attributes_of() says. */
static int add_fixed(const struct chain *c, int tree, const char *path)
{
	for (size_t n = 0;; n++) {
		AUTO_FREE char *upto = NULL;
		AUTO_CLOSE int from = -EBADF, to = -EBADF;
		bool wrong;
		int r;

		if (n && path[n] && path[n] != '/')
			continue;
		upto = xstrndup(path, n);
		r = attributes_of(c, upto, &from, &wrong);
		if (r < 0)
			return r;
		if (*upto && mkdirat(tree, upto, 0700) < 0 && errno != EEXIST)
			return err_new(-errno, "make directory %s", upto);
		to = openat(tree, *upto ? upto : ".",
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (to < 0)
			return err_new(-errno, "open %s", upto);
		r = from < 0 ? 0 : layer_copy_attributes(from, to);
		if (r < 0)
			return err_wrap(r, "%s", upto);
		if (!path[n])
			return 0;
	}
}

static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/*
 * Does any layer list @path? Only then can another one's be shown in its place. Most of what is implied
 * is in one layer alone. @absent: of each layer, the directory last found missing in it; paths come sorted.
 */
static bool may_be_wrong(const struct chain *c, const char *path, char **absent)
{
	for (size_t i = 0; i < c->diffids->n; i++) {
		AUTO_CLOSE int fd = -EBADF;

		if (is_implied(c, i, path) || (absent[i] && is_below(path, absent[i])))
			continue;
		fd = open_beneath(c->trees[i], *path ? path : ".",
				  O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd >= 0)
			return true;
		err_drop();
		free(absent[i]);
		absent[i] = xstrdup(path);
	}
	return false;
}

static int look_for_wrong(const struct chain *c, const struct strv *all, char **absent,
			  struct strv *ret)
{
	for (size_t i = 0; i < all->n; i++) {
		AUTO_CLOSE int fd = -EBADF;
		bool wrong;
		int r;

		if ((i && strcmp(all->v[i], all->v[i - 1]) == 0) ||
		    !may_be_wrong(c, all->v[i], absent))
			continue;
		r = attributes_of(c, all->v[i], &fd, &wrong);
		if (r < 0)
			return r;
		if (wrong)
			strv_add(ret, all->v[i]);
	}
	return 0;
}

int fix_up_find(const struct chain *c, struct strv *ret)
{
	AUTO_STRV struct strv all = STRV_INIT;
	char **absent = xcalloc(c->diffids->n + 1, sizeof(*absent));
	int r;

	for (size_t i = 0; i < c->diffids->n; i++)
		strv_add_all(&all, &c->implied[i]);
	strv_sort(&all);
	r = look_for_wrong(c, &all, absent, ret);
	for (size_t i = 0; i < c->diffids->n; i++)
		free(absent[i]);
	free(absent);
	return r;
}

/* Deepest last while making; times are set top down, and mkdir() of a child moves its parent's. */
int fix_up_make(const struct chain *c, int tree, const struct strv *wrong)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < wrong->n; i++) {
			int r = add_fixed(c, tree, wrong->v[i]);

			if (r < 0)
				return r;
		}
	return 0;
}
