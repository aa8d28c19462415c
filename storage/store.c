/* SPDX-License-Identifier: MIT */
/*
 * Where the store is, whether it is one, and whose.
 *
 * The root holds a file "version" (marker.h). It is the first thing made in an empty directory, so a
 * directory that has other things but no version file was never ours: it is refused rather than
 * written into (--root / or --root ~ by mistake, threats H10).
 *
 * Where the kernel's overlay does not work in the usual place the store goes to /var/tmp if it works
 * there, and is made in the usual place with another driver if it does not. A place or a driver that
 * was asked for is taken as it is.
 */
#include "storage/store.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/sys/fuse_device.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/marker.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

static const char *const dir_names[STORE_DIR_COUNT] = {
	[STORE_LAYERS] = "layers",
	[STORE_IMAGES] = "images",
	[STORE_REFS] = "refs",
	[STORE_BLOBS] = "blobs",
	[STORE_CONTAINERS] = "containers",
	[STORE_NAMES] = "names",
	[STORE_NETWORKS] = "networks",
	[STORE_PODS] = "pods",
	[STORE_VOLUMES] = "volumes",
	[STORE_STAGING] = "staging",
	[STORE_TRASH] = "trash",
	[STORE_CACHE] = "cache",
	[STORE_LOCKS] = "locks",
	[STORE_SECRETS] = "secrets",
	[STORE_LISTS] = "lists",
	[STORE_ARTIFACTS] = "artifacts",
	[STORE_PARTS] = "parts",
	[STORE_BUILDERS] = "builders",
};

