/* SPDX-License-Identifier: MIT */
#include "pkg/unit/installed.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rename.h"
#include "pkg/sys/names.h"
#include "pkg/sys/rmtree.h"
#include "pkg/unit/apply.h"
#include "pkg/unit/systemctl.h"

#define FILE_LIMIT (1U << 20)
#define STAGING ".installing"
#define DEPTH_LIMIT 16 /* as of those who read them (load.c) */

static int config_dir(const char *below, char **ret)
{
	AUTO_FREE char *config = NULL;
	int r = paths_config_home(&config);

	if (r == 0)
		*ret = path_join(config, below);
	return r;
}

/* The directory, made where it is missing. */
static int open_dir(const char *path)
{
	AUTO_FREE char *part = xstrdup(path);
	int fd;

	for (char *p = strchr(part + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_new(-errno, "make %s", part);
		*p = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_new(-errno, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

/* What is installed: names below the directory, those of links too. */
struct staging {
	int dir;
	struct strv names;
};

static void staging_done(struct staging *s)
{
	closep(&s->dir);
	strv_done(&s->names);
}

static bool is_hidden(const char *name)
{
	return *name == '.' || !*name;
}

/* Units are found by their file's name, in whichever directory they are. */
static int claim(struct staging *s, const char *name)
{
	const char *base = path_base(name);

	for (size_t i = 0; quadlet_kind_of(base, NULL) != QUADLET_KINDS && i < s->names.n; i++)
		if (strcmp(path_base(s->names.v[i]), base) == 0)
			return err_new(-CE_NAME_IN_USE, "two files have the name %s", base);
	strv_add(&s->names, name);
	return 0;
}

/* "t@red.container" to "t@.container" beside it stays a link; where others lead is copied. */
static bool is_link_beside(int dir, const char *path, char *target, size_t room)
{
	ssize_t n = readlinkat(dir, path, target, room - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return !strchr(target, '/') && !is_hidden(target);
}

static int stage_file(struct staging *s, int from_dir, const char *path, const char *shown,
		      const char *name)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char target[256];
	int r = is_hidden(path_base(name)) ? err_new(-CE_UNSAFE, "its name begins with a dot") : 0;

	if (r == 0)
		r = claim(s, name);
	if (r == 0 && is_link_beside(from_dir, path, target, sizeof(target))) {
		r = symlinkat(target, s->dir, name) < 0 ? -errno : 0;
	} else if (r == 0) {
		r = file_read_at(from_dir, path, FILE_LIMIT, &text);
		if (r == 0)
			r = file_create(s->dir, name, text.s, text.len, 0644, FILE_SYNC);
	}
	if (r == -EEXIST)
		r = err_new(-CE_NAME_IN_USE, "two files have the name %s", name);
	return r < 0 ? err_wrap(r, "%s", shown) : 0;
}

/* All of @fd but what begins with a dot; @below: where it goes, "" for the top. */
static int stage_dir(struct staging *s, int fd, const char *shown, const char *below,
		     unsigned depth)
{
	AUTO_STRV struct strv found = STRV_INIT;
	int r = dir_names(fd, &found);

	if (r == 0 && depth == 0)
		r = err_new(-CE_LIMIT, "%s: directories too deep in each other", shown);
	if (r == 0 && *below && mkdirat(s->dir, below, 0755) < 0 && errno != EEXIST)
		r = err_new(-errno, "make %s", below);
	strv_sort(&found);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		AUTO_FREE char *path = path_join(shown, found.v[i]);
		AUTO_FREE char *name = *below ? path_join(below, found.v[i]) : xstrdup(found.v[i]);
		AUTO_CLOSE int sub = -EBADF;
		struct stat st;

		if (is_hidden(found.v[i]) || fstatat(fd, found.v[i], &st, 0) < 0)
			continue;
		if (S_ISREG(st.st_mode)) {
			r = stage_file(s, fd, found.v[i], path, name);
		} else if (S_ISDIR(st.st_mode)) {
			sub = openat(fd, found.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			r = sub < 0 ? err_new(-errno, "%s", path)
				    : stage_dir(s, sub, path, name, depth - 1);
		}
	}
	return r;
}

static bool is_drop_in_dir(const char *name)
{
	return has_ending(name, ".d");
}

static int stage_source(struct staging *s, const char *source)
{
	AUTO_FREE char *clean = path_clean(source);
	const char *base = path_base(clean);
	AUTO_CLOSE int fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "%s", source);
	if (S_ISDIR(st.st_mode))
		return stage_dir(s, fd, clean, is_drop_in_dir(base) ? base : "", DEPTH_LIMIT);
	return stage_file(s, AT_FDCWD, source, source, base);
}

static int stage_all(char *const *sources, int n, struct staging *s)
{
	bool any = false;
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++)
		r = stage_source(s, sources[i]);
	for (size_t i = 0; i < s->names.n; i++)
		any = any || quadlet_kind_of(s->names.v[i], NULL) != QUADLET_KINDS ||
		      strstr(s->names.v[i], ".d/");
	if (r == 0 && !any)
		r = err_usage("unit install: none of the files ends in .container, .volume, "
			      ".network, .image or .build");
	return r;
}

/* Errors name the files where they will be. */
static int without_staging(int r)
{
	AUTO_SBUF struct sbuf words = SBUF_INIT;
	const char *trail = err_trail(), *at = strstr(trail, "/" STAGING);

	if (!at)
		return r;
	sbuf_add(&words, trail, (size_t)(at - trail));
	sbuf_adds(&words, at + strlen("/" STAGING));
	return err_set(r, words.s);
}

/* Are all the new ones good, among those that are there, and those that have new drop-ins? */
static int check_staged(const char *staging, const char *program)
{
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r;

	strv_add(&dirs, staging);
	quadlet_dirs(&dirs);
	r = quadlet_load(&dirs, &all);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct quadlet *q = &all.v[i];
		AUTO_UNIT_FILE struct unit_file made = UNIT_FILE_INIT;
		int one = q->error ? err_set(-CE_BAD_FORMAT, q->error)
				   : quadlet_convert(&all, q, program, &made);

		if (one == 0)
			continue;
		/* Others that were bad before are not this command's concern. */
		if (path_is_within(q->path, staging) || strstr(err_trail(), "/" STAGING "/"))
			r = one;
		else
			err_drop();
	}
	return r < 0 ? without_staging(r) : r;
}

/* The directories of "sub/web.container.d/10.conf" in @dir. */
static int make_parents(int dir, const char *name)
{
	AUTO_FREE char *part = xstrdup(name);

	for (char *p = strchr(part, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdirat(dir, part, 0755) < 0 && errno != EEXIST)
			return err_new(-errno, "make %s", part);
		*p = '/';
	}
	return 0;
}

static int place_all(int dir, const struct staging *s, const char *path, bool replace,
		     struct strv *ret_paths)
{
	const struct strv *names = &s->names;

	for (size_t i = 0; i < names->n; i++)
		if (!replace && faccessat(dir, names->v[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return err_new(-CE_NAME_IN_USE, "%s/%s is there; --replace replaces it",
				       path, names->v[i]);
	for (size_t i = 0; i < names->n; i++) {
		int r = make_parents(dir, names->v[i]);

		if (r < 0)
			return r;
		r = file_rename_as(s->dir, names->v[i], dir, names->v[i],
				   replace ? 0 : RENAME_NOREPLACE);
		if (r < 0)
			return err_new(r, "install %s/%s", path, names->v[i]);
		strv_take(ret_paths, path_join(path, names->v[i]));
	}
	return fsync(dir) < 0 ? err_new(-errno, "sync %s", path) : 0;
}

int installed_add(char *const *sources, int n, bool replace, const char *program,
		  struct strv *ret_paths)
{
	AUTO_FREE char *path = NULL, *staged = NULL;
	AUTO(staging_done) struct staging s = {.dir = -EBADF};
	AUTO_CLOSE int dir = -EBADF;
	int r = config_dir("containers/systemd", &path);

	if (r < 0)
		return r;
	dir = open_dir(path);
	if (dir < 0)
		return dir;
	staged = path_join(path, STAGING);
	r = rmtree(dir, STAGING); /* of one that was killed */
	if (r < 0)
		return r;
	s.dir = open_dir(staged);
	if (s.dir < 0)
		return s.dir;
	r = stage_all(sources, n, &s);
	if (r == 0)
		r = check_staged(staged, program);
	if (r == 0)
		r = place_all(dir, &s, path, replace, ret_paths);
	(void)rmtree(dir, STAGING);
	return r;
}

bool installed_is_own(const struct quadlet *q)
{
	AUTO_FREE char *own = NULL;
	int r = config_dir("containers/systemd", &own);

	if (r < 0)
		err_drop();
	return r == 0 && path_is_within(q->path, own);
}

/* Directories that were made for it alone; one that holds anything stays. */
static void remove_empty(char *dir, const char *own)
{
	char *slash;

	while (path_is_within(dir, own) && strcmp(dir, own) != 0 && rmdir(dir) == 0 &&
	       (slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
}

int installed_remove(const struct quadlet_set *all, const char *name)
{
	const struct quadlet *q = quadlet_find(all, name);
	AUTO_FREE char *own = NULL, *dir = NULL, *drop_ins = NULL;
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (!q)
		return err_new(-CE_NO_OBJECT, "%s", name);
	if (!installed_is_own(q))
		return err_new(-EPERM, "%s is not one of this user's own files", q->path);
	r = config_dir("containers/systemd", &own);
	if (r < 0)
		return r;
	dir = xstrndup(q->path, (size_t)(path_base(q->path) - q->path - 1));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || unlinkat(fd, q->file, 0) < 0)
		return err_new(-errno, "remove %s", q->path);
	/* Or the next file of that name would have them. */
	drop_ins = xasprintf("%s.d", q->file);
	r = rmtree(fd, drop_ins);
	remove_empty(dir, own);
	return r;
}

static bool has_generator(void)
{
	static const char *const dirs[] = {"/run", "/etc", "/usr/local/lib", "/usr/lib"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		AUTO_FREE char *path = xasprintf("%s/systemd/user-generators/%s", dirs[i],
						 GENERATOR_NAME);

		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int write_services(const char *program, struct strv *ret_errors)
{
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int dir = -EBADF;
	int r = config_dir("systemd/user", &path);

	if (r < 0)
		return r;
	dir = open_dir(path);
	if (dir < 0)
		return dir;
	quadlet_dirs(&dirs);
	r = quadlet_load(&dirs, &all);
	return r == 0 ? quadlet_apply(dir, &all, program, ret_errors) : r;
}

int installed_publish(const char *program, bool reload, struct strv *ret_errors)
{
	int r = 0;

	if (!has_generator())
		r = write_services(program, ret_errors);
	if (r == 0 && reload && systemctl_is_there())
		r = systemctl_reload();
	return r;
}
