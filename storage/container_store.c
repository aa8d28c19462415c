/* SPDX-License-Identifier: MIT */
/*
 * Names    names/<name> is made before the container's directory appears and removed after it went,
 *          so a container is never without its name. What a crash leaves is a name that points at no
 *          container: readers take it for free, a claimer replaces it, the trash sweep removes it.
 *          All changes below names/ are made under locks/names, held for a few system calls.
 * Locks    locks/ctr-<id>, removed with the container; who waited for it then finds no container.
 */
#include "storage/container_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/rmtree.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define RECORD "record.json"
#define RECORD_MAX (16UL << 20)

void container_dirs_done(struct container_dirs *d)
{
	closep(&d->data_fd);
	closep(&d->runtime_fd);
	free(d->data_path);
	free(d->runtime_path);
	d->data_path = d->runtime_path = NULL;
}

static bool id_is_valid(const char *s)
{
	return strlen(s) == 64 && hex_is_valid(s, 64);
}

static int check_id(const char *id)
{
	return id_is_valid(id) ? 0 : err_usage("'%s' is not a container id", id);
}

static int check_name(const char *name)
{
	if (!name_is_valid(name))
		return err_usage("'%s' is not a container name: letters, digits and _ . - after "
				 "the first, at most 128",
				 name);
	return 0;
}

int store_name_holder(struct store *st, const char *name, char ret_id[65])
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_NAMES), r;

	if (dir < 0)
		return dir;
	r = file_read_at(dir, name, 128, &b);
	if (r == -ENOENT)
		err_drop();
	if (r < 0)
		return r;
	sbuf_trim_end(&b, "\n");
	if (!id_is_valid(b.s))
		return err_new(-CE_CORRUPT, "names/%s holds no id", name);
	memcpy(ret_id, b.s, 65);
	return 0;
}

static int lock_names(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "names", LOCK_EXCLUSIVE);
}

/* With the lock held. A name of a container that is not there is free. */
static int claim_name(struct store *st, const char *name, const char *id, enum file_sync sync)
{
	char holder[65], line[66];
	int dir = store_fd(st, STORE_NAMES), r;

	if (dir < 0)
		return dir;
	r = store_name_holder(st, name, holder);
	if (r == 0 && strcmp(holder, id) == 0)
		return 0;
	if (r == 0 && store_has(st, STORE_CONTAINERS, holder))
		return err_new(-CE_NAME_IN_USE, "name %s belongs to container %.12s", name, holder);
	if (r < 0 && r != -ENOENT)
		err_drop(); /* what cannot be read names no container: replaced */
	memcpy(line, id, 64);
	line[64] = '\n';
	return file_replace(dir, name, line, 65, 0600, sync);
}

static void free_name(struct store *st, const char *name, const char *id)
{
	char holder[65];
	int dir = store_fd(st, STORE_NAMES);

	if (dir >= 0 && store_name_holder(st, name, holder) == 0 && strcmp(holder, id) == 0)
		(void)unlinkat(dir, name, 0);
	else
		err_drop();
}

static int open_runtime(struct store *st, const char *id, bool create, struct container_dirs *d)
{
	d->runtime_fd = private_dir_at(store_runtime_fd(st), id, create);
	if (d->runtime_fd == -ENOENT && !create)
		return 0;
	if (d->runtime_fd < 0)
		return err_wrap(d->runtime_fd, "in %s", store_runroot(st));
	d->runtime_path = path_join(store_runroot(st), id);
	return 0;
}

/* mkdirat() minds the umask. */
static int make_plain_dir(int dir, const char *name, mode_t mode)
{
	if (mkdirat(dir, name, 0700) < 0 || fchmodat(dir, name, mode, 0) < 0)
		return err_new(-errno, "make directory %s", name);
	return 0;
}

static int fill_stage(struct stage *s, const char *record, size_t n, enum file_sync sync)
{
	int r = make_plain_dir(s->fd, "upper", CONTAINER_UPPER_FRESH);

	if (r == 0)
		r = make_plain_dir(s->fd, "work", 0700);
	if (r == 0)
		r = file_create(s->fd, RECORD, record, n, 0600, sync);
	return r;
}

static int publish(struct store *st, struct stage *s, const char *id, const char *name,
		   bool durable)
{
	AUTO_CLOSE int lock = lock_names(st);
	int r;

	if (lock < 0)
		return lock;
	r = claim_name(st, name, id, durable ? FILE_SYNC : FILE_NO_SYNC);
	if (r < 0)
		return r;
	crash_point("container-named");
	r = stage_commit(st, s, STORE_CONTAINERS, id, durable);
	if (r == -EEXIST)
		return err_new(-CE_NAME_IN_USE, "container id %s", id);
	if (r < 0)
		free_name(st, name, id);
	return r;
}

int container_store_create(struct store *st, const char *id, const char *name, const char *record,
			   size_t n, bool durable, struct container_dirs *ret)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	struct stage s = STAGE_INIT;
	int r = check_id(id);

	if (r == 0)
		r = check_name(name);
	if (r == 0)
		r = stage_begin(st, &s);
	if (r < 0)
		return r;
	r = fill_stage(&s, record, n, durable ? FILE_SYNC : FILE_NO_SYNC);
	crash_point("container-staged");
	if (r == 0) {
		d.data_fd = fcntl(s.fd, F_DUPFD_CLOEXEC, 3);
		r = d.data_fd < 0 ? err_new(-errno, "dup") : publish(st, &s, id, name, durable);
	}
	if (r < 0)
		stage_abort(st, &s);
	else
		r = open_runtime(st, id, true, &d);
	if (r < 0) {
		container_dirs_done(&d);
		return err_wrap(r, "create container %s", name);
	}
	d.data_path = store_path(st, STORE_CONTAINERS, id);
	*ret = d;
	return 0;
}

