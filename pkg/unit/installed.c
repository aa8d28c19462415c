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
#include "pkg/sys/names.h"
#include "pkg/sys/rmtree.h"
#include "pkg/unit/apply.h"
#include "pkg/unit/systemctl.h"

#define FILE_LIMIT (1U << 20)
#define STAGING ".installing"

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

static int stage_file(int from_dir, const char *path, int staging, const char *shown,
		      struct strv *names)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *name = path_base(path);
	int r = file_read_at(from_dir, path, FILE_LIMIT, &text);

	if (r == 0 && (*name == '.' || !*name))
		r = err_new(-CE_UNSAFE, "its name begins with a dot");
	if (r == 0)
		r = file_create(staging, name, text.s, text.len, 0644, FILE_SYNC);
	if (r == -EEXIST)
		r = err_new(-CE_NAME_IN_USE, "two files have the name %s", name);
	if (r < 0)
		return err_wrap(r, "%s", shown);
	strv_add(names, name);
	return 0;
}

static int stage_dir(const char *source, int staging, struct strv *names)
{
	AUTO_CLOSE int fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv found = STRV_INIT;
	int r = fd < 0 ? err_new(-errno, "%s", source) : dir_names(fd, &found);

	strv_sort(&found);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		AUTO_FREE char *shown = path_join(source, found.v[i]);
		struct stat st;

		if (fstatat(fd, found.v[i], &st, 0) == 0 && S_ISREG(st.st_mode) &&
		    *found.v[i] != '.')
			r = stage_file(fd, found.v[i], staging, shown, names);
	}
	return r;
}

static int stage_all(char *const *sources, int n, int staging, struct strv *names)
{
	bool any = false;
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++) {
		struct stat st;

		if (stat(sources[i], &st) < 0)
			r = err_new(-errno, "%s", sources[i]);
		else if (S_ISDIR(st.st_mode))
			r = stage_dir(sources[i], staging, names);
		else
			r = stage_file(AT_FDCWD, sources[i], staging, sources[i], names);
	}
	for (size_t i = 0; i < names->n; i++)
		any = any || quadlet_kind_of(names->v[i], NULL) != QUADLET_KINDS;
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

/* Are all the new ones good, among those that are there? */
static int check_staged(const char *staging, const struct strv *names, const char *program)
{
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r;

	strv_add(&dirs, staging);
	quadlet_dirs(&dirs);
	r = quadlet_load(&dirs, &all);
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		const struct quadlet *q = quadlet_find(&all, names->v[i]);
		AUTO_UNIT_FILE struct unit_file made = UNIT_FILE_INIT;

		if (q && q->error)
			r = err_set(-CE_BAD_FORMAT, q->error);
		else if (q)
			r = quadlet_convert(&all, q, program, &made);
	}
	return r < 0 ? without_staging(r) : r;
}

static int place_all(int dir, int staging, const char *path, const struct strv *names, bool replace,
		     struct strv *ret_paths)
{
	for (size_t i = 0; i < names->n; i++)
		if (!replace && faccessat(dir, names->v[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return err_new(-CE_NAME_IN_USE, "%s/%s is there; --replace replaces it",
				       path, names->v[i]);
	for (size_t i = 0; i < names->n; i++) {
		if (renameat2(staging, names->v[i], dir, names->v[i],
			      replace ? 0 : RENAME_NOREPLACE) < 0)
			return err_new(-errno, "install %s/%s", path, names->v[i]);
		strv_take(ret_paths, path_join(path, names->v[i]));
	}
	return fsync(dir) < 0 ? err_new(-errno, "sync %s", path) : 0;
}

int installed_add(char *const *sources, int n, bool replace, const char *program,
		  struct strv *ret_paths)
{
	AUTO_FREE char *path = NULL, *staged = NULL;
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -EBADF, staging = -EBADF;
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
	staging = open_dir(staged);
	if (staging < 0)
		return staging;
	r = stage_all(sources, n, staging, &names);
	if (r == 0)
		r = check_staged(staged, &names, program);
	if (r == 0)
		r = place_all(dir, staging, path, &names, replace, ret_paths);
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

int installed_remove(const struct quadlet_set *all, const char *name)
{
	const struct quadlet *q = quadlet_find(all, name);

	if (!q)
		return err_new(-CE_NO_OBJECT, "%s", name);
	if (!installed_is_own(q))
		return err_new(-EPERM, "%s is not one of this user's own files", q->path);
	return unlink(q->path) < 0 ? err_new(-errno, "remove %s", q->path) : 0;
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
