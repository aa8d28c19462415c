/* SPDX-License-Identifier: MIT */
#include "storage/stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/store_internal.h"

#define STAGE_DIGITS 16

void crash_point(const char *name)
{
	const char *at = getenv("CUDDY_CRASH_AT");
	bool stop = at && strncmp(at, "stop:", 5) == 0;

	if (at && strcmp(at + (stop ? 5 : 0), name) == 0)
		(void)kill(getpid(), stop ? SIGSTOP : SIGKILL); /* not raise(): a child made by clone() is meant */
}

static void lock_name(const char *name, char out[64])
{
	(void)snprintf(out, 64, "%.40s.lock", name);
}

int stage_begin(struct store *st, struct stage *ret)
{
	AUTO_CLOSE int lock = -EBADF, fd = -EBADF;
	char name[STAGE_DIGITS + 1], lock_file[64];
	int staging = store_fd(st, STORE_STAGING);

	if (staging < 0)
		return staging;
	random_hex(name, STAGE_DIGITS);
	lock_name(name, lock_file);
	/* The lock first: a directory without one is a dead maker's. */
	lock = lock_open(staging, lock_file, LOCK_EXCLUSIVE);
	if (lock < 0)
		return lock;
	fd = private_dir_at(staging, name, true);
	if (fd < 0) {
		(void)unlinkat(staging, lock_file, 0);
		return fd;
	}
	ret->name = xstrdup(name);
	ret->fd = TAKE_FD(fd);
	ret->lock_fd = TAKE_FD(lock);
	return 0;
}

int stage_begin_container(struct store *st, const char *id, int *lock_fd, struct stage *ret)
{
	int staging = store_fd(st, STORE_STAGING);
	int fd = staging < 0 ? staging : private_dir_at(staging, id, true);

	if (fd < 0)
		return fd;
	*ret = (struct stage){.name = xstrdup(id), .fd = fd, .lock_fd = TAKE_FD(*lock_fd)};
	return 0;
}

static bool is_stage(const char *s)
{
	return hex_is_exactly(s, STAGE_DIGITS);
}

static bool is_container_stage(const char *s)
{
	return hex_is_exactly(s, 64);
}

void stage_release(struct store *st, struct stage *s)
{
	char lock_file[64];
	int staging = store_fd(st, STORE_STAGING);

	if (!s->name)
		return;
	lock_name(s->name, lock_file);
	if (staging < 0)
		err_drop();
	else if (is_stage(s->name))
		(void)unlinkat(staging, lock_file, 0);
	closep(&s->fd);
	closep(&s->lock_fd);
	free(s->name);
	*s = (struct stage)STAGE_INIT;
}

int stage_commit(struct store *st, struct stage *s, enum store_dir d, const char *name,
		 bool durable)
{
	int staging = store_fd(st, STORE_STAGING), to = store_fd(st, d), r;

	if (staging < 0 || to < 0)
		return staging < 0 ? staging : to;
	if (durable && fsync(s->fd) < 0)
		return err_new(-errno, "sync %s", name);
	crash_point("stage-before-rename");
	/* What stands in our places is never an empty directory. */
	r = file_rename_new(staging, s->name, to, name);
	if (r == -EEXIST)
		err_drop();
	if (r < 0)
		return r == -EEXIST ? r : err_new(r, "move %s into place", name);
	crash_point("stage-after-rename");
	stage_release(st, s);
	if (durable && fsync(to) < 0)
		return err_new(-errno, "sync the directory of %s", name);
	return 0;
}

void stage_abort(struct store *st, struct stage *s)
{
	int staging;

	if (!s->name)
		return;
	staging = store_fd(st, STORE_STAGING);
	if (staging < 0 || rmtree(staging, s->name) < 0)
		err_drop(); /* the next sweep tries again */
	stage_release(st, s);
}

/* One stage whose lock we got: its maker is dead. */
static void sweep_one(int staging, const char *name, const char *lock_file)
{
	if (rmtree(staging, name) < 0)
		err_drop(); /* foreign ids and we are not in B: later */
	else
		(void)unlinkat(staging, lock_file, 0);
}

static bool is_stage_lock(const char *s)
{
	return strlen(s) == STAGE_DIGITS + 5 && strspn(s, "0123456789abcdef") == STAGE_DIGITS &&
	       strcmp(s + STAGE_DIGITS, ".lock") == 0;
}

/* A container being made: its own lock tells whether its maker lives. */
static bool sweep_container(struct store *st, int staging, const char *id, bool dry)
{
	AUTO_CLOSE int lock = container_store_try_lock(st, id);

	if (lock < 0)
		err_drop();
	else if (!dry && rmtree(staging, id) < 0)
		err_drop();
	return lock >= 0;
}

/* Everything else: a lock file beside it. */
static bool sweep_locked(int staging, const char *entry, bool dry)
{
	AUTO_CLOSE int lock = -EBADF;
	char name[STAGE_DIGITS + 1], lock_file[64];
	int held;

	(void)snprintf(name, sizeof(name), "%.*s", STAGE_DIGITS, entry);
	lock_name(name, lock_file);
	if (dry) {
		held = lock_is_held(staging, lock_file);
		if (held < 0)
			err_drop();
		return held == 0;
	}
	lock = lock_try_open(staging, lock_file, LOCK_EXCLUSIVE);
	if (lock >= 0)
		sweep_one(staging, name, lock_file);
	else
		err_drop();
	return lock >= 0;
}

int stage_sweep(struct store *st, bool dry)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int staging = store_fd(st, STORE_STAGING);
	int copy = staging < 0 ? staging : openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	if (staging < 0)
		return staging;
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_new(-errno, "list staging");
	while ((e = readdir(d)) != NULL) {
		bool found = false;

		if (is_container_stage(e->d_name))
			found = sweep_container(st, staging, e->d_name, dry);
		else if (is_stage(e->d_name) || is_stage_lock(e->d_name))
			found = sweep_locked(staging, e->d_name, dry);
		if (found && dry)
			return 1;
	}
	return 0;
}
