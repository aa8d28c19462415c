/* SPDX-License-Identifier: MIT */
/*
 * Where the store is, whether it is one, and whose.
 *
 * The root holds a file "version". It is the first thing made in an empty directory, so a directory
 * that has other things but no version file was never ours: it is refused rather than written into
 * (--root / or --root ~ by mistake, threats H10). Its first line names the format; or, where the file
 * system of the usual place cannot hold a store, it says "moved" and the second line is where to.
 */
#include "storage/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define FORMAT 1
#define MARKER "version"
#define MARKER_WORD "cuddy-store "

static const char *const dir_names[STORE_DIR_COUNT] = {
	[STORE_LAYERS] = "layers",   [STORE_IMAGES] = "images",         [STORE_REFS] = "refs",
	[STORE_BLOBS] = "blobs",     [STORE_CONTAINERS] = "containers", [STORE_NAMES] = "names",
	[STORE_VOLUMES] = "volumes", [STORE_STAGING] = "staging",       [STORE_TRASH] = "trash",
	[STORE_CACHE] = "cache",     [STORE_LOCKS] = "locks",
};

struct store {
	char *root, *runroot;
	char *notice;
	int root_fd, runtime_fd;
	int *fds; /* STORE_DIR_COUNT of them, opened on first use */
};

void store_close(struct store *st)
{
	if (!st)
		return;
	for (unsigned i = 0; i < STORE_DIR_COUNT; i++)
		closep(&st->fds[i]);
	free(st->fds);
	closep(&st->root_fd);
	closep(&st->runtime_fd);
	free(st->root);
	free(st->runroot);
	free(st->notice);
	free(st);
}

void store_closep(struct store **st)
{
	store_close(*st);
	*st = NULL;
}

/* Nothing but what an interrupted first start may have left. */
static int root_is_fresh(int root)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int copy = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_new(-errno, "list");
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strncmp(e->d_name, ".tmp-", 5) != 0)
			return 0;
	return 1;
}

/* overlay keeps its marks in user.* attributes; where there are none, a store cannot be. */
static bool can_hold_a_store(int root)
{
	if (fsetxattr(root, "user.cuddy.probe", "1", 1, 0) < 0)
		return errno != EOPNOTSUPP && errno != ENOTSUP;
	(void)fremovexattr(root, "user.cuddy.probe");
	return true;
}

static int write_marker(int root, const char *moved_to)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (moved_to)
		sbuf_addf(&b, MARKER_WORD "moved\n%s\n", moved_to);
	else
		sbuf_addf(&b, MARKER_WORD "%d\n", FORMAT);
	r = file_create(root, MARKER, b.s, b.len, 0600, FILE_SYNC);
	return r == -EEXIST ? 0 : r; /* somebody else was first, and wrote the same */
}

/* @ret_moved: where the marker points to, NULL if here. Return: 1 it is there, 0 there is none. */
static int read_marker(int root, const char *path, char **ret_moved)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	uint32_t version;
	char *line_end;
	int r = file_read_at(root, MARKER, 8192, &b);

	*ret_moved = NULL;
	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "open the store %s", path);
	line_end = strchr(b.s, '\n');
	if (strncmp(b.s, MARKER_WORD, sizeof(MARKER_WORD) - 1) != 0 || !line_end)
		return err_new(-CE_CORRUPT, "%s/" MARKER " is not a store's", path);
	*line_end++ = '\0';
	if (strcmp(b.s + sizeof(MARKER_WORD) - 1, "moved") == 0) {
		sbuf_trim_end(&b, "\n");
		*ret_moved = *line_end == '/' ? path_clean(line_end) : NULL;
		return *ret_moved ? 1 : err_new(-CE_CORRUPT, "%s/" MARKER " says nowhere", path);
	}
	if (parse_u32(b.s + sizeof(MARKER_WORD) - 1, UINT32_MAX, &version) < 0)
		return err_new(-CE_CORRUPT, "%s/" MARKER " is not a store's", path);
	if (version != FORMAT)
		return err_new(-CE_UNSUPPORTED, "the store %s has format %u, this cuddy knows %d",
			       path, version, FORMAT);
	return 1;
}

/* All at once, so that later commands that change nothing find nothing to make; store_fd() mends what is missing. */
static int make_dirs(int root)
{
	for (unsigned d = 0; d < STORE_DIR_COUNT; d++) {
		AUTO_CLOSE int fd = private_dir_at(root, dir_names[d], true);

		if (fd < 0)
			return fd;
	}
	return 0;
}

/* Open and make @path a store. Return: 0; or 1 when the file system cannot hold one. */
static int open_root(struct store *st, const char *path, char **ret_moved)
{
	AUTO_CLOSE int fd = -EBADF;
	int r;

	fd = private_dir_open(path, false);
	if (fd == -ENOENT)
		fd = private_dir_open(path, true);
	if (fd < 0)
		return err_wrap(fd, "open the store %s", path);
	r = read_marker(fd, path, ret_moved);
	if (r < 0 || *ret_moved)
		return r < 0 ? r : 0;
	if (r == 0) {
		r = root_is_fresh(fd);
		/* Not fresh, but perhaps somebody made it a store since we looked. */
		if (r == 0)
			r = read_marker(fd, path, ret_moved);
		if (r == 0)
			return err_new(-CE_HOST_SETUP,
				       "%s is not empty and not a store of ours (no " MARKER
				       " file)",
				       path);
		if (r < 0 || *ret_moved)
			return r < 0 ? err_wrap(r, "open the store %s", path) : 0;
		if (!can_hold_a_store(fd))
			return 1;
		r = write_marker(fd, NULL);
		if (r == 0)
			r = make_dirs(fd);
		if (r < 0)
			return err_wrap(r, "make the store %s", path);
	}
	st->root_fd = TAKE_FD(fd);
	st->root = xstrdup(path);
	return 0;
}

