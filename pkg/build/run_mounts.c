/* SPDX-License-Identifier: MIT */
/*
 * RUN --mount: each becomes a place the container's plan can name. What we mount for it (views of
 * other stages, the tmpfs of secrets and agents) lives in our own mount namespace, which the monitor gets a copy
 * of: nothing of it is left when we die, and secrets never touch the disk.
 *
 * Caches: cache/mounts/<sha256 of the id>, so an id cannot name another place (threats B03).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "pkg/build/copy.h"
#include "pkg/build/run_mounts_internal.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"

#define PRIVATE_MAX 100

void run_mounts_done(struct run_places *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct run_place *v = &p->v[i];

		free(v->source);
		free(v->target);
		free(v->upper);
		free(v->work);
		free(v->data);
		closep(&v->lock);
	}
	free(p->v);
	for (unsigned i = 0; i < p->n_ssh; i++)
		ssh_proxy_stop(&p->ssh[i]);
	free(p->ssh);
	for (size_t i = 0; i < p->env.n; i++)
		explicit_bzero(p->env.v[i], strlen(p->env.v[i]));
	strv_done(&p->env);
	for (size_t i = 0; i < p->views.n; i++)
		(void)umount2(p->views.v[i], MNT_DETACH);
	strv_done(&p->views);
	*p = (struct run_places){0};
}

struct run_place *run_mounts_add(struct run_places *out, const struct run_mount *m)
{
	out->v = xreallocarray(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n] = (struct run_place){.target = xstrdup(m->target ? m->target : ""),
					    .read_only = !m->read_write,
					    .no_exec = m->no_exec,
					    .no_recurse = m->no_recurse,
					    .lock = -EBADF};
	return &out->v[out->n++];
}

int run_mounts_dir(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? err_new(-errno, "make %s", path) : 0;
}

static char *path_of(int fd)
{
	char link[32], buf[PATH_MAX + 1];
	ssize_t n = readlink(fd_path(fd, link), buf, PATH_MAX);

	return n <= 0 || buf[0] != '/' ? NULL : xstrndup(buf, (size_t)n);
}

/* --- bind ---------------------------------------------------------------------------------------- */

static void source_list(const struct run_mount *m, struct strv *ret)
{
	strv_add(ret, m->source ? m->source : ".");
}