struct store {
	char *root, *runroot;
	char *notice;
	const char *asked; /* the driver, NULL: any */
	struct marker marker;
	int root_fd, runtime_fd;
	int *fds; /* STORE_DIR_COUNT of them, opened on first use */
	struct shared_list *shared; /* loaded on first use */
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
	shared_list_free(st->shared);
	free(st->marker.moved_to);
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

/* All at once, so that later commands that change nothing find nothing to make; store_fd() mends what is missing. */
static int make_dirs(int root)
{
	for (unsigned d = 0; d < STORE_DIR_COUNT; d++) {
		AUTO_CLOSE int fd = private_dir_at(root, dir_names[d], true);

		if (fd < 0)
			return fd;
		if (d == STORE_STAGING)
			dir_spread(fd);
	}
	return 0;
}

/* fuse-overlayfs takes its directories as a list with ':' between them, and knows no escape. */
static int can_fuse(const char *path)
{
	AUTO_CLOSE int device = -EBADF;
	const char *program;
	int r;

	if (strchr(path, ':'))
		return err_new(-CE_HOST_SETUP,
			       "fuse-overlayfs cannot use %s: there is a ':' in it; give another "
			       "--root",
			       path);
	r = driver_fuse_program(&program);
	if (r < 0)
		return r;
	device = fuse_device_open();
	return device < 0 ? device : 0;
}

/* What the new store in @root will be, and why. Return: 0; 1 when only @native will do and it does not work. */
static int choose_driver(struct store *st, int root, const char *path, bool native)
{
	struct marker *m = &st->marker;
	struct fs_probe p;
	int r = driver_probe(root, &p);

	if (r < 0)
		return err_wrap(r, "try out the file system of %s", path);
	*m = (struct marker){.file_marks = !p.attributes || !p.whiteouts};
	if (st->asked) {
		r = driver_parse(st->asked, &m->driver);
		if (r == 0 && m->driver == STORE_FUSE_OVERLAY)
			r = can_fuse(path);
		if (r == 0 && m->driver == STORE_OVERLAY && !p.overlay)
			r = err_new(-CE_HOST_SETUP,
				    "the storage driver overlay does not work in %s (%s); use "
				    "fuse-overlayfs or vfs, or another --root",
				    path, p.why_not);
		return r;
	}
	m->driver = STORE_OVERLAY;
	if (p.overlay || native)
		return p.overlay ? 0 : 1;
	m->driver = can_fuse(path) == 0 ? STORE_FUSE_OVERLAY : STORE_VFS;
	st->notice = m->driver == STORE_FUSE_OVERLAY
			     ? xasprintf("%s uses fuse-overlayfs because %s", path, p.why_not)
			     : xasprintf(
				       "%s uses vfs, a copy of the whole image for each container, "
				       "because %s, and %s",
				       path, p.why_not, err_trail());
	err_drop();
	return 0;
}

static int check_asked(const struct store *st, const char *path)
{
	enum store_driver asked;
	int r = st->asked ? driver_parse(st->asked, &asked) : 0;

	if (r < 0 || !st->asked || asked == st->marker.driver)
		return r;
	return err_new(-CE_USAGE,
		       "the store %s was made with the storage driver %s, which cannot change; for "
		       "%s give another --root",
		       path, driver_name(st->marker.driver), driver_name(asked));
}

/* Open and make @path a store. Return: 0; or 1 when it is @native or nothing, and that does not work there. */
static int open_root(struct store *st, const char *path, bool native)
{
	AUTO_CLOSE int fd = -EBADF;
	int r;

	fd = private_dir_open(path, false);
	if (fd == -ENOENT)
		fd = private_dir_open(path, true);
	if (fd < 0)
		return err_wrap(fd, "open the store %s", path);
	r = marker_read(fd, path, &st->marker);
	if (r < 0 || st->marker.moved_to)
		return r < 0 ? r : 0;
	if (r == 0) {
		r = root_is_fresh(fd);
		/* Not fresh, but perhaps somebody made it a store since we looked. */
		if (r == 0)
			r = marker_read(fd, path, &st->marker);
		if (r == 0)
			return err_new(-CE_HOST_SETUP,
				       "%s is not empty and not a store of ours (no " MARKER
				       " file)",
				       path);
		if (r < 0 || st->marker.moved_to)
			return r < 0 ? err_wrap(r, "open the store %s", path) : 0;
		r = choose_driver(st, fd, path, native);
		if (r != 0)
			return r;
		r = marker_write(fd, &st->marker);
		/* Whoever was first has written it: his words count. */
		if (r == 0)
			r = marker_read(fd, path, &st->marker);
		if (r >= 0)
			r = make_dirs(fd);
		if (r < 0)
			return err_wrap(r, "make the store %s", path);
	}
	r = check_asked(st, path);
	if (r < 0)
		return r;
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

/* Where the marker of the usual place sends us. */
static int follow_move(struct store *st, const char *usual)
{
	AUTO_FREE char *to = TAKE_PTR(st->marker.moved_to);
	int r = open_root(st, to, true);

	if (r == 1 || (r == 0 && st->marker.moved_to))
		return err_new(-CE_CORRUPT, "the store moved from %s to %s, which is none", usual,
			       to);
	return r;
}

char *store_local_path(void)
{
	return xasprintf("/var/tmp/cuddy-%u", (unsigned)outer_uid());
}

/* Return: 0, or 1 when it is no better there. */
static int move_root(struct store *st, const char *usual)
{
	AUTO_FREE char *local = store_local_path();
	const struct marker moved = {.moved_to = local};
	AUTO_CLOSE int fd = -EBADF;
	int r = open_root(st, local, true);

	if (r == 0 && st->marker.moved_to)
		return err_new(-CE_CORRUPT, "%s/" MARKER " points elsewhere", local);
	if (r != 0)
		return r;
	fd = private_dir_open(usual, true);
	if (fd < 0)
		return fd;
	st->notice = xasprintf("images and containers are kept in %s: in %s overlay mounts do not "
			       "work",
			       local, usual);
	return marker_write(fd, &moved);
}

static int usual_root(const char *given, char **ret)
{
	AUTO_FREE char *usual = NULL;
	struct stat sb;
	int r;

	if (given)
		usual = path_absolute(given);
	else if ((r = paths_data(&usual)) < 0)
		return r;
	r = refuse_home(usual);
	if (r == 0 && lstat(usual, &sb) == 0 && (sb.st_mode & 077))
		r = refuse_foreign(usual);
	if (r == 0)
		*ret = TAKE_PTR(usual);
	return r;
}

static bool is_asked_for(const struct store_options *o)
{
	return o->root || o->driver || paths_data_is_asked_for();
}

int store_locate(const struct store_options *o, struct store_place *ret)
{
	AUTO_FREE char *path = NULL;
	struct marker m = {0};
	int r = usual_root(o->root, &path);

	*ret = (struct store_place){.may_move = !is_asked_for(o)};
	for (unsigned moves = 0; r == 0 && moves < 2; moves++) {
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno != ENOENT)
			return err_new(-errno, "open the store %s", path);
		r = fd < 0 ? 0 : marker_read(fd, path, &m);
		if (r <= 0 || !m.moved_to)
			break;
		free(path);
		path = TAKE_PTR(m.moved_to);
		r = 0;
	}
	free(m.moved_to);
	if (r < 0)
		return r;
	ret->exists = r == 1;
	ret->driver = m.driver;
	ret->path = TAKE_PTR(path);
	return 0;
}

static int find_root(struct store *st, const struct store_options *o)
{
	AUTO_FREE char *usual = NULL;
	int r = usual_root(o->root, &usual);

	if (r < 0)
		return r;
	r = open_root(st, usual, !is_asked_for(o));
	if (r == 1)
		r = move_root(st, usual);
	if (r == 1)
		r = open_root(st, usual, false);
	return r == 0 && st->marker.moved_to ? follow_move(st, usual) : r;
}

#define RUNTIME "runtime"

/*
 * One store has one runtime directory at a time, or a container that runs would look dead from where
 * XDG_RUNTIME_DIR is another (su, cron), and be started twice. The link RUNTIME in the root says where
 * it is, as long as that place is there.
 */
static void agree_on_runroot(struct store *st)
{
	char was[PATH_MAX];
	ssize_t n = readlinkat(st->root_fd, RUNTIME, was, sizeof(was) - 1);

	was[n > 0 ? n : 0] = '\0';
	if (strcmp(was, st->runroot) == 0)
		return;
	if (*was == '/' && private_dir_check(was)) {
		free(st->runroot);
		st->runroot = xstrdup(was);
		return;
	}
	if (n >= 0)
		(void)unlinkat(st->root_fd, RUNTIME, 0);
	/* Somebody was faster: his place counts. Where nothing can be written nothing runs either. */
	if (symlinkat(st->runroot, st->root_fd, RUNTIME) < 0 && errno == EEXIST &&
	    (n = readlinkat(st->root_fd, RUNTIME, was, sizeof(was) - 1)) > 0) {
		was[n] = '\0';
		free(st->runroot);
		st->runroot = xstrdup(was);
	}
}

static int find_runroot(struct store *st, const char *given)
{
	const char *env = getenv("CUDDY_RUNROOT");

	if (given) {
		st->runroot = path_absolute(given);
	} else {
		int r = paths_runtime(&st->runroot);

		if (r < 0)
			return r;
		if (!env || !*env)
			agree_on_runroot(st);
	}
	st->runtime_fd = private_dir_open(st->runroot, false);
	if (st->runtime_fd == -ENOENT) {
		st->runtime_fd = private_dir_open(st->runroot, true);
		if (st->runtime_fd >= 0)
			dir_spread(st->runtime_fd);
	}
	return st->runtime_fd < 0
		       ? err_wrap(st->runtime_fd, "open the runtime directory %s", st->runroot)
		       : 0;
}

int store_open(const struct store_options *o, struct store **ret)
{
	AUTO(store_closep) struct store *st = xcalloc(1, sizeof(*st));
	int r;

	st->asked = o->driver;
	st->root_fd = st->runtime_fd = -EBADF;
	st->fds = xcalloc(STORE_DIR_COUNT, sizeof(*st->fds));
	for (unsigned i = 0; i < STORE_DIR_COUNT; i++)
		st->fds[i] = -EBADF;
	r = find_root(st, o);
	if (r == 0)
		r = find_runroot(st, o->runroot);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(st);
	return 0;
}

struct shared_list **store_shared(struct store *st)
{
	return &st->shared;
}

const char *store_notice(const struct store *st)
{
	return st->notice;
}

enum store_driver store_driver(const struct store *st)
{
	return st->marker.driver;
}

bool store_has_file_marks(const struct store *st)
{
	return st->marker.file_marks;
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

int store_erase(struct store *st)
{
	int r = 0;

	for (unsigned d = 0; r == 0 && d < STORE_DIR_COUNT; d++) {
		closep(&st->fds[d]);
		r = rmtree(st->root_fd, dir_names[d]);
	}
	if (r == 0)
		(void)unlinkat(st->root_fd, RUNTIME, 0);
	if (r == 0 && unlinkat(st->root_fd, MARKER, 0) < 0 && errno != ENOENT)
		r = err_new(-errno, "remove %s/" MARKER, st->root);
	return r;
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

/* The names in a directory, or the first of them. */
static int list_names(struct store *st, enum store_dir d, bool first, struct strv *ret)
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
	while (!(first && ret->n) && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			strv_add(ret, e->d_name);
	if (errno)
		return err_new(-errno, "list %s", dir_names[d]);
	return 0;
}

int store_is_empty(struct store *st, enum store_dir d)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_names(st, d, true, &names);

	return r < 0 ? r : names.n == 0;
}

int store_names(struct store *st, enum store_dir d, struct strv *ret)
{
	int r = list_names(st, d, false, ret);

	if (r == 0)
		strv_sort(ret);
	return r;
}

int store_names_of(struct store *st, enum store_dir d, const char *ending, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = list_names(st, d, false, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++)
		if (has_ending(files.v[i], ending))
			strv_take(ret, xstrndup(files.v[i], strlen(files.v[i]) - strlen(ending)));
	if (r == 0)
		strv_sort(ret);
	return r;
}

void store_drop_lock(struct store *st, const char *name)
{
	int locks = store_fd(st, STORE_LOCKS);

	if (locks < 0)
		err_drop();
	else
		(void)unlinkat(locks, name, 0);
}