static int open_dirs(struct store *st, const char *id, bool create_runtime,
		     struct container_dirs *ret)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	d.data_fd = private_dir_at(dir, id, false);
	if (d.data_fd == -ENOENT)
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	if (d.data_fd < 0)
		return d.data_fd;
	r = open_runtime(st, id, create_runtime, &d);
	if (r < 0) {
		container_dirs_done(&d);
		return r;
	}
	d.data_path = store_path(st, STORE_CONTAINERS, id);
	*ret = d;
	return 0;
}

int container_store_open(struct store *st, const char *id, struct container_dirs *ret)
{
	return open_dirs(st, id, true, ret);
}

int container_store_look(struct store *st, const char *id, struct container_dirs *ret)
{
	return open_dirs(st, id, false, ret);
}

bool container_store_has_run(struct store *st, const char *id)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/state", id);
	return faccessat(store_runtime_fd(st), path, F_OK, 0) == 0;
}

int container_store_list(struct store *st, struct strv *ret_ids)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_CONTAINERS, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (id_is_valid(names.v[i]))
			strv_add(ret_ids, names.v[i]);
	return r;
}

static int resolve_prefix(struct store *st, const char *prefix, char ret_id[65])
{
	AUTO_STRV struct strv ids = STRV_INIT;
	const char *found = NULL;
	size_t n = strlen(prefix);
	int r = container_store_list(st, &ids);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		if (strncmp(ids.v[i], prefix, n) != 0)
			continue;
		if (found)
			return err_new(-CE_AMBIGUOUS, "%s", prefix);
		found = ids.v[i];
	}
	if (!found)
		return err_new(-CE_NO_CONTAINER, "%s", prefix);
	memcpy(ret_id, found, 65);
	return 0;
}

int container_store_resolve(struct store *st, const char *name_or_id, char ret_id[65])
{
	char id[65];
	int r;

	if (name_is_valid(name_or_id)) {
		r = store_name_holder(st, name_or_id, id);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && store_has(st, STORE_CONTAINERS, id)) {
			memcpy(ret_id, id, 65);
			return 0;
		}
	}
	if (hex_is_valid(name_or_id, 64))
		return resolve_prefix(st, name_or_id, ret_id);
	return err_new(-CE_NO_CONTAINER, "%s", name_or_id);
}

int container_store_read(struct store *st, const char *id, struct sbuf *ret_record)
{
	AUTO_FREE char *path = NULL;
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);
	size_t before = ret_record->len;

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	path = path_join(id, RECORD);
	r = file_read_at(dir, path, RECORD_MAX, ret_record);
	if (r == -ENOENT || (r == 0 && ret_record->len == before))
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	return r;
}

int container_store_write(struct store *st, const char *id, const char *record, size_t n)
{
	AUTO_CLOSE int fd = -EBADF;
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	fd = private_dir_at(dir, id, false);
	if (fd == -ENOENT)
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	return fd < 0 ? fd : file_replace(fd, RECORD, record, n, 0600, FILE_SYNC);
}

int container_store_name(struct store *st, const char *id, const char *old_name,
			 const char *new_name)
{
	AUTO_CLOSE int lock = -EBADF;
	int r = check_id(id);

	if (r == 0)
		r = check_name(new_name);
	if (r < 0)
		return r;
	lock = lock_names(st);
	if (lock < 0)
		return lock;
	r = claim_name(st, new_name, id, FILE_SYNC);
	if (r == 0 && old_name && strcmp(old_name, new_name) != 0)
		free_name(st, old_name, id);
	return r;
}

int container_store_remove(struct store *st, const char *id, const char *name)
{
	AUTO_CLOSE int lock = -EBADF;
	char lock_file[72];
	int r = check_id(id);

	if (r < 0)
		return r;
	lock = lock_names(st);
	if (lock < 0)
		return lock;
	r = store_trash(st, STORE_CONTAINERS, id);
	if (r == -ENOENT)
		err_drop(); /* an earlier attempt came this far */
	else if (r < 0)
		return r;
	crash_point("container-trashed");
	if (name)
		free_name(st, name, id);
	closep(&lock);
	(void)snprintf(lock_file, sizeof(lock_file), "ctr-%s", id);
	store_drop_lock(st, lock_file);
	return rmtree(store_runtime_fd(st), id);
}

int container_store_lock(struct store *st, const char *id)
{
	AUTO_CLOSE int fd = -EBADF;
	char lock_file[72];
	int locks = store_fd(st, STORE_LOCKS), r = check_id(id);

	if (r < 0 || locks < 0)
		return r < 0 ? r : locks;
	(void)snprintf(lock_file, sizeof(lock_file), "ctr-%s", id);
	fd = lock_open(locks, lock_file, LOCK_EXCLUSIVE);
	if (fd < 0)
		return fd;
	if (!store_has(st, STORE_CONTAINERS, id)) {
		store_drop_lock(st, lock_file);
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	}
	return TAKE_FD(fd);
}