static int open_root(struct preparing *p, const struct op_source *from)
{
	const struct strv *layers;
	AUTO_FREE char *at = path_join(p->dir, "view"), *path = NULL;
	bool mounted = false;
	int fd, r;

	if (from->kind == SRC_NAMED)
		return fd_dup(p->b->contexts[from->stage].dir);
	if (from->kind == SRC_CONTEXT)
		return p->b->context < 0 ? err_usage("there is no context to mount")
					 : fd_dup(p->b->context);
	r = graph_source_layers(p->b, from, &layers);
	if (r == 0)
		r = run_mounts_dir(at);
	if (r == 0)
		r = layers_mount(p->b->st, layers, at, &path, &mounted);
	if (mounted)
		strv_add(&p->out->views, at);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

/* @dir without what is mounted below it, which is not always to be had: such mounts of the host are locked. */
static int open_alone(int dir)
{
	int fd = mount_clone(dir, "", false);

	return fd == -EINVAL
		       ? err_new(-EINVAL,
				 "bind-nonrecursive: something is mounted below it, and "
				 "the kernel lets nobody but root look under mounts of the host")
		       : fd;
}

/* A copy that leaves out what the ignore file does, or that may be written to and is thrown away. */
static int copy_source(struct preparing *p, const struct run_mount *m, int root,
		       const struct selection *s, const struct ignore *ignore, char **ret)
{
	AUTO_CLOSE int from = m->no_recurse ? open_alone(root) : fd_dup(root), to = -EBADF;
	const struct copy_rules rules = {.source = from, .ignore = ignore, .keep_owner = true};
	AUTO_FREE char *dir = path_join(p->dir, "copy");
	int r = from < 0 ? from : run_mounts_dir(dir);

	to = r < 0 ? r : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return r < 0 ? r : err_new(-errno, "open %s", dir);
	r = copy_selection(&rules, s, to, "/content", false);
	if (r == 0)
		*ret = path_join(dir, "content");
	return r;
}

/* An overlay has nothing of what is mounted below its lower directory, and over locked mounts there is none. */
static bool can_overlay(int root, const char *path)
{
	AUTO_CLOSE int dir = open_in(root, *path ? path : ".", O_PATH, 0);
	AUTO_CLOSE int alone = dir < 0 ? dir : open_alone(dir);

	if (alone < 0)
		err_drop();
	return alone >= 0;
}

/* The upper directory shows as the mount's root: it starts as the source is. */
static int make_writable(struct preparing *p, struct run_place *v)
{
	AUTO_CLOSE int from = -EBADF, to = -EBADF;
	int r;

	v->kind = PLACE_OVERLAY;
	v->upper = path_join(p->dir, "upper");
	v->work = path_join(p->dir, "work");
	v->read_only = false;
	r = run_mounts_dir(v->upper);
	if (r == 0)
		r = run_mounts_dir(v->work);
	if (r < 0)
		return r;
	from = open(v->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = open(v->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return from < 0 || to < 0 ? err_new(-errno, "open %s", v->source)
				  : layer_copy_attributes(from, to);
}

/* A VOLUME of which the image has nothing. */
static int add_empty(struct preparing *p, const struct run_mount *m)
{
	AUTO_FREE char *dir = path_join(p->dir, "empty");
	int r = run_mounts_dir(dir);
	struct run_place *v;

	if (r == 0 && chmod(dir, 0755) < 0) /* whatever our umask is */
		r = err_new(-errno, "set the mode of %s", dir);
	if (r < 0)
		return r;
	v = run_mounts_add(p->out, m);
	v->source = TAKE_PTR(dir);
	v->directory = true;
	return 0;
}

static int add_bind(struct preparing *p, const struct run_mount *m, const struct op_source *from)
{
	const struct ignore *ignore = source_ignore(p->b, from);
	AUTO_STRV struct strv names = STRV_INIT, empty = STRV_INIT;
	AUTO(selection_done) struct selection s = {0};
	AUTO_CLOSE int root = open_root(p, from), fd = -EBADF;
	AUTO_FREE char *source = NULL;
	struct run_place *v;
	bool overlay;
	int r;

	source_list(m, &names);
	r = root < 0 ? root : select_files(root, &names, ignore, false, &s, &empty);
	if (r == -ENOENT && from->kind == SRC_SELF) {
		err_drop();
		return add_empty(p, m);
	}
	if (r == -ENOENT || (r == 0 && s.n != 1))
		return err_usage("source=%s: not there", names.v[0]);
	if (r < 0)
		return r;
	/* An overlay of the kernel's own is what only that driver is sure to have. */
	overlay = m->read_write && s.v[0].directory && store_driver(p->b->st) == STORE_OVERLAY &&
		  can_overlay(root, s.v[0].path);
	if (!ignore_is_empty(ignore) || (m->read_write && !overlay)) {
		r = copy_source(p, m, root, &s, ignore, &source);
	} else {
		fd = open_in(root, *s.v[0].path ? s.v[0].path : ".", O_PATH, 0);
		source = fd < 0 ? NULL : path_of(fd);
		r = fd < 0 ? fd : source ? 0 : err_new(-ESTALE, "source=%s", names.v[0]);
	}
	if (r < 0)
		return r;
	v = run_mounts_add(p->out, m);
	v->source = TAKE_PTR(source);
	v->directory = s.v[0].directory;
	return overlay ? make_writable(p, v) : 0;
}

/* --- cache ----------------------------------------------------------------------------------------- */

/* @name: of the directory; locked as the sharing says. */
static int lock_cache(int dir, const char *hash, const struct run_mount *m, char name[96],
		      int *ret_lock)
{
	char file[112];

	(void)snprintf(name, 96, "%s", hash);
	(void)snprintf(file, sizeof(file), "%s.lock", name);
	if (m->sharing != SHARING_PRIVATE) {
		*ret_lock = lock_open(dir, file,
				      m->sharing == SHARING_SHARED ? LOCK_SHARED : LOCK_EXCLUSIVE);
		return *ret_lock < 0 ? *ret_lock : 0;
	}
	for (unsigned i = 0; i < PRIVATE_MAX; i++) {
		if (i) {
			(void)snprintf(name, 96, "%s-%u", hash, i);
			(void)snprintf(file, sizeof(file), "%s.lock", name);
		}
		*ret_lock = lock_try_open(dir, file, LOCK_EXCLUSIVE);
		if (*ret_lock != -EWOULDBLOCK)
			return *ret_lock < 0 ? *ret_lock : 0;
	}
	return err_new(-CE_LIMIT, "cache %s is in use %d times", m->id, PRIVATE_MAX);
}

/* What from= has below source=, as it is there. */
static int seed_cache(struct preparing *p, const struct run_mount *m, const struct op_source *from,
		      int to)
{
	struct copy_rules rules = {.ignore = source_ignore(p->b, from), .keep_owner = true};
	AUTO_STRV struct strv names = STRV_INIT, empty = STRV_INIT;
	AUTO(selection_done) struct selection s = {0};
	AUTO_CLOSE int root = open_root(p, from);
	int r;

	source_list(m, &names);
	rules.source = root;
	r = root < 0 ? root : select_files(root, &names, rules.ignore, false, &s, &empty);
	if (r == -ENOENT || (r == 0 && (s.n != 1 || !s.v[0].directory)))
		return err_usage("source=%s: no directory there", names.v[0]);
	return r < 0 ? r : copy_selection(&rules, &s, to, "/", false);
}

/* It appears whole, with its mode and what it begins with, or not at all. */
static int make_cache(struct preparing *p, const char *name, const struct run_mount *m,
		      const struct op_source *from)
{
	AUTO_FREE char *path = path_join(p->dir, "cache"),
		       *dir = store_path(p->b->st, STORE_CACHE, CACHE_MOUNTS),
		       *place = path_join(dir, name);
	AUTO_CLOSE int fd = -EBADF;
	int r = run_mounts_dir(path);

	fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return r < 0 ? r : err_new(-errno, "open %s", path);
	r = m->from ? seed_cache(p, m, from, fd) : 0;
	if (r < 0)
		return r;
	if (fchown(fd, m->uid, m->gid) < 0 || fchmod(fd, m->mode) < 0)
		return err_new(-errno, "set owner and mode of a cache");
	/* By paths, which are of one mount here. Who shares it may have been faster. */
	r = file_rename_new(AT_FDCWD, path, AT_FDCWD, place);
	return r < 0 && r != -EEXIST ? err_new(r, "put a cache into its place") : 0;
}

static int open_cache(struct preparing *p, int dir, const char *name, const struct run_mount *m,
		      const struct op_source *from)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT) {
		int r = make_cache(p, name, m, from);

		if (r < 0)
			return r;
		fd = openat(dir, name, flags);
	}
	return fd < 0 ? err_new(-errno, "open a cache") : fd;
}

/* source= is a place in the cache, or with from= what the cache begins with. */
static int add_cache(struct preparing *p, const struct run_mount *m, const struct op_source *from)
{
	const char *place = m->from ? NULL : m->source;
	AUTO_CLOSE int dir = cache_dir_make(p->b->st, CACHE_MOUNTS), fd = -EBADF, within = -EBADF;
	struct run_place *v;
	char hash[65], name[96];
	int r;

	if (dir < 0)
		return dir;
	sha256_hex(m->id, strlen(m->id), hash);
	v = run_mounts_add(p->out, m);
	v->directory = true;
	r = lock_cache(dir, hash, m, name, &v->lock);
	if (r == 0)
		(void)futimens(v->lock, NULL); /* used: for cache_prune() */
	fd = r < 0 ? r : open_cache(p, dir, name, m, from);
	if (fd < 0)
		return fd;
	within = place ? mkdir_in(fd, place, m->mode) : fd_dup(fd);
	v->source = within < 0 ? NULL : path_of(within);
	if (within < 0)
		return err_wrap(within, "source=%s", place ? place : "");
	return v->source ? 0 : err_new(-ESTALE, "cache %s", m->id);
}

/* ----------------------------------------------------------------------------------------------------- */

static int add_tmpfs(struct preparing *p, const struct run_mount *m)
{
	struct run_place *v = run_mounts_add(p->out, m);

	v->kind = PLACE_TMPFS;
	v->directory = true;
	v->read_only = false;
	v->copy_up = m->copy_up;
	v->data = m->size ? xasprintf("mode=%o,size=%llu", m->mode, (unsigned long long)m->size)
			  : xasprintf("mode=%o", m->mode);
	return 0;
}

static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct run_place *)a)->target, ((const struct run_place *)b)->target);
}