/* Refused before anything there is touched: private_dir_open() would tighten its mode. */
static int refuse_home(const char *path)
{
	AUTO_FREE char *home = NULL;

	if (strcmp(path, "/") == 0)
		return err_usage("the store cannot be /");
	if (paths_home(&home) < 0) {
		err_drop();
		return 0;
	}
	return strcmp(home, path) == 0 ? err_usage("the store cannot be the home directory itself")
				       : 0;
}

/* A directory that is not ours to make private: somebody's, with things in it. */
static int refuse_foreign(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstatat(fd, MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0 || root_is_fresh(fd) != 0)
		return 0;
	return err_new(-CE_HOST_SETUP,
		       "%s is not empty and not a store of ours (no " MARKER " file)", path);
}

static int move_root(struct store *st, const char *usual)
{
	AUTO_FREE char *local = xasprintf("/var/tmp/cuddy-%u", (unsigned)outer_uid());
	AUTO_FREE char *moved = NULL;
	AUTO_CLOSE int fd = -EBADF;
	int r = open_root(st, local, &moved);

	if (r < 0)
		return r;
	if (r > 0 || moved)
		return err_new(-CE_HOST_SETUP,
			       "neither %s nor %s can hold a store: no user.* extended attributes; "
			       "give --root a directory on a local file system",
			       usual, local);
	fd = private_dir_open(usual, true);
	if (fd < 0)
		return fd;
	st->notice = xasprintf("the file system of %s has no extended attributes; images and "
			       "containers are kept in %s",
			       usual, local);
	return write_marker(fd, local);
}

static int find_root(struct store *st, const char *given)
{
	AUTO_FREE char *usual = NULL, *moved = NULL, *again = NULL;
	struct stat sb;
	int r;

	if (given)
		usual = path_absolute(given);
	else if ((r = paths_data(&usual)) < 0)
		return r;
	r = refuse_home(usual);
	if (r == 0 && lstat(usual, &sb) == 0 && (sb.st_mode & 077))
		r = refuse_foreign(usual);
	if (r < 0)
		return r;
	r = open_root(st, usual, &moved);
	if (r == 1)
		return given ? err_new(-CE_HOST_SETUP,
				       "%s cannot hold a store: its file system has no user.* "
				       "extended attributes",
				       usual)
			     : move_root(st, usual);
	if (r < 0 || !moved)
		return r;
	r = open_root(st, moved, &again);
	if (r == 1 || (r == 0 && again))
		return err_new(-CE_CORRUPT, "the store moved from %s to %s, which is none", usual,
			       moved);
	return r;
}

static int find_runroot(struct store *st, const char *given)
{
	if (given) {
		st->runroot = path_absolute(given);
	} else {
		int r = paths_runtime(&st->runroot);

		if (r < 0)
			return r;
	}
	st->runtime_fd = private_dir_open(st->runroot, true);
	return st->runtime_fd < 0
		       ? err_wrap(st->runtime_fd, "open the runtime directory %s", st->runroot)
		       : 0;
}

int store_open(const struct store_options *o, struct store **ret)
{
	AUTO(store_closep) struct store *st = xcalloc(1, sizeof(*st));
	int r;

	st->root_fd = st->runtime_fd = -EBADF;
	st->fds = xcalloc(STORE_DIR_COUNT, sizeof(*st->fds));
	for (unsigned i = 0; i < STORE_DIR_COUNT; i++)
		st->fds[i] = -EBADF;
	r = find_root(st, o->root);
	if (r == 0)
		r = find_runroot(st, o->runroot);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(st);
	return 0;
}

const char *store_notice(const struct store *st)
{
	return st->notice;
}

const char *store_root(const struct store *st)
{
	return st->root;
}

const char *store_runroot(const struct store *st)
{
	return st->runroot;
}

int store_runtime_fd(const struct store *st)
{
	return st->runtime_fd;
}

int store_fd(const struct store *st, enum store_dir d)
{
	if (st->fds[d] < 0) {
		int fd = private_dir_at(st->root_fd, dir_names[d], true);

		if (fd < 0)
			return err_wrap(fd, "open the store %s", st->root);
		st->fds[d] = fd;
	}
	return st->fds[d];
}

char *store_path(const struct store *st, enum store_dir d, const char *name)
{
	return path_join3(st->root, dir_names[d], name);
}

int store_lock(struct store *st, bool exclusive)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks
			 : lock_open(locks, "store", exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED);
}

bool store_has(struct store *st, enum store_dir d, const char *name)
{
	struct stat sb;
	int fd = store_fd(st, d);

	if (fd < 0)
		err_drop();
	return fd >= 0 && fstatat(fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_names(struct store *st, enum store_dir d, struct strv *ret)
{
	AUTO_CLOSEDIR DIR *dir = NULL;
	int fd = store_fd(st, d), copy;
	struct dirent *e;

	if (fd < 0)
		return fd;
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_new(-errno, "list %s", dir_names[d]);
	errno = 0;
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			strv_add(ret, e->d_name);
	if (errno)
		return err_new(-errno, "list %s", dir_names[d]);
	strv_sort(ret);
	return 0;
}

void store_drop_lock(struct store *st, const char *name)
{
	int locks = store_fd(st, STORE_LOCKS);

	if (locks < 0)
		err_drop();
	else
		(void)unlinkat(locks, name, 0);
}
