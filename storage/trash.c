/* SPDX-License-Identifier: MIT */
/*
 * Removal in two steps: a rename into trash/, which is instant, atomic and needs no namespace; and
 * the deletion, by whoever has time for it, in B. What nobody can be using any more is tidied at the
 * same time: stages and leases of dead makers, temporary files, runtime directories of containers
 * that are gone.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/names.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/container_store.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define TEMPORARY_AGE_S 600 /* a ".tmp-" file lives for milliseconds while its maker does */

int store_trash(struct store *st, enum store_dir d, const char *name)
{
	int from = store_fd(st, d), trash = store_fd(st, STORE_TRASH);
	char unique[33];

	if (from < 0 || trash < 0)
		return from < 0 ? from : trash;
	random_hex(unique, 32);
	if (renameat(from, name, trash, unique) < 0)
		return err_new(-errno, "move %s to the trash", name);
	return 0;
}

static void drop_temporaries(int dir, int age_s)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t now_s = clock_now_ns() / NS_PER_S;
	struct dirent *e;
	struct stat sb;

	d = copy < 0 ? NULL : fdopendir(copy);
	while (d && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, ".tmp-", 5) == 0 &&
		    fstatat(dir, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) &&
		    sb.st_mtim.tv_sec + age_s <= now_s)
			(void)unlinkat(dir, e->d_name, 0);
}

/* What a first command, killed while it tried the file system out, left beside the store's directories. */
static void drop_probes(struct store *st)
{
	AUTO_CLOSE int root = openat(store_fd(st, STORE_TRASH), "..",
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;
	int64_t now_s = clock_now_ns() / NS_PER_S;

	if (root < 0 || dir_names(root, &names) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		struct stat sb;

		if (strncmp(names.v[i], PROBE_DIR, strlen(PROBE_DIR)) == 0 &&
		    fstatat(root, names.v[i], &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(sb.st_mode) && sb.st_mtim.tv_sec + TEMPORARY_AGE_S <= now_s &&
		    rmtree(root, names.v[i]) < 0)
			err_drop();
	}
}

/* Locks nobody holds, of things that come and go; lock_open() notices when its file was removed. */
static void drop_free_locks(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int locks = store_fd(st, STORE_LOCKS);

	if (locks < 0 || store_names(st, STORE_LOCKS, &names) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		AUTO_CLOSE int lock = -EBADF;

		if (strcmp(names.v[i], "store") == 0 || strcmp(names.v[i], "names") == 0 ||
		    strcmp(names.v[i], "containers") == 0)
			continue;
		lock = lock_try_open(locks, names.v[i], LOCK_EXCLUSIVE);
		if (lock >= 0)
			(void)unlinkat(locks, names.v[i], 0);
		else
			err_drop();
	}
}

/*
 * A container's runtime directory is made after its data directory, so one without the other belongs
 * to a container that was removed by somebody who did not live to finish.
 */
static void drop_orphaned_runtime(struct store *st)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int copy = openat(store_runtime_fd(st), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = copy < 0 ? NULL : fdopendir(copy);
	while (d && (e = readdir(d)) != NULL)
		if (hex_is_exactly(e->d_name, 64) && !store_has(st, STORE_CONTAINERS, e->d_name) &&
		    rmtree(store_runtime_fd(st), e->d_name) < 0)
			err_drop();
}

/*
 * A name whose container never came into being, or went away. Names are written under the lock: a
 * temporary file that is there while we hold it is a dead writer's.
 */
static void drop_dangling_names(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int lock = -EBADF;
	int locks = store_fd(st, STORE_LOCKS), dir = store_fd(st, STORE_NAMES);

	if (locks < 0 || dir < 0 || store_names(st, STORE_NAMES, &names) < 0) {
		err_drop();
		return;
	}
	lock = lock_try_open(locks, "names", LOCK_EXCLUSIVE);
	if (lock >= 0)
		drop_temporaries(dir, 0);
	for (size_t i = 0; lock >= 0 && i < names.n; i++) {
		char id[65];
		int r = store_name_holder(st, names.v[i], id);

		/* What a power loss left of a record that was not made durable names nothing. */
		if (r == -CE_CORRUPT || (r == 0 && !store_has(st, STORE_CONTAINERS, id)))
			(void)unlinkat(dir, names.v[i], 0);
	}
	err_drop();
}

/* Whoever deletes something holds a lock on its directory: a monitor does, behind everybody's back. */
static int delete_one(int trash, const char *name)
{
	AUTO_CLOSE int fd = openat(trash, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	r = rmtree(trash, name);
	if (r != -EBUSY)
		return r;
	err_drop(); /* somebody has a file of it open: it goes later */
	return 0;
}

static bool is_being_deleted(int trash, const char *name)
{
	AUTO_CLOSE int fd = openat(trash, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? errno == ENOENT : flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int store_trash_delete(struct store *st, const char *name)
{
	int trash = store_fd(st, STORE_TRASH), r = trash < 0 ? trash : delete_one(trash, name);

	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	return r;
}

/* All of it, also what a reset that did not come to its end has moved up there under a name of its own. */
int store_trash_names(struct store *st, struct strv *ret)
{
	int trash = store_fd(st, STORE_TRASH);

	return trash < 0 ? trash : dir_names(trash, ret);
}

int store_empty_trash(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int trash = store_fd(st, STORE_TRASH), worst = 0, r;

	if (trash < 0)
		return trash;
	r = store_trash_names(st, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		int one = delete_one(trash, names.v[i]);

		if (one < 0)
			worst = one;
	}
	drop_dangling_names(st);
	drop_orphaned_runtime(st);
	drop_free_locks(st);
	drop_probes(st);
	drop_temporaries(store_fd(st, STORE_REFS), TEMPORARY_AGE_S);
	if (r == 0)
		r = stage_sweep(st, false);
	return r < 0 ? r : worst;
}

bool store_trash_is_empty(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int trash = store_fd(st, STORE_TRASH);
	bool empty = trash >= 0 && store_trash_names(st, &names) == 0;

	for (size_t i = 0; empty && i < names.n; i++)
		empty = is_being_deleted(trash, names.v[i]);
	empty = empty && stage_sweep(st, true) == 0;
	err_drop();
	return empty;
}