int run_mounts_prepare(struct builder *b, const struct op *o, const struct workspace *w,
		       struct run_places *ret)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->n_mounts; i++) {
		const struct run_mount *m = &o->mounts[i];
		AUTO_FREE char *dir = xasprintf("%s/run/mount-%u", w->path, i);
		struct preparing p = {.b = b, .o = o, .dir = dir, .out = ret};

		r = run_mounts_dir(dir);
		if (r == 0 && m->type == RUN_MOUNT_BIND)
			r = add_bind(&p, m, &o->mount_from[i]);
		else if (r == 0 && m->type == RUN_MOUNT_CACHE)
			r = add_cache(&p, m, &o->mount_from[i]);
		else if (r == 0 && m->type == RUN_MOUNT_SECRET)
			r = run_secrets_add(&p, m);
		else if (r == 0 && m->type == RUN_MOUNT_SSH)
			r = run_ssh_add(&p, m);
		else if (r == 0)
			r = add_tmpfs(&p, m);
		if (r < 0)
			r = err_wrap(r, "mount %s", m->target ? m->target : m->id);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_targets);
	return r;
}

/* --- identity ----------------------------------------------------------------------------------------- */

static int key_context(struct builder *b, const struct run_mount *m, const struct op_source *from,
		       struct sha256 *h)
{
	int root = from->kind == SRC_NAMED ? b->contexts[from->stage].dir : b->context;
	struct copy_rules rules = {.source = root, .ignore = source_ignore(b, from)};
	AUTO_STRV struct strv names = STRV_INIT, empty = STRV_INIT;
	AUTO(selection_done) struct selection s = {0};
	AUTO_FREE char *what = NULL;
	struct sha256 files;
	char hex[65];
	int r;

