/* SPDX-License-Identifier: MIT */
#include "pkg/unit/installed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"
#include "pkg/unit/apply.h"
#include "pkg/unit/staging.h"
#include "pkg/unit/systemctl.h"

#define STAGING ".installing"
#define REMOVING ".removing"

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
	int fd, r = file_make_dirs(path, 0755);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

/*
 * Commands of one user that install, remove and publish take turns: new files are put together in one place, and what
 * one of them reads another one removes. On a file system without such locks nobody waits.
 * Return: a descriptor to close at the end of the turn.
 */
static int take_turn(const char *own)
{
	int fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

/* Those who look for files find them there; ".d" is of drop-ins. */
static int check_application(const char *name)
{
	if (!name || (name_is_valid(name) && !quadlet_passes_over(name) && !has_ending(name, ".d")))
		return 0;
	return err_usage("--application '%s': letters, digits and _.- make a name, which is no "
			 "number and does not end in .d",
			 name);
}

static int stage_all(const struct install_request *q, struct staging *s)
{
	bool any = false;
	int r = 0;

	if (s->below && mkdirat(s->dir, s->below, 0755) < 0)
		return err_new(-errno, "make %s", s->below);
	for (size_t i = 0; r == 0 && i < q->sources.n; i++)
		r = staging_source(s, q->sources.v[i]);
	for (size_t i = 0; r == 0 && i < q->names.n; i++)
		r = staging_text(s, q->names.v[i], q->names.v[i], q->texts.v[i],
				 strlen(q->texts.v[i]));
	for (size_t i = 0; i < s->names.n; i++)
		any = any || quadlet_kind_of(s->names.v[i], NULL) != QUADLET_KINDS ||
		      strstr(s->names.v[i], ".d/");
	if (r == 0 && !any)
		r = err_usage("unit install: none of the files ends in .container, .volume, "
			      ".network, .pod, .kube, .image, .build, .artifact or .quadlets");
	return r;
}

/* Units are found by the names of their files: one elsewhere below @path would hide the new one, or be hidden. */
static int check_elsewhere(const struct staging *s, const char *path)
{
	AUTO(quadlet_set_done) struct quadlet_set own = QUADLET_SET_INIT;
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r;

	strv_add(&dirs, path);
	r = quadlet_load(&dirs, &own);
	for (size_t i = 0; r == 0 && i < s->names.n; i++) {
		const struct quadlet *q = quadlet_find(&own, path_base(s->names.v[i]));
		AUTO_FREE char *place = path_join(path, s->names.v[i]);

		if (q && quadlet_kind_of(q->file, NULL) != QUADLET_KINDS &&
		    strcmp(q->path, place) != 0)
			r = err_new(-CE_NAME_IN_USE, "%s is there already, as %s; remove that one",
				    q->file, q->path);
	}
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

static int sync_parent(int dir, const char *name)
{
	AUTO_FREE char *parent = xstrndup(name, (size_t)(path_base(name) - name));
	AUTO_CLOSE int fd = openat(dir, *parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? err_new(-errno, "sync the directory of %s", name) : 0;
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
		if (!replace)
			r = file_rename_new(s->dir, names->v[i], dir, names->v[i]);
		else if (renameat(s->dir, names->v[i], dir, names->v[i]) < 0)
			r = -errno;
		if (r < 0)
			return err_new(r, "install %s/%s", path, names->v[i]);
		strv_take(ret_paths, path_join(path, names->v[i]));
		r = strchr(names->v[i], '/') ? sync_parent(dir, names->v[i]) : 0;
		if (r < 0)
			return r;
	}
	return fsync(dir) < 0 ? err_new(-errno, "sync %s", path) : 0;
}

int installed_add(const struct install_request *q, const char *program, struct strv *ret_paths)
{
	AUTO_FREE char *path = NULL, *staged = NULL;
	AUTO(staging_done) struct staging s = {.dir = -EBADF, .below = q->application};
	AUTO_CLOSE int dir = -EBADF, turn = -EBADF;
	int r = check_application(q->application);

	if (r == 0)
		r = config_dir("containers/systemd", &path);
	if (r < 0)
		return r;
	dir = open_dir(path);
	if (dir < 0)
		return dir;
	turn = take_turn(path);
	staged = path_join(path, STAGING);
	r = rmtree(dir, STAGING); /* of one that was killed */
	if (r < 0)
		return r;
	s.dir = open_dir(staged);
	if (s.dir < 0)
		return s.dir;
	r = stage_all(q, &s);
	if (r == 0)
		r = check_staged(staged, program);
	if (r == 0)
		r = check_elsewhere(&s, path);
	if (r == 0)
		r = place_all(dir, &s, path, q->replace, ret_paths);
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
	AUTO_CLOSE int fd = -EBADF, turn = -EBADF;
	int r;

	if (!q)
		return err_new(-CE_NO_OBJECT, "%s", name);
	if (!installed_is_own(q))
		return err_new(-EPERM, "%s is not one of this user's own files", q->path);
	r = config_dir("containers/systemd", &own);
	if (r < 0)
		return r;
	turn = take_turn(own);
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

char *installed_application(const struct quadlet *q)
{
	AUTO_FREE char *own = NULL;
	const char *rest;
	size_t n;

	if (!installed_is_own(q) || config_dir("containers/systemd", &own) < 0) {
		err_drop();
		return NULL;
	}
	rest = q->path + strlen(own) + 1;
	n = strcspn(rest, "/");
	return rest[n] ? xstrndup(rest, n) : NULL;
}

bool installed_has_application(const char *name)
{
	AUTO_FREE char *own = NULL, *path = NULL;
	struct stat st;

	if (!name_is_valid(name) || has_ending(name, ".d"))
		return false;
	if (config_dir("containers/systemd", &own) < 0) {
		err_drop();
		return false;
	}
	path = path_join(own, name);
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int installed_remove_application(const char *name)
{
	AUTO_FREE char *own = NULL;
	AUTO_CLOSE int dir = -EBADF, turn = -EBADF;
	int r = config_dir("containers/systemd", &own);

	if (r < 0)
		return r;
	turn = take_turn(own);
	dir = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !installed_has_application(name))
		return err_new(-CE_NO_OBJECT, "%s", name);
	r = rmtree(dir, REMOVING); /* of one that was killed */
	if (r == 0)
		r = file_rename_new(dir, name, dir, REMOVING);
	if (r < 0)
		return err_new(r, "remove %s/%s", own, name);
	return rmtree(dir, REMOVING);
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
	AUTO_FREE char *path = NULL, *own = NULL;
	AUTO_CLOSE int dir = -EBADF, turn = -EBADF;
	int r = config_dir("systemd/user", &path);

	if (r == 0)
		r = config_dir("containers/systemd", &own);
	if (r < 0)
		return r;
	dir = open_dir(path);
	if (dir < 0)
		return dir;
	turn = take_turn(own);
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