	if (root < 0)
		return err_usage("there is no context to mount");
	source_list(m, &names);
	r = select_files(root, &names, rules.ignore, false, &s, &empty);
	if (r == -ENOENT)
		return err_usage("source=%s: not found in the context", names.v[0]);
	sha256_init(&files);
	rules.stats = r < 0 || b->is_fetched ? NULL : stat_cache_open(b->st, root);
	if (r == 0)
		r = copy_digest(&rules, &s, &files);
	stat_cache_close(rules.stats);
	if (r < 0)
		return r;
	sha256_end_hex(&files, hex);
	key_add(h, hex);
	what = xasprintf("the files mounted on %s", m->target);
	why_add(b, what, hex);
	return 0;
}

int run_mounts_key(struct builder *b, const struct op *o, struct sha256 *h)
{
	for (unsigned i = 0; i < o->n_mounts; i++) {
		const struct run_mount *m = &o->mounts[i];
		const struct strv *layers;
		char text[128];
		int r = 0;

		(void)snprintf(text, sizeof(text), "mount %u %d %d %o %u %u %llu",
			       (unsigned)m->type, m->read_write, m->required, m->mode, m->uid,
			       m->gid, (unsigned long long)m->size);
		key_add(h, text);
		if (m->no_exec || m->copy_up)
			key_add(h, m->no_exec ? m->copy_up ? "noexec, tmpcopyup" : "noexec"
					      : "tmpcopyup");
		if (m->no_recurse)
			key_add(h, "bind-nonrecursive");
		key_add(h, m->target);
		key_add(h, m->env);
		if (m->type == RUN_MOUNT_SECRET || m->type == RUN_MOUNT_SSH)
			key_add(h, m->id); /* not its value */
		if (m->type == RUN_MOUNT_SECRET && (r = run_secrets_key(b, m, h)) < 0)
			return err_wrap(r, "secret %s", m->id);
		if (m->type != RUN_MOUNT_BIND && !(m->type == RUN_MOUNT_CACHE && m->from))
			continue;
		if (o->mount_from[i].kind == SRC_CONTEXT || o->mount_from[i].kind == SRC_NAMED) {
			r = key_context(b, m, &o->mount_from[i], h);
		} else {
			r = graph_source_layers(b, &o->mount_from[i], &layers);
			if (r == 0) {
				AUTO_FREE char *what = xasprintf("the files mounted on %s",
								 m->target);

				key_add_list(h, layers);
				key_add(h, m->source);
				why_add_list(b, what, layers);
			}
		}
		if (r < 0)
			return err_wrap(r, "mount %s", m->target);
		why_add(b, "a mount's options", text);
	}

	return 0;
}
